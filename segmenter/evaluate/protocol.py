"""The click protocol: which masks are asked for, where the simulated annotator clicks, and what is counted.

Click 1 is the deepest pixel of the mask or any of its pixels, every next one corrects the largest or the deepest error
(sam.md sections 6.1 and 6.2).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from segmenter.evaluate.quality import boundary_iou, shape_figures
from segmenter.prompts import Bitmap, Point, deepest_error_click, first_click, next_click, random_point

REPORTED = (1, 2, 3, 5, 9)
QUALITY_AT = (1, 5)  # clicks after which the form of the mask is looked at, not only its overlap
TARGETS = (85, 90)  # per cent IoU: how many clicks until then
First = Literal["center", "random"]
Following = Literal["largest", "deepest"]
Row = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """The mask a method shows, and, where it has them, its candidates with their predicted IoU."""

    mask: Bitmap
    candidates: tuple[Bitmap, ...] = ()
    predicted_iou: tuple[float, ...] = ()


Clicks = Mapping[int, Sequence[Point]]  # of each object that is asked for, by its place in the task


class Method(Protocol):
    """Something that answers clicks: ``open`` a picture, then ask for objects' clicks so far, again and again."""

    def open(self, rgb: NDArray[np.uint8]) -> Callable[[Clicks], dict[int, Answer]]: ...


@dataclass(frozen=True)
class Task:
    """One picture and the annotations of it that are asked for, on a long side of at most ``long_side`` pixels;
    ``record`` is what its file says of the image."""

    dataset: str
    path: Path
    annotations: tuple[dict[str, Any], ...]
    long_side: int | None = None
    record: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Clicking:
    """How the annotator clicks, and how long.

    first: on the deepest pixel of the mask ("center"), or on one drawn uniformly ("random").
    following: into the largest region in error, at its deepest pixel, or into the deepest pixel in error of all.
    least, most: every mask gets ``least`` clicks, and on up to ``most`` until the highest of ``TARGETS`` is reached.
        Where ``most`` is more than ``least``, the number of clicks (NoC) to each target is counted, else ``most``.
    """

    first: First = "center"
    following: Following = "largest"
    least: int = max(REPORTED)
    most: int = 20

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most:
            raise ValueError(f"at least {self.least} and at most {self.most} clicks cannot be")


def iou(first: Bitmap, second: Bitmap) -> float:
    """Intersection over union of two masks of one size; 1 where both are empty."""
    either = int(np.count_nonzero(first | second))
    return int(np.count_nonzero(first & second)) / either if either else 1.0


def interact(
    method: Method, rgb: NDArray[np.uint8], truths: Sequence[Bitmap], clicking: Clicking, names: Sequence[str] = ()
) -> list[Row]:
    """Clicks on every object; one row a mask, with the figures of docs/evaluation.md.

    ``names`` settles what is drawn by chance: equal names, equal clicks.
    """
    answer = method.open(rgb)
    labels = names or [str(index) for index in range(len(truths))]
    points = [[_first(truth, clicking, name)] for truth, name in zip(truths, labels, strict=True)]
    rows: list[Row] = [{} for _ in truths]
    waiting = list(range(len(truths)))
    for count in range(1, clicking.most + 1):
        answers = answer({index: points[index] for index in waiting})
        for index in waiting:
            rows[index] |= _judged(answers[index], truths[index], count)
        if count == clicking.most:
            break
        waiting = [index for index in waiting if count < clicking.least or not _reached(rows[index], count)]
        for index in waiting:
            points[index].append(_next(answers[index].mask, truths[index], points[index], clicking))
    return [row | clicks_needed(row, clicking) for row in rows]


def clicks_needed(row: Row, clicking: Clicking) -> dict[str, int]:
    """``noc@85`` and ``noc@90``: the first click that reaches the IoU, else ``most`` (sam.md section 6.2)."""
    if clicking.most == clicking.least:
        return {}
    return {
        f"noc@{target}": next(
            (k for k in range(1, clicking.most) if row.get(f"iou@{k}", 0.0) >= target / 100), clicking.most
        )
        for target in TARGETS
    }


def _first(truth: Bitmap, clicking: Clicking, name: str) -> Point:
    if clicking.first == "center":
        return first_click(truth)
    return Point(*random_point(truth, random.Random(name)))


def _next(shown: Bitmap, truth: Bitmap, clicked: Sequence[Point], clicking: Clicking) -> Point:
    found = next_click(shown, truth) if clicking.following == "largest" else deepest_error_click(shown, truth, clicked)
    # A mask without an error keeps its prompts: the last click is said again.
    return found or clicked[-1]


def _reached(row: Row, count: int) -> bool:
    return bool(row[f"iou@{count}"] >= max(TARGETS) / 100)


def _judged(given: Answer, truth: Bitmap, count: int) -> Row:
    row: Row = {f"iou@{count}": iou(given.mask, truth)}
    if count in QUALITY_AT:
        row[f"boundary_iou@{count}"] = boundary_iou(given.mask, truth)
        row |= {f"{name}@{count}": value for name, value in shape_figures(given.mask).items()}
    if count == 1:
        row |= {f"truth_{name}": value for name, value in shape_figures(truth).items()}
        row |= _of_candidates(given, truth) if given.candidates else {}
    return row


def _of_candidates(given: Answer, truth: Bitmap) -> Row:
    actual = [iou(candidate, truth) for candidate in given.candidates]
    best = int(np.argmax(given.predicted_iou))
    return {
        "oracle@1": max(actual),
        "best_chosen@1": float(actual[best] == max(actual)),
        "iou_error@1": float(np.mean(np.abs(np.array(actual) - np.array(given.predicted_iou)))),
        "candidates": actual,
        "predicted_iou": list(given.predicted_iou),
        "chosen": best,
    }
