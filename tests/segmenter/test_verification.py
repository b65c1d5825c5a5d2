"""A release is looked at again before anybody is served by it: whole, finite, of one piece, and the same in ONNX."""

import json
import math
import shutil
from pathlib import Path

import pytest

from segmenter import manifest as names
from segmenter.checkpoint import load_weights, model_of, save_weights
from segmenter.export import session
from segmenter.manifest import Manifest, file_digest, read_manifest
from segmenter.verification import decoder_parity, same_architecture, verify_release


@pytest.fixture
def copy(exported_release: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported_release, tmp_path / "copy"))


def resigned(folder: Path, **changes: object) -> Manifest:
    """Writes the manifest anew with the digests of the files as they are now: a forger's hand."""
    manifest = read_manifest(folder) | changes
    for name in manifest["files"]:
        manifest["files"][name]["digest"] = file_digest(folder / name)
    (folder / names.MANIFEST).write_text(json.dumps(manifest))
    return manifest


def test_a_sound_release_has_nothing_against_it(exported_release: Path) -> None:
    manifest = read_manifest(exported_release)
    found = verify_release(exported_release, manifest, manifest["digest"])
    assert "another release" in verify_release(exported_release, manifest, "0" * 64).refusal
    assert (found.refusal, found.finite, found.same_architecture) == ("", True, True)
    assert found.logits is not None and found.logits < 2e-3 and found.iou is not None and found.iou > 0.995


@pytest.mark.parametrize("name", [names.WEIGHTS, names.DECODER, names.MANIFEST])
@pytest.mark.parametrize("harm", ["missing", "truncated", "flipped"])
def test_a_harmed_file_is_refused(copy: Path, name: str, harm: str) -> None:
    like, content = read_manifest(copy), bytearray((copy / name).read_bytes())
    if harm == "missing":
        (copy / name).unlink()
    else:
        place = content.index(b'"digest"') + 14 if name == names.MANIFEST else len(content) * 2 // 3
        content[place] ^= 1
        (copy / name).write_bytes(content if harm == "flipped" else content[: len(content) // 2])
    assert verify_release(copy, like).refusal


def test_weights_that_are_no_numbers_are_told(copy: Path) -> None:
    state, config = load_weights(copy / names.WEIGHTS)
    next(value for name, value in state.items() if name.startswith("mask_decoder."))[...] = math.nan
    save_weights(copy / names.WEIGHTS, state, config)
    found = verify_release(copy, resigned(copy))
    assert (found.refusal, found.finite) == ("", False)


def test_another_architecture_is_told(exported_release: Path) -> None:
    manifest = read_manifest(exported_release)
    assert same_architecture(manifest, manifest | {"name": "other", "version": "9", "digest": "0" * 64})
    for field, value in (("frame", 128), ("embedding", {}), ("config", manifest["config"] | {"logits": 16})):
        assert not same_architecture(manifest, manifest | {field: value})


def test_weights_of_another_shape_are_refused(copy: Path) -> None:
    state, config = load_weights(copy / names.WEIGHTS)
    name = next(name for name, value in state.items() if value.ndim == 2)
    state[name] = state[name][:-1]
    save_weights(copy / names.WEIGHTS, state, config)
    assert "of another shape" in verify_release(copy, resigned(copy)).refusal


def test_other_weights_under_the_same_name_are_refused(copy: Path) -> None:
    state, config = load_weights(copy / names.WEIGHTS)
    other = {name: value * 1.5 if name.startswith("mask_decoder.") else value for name, value in state.items()}
    save_weights(copy / names.WEIGHTS, other, config)
    assert "does not describe these weights" in verify_release(copy, resigned(copy)).refusal
    difference, _ = decoder_parity(model_of(other, config), session(copy / names.DECODER))
    assert difference > 2e-3, "the decoder of other weights answers otherwise"


def test_a_decoder_of_another_release_is_refused(copy: Path) -> None:
    found = verify_release(copy, resigned(copy, version="8"))
    assert found.refusal == f"{names.DECODER} belongs to another model"


def test_a_decoder_that_takes_other_inputs_is_refused(copy: Path) -> None:
    import onnx

    graph = onnx.load(copy / names.DECODER)
    graph.graph.input[0].name = "something_else"
    for node in graph.graph.node:
        node.input[:] = ["something_else" if name == _first(copy) else name for name in node.input]
    onnx.save(graph, copy / names.DECODER)
    assert "cannot be run" in verify_release(copy, resigned(copy)).refusal


def _first(folder: Path) -> str:
    return next(iter(read_manifest(folder)["embedding"]))
