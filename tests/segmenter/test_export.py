"""A release folder: graphs that give torch's numbers, digests that name what they say, metadata for the browser."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from segmenter.build import build
from segmenter.checkpoint import load_release, save_weights
from segmenter.config import MODEL_CONFIGS
from segmenter.export import METADATA_KEY, ParityError, check_parity, describe, session, write_release
from segmenter.manifest import STARTER, InvalidRelease, find_weights, read_manifest, shipped, verify
from segmenter.modeling.starter import Starter
from segmenter.resolution import framed
from tests.segmenter.test_starter import TINY


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    torch.manual_seed(1)
    save_weights(folder / "weights.safetensors", Starter(TINY).state_dict(), TINY)
    write_release(folder / "weights.safetensors", "tiny", "7", folder / "tiny")
    return folder / "tiny"


def test_the_manifest_describes_the_model(release: Path) -> None:
    manifest = verify(release)
    assert (manifest["name"], manifest["version"], manifest["frame"], manifest["logits"]) == ("tiny", "7", 64, 32)
    assert manifest["embedding"]["level_4"] == [32, 16, 16]
    loaded = load_release(release)
    assert loaded.manifest == manifest and loaded.model.config == TINY and not loaded.model.training


def test_the_graphs_carry_the_release(release: Path) -> None:
    manifest = read_manifest(release)
    for name in ("encoder.onnx", "decoder.onnx"):
        properties = {entry.key: entry.value for entry in onnx.load(release / name).metadata_props}
        told = json.loads(properties[METADATA_KEY])
        assert told == {key: value for key, value in manifest.items() if key != "files"}


@pytest.mark.parametrize("points", [1, 2, 5, 40])
def test_the_shipped_files_answer_like_torch(release: Path, points: int) -> None:
    model = load_release(release).model
    generator = torch.Generator().manual_seed(points)
    pixels = torch.randn(1, 3, 64, 64, generator=generator)
    encoder, decoder = session(release / "encoder.onnx"), session(release / "decoder.onnx")
    with torch.inference_mode():
        embedding = model.embed(pixels)
        encoded = dict(zip(embedding, encoder.run(list(embedding), {"pixels": pixels.numpy()}), strict=True))
        coords = torch.rand(1, points, 2, generator=generator) * 64
        labels = torch.randint(-1, 4, (1, points), generator=generator).float()
        mask = torch.randn(1, 1, 32, 32, generator=generator)
        logits, iou = model.decode(embedding, coords, labels, mask, torch.ones(1))
    feeds = encoded | {"point_coords": coords.numpy(), "point_labels": labels.numpy()}
    feeds |= {"mask_input": mask.numpy(), "has_mask_input": np.ones(1, np.float32)}
    low_res, scores = decoder.run(["low_res_masks", "iou_predictions"], feeds)
    assert np.abs(low_res - logits.numpy()).max() < 5e-3 * max(1, float(logits.abs().max()))
    assert np.abs(scores - iou.numpy()).max() < 5e-3


def test_graphs_of_other_weights_are_caught(release: Path) -> None:
    encoder, decoder = (onnx.load(release / name) for name in ("encoder.onnx", "decoder.onnx"))
    model = load_release(release).model
    assert max(check_parity(model, encoder, decoder).values()) < 0.01
    with torch.no_grad():
        next(model.image_encoder.parameters()).mul_(1.5)
    with pytest.raises(ParityError, match="differs from torch"):
        check_parity(model, encoder, decoder)


def test_the_encoder_digest_changes_with_the_encoder_only(tmp_path: Path, release: Path) -> None:
    model = load_release(release).model
    before = describe(model, "a", "1")
    with torch.no_grad():
        next(model.mask_decoder.parameters()).add_(1)
    decoder_changed = describe(model, "a", "2")
    with torch.no_grad():
        next(model.image_encoder.parameters()).add_(1)
    encoder_changed = describe(model, "a", "3")
    assert before["encoder_digest"] == decoder_changed["encoder_digest"] != encoder_changed["encoder_digest"]
    assert len({entry["digest"] for entry in (before, decoder_changed, encoder_changed)}) == 3


def test_a_changed_file_is_not_the_release(release: Path, tmp_path: Path) -> None:
    for file in release.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with (tmp_path / "decoder.onnx").open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(InvalidRelease, match="digest differs"):
        verify(tmp_path)
    (tmp_path / "decoder.onnx").unlink()
    with pytest.raises(InvalidRelease, match="missing"):
        verify(tmp_path)


def test_digests_are_digests(release: Path, tmp_path: Path) -> None:
    manifest = read_manifest(release)
    for broken in ({"digest": "x"}, {"encoder_digest": "g" * 64}, {"files": {**manifest["files"], "decoder.onnx": {}}}):
        (tmp_path / "release.json").write_text(json.dumps(manifest | broken))
        with pytest.raises(InvalidRelease, match="digest"):
            read_manifest(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", '{"format": "other"}', '{"format": "maskmill-release/1"}'])
def test_a_bad_manifest_is_explained(tmp_path: Path, content: str) -> None:
    (tmp_path / "release.json").write_text(content)
    with pytest.raises(InvalidRelease):
        read_manifest(tmp_path)


def test_names_files_and_folders_lead_to_weights(release: Path) -> None:
    assert (
        find_weights(str(release)) == release / "model.safetensors" == find_weights(str(release / "model.safetensors"))
    )
    with pytest.raises(InvalidRelease, match="here: "):
        find_weights("no such model")


def test_the_shipped_starter_is_whole_small_and_of_the_named_config() -> None:
    assert STARTER in shipped()
    manifest = verify(STARTER)
    assert sum(file["bytes"] for file in manifest["files"].values()) <= 25_000_000
    model = load_release(STARTER).model
    assert model.config == framed(MODEL_CONFIGS["starter"], model.config.frame) == build(model.config).config
    assert (STARTER / "MODEL_CARD.md").is_file()
