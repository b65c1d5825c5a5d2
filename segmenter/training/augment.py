"""Augmentation of training crops: geometry, colour, objects pasted from other pictures, and dead-leaves scenes."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from segmenter.transforms import resized_size

Picture = NDArray[np.uint8]  # HxWx3 RGB
Labels = NDArray[np.int16]  # CxHxW
Cut = tuple[Picture, NDArray[np.bool_]]  # an object's window and its mask in it
PAD_COLOUR = (124, 116, 104)  # the mean colour: what padding is after normalisation


def _clip(values: NDArray[np.float32]) -> Picture:
    return np.clip(values, 0, 255).astype(np.uint8)


def _normal(shape: tuple[int, ...], scale: float, rng: random.Random) -> NDArray[np.float32]:
    generator = np.random.default_rng(rng.getrandbits(64))
    return generator.standard_normal(shape, np.float32) * np.float32(scale)


def recolour(picture: Picture, rng: random.Random, strength: float = 1.0) -> Picture:
    """Random brightness, contrast, saturation, tint, grey, channel order, inversion, blur and noise."""
    values = picture.astype(np.float32)
    if rng.random() < 0.8:
        reach = 0.4 * strength
        values = values * rng.uniform(1 - reach, 1 + reach) + rng.uniform(-25, 25) * strength
        mean = values.mean()
        values = (values - mean) * rng.uniform(1 - reach, 1 + reach) + mean
        grey = values.mean(2, keepdims=True)
        values = grey + (values - grey) * rng.uniform(0.3, 1.6)
        values = values * np.array([rng.uniform(0.85, 1.15) for _ in range(3)], np.float32)
    if rng.random() < 0.12:
        values = np.repeat(values.mean(2, keepdims=True), 3, 2)
    elif rng.random() < 0.1:
        values = values[:, :, rng.sample((0, 1, 2), 3)]
    if rng.random() < 0.06:
        values = 255 - values
    if rng.random() < 0.1:
        values = cv2.GaussianBlur(values, (0, 0), rng.uniform(0.4, 1.3)).astype(np.float32)
    if rng.random() < 0.15:
        values = values + _normal(values.shape, rng.uniform(2, 12), rng)
    return _clip(values.astype(np.float32))


def _window(size: tuple[int, int], side: int, rng: random.Random, whole_share: float) -> NDArray[np.float64]:
    """A random affine map from picture to crop: zoom, place, turn, stretch, flip."""
    height, width = size
    long_side = max(size)
    window, angle, stretch = float(long_side), 0.0, 1.0
    if rng.random() >= whole_share:
        window = long_side * math.exp(rng.uniform(math.log(0.3), math.log(1.15)))
        angle = rng.gauss(0, 0.12) if rng.random() < 0.5 else 0.0
        stretch = math.exp(rng.gauss(0, 0.1))
    scale = side / window
    flip = -1 if rng.random() < 0.5 else 1
    centre = np.array([width / 2, height / 2])
    if window < long_side:
        room = np.maximum(0, np.array([width, height]) - 0.9 * window)
        centre = centre + room * [rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5)]
        place = np.array([side / 2, side / 2])
    else:
        # The whole picture lies top-left in the frame, as at inference, or anywhere in it.
        half = np.array([width, height]) * scale / 2
        place = half
        if rng.random() < 0.4:
            place = np.array([rng.uniform(min(h, side - h), max(h, side - h)) for h in half])
    cosine, sine = math.cos(angle) * scale, math.sin(angle) * scale
    turn = np.array([[flip * cosine * stretch, -sine], [flip * sine, cosine / stretch]])
    return np.column_stack([turn, place - turn @ centre])


def warp(
    picture: Picture, labels: Labels, side: int, rng: random.Random, whole_share: float = 0.25
) -> tuple[Picture, Labels]:
    """A random ``side`` x ``side`` view of a picture and its label maps; ``whole_share`` of them show all of it."""
    affine = _window((picture.shape[0], picture.shape[1]), side, rng, whole_share)
    view = affine.copy()
    scale = math.sqrt(abs(np.linalg.det(affine[:, :2])))
    if scale < 0.7:
        # Shrink by area first: warpAffine alone would alias.
        shrink = max(0.1, scale * 1.4)
        picture = np.asarray(cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
        view[:, :2] /= shrink
    seen = cv2.warpAffine(picture, view, (side, side), flags=cv2.INTER_LINEAR, borderValue=PAD_COLOUR)
    moved = [cv2.warpAffine(layer, affine, (side, side), flags=cv2.INTER_NEAREST) for layer in labels]
    return np.asarray(seen, np.uint8), np.stack(moved).astype(np.int16)


def whole(picture: Picture, labels: Labels, side: int) -> tuple[Picture, Labels]:
    """The whole picture and its label maps top-left in a frame of ``side``, as at inference; nothing is drawn."""
    height, width = resized_size(picture.shape[0], picture.shape[1], side)
    return _laid(picture, labels, (height, width), (0, 0), side)


def jittered(
    picture: Picture, labels: Labels, side: int, rng: random.Random, scales: tuple[float, float]
) -> tuple[Picture, Labels]:
    """Large-scale jitter: the whole picture at a random share of its size in the frame, cropped or padded, or flipped.

    What is smaller than the frame lies top-left in it; of what is larger a random part is seen.
    """
    height, width = resized_size(picture.shape[0], picture.shape[1], side)
    scale = rng.uniform(*scales)
    height, width = max(1, round(height * scale)), max(1, round(width * scale))
    corner = rng.randint(0, max(0, height - side)), rng.randint(0, max(0, width - side))
    if rng.random() < 0.5:
        picture, labels = picture[:, ::-1], labels[:, :, ::-1]
    return _laid(picture, labels, (height, width), corner, side)


def _laid(
    picture: Picture, labels: Labels, size: tuple[int, int], corner: tuple[int, int], side: int
) -> tuple[Picture, Labels]:
    """Picture and maps resized to ``size`` (h, w), and what a frame sees whose top left is at ``corner`` (y, x)."""
    height, width = size
    # Pillow's filter, which shrinks without aliasing, as at inference.
    resized = np.array(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR), np.uint8)
    rows, columns = slice(corner[0], corner[0] + side), slice(corner[1], corner[1] + side)
    seen = np.full((side, side, 3), PAD_COLOUR, np.uint8)
    part = resized[rows, columns]
    seen[: part.shape[0], : part.shape[1]] = part
    moved = np.zeros((len(labels), side, side), np.int16)
    for layer, target in zip(labels, moved, strict=True):
        shrunk = cv2.resize(np.ascontiguousarray(layer), (width, height), interpolation=cv2.INTER_NEAREST)
        target[: part.shape[0], : part.shape[1]] = shrunk[rows, columns]
    return seen, moved


def _place(side: int, height: int, width: int, rng: random.Random) -> tuple[slice, slice, slice, slice] | None:
    """A random place for a patch that may hang over the crop's edge: slices of the crop, slices of the patch."""
    x, y = rng.randint(-width // 3, side - width // 2), rng.randint(-height // 3, side - height // 2)
    x0, y0, x1, y1 = max(0, x), max(0, y), min(side, x + width), min(side, y + height)
    if x1 - x0 < 3 or y1 - y0 < 3:
        return None
    return slice(y0, y1), slice(x0, x1), slice(y0 - y, y1 - y), slice(x0 - x, x1 - x)


def paste(picture: Picture, labels: Labels, cuts: Sequence[Cut], rng: random.Random) -> tuple[Picture, Labels]:
    """Objects cut from other pictures laid over this one; what they hide is no longer part of the masks below."""
    side = picture.shape[0]
    picture, labels = picture.copy(), labels.copy()
    added = np.zeros((side, side), np.int16)
    for number, (colours, bitmap) in enumerate(cuts, 1):
        scale = side * rng.uniform(0.12, 0.6) / max(bitmap.shape)
        height, width = (max(3, int(length * scale)) for length in bitmap.shape)
        shape = cv2.resize(bitmap.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        patch = recolour(np.asarray(cv2.resize(colours, (width, height), interpolation=method), np.uint8), rng, 0.7)
        if rng.random() < 0.5:
            shape, patch = shape[:, ::-1], patch[:, ::-1]
        where = _place(side, height, width, rng)
        if where is None:
            continue
        inside = shape[where[2], where[3]] > 0
        alpha = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.6)[..., None] * inside[..., None]
        below = picture[where[0], where[1]]
        picture[where[0], where[1]] = (below * (1 - alpha) + patch[where[2], where[3]] * alpha).astype(np.uint8)
        labels[:, where[0], where[1]][:, inside] = 0
        added[where[0], where[1]][inside] = number
    return picture, np.concatenate([labels, added[None]])


def _texture(height: int, width: int, textures: Sequence[Picture], rng: random.Random) -> Picture:
    if rng.random() < 0.7:
        source = rng.choice(textures)
        share = rng.uniform(0.15, 1)
        rows, columns = (max(8, int(length * share)) for length in source.shape[:2])
        y, x = rng.randint(0, source.shape[0] - rows), rng.randint(0, source.shape[1] - columns)
        patch = np.asarray(cv2.resize(source[y : y + rows, x : x + columns], (width, height)), np.uint8)
        if rng.random() < 0.5:
            tint = np.array([rng.uniform(0, 190) for _ in range(3)], np.float32)
            patch = _clip(patch.astype(np.float32) * rng.uniform(0.2, 0.7) + tint)
        return patch
    values = np.full((height, width, 3), [rng.uniform(0, 255) for _ in range(3)], np.float32)
    if rng.random() < 0.6:
        values = values + np.linspace(-1, 1, width, dtype=np.float32)[None, :, None] * rng.uniform(-60, 60)
        values = values + np.linspace(-1, 1, height, dtype=np.float32)[:, None, None] * rng.uniform(-60, 60)
    return _clip(values + _normal((height, width, 1), rng.uniform(0, 15), rng))


def _blob(size: int, rng: random.Random) -> NDArray[np.uint8]:
    """A random ellipse, rectangle, polygon or smooth closed curve in a square of ``size``."""
    canvas = np.zeros((size, size), np.uint8)
    middle, kind = size / 2, rng.random()
    if kind < 0.25:
        axes = [max(1, int(middle * rng.uniform(0.3, 1))) for _ in range(2)]
        cv2.ellipse(canvas, (size // 2, size // 2), axes, rng.uniform(0, 180), 0, 360, 1, -1)
    elif kind < 0.43:
        sides = (size * rng.uniform(0.2, 0.8), size * rng.uniform(0.2, 0.8))
        corners = cv2.boxPoints(((middle, middle), sides, rng.choice((0.0, 90.0, rng.uniform(0, 90)))))
        cv2.fillPoly(canvas, [corners.astype(np.int32)], 1)
    else:
        angles = np.sort([rng.uniform(0, 2 * math.pi) for _ in range(rng.randint(5, 14))])
        radii = middle * np.array([rng.uniform(0.35, 1) for _ in angles])
        if rng.random() < 0.7:
            turn = np.linspace(0, 2 * math.pi, 60, endpoint=False)
            radii = np.interp(turn, angles, radii, period=2 * math.pi)
            radii = np.convolve(np.pad(radii, 3, mode="wrap"), np.ones(7) / 7, "valid")
            angles = turn
        outline = np.stack([middle + radii * np.cos(angles), middle + radii * np.sin(angles)], 1)
        cv2.fillPoly(canvas, [outline.astype(np.int32)], 1)
    return canvas


def _fit(shape: NDArray[np.bool_], size: int) -> NDArray[np.uint8]:
    scale = size / max(shape.shape)
    height, width = (max(2, int(length * scale)) for length in shape.shape)
    return np.asarray(cv2.resize(shape.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def dead_leaves(
    side: int, textures: Sequence[Picture], object_shape: Callable[[], NDArray[np.bool_]], rng: random.Random
) -> tuple[Picture, Labels]:
    """A scene of shapes of all sizes that hide each other, filled with textures: exact masks without end.

    Sizes follow the power law of dead-leaves models, so small and large objects are about equally visible.
    """
    picture = _texture(side, side, textures, rng).copy()
    labels = np.ones((side, side), np.int16)
    for number in range(2, rng.randint(8, 30)):
        share = rng.uniform(0.3, 0.9) if number < 5 else min(0.9, max(0.06, 0.07 * (1 - rng.random()) ** -0.9))
        size = max(4, int(side * share))
        shape = _fit(object_shape(), size) if rng.random() < 0.35 else _blob(size, rng)
        where = _place(side, shape.shape[0], shape.shape[1], rng)
        if where is None:
            continue
        inside = shape[where[2], where[3]] > 0
        texture = _texture(inside.shape[0], inside.shape[1], textures, rng)
        picture[where[0], where[1]][inside] = texture[inside]
        labels[where[0], where[1]][inside] = number
    if rng.random() < 0.5:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 0.9)), np.uint8)
    return picture, labels[None]
