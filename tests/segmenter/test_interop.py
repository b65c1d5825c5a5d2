"""Models for other programs: the official decoder, samexporter's encoder, the starter dressed as one of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto
from onnxruntime import InferenceSession

from segmenter import interop
from segmenter.build import build
from segmenter.config import ModelConfig, SamConfig
from segmenter.dressed import Dressed, official_shape
from segmenter.export import METADATA_KEY, ParityError, session
from segmenter.golden.models import rebuilt
from segmenter.interop import DecoderOptions
from segmenter.modeling.segmenter import Sam
from segmenter.modeling.starter import Starter
from segmenter.transforms import frame_pixels, resize_image, upsample_mask
from tests.segmenter import golden
from tests.segmenter.golden import SMALL, near
from tests.segmenter.test_prompted_decoding import SAM
from tests.segmenter.test_starter import TINY

# The official frame with an encoder of almost no cost: these tests bring their embedding along.
FULL = ModelConfig("sam", 1024, 256, sam=SamConfig(96, 1, 3, ()))
VARIANTS = {
    "single0": DecoderOptions(metrics=True),
    "single0_stab": DecoderOptions(stability_scores=True, metrics=True),
    "single1": DecoderOptions(single_mask=True, metrics=True),
    "single1_stab": DecoderOptions(single_mask=True, stability_scores=True, metrics=True),
}


def golden_cases(model: str) -> list[dict[str, Any]]:
    cases = json.loads((golden.COMMITTED / "sam" / "onnx.json").read_text(encoding="utf-8"))["cases"]
    return [case for case in cases if case["model"] == model]


def check_case(case: dict[str, Any], low: np.ndarray, scores: np.ndarray, masks: np.ndarray) -> None:
    arrays, key = np.load(golden.COMMITTED / "sam" / "onnx.npz"), case["key"]
    step, (down, right) = case["low_stride"], case["mask_stride_yx"]
    near(low[..., ::step, ::step], arrays[f"{key}/low_res_masks"], 3e-4, 6e-5)
    # A stability score moves with every pixel whose logit is within rounding of a threshold.
    near(scores, arrays[f"{key}/iou_predictions"], 1e-3 if case["use_stability_score"] else 1e-5)
    assert list(masks.shape) == case["masks_shape"]
    near(masks[..., ::down, ::right], arrays[f"{key}/masks"], 3e-4, 6e-5)


def embedding_of(case: dict[str, Any]) -> np.ndarray:
    if case["model"] == "small":
        stored = np.load(golden.COMMITTED / "sam" / "small.npz")
        return np.asarray(stored[case["embedding"].split(":")[1]])[None]
    c, i, j = np.meshgrid(np.arange(256.0), np.arange(64.0), np.arange(64.0), indexing="ij")
    wave = 0.11 * (c + 1) + 0.05 * i * (c % 7 + 1) - 0.04 * j * (c % 5 + 1) + 0.7 * (c % 3)
    return (0.3 * np.sin(wave)).astype(np.float32)[None]


def mask_of(name: str | None, side: int) -> np.ndarray:
    """The golden files' masks by their rule: a disc, or a slope."""
    unit = side / 64
    y, x = np.mgrid[:side, :side].astype(np.float64)
    disc = np.where((x - 26 * unit) ** 2 + (y - 30 * unit) ** 2 <= (14 * unit) ** 2, 10, -10)
    soft = 8 - 0.5 * np.abs(x - 30 * unit) / unit - 0.35 * np.abs(y - 26 * unit) / unit
    return np.array({"mask_disc": disc, "mask_soft": soft, None: 0 * soft}[name], np.float32)[None, None]


def feeds_of(case: dict[str, Any]) -> dict[str, np.ndarray]:
    return {
        "image_embeddings": embedding_of(case),
        "point_coords": np.array(case["point_coords"], np.float32),
        "point_labels": np.array(case["point_labels"], np.float32),
        "mask_input": mask_of(case["mask_input"], 64 if case["model"] == "small" else 256),
        "has_mask_input": np.array([case["has_mask_input"]], np.float32),
        "orig_im_size": np.array(case["orig_im_size"], np.float32),
    }


