"""Prompts as people write them: JSON lists of objects, points and boxes as text, masks as pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmenter.prompts import LABELS, Bitmap, Box, InvalidPrompt, Point

_KEYS = {"points", "box", "mask", "text"}
MOST = 10_000  # objects of one file


@dataclass(frozen=True)
class Asked:
    """What was asked about one object: points and box in pixels, a mask's file, a text."""

    points: tuple[Point, ...] = ()
    box: Box | None = None
    mask: Path | None = None
    text: str | None = None


def read_prompts(file: Path) -> list[Asked]:
    """A JSON list with one object each: ``points`` [[x, y, label], ...], ``box`` [x0, y0, x1, y1], ``mask``, ``text``.

    The label may be left out (1) and is one of -1, 0, 1, 2, 3; ``mask`` names a picture beside the JSON file.
    InvalidPrompt says which object is wrong.
    """
    try:
        listed = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidPrompt(f"{file} is not JSON: {error}") from None
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST:
        raise InvalidPrompt(f"{file} is not a list of 1 to {MOST} objects")
    return [_asked(f"object {number} of {file}", value, file.parent) for number, value in enumerate(listed)]


def _asked(where: str, value: Any, folder: Path) -> Asked:
    if not isinstance(value, dict) or not value.keys() <= _KEYS:
        raise InvalidPrompt(f"{where} is not made of {', '.join(sorted(_KEYS))}")
    mask, text = value.get("mask"), value.get("text")
    if not isinstance(mask, str | None) or not isinstance(text, str | None):
        raise InvalidPrompt(f"{where}: mask is a file's name and text is text")
    points, box = value.get("points", []), value.get("box")
    try:
        made = tuple(point_of(_numbers(point, (2, 3))) for point in points)
        return Asked(made, None if box is None else Box(*_numbers(box, (4,))), folder / mask if mask else None, text)
    except (TypeError, ValueError) as error:
        raise InvalidPrompt(f"{where}: {error}") from None


def _numbers(value: Any, counts: tuple[int, ...]) -> list[float]:
    numbers = isinstance(value, list) and all(type(part) in (int, float) for part in value)
    if not numbers or len(value) not in counts:
        raise InvalidPrompt(f"{json.dumps(value)} is not {' or '.join(map(str, counts))} numbers")
    return [float(part) for part in value]


def point_of(numbers: list[float]) -> Point:
    """x, y and perhaps a label."""
    x, y, *rest = numbers
    label = rest[0] if rest else 1
    if label not in LABELS:
        raise InvalidPrompt(f"the label of point {x:g},{y:g} is {label:g}, not one of -1, 0, 1, 2, 3")
    return Point(x, y, int(label))


def numbers_of(text: str, counts: tuple[int, ...], form: str) -> list[float]:
    """Numbers with commas between them, as many as one of ``counts``; ``form`` says so in the error."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in counts:
        raise InvalidPrompt(f"{text} is not of the form {form}")
    return values


def mask_of(rgb: NDArray[np.uint8], size: tuple[int, int]) -> Bitmap:
    """A picture HxWx3 of the image's size (h, w) as a mask: whatever is not black is inside."""
    if rgb.shape[:2] != size:
        raise InvalidPrompt(f"the mask is {rgb.shape[1]} x {rgb.shape[0]} pixels, the picture {size[1]} x {size[0]}")
    return np.asarray(rgb.max(axis=2) > 0)
