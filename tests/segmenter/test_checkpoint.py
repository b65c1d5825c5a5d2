"""Weights on disk: what was saved comes back, official checkpoints are recognised, everything else is refused."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from segmenter import checkpoint, foreign, manifest
from segmenter.build import build
from segmenter.checkpoint import InvalidCheckpoint
from segmenter.config import MODEL_CONFIGS, ModelConfig, to_dict
from segmenter.limited import Child
from segmenter.recognition import name_of
from segmenter.resolution import resized
from tests.segmenter import golden
from tests.segmenter.golden import SMALL

CONFIGS = {"starter": MODEL_CONFIGS["starter"], "small": SMALL}


def light(shapes: dict[str, list[int]]) -> dict[str, Tensor]:
    """Tensors of the given shapes that all share one number: an official checkpoint's form in a few kilobytes."""
    return {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_what_was_saved_comes_back_in_half_precision(config: ModelConfig, tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = build(config).state_dict()
    file = tmp_path / "model.safetensors"
    checkpoint.save_weights(file, state, config)
    model = checkpoint.load_model(file)
    assert model.config == config
    assert not model.training
    for name, value in model.state_dict().items():
        assert value.device.type == "cpu"
        expected = state[name].half().float() if state[name].ndim > 1 else state[name]
        assert torch.equal(value, expected), name


@pytest.mark.parametrize("name", ["vit_b", "vit_l", "vit_h", "vit_t"])
def test_official_checkpoints_are_recognised_and_fit(name: str) -> None:
    state = light(golden.read("sam/manifests.json")[name]["tensors"])
    counts = {key: value.long() for key, value in state.items() if key.endswith("num_batches_tracked")}
    assert checkpoint.recognise(state) == MODEL_CONFIGS[name]
    assert checkpoint.model_of(state | counts, MODEL_CONFIGS[name]).config == MODEL_CONFIGS[name]


def test_every_size_of_a_plain_vit_is_recognised() -> None:
    state = build(SMALL).state_dict()
    assert checkpoint.recognise(state) == SMALL
    assert name_of(SMALL) == "sam" and name_of(MODEL_CONFIGS["vit_h"]) == "vit_h"
    with torch.device("meta"):
        larger, config = resized(build(MODEL_CONFIGS["vit_b"]).state_dict(), MODEL_CONFIGS["vit_b"], 512)
    assert checkpoint.recognise(larger) == config and name_of(config) == "vit_b-512"
    uneven = state | {"image_encoder.blocks.2.attn.rel_pos_h": torch.zeros(21, 32)}
    with pytest.raises(InvalidCheckpoint, match="no Segment Anything model"):
        checkpoint.recognise(uneven)


@pytest.fixture(scope="module")
def official() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return dict(build(MODEL_CONFIGS["vit_t"]).state_dict())


def test_an_official_file_loads_whatever_its_kind(official: dict[str, Tensor], tmp_path: Path) -> None:
    pickled, halved = tmp_path / "mobile_sam.pt", tmp_path / "halved.safetensors"
    checkpoint.save_official(pickled, official, MODEL_CONFIGS["vit_t"])
    save_file({key: value.half() if value.is_floating_point() else value for key, value in official.items()}, halved)
    model = checkpoint.load_model(pickled)
    assert model.config == MODEL_CONFIGS["vit_t"] and not model.training
    assert all(torch.equal(value, official[key]) for key, value in model.state_dict().items())
    for key, value in checkpoint.load_model(halved).state_dict().items():
        whole = official[key].half().float() if official[key].is_floating_point() else official[key]
        assert value.dtype == official[key].dtype and torch.equal(value, whole)


def test_the_official_layout_is_what_the_reference_loads(official: dict[str, Tensor], tmp_path: Path) -> None:
    file = tmp_path / "mobile_sam.pth"
    checkpoint.save_official(file, official, MODEL_CONFIGS["vit_t"])
    table = torch.load(file, weights_only=True)
    assert {key: list(value.shape) for key, value in table.items()} == golden.read("sam/manifests.json")["vit_t"][
        "tensors"
    ]
    assert type(table) is dict and {value.dtype for value in table.values()} == {torch.float32, torch.int64}
    with pytest.raises(InvalidCheckpoint, match="no official layout"):
        checkpoint.save_official(file, official, MODEL_CONFIGS["starter"])


def test_full_precision_keeps_every_bit(tmp_path: Path) -> None:
    torch.manual_seed(0)
    state, file = build(SMALL).state_dict(), tmp_path / "full.safetensors"
    checkpoint.save_weights(file, state, SMALL, "full")
    loaded, config = checkpoint.load_weights(file)
    assert config == SMALL and all(torch.equal(loaded[name], value) for name, value in state.items())


def test_weights_that_do_not_fit_are_listed() -> None:
    state = dict(build(SMALL).state_dict())
    del state["mask_decoder.iou_token.weight"]
    state["mask_decoder.mask_tokens.weight"] = torch.zeros(5, 256)
    state["extra.weight"] = torch.zeros(1)
    state["mask_decoder.transformer.norm_final_attn.bias"] = torch.zeros(256, dtype=torch.int64)
    with pytest.raises(InvalidCheckpoint) as error:
        checkpoint.model_of(state, SMALL)
    assert "1 missing: mask_decoder.iou_token.weight" in str(error.value)
    assert "1 unexpected: extra.weight" in str(error.value)
    assert "mask_decoder.mask_tokens.weight (5, 256) instead of (4, 256)" in str(error.value)
    assert "norm_final_attn.bias torch.int64 instead of torch.float32" in str(error.value)
    with pytest.raises(InvalidCheckpoint, match=r"202 missing: .* and 194 more"):
        checkpoint.model_of({"x": torch.zeros(1)}, SMALL)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"image_encoder.features.0.weight": torch.zeros(1)}, "EdgeSAM"),
        ({"image_encoder.backbone.x": torch.zeros(1)}, "EfficientViT"),
        ({"image_encoder.pos_embed": torch.zeros(1), "mask_decoder.hf_token.weight": torch.zeros(1)}, "HQ-SAM"),
        ({"image_encoder.pos_embed": torch.zeros(1, 64, 64, 384)}, "has no image_encoder.patch_embed"),
        ({"image_encoder.pos_embed": torch.zeros(1, 197, 192)}, r"the shape \(1, 197, 192\)"),
        ({"fc.weight": torch.zeros(1)}, "no Segment Anything checkpoint"),
    ],
)
def test_other_families_are_named(state: dict[str, Tensor], reason: str) -> None:
    with pytest.raises(InvalidCheckpoint, match=reason):
        checkpoint.recognise(state)


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    """The process in which strangers' files are read."""
    with Child("segmenter.foreign:convert", foreign.limits(1 << 20)) as made:
        yield made