def sessions(core: ModelProto, frame: int) -> dict[str, InferenceSession]:
    return {name: session(interop.official_decoder(core, frame, options)) for name, options in VARIANTS.items()}


def check_through_onnxruntime(name: str, model: Sam) -> None:
    decoders = sessions(interop.decoder_core(model), model.config.frame)
    for case in golden_cases(name):
        run = decoders[case["key"].rsplit("/", 1)[1]]
        names = [output.name for output in run.get_outputs()]
        assert names == ["masks", "iou_predictions", "low_res_masks", "stability_scores", "areas"]
        answer = dict(zip(names, run.run(None, feeds_of(case)), strict=True))
        check_case(case, answer["low_res_masks"], answer["iou_predictions"], answer["masks"])
        areas = np.asarray(case["areas"])
        assert (np.abs(answer["areas"] - areas) <= 2 + 1e-5 * areas).all()
        # The reference divides nothing by nothing where a mask is empty; here that is 0.
        stable = np.array(case["stability_scores"], dtype=float)
        near(answer["stability_scores"], np.nan_to_num(stable), 1e-3)


@pytest.mark.slow
def test_the_exported_decoder_gives_the_references_numbers() -> None:
    check_through_onnxruntime("small", rebuilt(SMALL))


@pytest.mark.slow
def test_the_exported_decoder_at_official_size_gives_the_references_numbers() -> None:
    check_through_onnxruntime("full", rebuilt(FULL))


@pytest.fixture(scope="module")
def sam() -> Sam:
    torch.manual_seed(4)
    model = build(SAM).eval()
    assert isinstance(model, Sam)
    return model


