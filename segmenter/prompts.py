"""Prompts, and the clicks of a simulated annotator. Training and evaluation share one definition of them."""

from __future__ import annotations

import random
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

PADDING, NEGATIVE, POSITIVE, BOX_TOP_LEFT, BOX_BOTTOM_RIGHT = -1, 0, 1, 2, 3
Bitmap = NDArray[np.bool_]


@dataclass(frozen=True)
class Point:
    """A click at (x, y), in pixels of the image that is prompted; ``label`` 1 adds, 0 subtracts."""

    x: float
    y: float
    label: int = POSITIVE


@dataclass(frozen=True)
class Box:
    """A box from its top-left to its bottom-right corner, in pixels."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class Prompt:
    """All that is known of one object: clicks in their order, and at most one box."""

    points: tuple[Point, ...] = ()
    box: Box | None = None

    def __post_init__(self) -> None:
        if not self.points and self.box is None:
            raise ValueError("a prompt needs at least one point or a box")

    @property
    def count(self) -> int:
        """How many prompts these are: a box counts as one (sam.md section 1.7)."""
        return len(self.points) + (self.box is not None)


def prompt_rows(prompt: Prompt) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Coordinates Nx2 (x, y) and labels N in the decoder's order: points, then the box corners or one padding point."""
    points = [(point.x, point.y, point.label) for point in prompt.points]
    if prompt.box is None:
        points.append((0.0, 0.0, PADDING))
    else:
        points.append((prompt.box.x0, prompt.box.y0, BOX_TOP_LEFT))
        points.append((prompt.box.x1, prompt.box.y1, BOX_BOTTOM_RIGHT))
    rows = np.array(points, np.float64)
    return rows[:, :2], rows[:, 2].astype(np.float32)


def depth(bitmap: Bitmap) -> NDArray[np.float32]:
    """Distance of every pixel of the mask to the nearest one outside it; the outside of the image counts as outside."""
    padded = np.pad(bitmap.astype(np.uint8), 1)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32)


def centre_point(bitmap: Bitmap) -> tuple[int, int]:
    """The (x, y) of the pixel deepest inside a mask that is not empty."""
    row, column = np.unravel_index(int(depth(bitmap).argmax()), bitmap.shape)
    return int(column), int(row)


def random_point(bitmap: Bitmap, rng: random.Random, least_depth: float = 0.0) -> tuple[int, int]:
    """A uniformly drawn (x, y) among the pixels at least ``least_depth`` of the greatest depth inside the mask."""
    inside = bitmap
    if least_depth > 0:
        deep = depth(bitmap)
        inside = deep >= least_depth * deep.max()
    chosen = np.flatnonzero(inside)
    row, column = divmod(int(chosen[rng.randrange(len(chosen))]), bitmap.shape[1])
    return column, row


def error_region(predicted: Bitmap, truth: Bitmap) -> tuple[Bitmap, int] | None:
    """The largest 8-connected region where the two masks differ, and the label of a click that would mend it.

    Missing and surplus pixels are looked at apart. ``None`` where the masks agree.
    """
    best: tuple[int, Bitmap, int] | None = None
    for error, label in ((truth & ~predicted, POSITIVE), (predicted & ~truth, NEGATIVE)):
        if not error.any():
            continue
        _, regions, stats, _ = cv2.connectedComponentsWithStats(error.astype(np.uint8), connectivity=8)
        largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        area = int(stats[largest, cv2.CC_STAT_AREA])
        if best is None or area > best[0]:
            best = area, regions == largest, label
    return None if best is None else (best[1], best[2])


def next_click(predicted: Bitmap, truth: Bitmap, rng: random.Random | None = None) -> Point | None:
    """The click that a careful annotator makes next: the centre of the largest error, or a random point of it.

    Without ``rng`` the protocol of the evaluation (sam.md section 6: deepest pixel of the largest error); with it
    the training's mix of deep and arbitrary points. ``None`` where nothing is wrong.
    """
    found = error_region(predicted, truth)
    if found is None:
        return None
    region, label = found
    if rng is None or rng.random() < 0.4:
        return Point(*centre_point(region), label)
    return Point(*random_point(region, rng, 0.3 if rng.random() < 0.5 else 0.0), label)


def first_click(truth: Bitmap, rng: random.Random | None = None, deep_share: float = 0.25) -> Point:
    """The first click on an object: its deepest pixel; with ``rng`` so only for a share, else the training's mix."""
    if rng is None or rng.random() < deep_share:
        return Point(*centre_point(truth))
    return Point(*random_point(truth, rng, 0.4 if rng.random() < 0.55 else 0.0))


def tight_box(bitmap: Bitmap) -> Box:
    """The box around a mask that is not empty: first pixel to one past the last."""
    rows, columns = np.flatnonzero(bitmap.any(1)), np.flatnonzero(bitmap.any(0))
    return Box(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))


def loose_box(bitmap: Bitmap, rng: random.Random) -> Box:
    """A box as a hand draws it: each corner moved by a tenth of the box's side at most (paper, appendix A).

    The paper limits the noise to 20 pixels of a frame of 1024; here to the same share of the bitmap.
    """
    box = tight_box(bitmap)
    height, width = bitmap.shape
    limit = max(1.0, 20 / 1024 * max(height, width))

    def moved(value: float, side: float, size: int) -> float:
        noise = max(-limit, min(limit, rng.gauss(0, 0.1 * side)))
        return float(min(size, max(0.0, value + noise)))

    wide, tall = box.x1 - box.x0, box.y1 - box.y0
    x0, x1 = sorted((moved(box.x0, wide, width), moved(box.x1, wide, width)))
    y0, y1 = sorted((moved(box.y0, tall, height), moved(box.y1, tall, height)))
    return Box(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1))