def converted(child: Child, file: Path) -> str | None:
    refusal, _ = child.call(source=str(file), target=str(file.with_name("out.safetensors")))
    assert refusal is None or isinstance(refusal, str)
    return refusal


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"model": {"a": torch.zeros(1)}}, "EfficientSAM or SAM 2"),
        ({"a": 3}, "not a tensor"),
        ({"a": torch.zeros(2, 2).to_sparse()}, "no table of tensors needs"),
        ({"a": torch.zeros(2, dtype=torch.complex64)}, "no table of tensors needs"),
        ([torch.zeros(1)], "no table"),
        ({}, "no table"),
    ],
)
def test_only_flat_tables_of_dense_tensors_are_weights(content: Any, reason: str, child: Child, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "odd.pth")
    refusal = converted(child, tmp_path / "odd.pth")
    assert refusal and reason in refusal


@pytest.mark.parametrize("name", ["a.pth", "a.pt", "a.safetensors", "a.bin"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x02}q\x00.", b"\xff" * 64, b"{}"])
def test_other_files_are_refused(name: str, content: bytes, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(InvalidCheckpoint):
        checkpoint.load_model(file)


def test_a_damaged_checkpoint_is_refused_or_read_but_nothing_else(child: Child, tmp_path: Path) -> None:
    file, draw = tmp_path / "damaged.pth", random.Random(0)
    torch.save({"a": torch.zeros(3, 3), "b": torch.ones(2)}, file)
    whole, refused = file.read_bytes(), 0
    for _ in range(300):
        content = bytearray(whole)
        for _ in range(draw.choice((1, 1, 3, 10))):
            content[draw.randrange(len(content))] = draw.randrange(256)
        file.write_bytes(content[: draw.randrange(len(content))] if draw.random() < 0.2 else content)
        refused += converted(child, file) is not None
    file.write_bytes(whole)
    assert converted(child, file) is None
    assert 50 < refused < 300


def test_a_foreign_safetensors_file_is_no_weights_file(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    save_file({"a": torch.zeros(1)}, file)
    with pytest.raises(InvalidCheckpoint, match="not a maskmill-weights/1 file"):
        checkpoint.load_weights(file)
    for config in ("", "[]", '{"family": "sam", "unknown": 1}'):
        save_file({"a": torch.zeros(1)}, file, {"format": checkpoint.WEIGHTS_FORMAT, "config": config})
        with pytest.raises(InvalidCheckpoint, match="describes no model"):
            checkpoint.load_weights(file)


def release(folder: Path, config: ModelConfig = SMALL) -> Path:
    """A release folder as far as loading needs it: weights and manifest."""
    folder.mkdir()
    weights = folder / manifest.WEIGHTS
    checkpoint.save_weights(weights, build(config).state_dict(), config)
    file = {"digest": manifest.file_digest(weights), "bytes": weights.stat().st_size}
    texts = {"format": manifest.FORMAT, "name": "small", "version": "1", "digest": "d" * 64, "encoder_digest": "e" * 64}
    sizes = {"frame": config.frame, "logits": config.logits, "mask_threshold": 0.0}
    tables = {"config": to_dict(config), "preprocessing": {}, "embedding": {}}
    values = texts | sizes | tables | {"files": dict.fromkeys(manifest.NEEDED, file)}
    (folder / manifest.MANIFEST).write_text(json.dumps(values), encoding="utf-8")
    return folder


def test_a_release_loads_ready_to_predict(tmp_path: Path) -> None:
    loaded = checkpoint.load_release(release(tmp_path / "r"))
    assert loaded.model.config == SMALL
    assert loaded.manifest["name"] == "small"
    assert not loaded.model.training


def test_a_damaged_or_mixed_release_is_refused(tmp_path: Path) -> None:
    folder = release(tmp_path / "damaged")
    weights = folder / manifest.WEIGHTS
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(manifest.InvalidRelease, match="not the file"):
        checkpoint.load_release(folder)
    weights.unlink()
    with pytest.raises(manifest.InvalidRelease, match="missing"):
        checkpoint.load_release(folder)
    mixed = release(tmp_path / "mixed")
    text = (mixed / manifest.MANIFEST).read_text(encoding="utf-8")
    (mixed / manifest.MANIFEST).write_text(text.replace('"family": "sam"', '"family": "starter"'), encoding="utf-8")
    with pytest.raises(manifest.InvalidRelease, match="another model"):
        checkpoint.load_release(mixed)


def test_digests_depend_on_names_types_shapes_bytes_and_salt_but_not_on_order() -> None:
    state = {"a.x": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(1), "c": torch.zeros(0)}
    digest = checkpoint.state_digest(state)
    assert digest == checkpoint.state_digest(dict(reversed(state.items())))
    assert digest == checkpoint.state_digest({**state, "a.x": state["a.x"].T.contiguous().T})
    others = [
        checkpoint.state_digest(state, salt="s"),
        checkpoint.state_digest(state, "a."),
        checkpoint.state_digest({**state, "a.x": state["a.x"].reshape(3, 2)}),
        checkpoint.state_digest({**state, "a.x": state["a.x"].double()}),
        checkpoint.state_digest({**state, "a.x": state["a.x"] + 1}),
        checkpoint.state_digest({"a.y": state["a.x"], "b": state["b"], "c": state["c"]}),
    ]
    assert len({digest, *others}) == 7
    assert checkpoint.state_digest(state, "a.") == checkpoint.state_digest({"a.x": state["a.x"]})
    bfloat = {"x": torch.ones(3, dtype=torch.bfloat16)}
    assert len(checkpoint.state_digest(bfloat)) == 64