@pytest.fixture(scope="module")
def folder(sam: Sam, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samexporter") / "made" / "here"
    worst = interop.write_samexporter(sam, "tiny", "3", folder, DecoderOptions())
    assert set(worst) == {"image_embeddings", "masks", "iou_predictions", "low_res_masks"}
    assert max(worst.values()) < 1e-4
    return folder


def test_the_files_say_what_they_are(folder: Path) -> None:
    assert sorted(file.name for file in folder.iterdir()) == ["decoder.onnx", "encoder.onnx"]
    assert [file.name for file in folder.parent.iterdir()] == ["here"]
    for name in ("encoder.onnx", "decoder.onnx"):
        properties = {entry.key: entry.value for entry in onnx.load(folder / name).metadata_props}
        told = json.loads(properties[METADATA_KEY])
        assert told["name"] == "tiny" and len(told["digest"]) == len(told["encoder_digest"]) == 64
        assert told["interface"] == {"format": "samexporter", "frame": 64, "logits": 16}
        assert told["preprocessing"]["mean"] == [123.675, 116.28, 103.53]


def test_names_and_shapes_are_the_ecosystems(folder: Path) -> None:
    encoder, decoder = session(folder / "encoder.onnx"), session(folder / "decoder.onnx")
    assert [(i.name, i.shape, i.type) for i in encoder.get_inputs()] == [
        ("input_image", ["image_height", "image_width", 3], "tensor(float)")
    ]
    assert [(o.name, o.shape) for o in encoder.get_outputs()] == [("image_embeddings", [1, 32, 4, 4])]
    assert {i.name: i.shape for i in decoder.get_inputs()} == {
        "image_embeddings": [1, 32, 4, 4],
        "point_coords": ["batch", "num_points", 2],
        "point_labels": ["batch", "num_points"],
        "mask_input": ["batch", 1, 16, 16],
        "has_mask_input": ["batch"],
        "orig_im_size": [2],
    }
    assert [o.name for o in decoder.get_outputs()] == ["masks", "iou_predictions", "low_res_masks"]


@pytest.mark.parametrize("size", [(40, 100), (100, 40), (64, 64), (1, 300)])
@torch.no_grad()
def test_the_encoder_pads_and_normalises_inside(folder: Path, sam: Sam, size: tuple[int, int]) -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    pixels = frame_pixels(rgb, 64, sam.config.pixel_mean, sam.config.pixel_std)
    image = resize_image(rgb, 64).astype(np.float32)
    answer = session(folder / "encoder.onnx").run(["image_embeddings"], {"input_image": image})[0]
    near(answer, sam.embed(torch.from_numpy(pixels)[None])["image_embeddings"].numpy(), 1e-4)


@settings(max_examples=60, deadline=None)
@given(height=st.integers(1, 400), width=st.integers(1, 400), points=st.integers(1, 12), batch=st.integers(1, 3))
def test_masks_have_the_size_and_place_of_any_image(
    folder: Path, height: int, width: int, points: int, batch: int
) -> None:
    draw = np.random.default_rng(height)
    feeds = {
        "image_embeddings": draw.standard_normal((1, 32, 4, 4), np.float32),
        "point_coords": draw.random((batch, points, 2), np.float32) * 64,
        "point_labels": draw.integers(-1, 4, (batch, points)).astype(np.float32),
        "mask_input": np.zeros((batch, 1, 16, 16), np.float32),
        "has_mask_input": np.zeros(batch, np.float32),
        "orig_im_size": np.array([height, width], np.float32),
    }
    masks, scores, low = decoder_of(folder).run(None, feeds)
    assert masks.shape == (batch, 4, height, width) and scores.shape == (batch, 4)
    near(masks, upsample_mask(low, (height, width), 64), 1e-4)


SESSIONS: dict[Path, InferenceSession] = {}


def decoder_of(folder: Path) -> InferenceSession:
    return SESSIONS.setdefault(folder, session(folder / "decoder.onnx"))


@pytest.mark.slow
def test_where_onnxruntime_and_torch_differ_nothing_is_written(sam: Sam, tmp_path: Path) -> None:
    broken = build(SAM).eval()
    broken.load_state_dict(sam.state_dict())
    with torch.no_grad():
        next(broken.mask_decoder.parameters()).fill_(float("nan"))
    with pytest.raises(ParityError, match="differs from torch"):
        interop.write_official(broken, "tiny", "3", tmp_path / "out", DecoderOptions())
    assert list(tmp_path.iterdir()) == []


def test_a_graph_beyond_the_limit_keeps_its_weights_beside_it(
    sam: Sam, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interop, "LARGEST_FILE", 1000)
    interop.save(sam, onnx.load(folder / "decoder.onnx"), "tiny", "3", "official", tmp_path / "decoder.onnx")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["decoder.onnx", "decoder.onnx.data"]
    assert interop.check_decoder(sam, tmp_path / "decoder.onnx", DecoderOptions())["masks"] < 1e-4


@torch.no_grad()
def test_the_dressed_starter_answers_as_the_starter() -> None:
    torch.manual_seed(6)
    starter = build(TINY).eval()
    assert isinstance(starter, Starter)
    dressed = official_shape(starter)
    assert isinstance(dressed, Dressed) and (dressed.config.frame, dressed.config.logits) == (1024, 256)
    pixels = torch.randn(1, 3, 64, 64)
    embedding = dressed.embed(pixels.repeat_interleave(16, 2).repeat_interleave(16, 3))
    assert embedding["image_embeddings"].shape == (1, 256, 64, 64)
    coords, labels = torch.tensor([[[20.0, 30.0], [0.0, 0.0]]]), torch.tensor([[1.0, -1.0]])
    mask = torch.randn(1, 1, 32, 32) * 4
    logits, scores = starter.decode(starter.embed(pixels), coords, labels, mask, torch.ones(1))
    large = torch.nn.functional.interpolate(mask, (256, 256))
    given = ((coords + 0.5) * 16 - 0.5, labels, large, torch.ones(1))
    dressed_logits, dressed_scores = dressed.decode(embedding, *given)
    near(dressed_scores, scores.numpy(), 0.02)
    near(torch.nn.functional.avg_pool2d(dressed_logits, 8), logits.numpy(), 0.1)
