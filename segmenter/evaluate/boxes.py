"""The boxes that instance masks are asked from: a detector's, in COCO's results format, or those of the true masks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segmenter import masks
from segmenter.evaluate.protocol import Task


@dataclass(frozen=True)
class GivenBox:
    """A box x0, y0, x1, y1 within the image, what it holds, and how sure its source is; None: a true box."""

    box: tuple[float, float, float, float]
    category: int
    score: float | None = None


@dataclass(frozen=True)
class Boxed:
    """One picture with its true masks and the boxes to ask for."""

    task: Task
    boxes: tuple[GivenBox, ...]


def read_boxes(file: Path) -> dict[Any, list[dict[str, Any]]]:
    """A detector's boxes by image id: entries with image_id, category_id, bbox x, y, w, h and score.

    ValueError says which entry is none.
    """
    entries = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(entries, list):
        raise ValueError(f"{file} is not a list of detections (COCO's results format)")
    by_image: dict[Any, list[dict[str, Any]]] = {}
    for number, entry in enumerate(entries):
        if not _is_detection(entry):
            raise ValueError(
                f"{file}, entry {number}: a detection has image_id, category_id, bbox x, y, w, h and score"
            )
        by_image.setdefault(entry["image_id"], []).append(entry)
    return by_image


def _is_detection(entry: object) -> bool:
    if not isinstance(entry, dict) or not {"image_id", "category_id", "bbox", "score"} <= entry.keys():
        return False
    box = entry["bbox"]
    numbers = [*box, entry["score"]] if isinstance(box, list) and len(box) == 4 else [None]
    return all(isinstance(one, int | float) and bool(np.isfinite(one)) for one in numbers)


def boxed(task: Task, given: Mapping[Any, Sequence[Mapping[str, Any]]] | None, most: int) -> Boxed:
    """A task with its boxes: the best ``most`` of the given ones, else those of its true masks, without groups.

    Boxes are cut at the image's edges; one that lies outside asks for nothing and is left out.
    """
    size = int(task.record["height"]), int(task.record["width"])
    if given is None:
        single = [one for one in task.annotations if not one.get("iscrowd", 0)]
        found = [GivenBox(_corners(_tight(one, size), size), one["category_id"]) for one in single]
    else:
        best = sorted(given.get(task.record["id"], ()), key=lambda one: -one["score"])[:most]
        found = [GivenBox(_corners(one["bbox"], size), one["category_id"], one["score"]) for one in best]
    return Boxed(task, tuple(one for one in found if one.box[0] < one.box[2] and one.box[1] < one.box[3]))


def _tight(annotation: Mapping[str, Any], size: masks.Size) -> tuple[int, int, int, int]:
    return masks.bbox(masks.parse(size, annotation["segmentation"]["counts"], size), size)


def _corners(bbox: Sequence[float], size: masks.Size) -> tuple[float, float, float, float]:
    x, y, wide, tall = bbox
    return max(0.0, x), max(0.0, y), min(float(size[1]), x + wide), min(float(size[0]), y + tall)
