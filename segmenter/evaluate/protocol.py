"""The click protocol: which masks are asked for, where the simulated annotator clicks, and what is counted.

Click 1 is the deepest pixel of the mask, every next one the deepest pixel of the largest region in error (sam.md
section 6). IoU is taken at the picture's size, capped at ``LONG_SIDE``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from segmenter.data import annotation_mask, coco_images, read_picture
from segmenter.prompts import Bitmap, Point, first_click, next_click

LONG_SIDE = 640
MOST_MASKS = 8  # of one picture
LEAST_AREA = 0.01  # of the picture: smaller masks say more about their annotator than about the model
LEAST_AREA_OF = {"dsb2018/dev": 0.001}  # nuclei are small


@dataclass(frozen=True)
class Answer:
    """The mask a method shows, and, where it has them, its candidates with their predicted IoU."""

    mask: Bitmap
    candidates: tuple[Bitmap, ...] = ()
    predicted_iou: tuple[float, ...] = ()


class Method(Protocol):
    """Something that answers clicks: ``open`` a picture, then ask for all objects' clicks so far, again and again."""

    def open(self, rgb: NDArray[np.uint8]) -> Callable[[Sequence[Sequence[Point]]], list[Answer]]: ...


@dataclass(frozen=True)
class Task:
    """One picture and the annotations of it that are asked for."""

    dataset: str
    path: Path
    annotations: tuple[dict[str, Any], ...]


def tasks(folder: Path, split: dict[str, set[str]] | None, limit: int | None = None) -> Iterator[Task]:
    """The tasks of one COCO folder, the same in every run: at most ``MOST_MASKS`` masks of one annotator a picture."""
    taken = 0
    for name, path, labelled in coco_images(folder, split):
        if limit is not None and taken == limit:
            return
        rng = random.Random(path.name)
        annotators = sorted({annotation.get("annotator", 0) for annotation in labelled})
        if not annotators:
            continue
        annotator = rng.choice(annotators)
        least = LEAST_AREA_OF.get(name, LEAST_AREA)
        chosen = [
            annotation
            for annotation in labelled
            if annotation.get("annotator", 0) == annotator
            and annotation["area"] >= least * np.prod(annotation["segmentation"]["size"])
        ]
        rng.shuffle(chosen)
        if chosen:
            taken += 1
            yield Task(name, path, tuple(chosen[:MOST_MASKS]))


def read(task: Task) -> tuple[NDArray[np.uint8], list[Bitmap]]:
    """The picture and the masks of a task, shrunk to ``LONG_SIDE``."""
    rgb = read_picture(task.path)
    truths = [annotation_mask(annotation) for annotation in task.annotations]
    scale = LONG_SIDE / max(rgb.shape[:2])
    if scale < 1:
        width, height = round(rgb.shape[1] * scale), round(rgb.shape[0] * scale)
        rgb = np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        small = (cv2.resize(t.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0 for t in truths)
        truths = [truth for truth in small if truth.any()]
    return rgb, truths


def iou(first: Bitmap, second: Bitmap) -> float:
    """Intersection over union of two masks of one size; 1 where both are empty."""
    either = int(np.count_nonzero(first | second))
    return int(np.count_nonzero(first & second)) / either if either else 1.0


def interact(method: Method, rgb: NDArray[np.uint8], truths: Sequence[Bitmap], clicks: int) -> list[dict[str, float]]:
    """Clicks ``clicks`` times on every object. One row a mask: ``iou@k``, and ``oracle@1`` and more with candidates."""
    answer = method.open(rgb)
    points = [[first_click(truth)] for truth in truths]
    rows: list[dict[str, float]] = [{} for _ in truths]
    for count in range(1, clicks + 1):
        answers = answer(points)
        for row, given, truth, clicked in zip(rows, answers, truths, points, strict=True):
            row[f"iou@{count}"] = iou(given.mask, truth)
            if count == 1 and given.candidates:
                row |= _of_candidates(given, truth)
            if count < clicks:
                # A mask without an error keeps its prompts: the last click is said again.
                clicked.append(next_click(given.mask, truth) or clicked[-1])
    return rows


def _of_candidates(given: Answer, truth: Bitmap) -> dict[str, float]:
    actual = [iou(candidate, truth) for candidate in given.candidates]
    best = int(np.argmax(given.predicted_iou))
    return {
        "oracle@1": max(actual),
        "best_chosen@1": float(actual[best] == max(actual)),
        "iou_error@1": float(np.mean(np.abs(np.array(actual) - np.array(given.predicted_iou)))),
    }
