"""Where pixels go: image to model frame and back. Pure numpy and Pillow, no torch.

The *frame* is the padded square the image encoder sees (side S). An image of size (h, w) is resized so that its long
side is S, placed in the top left corner and padded right and below. Logits come back as L x L over the whole frame.
Sizes are (height, width), points are (x, y) in pixels from the top left corner.

Upsampling is defined here once and mirrored by the browser (frontend/src/core/upsample.ts);
tests/golden/upsampling.json holds both to torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Size = tuple[int, int]


def resized_size(height: int, width: int, frame: int) -> Size:
    """Size of an image after its long side became `frame`: half rounds up, no side is smaller than one pixel.

    The reference (Segment Anything) gives 0 for sides thinner than 1/2 model pixel and then fails; here they stay 1.
    """
    if height < 1 or width < 1 or frame < 1:
        raise ValueError(f"sizes must be positive, got {height} x {width} in a frame of {frame}")
    scale = frame / max(height, width)
    return max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))


def resize_image(rgb: NDArray[np.uint8], frame: int) -> NDArray[np.uint8]:
    """uint8 H x W x 3 to uint8 h' x w' x 3, Pillow's antialiased bilinear filter as in the reference."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(f"expected uint8 H x W x 3, got {rgb.dtype} {rgb.shape}")
    height, width = resized_size(rgb.shape[0], rgb.shape[1], frame)
    resized = Image.fromarray(rgb).resize((width, height), Image.Resampling.BILINEAR)
    return np.array(resized, dtype=np.uint8)


def frame_pixels(
    rgb: NDArray[np.uint8], frame: int, mean: Sequence[float], std: Sequence[float]
) -> NDArray[np.float32]:
    """uint8 H x W x 3 to the encoder's input, float32 3 x S x S: resized, (value - mean) / std, then padded with 0.

    `mean` and `std` are per channel on the 0..255 scale. Padding follows normalisation: it is the mean colour.
    """
    resized = resize_image(rgb, frame)
    normal = (resized.astype(np.float32) - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    pixels = np.zeros((3, frame, frame), np.float32)
    pixels[:, : resized.shape[0], : resized.shape[1]] = normal.transpose(2, 0, 1)
    return pixels


def to_frame(points: NDArray[np.float64], size: Size, frame: int) -> NDArray[np.float64]:
    """Points N x 2 in image pixels to model-frame pixels: x * (w'/w), y * (h'/h), each axis by its own rounded ratio.

    The prompt encoder adds half a model pixel itself. A box is two points.
    """
    height, width = size
    resized_height, resized_width = resized_size(height, width, frame)
    ratios = np.array([resized_width / width, resized_height / height], np.float64)
    return np.multiply(points, ratios, dtype=np.float64)


def _linear_taps(inputs: int, outputs: int) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Bilinear (align_corners=False) along one axis: for each output its two inputs and the weight of the second.

    Rounds where torch's float32 kernel rounds: once the ratio, once the fused `ratio * (i + 0.5) - 0.5`. Doing it in
    float64 throughout would be off by up to 1e-3 logits on large images; this way it is the last bit.
    """
    ratio = np.float64(np.float32(inputs / outputs))
    source = np.maximum((ratio * (np.arange(outputs) + 0.5) - 0.5).astype(np.float32), np.float32(0))
    first = np.minimum(source.astype(np.int32), np.int32(inputs - 1))
    second = np.minimum(first + np.int32(1), np.int32(inputs - 1))
    return first, second, np.clip(source - first.astype(np.float32), np.float32(0), np.float32(1))


def axis_taps(logits: int, frame: int, cropped: int, out: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """One axis of the reference's two bilinear steps in one: L -> S, keep the first `cropped`, -> `out`.

    Returns (index int32 [out, 4], weight float32 [out, 4]); output i is the weighted sum of four logits. Second-step
    neighbours a, b (b weighs m) have first-step neighbours a0, a1 (a1 weighs p) and b0, b1 (b1 weighs q); the taps are
    a0, a1, b0, b1 with weights (1-m)(1-p), (1-m)p, m(1-q), mq, all float32. Indices may repeat.
    """
    low, high, blend = _linear_taps(logits, frame)
    a, b, m = _linear_taps(cropped, out)
    one = np.float32(1)
    index = np.stack([low[a], high[a], low[b], high[b]], axis=1)
    weight = np.stack([(one - m) * (one - blend[a]), (one - m) * blend[a], m * (one - blend[b]), m * blend[b]], axis=1)
    return index, weight


def upsample_mask(logits: NDArray[np.float32], size: Size, frame: int) -> NDArray[np.float32]:
    """Logits (..., L, L) over the frame to (..., H, W) over the image of `size`. The mask is where the outcome is > 0.

    Every operation is float32: first along x (each of the L rows to W values), then along y, each time
    ((t0*w0 + t1*w1) + t2*w2) + t3*w3. The browser does the same, so both give the same bits.
    """
    height, width = size
    side = logits.shape[-1]
    if logits.dtype != np.float32 or logits.ndim < 2 or logits.shape[-2] != side:
        raise ValueError(f"expected float32 (..., L, L), got {logits.dtype} {logits.shape}")
    resized_height, resized_width = resized_size(height, width, frame)
    columns, column_weights = axis_taps(side, frame, resized_width, width)
    rows, row_weights = axis_taps(side, frame, resized_height, height)
    wide = logits[..., columns[:, 0]] * column_weights[:, 0]
    for tap in range(1, 4):
        wide += logits[..., columns[:, tap]] * column_weights[:, tap]
    tall = wide[..., rows[:, 0], :] * row_weights[:, 0, None]
    for tap in range(1, 4):
        tall += wide[..., rows[:, tap], :] * row_weights[:, tap, None]
    return np.asarray(tall, np.float32)
