"""Polygons and boxes as masks, pixel for pixel as COCO's own tools draw them; several masks as one. Pure numpy.

COCO's rule: the outline is walked on a grid five times finer; wherever it crosses the centre line of a pixel column,
the column changes between background and mask at the next pixel below. What is outside the image is clipped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmenter.masks import MAX_PIXELS, InvalidMask, Runs, Size, compress, parse

FINER = 5  # grid cells of the outline a pixel
MAX_OUTLINE = 10_000_000  # cells; a picture's whole edge has a hundredth of them
MAX_POLYGON_POINTS = 100_000
Integers = NDArray[np.int64]


def polygon_runs(points: NDArray[np.float64], size: Size) -> Runs:
    """Runs of one polygon, N x 2 (x, y) corners in pixels, in an image of (height, width).

    InvalidMask for images without pixels or with too many, and for outlines that go to and fro beyond all measure.
    """
    height, width = size
    if not 0 < height * width <= MAX_PIXELS:
        raise InvalidMask(f"masks have 1 to {MAX_PIXELS} pixels, not {height} x {width}")
    u, v = _outline(np.asarray(points, np.float64))
    steps = np.flatnonzero(u[1:] != u[:-1]) + 1
    column = (np.minimum(u[steps], u[steps - 1]) + 0.5) / FINER - 0.5
    row = (np.minimum(v[steps], v[steps - 1]) + 0.5) / FINER - 0.5
    crossing = (column == np.floor(column)) & (column >= 0) & (column <= width - 1)
    rows = np.ceil(np.clip(row[crossing], 0, height)).astype(np.int64)
    return _switched(column[crossing].astype(np.int64) * height + rows, height * width)


def box_runs(x: float, y: float, width: float, height: float, size: Size) -> Runs:
    """Runs of a box, drawn as the polygon of its four corners."""
    right, bottom = x + width, y + height
    return polygon_runs(np.array([(x, y), (x, bottom), (right, bottom), (right, y)]), size)


def merged(masks: Sequence[Runs], intersect: bool = False) -> Runs:
    """Runs of the union of masks of one size, or of what they all share."""
    pixels = int(masks[0].sum())
    if any(int(runs.sum()) != pixels for runs in masks):
        raise InvalidMask("masks of different sizes cannot be merged")
    edges = [np.cumsum(runs)[:-1] for runs in masks]
    places = np.concatenate(edges)
    change = np.concatenate([1 - 2 * (np.arange(part.size) % 2) for part in edges])
    order = np.argsort(places, kind="stable")
    covered = np.cumsum(change[order]) >= (len(masks) if intersect else 1)
    last = np.flatnonzero(np.diff(places[order], append=-1))  # of several changes at one place only the outcome counts
    inside = covered[last]
    switches = inside != np.concatenate(([False], inside[:-1]))
    return _switched(places[order][last][switches], pixels)


def counts_of(segmentation: Any, size: tuple[int, int]) -> str:
    """Compressed counts of a segmentation of an image of (height, width).

    Takes COCO's compressed and plain run lengths and polygons, drawn as COCO does. Raises InvalidMask.
    """
    if isinstance(segmentation, dict):
        return compress(parse(segmentation.get("size"), segmentation.get("counts"), size))
    if isinstance(segmentation, list) and segmentation:
        return compress(merged([polygon_runs(_points(one, size), size) for one in segmentation]))
    raise InvalidMask("a segmentation is run lengths or polygons")


def _points(polygon: Any, size: tuple[int, int]) -> NDArray[np.float64]:
    """Corners N x 2; what lies more than an image's side outside is brought there."""
    if not isinstance(polygon, list) or len(polygon) < 6 or len(polygon) % 2 or len(polygon) > 2 * MAX_POLYGON_POINTS:
        raise InvalidMask("a polygon has at least three points of two numbers")
    if not all(type(number) in (int, float) and math.isfinite(number) for number in polygon):
        raise InvalidMask("a polygon consists of numbers")
    sides = np.array([size[1], size[0]], np.float64)
    return np.clip(np.array(polygon, np.float64).reshape(-1, 2), -sides, 2 * sides)


def _outline(points: NDArray[np.float64]) -> tuple[Integers, Integers]:
    """Every cell of the finer grid along the closed outline, as x and y."""
    if not FINER * np.abs(points - np.roll(points, -1, 0)).max(1).sum() < MAX_OUTLINE:
        raise InvalidMask(f"the outline of a polygon is longer than {MAX_OUTLINE // FINER} pixels")
    corners = np.trunc(FINER * points + 0.5).astype(np.int64)
    xs, ys = [], []
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, 0), strict=True):
        wide, tall = abs(x1 - x0), abs(y1 - y0)
        if wide >= tall:
            x, y = _edge(x0, y0, x1, y1)
        else:
            y, x = _edge(y0, x0, y1, x1)
        xs.append(x)
        ys.append(y)
    return np.concatenate(xs), np.concatenate(ys)


def _edge(a0: int, b0: int, a1: int, b1: int) -> tuple[Integers, Integers]:
    """Cells from (a0, b0) to (a1, b1) along the longer axis a; drawn upwards on it, whichever way it is walked."""
    if a0 > a1:
        a, b = _edge(a1, b1, a0, b0)
        return a[::-1], b[::-1]
    steps = np.arange(a1 - a0 + 1)
    slope = (b1 - b0) / (a1 - a0) if a1 > a0 else 0.0
    return a0 + steps, np.trunc(b0 + slope * steps + 0.5).astype(np.int64)


def _switched(places: Integers, pixels: int) -> Runs:
    """Runs of a mask that changes at each of these column-major places; two changes at one place cancel."""
    unique, counts = np.unique(places[places < pixels], return_counts=True)
    return np.diff(np.concatenate(([0], unique[counts % 2 == 1], [pixels]))).astype(np.int64)
