"""Prompts as the decoder reads them, checked; and the clicks of a simulated annotator.

Training and evaluation share one definition of those clicks.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from segmenter.transforms import Size, resized_size

PADDING, NEGATIVE, POSITIVE, BOX_TOP_LEFT, BOX_BOTTOM_RIGHT = -1, 0, 1, 2, 3
LABELS = range(PADDING, BOX_BOTTOM_RIGHT + 1)
CORNERS = (BOX_TOP_LEFT, BOX_BOTTOM_RIGHT)
SURE = 10.0  # logit of an external mask's pixels, and minus it outside (sam.md section 1.5)
Bitmap = NDArray[np.bool_]


class InvalidPrompt(ValueError):
    """The prompt says nothing that a model could answer; the text says what is wrong with it."""


@dataclass(frozen=True)
class Point:
    """A click at (x, y), in pixels of the image that is prompted; ``label`` 1 adds, 0 subtracts.

    Also accepted, as by the official ONNX decoder (sam.md section 1.4): 2 and 3, the top-left and bottom-right corner
    of a box, and -1, a padding point, which lies nowhere. InvalidPrompt for other labels and for NaN or infinity.
    """

    x: float
    y: float
    label: int = POSITIVE

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise InvalidPrompt(f"the label of point {self.x:g},{self.y:g} is {self.label}, not one of -1, 0, 1, 2, 3")
        _finite("point", self.x, self.y)


@dataclass(frozen=True)
class Box:
    """A box from its top-left to its bottom-right corner, in pixels; InvalidPrompt where it is inverted or empty."""

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        _finite("box", self.x0, self.y0, self.x1, self.y1)
        if not (self.x0 < self.x1 and self.y0 < self.y1):
            raise InvalidPrompt(f"box {self.x0:g},{self.y0:g},{self.x1:g},{self.y1:g} is empty or inverted")


def _finite(what: str, *values: float) -> None:
    if not all(map(math.isfinite, values)):
        raise InvalidPrompt(f"{what} {','.join(f'{value:g}' for value in values)} is not made of finite numbers")


@dataclass(frozen=True, eq=False)
class Prompt:
    """All that is known of one object: clicks in their order, at most one box, and a text's embedding (D, float32)."""

    points: tuple[Point, ...] = ()
    box: Box | None = None
    text: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.count == 0:
            raise InvalidPrompt("a prompt needs at least one point or a box")
        if self.text is not None and (self.text.ndim != 1 or not np.isfinite(self.text).all()):
            raise InvalidPrompt(f"a text prompt is D finite numbers, not {self.text.dtype} {self.text.shape}")

    @property
    def count(self) -> int:
        """How many prompts these are: a box, also one given as two corners, counts as one (sam.md section 1.7)."""
        clicks = sum(point.label in (NEGATIVE, POSITIVE) for point in self.points)
        corners = sum(point.label in CORNERS for point in self.points)
        return clicks + (corners + 1) // 2 + (self.box is not None) + (self.text is not None)


