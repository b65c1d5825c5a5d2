"""Sizes, points and pixels against the reference's golden files; upsampling against torch's two bilinear steps."""

import zlib
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from segmenter import masks, transforms
from tests.segmenter import golden

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def two_steps(logits: np.ndarray, frame: int, size: tuple[int, int]) -> np.ndarray:
    resized = transforms.resized_size(*size, frame)
    whole = functional.interpolate(torch.from_numpy(logits)[None, None], (frame, frame), mode="bilinear")
    return functional.interpolate(whole[..., : resized[0], : resized[1]], size, mode="bilinear")[0, 0].numpy()


def test_sizes_of_the_reference_but_never_smaller_than_one_pixel() -> None:
    for entry in golden.read("sam/transforms.json")["preprocess_shape"]:
        ours = transforms.resized_size(entry["h"], entry["w"], entry["long_side"])
        assert list(ours) == [max(1, side) for side in entry["target"]]
    for entry in golden.read("transforms.json")["sizes"]:
        assert list(transforms.resized_size(*entry["size"], entry["frame"])) == entry["resized"]


@settings(deadline=None)
@given(st.integers(1, 40_000), st.integers(1, 40_000), st.integers(16, 2048))
def test_the_long_side_fills_the_frame(height: int, width: int, frame: int) -> None:
    resized = transforms.resized_size(height, width, frame)
    assert max(resized) == frame
    assert min(resized) >= 1


def test_points_and_boxes_of_the_reference() -> None:
    for entry in golden.read("sam/transforms.json")["coords"]:
        size = (entry["h"], entry["w"])
        points = transforms.to_frame(np.array(entry["points"]), size, entry["long_side"])
        np.testing.assert_allclose(points, entry["points_out"], rtol=0, atol=1e-9)
        corners = transforms.to_frame(np.array(entry["boxes"]).reshape(-1, 2), size, entry["long_side"])
        np.testing.assert_allclose(corners.reshape(-1, 4), entry["boxes_out"], rtol=0, atol=1e-9)
    for entry in golden.read("transforms.json")["points"]:
        points = transforms.to_frame(np.array(entry["points"]), tuple(entry["size"]), entry["frame"])
        np.testing.assert_allclose(points, entry["model_points"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("index", range(6))
def test_pixels_of_the_reference(index: int) -> None:
    entry = golden.read("sam/transforms.json")["preprocess"][index]
    image = golden.picture(entry["image"])
    assert zlib.crc32(image.tobytes()) == entry["image_crc32"]
    resized = transforms.resize_image(image, entry["long_side"])
    assert list(resized.shape) == entry["resized_shape"]
    assert zlib.crc32(resized.tobytes()) == entry["resized_uint8_crc32"]
    pixels = transforms.frame_pixels(image, entry["long_side"], MEAN, STD)
    assert [1, *pixels.shape] == entry["normalised_shape"]
    assert float(pixels.sum(dtype=np.float64)) == pytest.approx(entry["normalised_sum"], rel=1e-6)
    assert float(np.abs(pixels).sum(dtype=np.float64)) == pytest.approx(entry["normalised_abs_sum"], rel=1e-6)
    assert not pixels[:, resized.shape[0] :].any()
    assert not pixels[:, :, resized.shape[1] :].any()


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (3, 4, 4)])
def test_pixels_must_be_rgb(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="uint8"):
        transforms.resize_image(np.zeros(shape, np.uint8), 16)


def test_pixels_must_be_bytes() -> None:
    sixteen_bits: Any = np.zeros((4, 4, 3), np.uint16)
    with pytest.raises(ValueError, match="uint8"):
        transforms.resize_image(sixteen_bits, 16)


@pytest.mark.parametrize("size", [(0, 4), (4, -1)])
def test_a_size_without_pixels_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        transforms.resized_size(*size, 256)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([(8, 32), (16, 64), (16, 32), (32, 128), (8, 8)]),
    st.integers(1, 300),
    st.integers(1, 300),
    st.integers(0, 2**32),
)
@example((256, 1024), 427, 640, 0)
@example((128, 256), 1500, 1000, 1)
@example((256, 1024), 33, 2000, 2)
def test_upsampling_is_the_two_bilinear_steps_of_torch(
    sides: tuple[int, int], height: int, width: int, seed: int
) -> None:
    side, frame = sides
    logits = (np.random.default_rng(seed).standard_normal((side, side)) * 8).astype(np.float32)
    ours = transforms.upsample_mask(logits, (height, width), frame)
    theirs = two_steps(logits, frame, (height, width))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    assert np.abs(theirs[(ours > 0) != (theirs > 0)]).max(initial=0) < 1e-5


def test_upsampling_takes_several_masks_at_once() -> None:
    logits = np.random.default_rng(0).standard_normal((4, 16, 16)).astype(np.float32)
    together = transforms.upsample_mask(logits, (50, 70), 64)
    assert together.dtype == np.float32
    for one, mask in zip(together, logits, strict=True):
        assert (one == transforms.upsample_mask(mask, (50, 70), 64)).all()


def test_upsampling_needs_square_float32_logits() -> None:
    wrong: Any
    for wrong in (np.zeros((4, 4)), np.zeros((4, 5), np.float32), np.zeros(4, np.float32)):
        with pytest.raises(ValueError, match="float32"):
            transforms.upsample_mask(wrong, (4, 4), 16)


def test_shared_axes_of_browser_and_server() -> None:
    for entry in golden.read("upsampling.json")["axes"]:
        index, weight = transforms.axis_taps(*(entry[key] for key in ("logits", "frame", "cropped", "out")))
        assert index.shape == weight.shape == (entry["out"], 4)
        ours = np.zeros((entry["out"], entry["logits"]))
        theirs = np.zeros_like(ours)
        for row in range(entry["out"]):
            np.add.at(ours[row], index[row], weight[row])
            for tap, share in entry["taps"][row]:
                theirs[row, tap] = share
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)
        np.testing.assert_allclose(ours.sum(1), 1, atol=1e-6)


def test_shared_masks_of_browser_and_server() -> None:
    for entry in golden.read("upsampling.json")["masks"]:
        side, size = entry["logits_side"], tuple(entry["size"])
        logits = np.array(entry["logits"], np.float32).reshape(side, side)
        assert list(transforms.resized_size(*size, entry["frame"])) == entry["resized"]
        full = transforms.upsample_mask(logits, size, entry["frame"])
        for (y, x, theirs), (_, _, exact) in zip(entry["samples"], entry["exact"], strict=True):
            assert abs(float(full[y, x]) - theirs) <= 1e-5
            assert full[y, x] == np.float32(exact)
        assert masks.encode(full > 0) == {"size": entry["size"], "counts": entry["counts"]}, entry["name"]
        assert int((full > 0).sum()) == entry["area"]
