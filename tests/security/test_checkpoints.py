"""Weights files of strangers: each attack is refused with one line, runs nothing, and leaves the reader healthy."""

import ast
import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from segmenter import checkpoint, foreign, pickled, tensor_file
from segmenter.checkpoint import InvalidCheckpoint
from segmenter.limited import Child, Stopped
from tests.security.hostile_checkpoints import HOSTILE, harmless, hashed_for_ever

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    """One child reads the whole corpus, so a file that breaks it is noticed by all that follow."""
    with Child("segmenter.foreign:convert", replace(foreign.limits(1 << 20), cpu_seconds=20)) as made:
        yield made


def converted(child: Child, file: Path) -> str | None:
    refusal, _ = child.call(source=str(file), target=str(file.with_name("out.safetensors")))
    assert refusal is None or isinstance(refusal, str)
    return refusal


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_checkpoint_is_refused_and_nothing_runs(name: str, child: Child, tmp_path: Path) -> None:
    canary, file = tmp_path / "canary", tmp_path / "hostile.pth"
    HOSTILE[name](file, f"touch {canary}")
    refusal = converted(child, file)
    assert refusal and "\n" not in refusal.strip() and len(refusal) < 600
    assert not canary.exists() and not (tmp_path / "out.safetensors").exists()
    harmless(file)
    assert converted(child, file) is None, "the child reads an honest file after it"
    assert load_file(tmp_path / "out.safetensors")["a"].tolist() == [0, 0, 0, 0]


def test_the_corpus_is_large_enough() -> None:
    assert len(HOSTILE) >= 25


@pytest.mark.slow
def test_work_without_end_is_stopped(tmp_path: Path) -> None:
    file = tmp_path / "endless.pth"
    hashed_for_ever(file)
    limits = replace(foreign.limits(file.stat().st_size), cpu_seconds=3)
    with Child("segmenter.foreign:convert", limits) as child, pytest.raises(Stopped, match="time"):
        converted(child, file)


@pytest.mark.parametrize("name", ["os_system", "stride_outside_the_storage"])
def test_the_whole_way_gives_one_clear_error(name: str, tmp_path: Path) -> None:
    canary, file = tmp_path / "canary", tmp_path / "hostile.pth"
    HOSTILE[name](file, f"touch {canary}")
    with pytest.raises(InvalidCheckpoint, match=r"hostile\.pth is refused: "):
        checkpoint.load_model(file)
    assert not canary.exists()


def header(file: Path, entries: object, data: bytes = bytes(16)) -> Path:
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return file


def entry(first: int = 0, last: int = 16, shape: object = (4,), dtype: object = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [first, last]}


HEADERS: dict[str, tuple[object, str]] = {
    "a gap": ({"a": entry(4, 16, [3])}, "gap or overlap"),
    "an overlap": ({"a": entry(), "b": entry(8, 16, [2])}, "gap or overlap"),
    "bytes without a name": ({"a": entry(0, 8, [2])}, "end at byte 8 of 16"),
    "a shape that lies": ({"a": entry(0, 16, [400])}, "its shape 1600"),
    "an exbibyte": ({"a": entry(0, 1 << 60, [1 << 58])}, "end at byte"),
    "an overflow": ({"a": entry(0, 16, [1 << 62, 4])}, "its shape"),
    "a negative side": ({"a": entry(0, 16, [-4])}, "no possible shape"),
    "a fraction": ({"a": entry(0, 16, [4.0])}, "no possible shape"),
    "many sides": ({"a": entry(0, 16, [1] * 9)}, "no possible shape"),
    "an unknown type": ({"a": entry(dtype="PICKLE")}, "unknown type"),
    "something else in it": ({"a": entry() | {"file": "/etc/passwd"}}, "not described"),
    "metadata that are no texts": ({"a": entry(), "__metadata__": {"x": 1}}, "table of texts"),
    "one name twice": (b'{"a":{"dtype":"F32"},"a":{"dtype":"F32"}}', "twice"),
    "no number": (b'{"a":NaN}', "NaN"),
    "a list": ([], "no table"),
    "depth": (b"[" * 100_000, "nested"),
    "no text": (b"\xff\xfe{}", "decode"),
    "many tensors": ({f"t{i}": entry(16 * (i > 0), 16, [0] if i else [4]) for i in range(20_001)}, "more than 20000"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_lying_safetensors_header_is_refused(name: str, tmp_path: Path) -> None:
    entries, reason = HEADERS[name]
    file = header(tmp_path / "a.safetensors", entries)
    with pytest.raises(ValueError, match=reason):
        tensor_file.check_tensor_file(file)
    with pytest.raises(InvalidCheckpoint):
        checkpoint.load_weights(file)


@pytest.mark.parametrize("length", [0, 1, 9 * 1024 * 1024, 1 << 40, (1 << 64) - 1])
def test_an_impossible_header_length_is_refused(length: int, tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    file.write_bytes(struct.pack("<Q", length) + b"{}" + bytes(10_000_000))
    with pytest.raises(ValueError, match="cut off or longer"):
        tensor_file.check_tensor_file(file)


def test_honest_headers_pass(tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    types = (torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.bool, torch.uint8)
    tensors = {str(kind): torch.zeros(3, 5, dtype=kind) for kind in types} | {"empty": torch.zeros(0, 3)}
    save_file({**tensors, "scalar": torch.tensor(1.0)}, file, {"kept": "text"})
    assert tensor_file.check_tensor_file(file) == {"kept": "text"}


def test_weights_are_never_unpickled_here() -> None:
    """Two places alone call torch's loader, and say that they want weights; nothing widens what that loader takes."""
    calls = []
    for room in ("segmenter", "backend", "workers", "benchmarks", "migrations"):
        for file in (ROOT / room).rglob("*.py"):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            imported = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
            assert "add_safe_globals" not in names and "pickle" not in imported, file
            calls += [
                (file.name, {word.arg: ast.unparse(word.value) for word in node.keywords})
                for node in ast.walk(tree)
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
            ]
    assert {name for name, _ in calls} == {"foreign.py", "state.py"}
    assert all(words.get("weights_only") == "True" for _, words in calls)
    assert not any(name.startswith(("os", "builtins", "posix")) for name in pickled.NAMES)