def prompt_rows(prompt: Prompt) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Coordinates Nx2 (x, y) and labels N in the decoder's order: points, then the box corners.

    Without any corner, one padding point ends the rows, unless the prompt brought one (sam.md section 1.4).
    """
    # A padding point lies nowhere, so what it says of its place never reaches a model.
    rows = [(0.0, 0.0, PADDING) if p.label == PADDING else (p.x, p.y, p.label) for p in prompt.points]
    if prompt.box is not None:
        rows.append((prompt.box.x0, prompt.box.y0, BOX_TOP_LEFT))
        rows.append((prompt.box.x1, prompt.box.y1, BOX_BOTTOM_RIGHT))
    if not any(label in (PADDING, *CORNERS) for _, _, label in rows):
        rows.append((0.0, 0.0, PADDING))
    values = np.array(rows, np.float64)
    return values[:, :2], values[:, 2].astype(np.float32)


def one_by_one(prompt: Prompt) -> list[Prompt]:
    """The prompt as it grew: box and text first, then click by click; both corners of a box come at once."""
    points = prompt.points
    ends = [end for end, point in enumerate(points, 1) if point.label in (NEGATIVE, POSITIVE, BOX_BOTTOM_RIGHT)]
    ends = ends if prompt.box is None and prompt.text is None else [0, *ends]
    return [*(Prompt(points[:end], prompt.box, prompt.text) for end in ends if end < len(points)), prompt]


def check_inside(prompt: Prompt, size: Size) -> None:
    """InvalidPrompt unless every click lies on the image of ``size`` (h, w) and every box within its edges.

    Nothing is moved inside silently: a click beside the image means that the caller's coordinates are of another one.
    """
    height, width = size
    picture = f"the picture of {width} x {height} pixels"
    for point in prompt.points:
        corner = point.label in CORNERS  # a box may end at the far edge, which is one past the last pixel
        inside = 0 <= point.x < width + corner and 0 <= point.y < height + corner
        if point.label != PADDING and not inside:
            raise InvalidPrompt(f"point {point.x:g},{point.y:g} lies outside {picture}")
    box = prompt.box
    if box is not None and not (box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height):
        raise InvalidPrompt(f"box {box.x0:g},{box.y0:g},{box.x1:g},{box.y1:g} reaches outside {picture}")


def alike(prompts: Sequence[Prompt], masked: Sequence[bool]) -> list[list[int]]:
    """The prompts' indices in groups that one batch can hold: as many rows, and text and mask either for all or none.

    Shorter prompts are not padded up to the longest: the decoder attends to every padding point, so each one more would
    change the answer.
    """
    groups: dict[tuple[int, bool, bool], list[int]] = {}
    for index, (prompt, mask) in enumerate(zip(prompts, masked, strict=True)):
        key = (len(prompt_rows(prompt)[1]), prompt.text is not None, mask)
        groups.setdefault(key, []).append(index)
    return list(groups.values())


def mask_prompt(bitmap: Bitmap, side: int) -> NDArray[np.float32]:
    """A binary mask HxW of the whole image as mask logits ``side`` x ``side`` over the frame (sam.md section 1.5).

    Its long side becomes ``side`` by area averaging; what is at least half covered counts (of a mask finer than that,
    the most covered pixels), the rest of the frame is background: +10 inside, -10 outside. Give it with a point or a
    box (:func:`mask_alone`): models answer a mask alone with next to nothing.
    """
    check_bitmap(bitmap)
    height, width = resized_size(bitmap.shape[0], bitmap.shape[1], side)
    covered = cv2.resize(bitmap.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    logits = np.full((side, side), -SURE, np.float32)
    logits[:height, :width][covered.reshape(height, width) >= min(0.5, float(covered.max()))] = SURE
    return logits


def check_bitmap(bitmap: Bitmap) -> None:
    """InvalidPrompt unless this is a mask HxW of booleans with at least one pixel inside."""
    if bitmap.ndim != 2 or bitmap.dtype != np.bool_:
        raise InvalidPrompt(f"a mask is H x W of booleans, not {bitmap.dtype} {bitmap.shape}")
    if not bitmap.any():
        raise InvalidPrompt("the mask is empty: no pixel is inside")


def mask_alone(bitmap: Bitmap) -> Prompt:
    """What to send along with a mask when nothing else was said: the box around it."""
    check_bitmap(bitmap)
    return Prompt(box=tight_box(bitmap))


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


def deepest_error_click(predicted: Bitmap, truth: Bitmap, clicked: Sequence[Point]) -> Point | None:
    """The next click of the interactive segmentation literature (RITM and after; sam.md section 6.1).

    The pixel farthest from the edge of what is missing or of what is surplus, whichever lies deeper (a tie is surplus);
    exact distances, equal ones in row-major order, no pixel twice. ``None`` where no such pixel is left.
    """
    fresh = np.ones(truth.shape, np.bool_)
    for point in clicked:
        fresh[int(point.y), int(point.x)] = False
    missing, surplus = (_exact_depth(error) * fresh for error in (truth & ~predicted, predicted & ~truth))
    label = POSITIVE if missing.max() > surplus.max() else NEGATIVE
    deep = missing if label == POSITIVE else surplus
    row, column = divmod(int(deep.argmax()), truth.shape[1])
    return Point(column, row, label) if deep[row, column] > 0 else None


def _exact_depth(bitmap: Bitmap) -> NDArray[np.float32]:
    padded = np.pad(bitmap.astype(np.uint8), 1)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1], np.float32)


def random_correction(predicted: Bitmap, truth: Bitmap, rng: random.Random) -> Point | None:
    """The paper's next click: any pixel where the two masks differ, with the label that mends it (appendix A).

    Where nothing is wrong, a negative click anywhere outside, as in SAM 2's training; ``None`` where there is no
    outside.
    """
    wrong = predicted != truth
    if wrong.any():
        x, y = random_point(wrong, rng)
        return Point(x, y, POSITIVE if truth[y, x] else NEGATIVE)
    return None if truth.all() else Point(*random_point(~truth, rng), NEGATIVE)


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
