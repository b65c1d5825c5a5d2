"""Which pictures and masks of a data set are measured, and at which size: the same in every run."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from segmenter.data import annotation_mask, coco_records, read_picture
from segmenter.evaluate.protocol import Task
from segmenter.prompts import Bitmap


@dataclass(frozen=True)
class Selection:
    """What of a set is asked for.

    long_side: pictures and masks are shrunk to it, None: the picture's own size.
    most_masks: of one picture, drawn by its name, of one annotator; None: all.
    least_share: of the picture: smaller masks say more about their annotator than about the model. ``least_share_of``
        names sets with a share of their own.
    complete: also groups of objects (``iscrowd``) and pictures without a mask, which COCO's AP needs.
    many, few: a set of more than ``many`` masks is cut to whole pictures with about ``few`` (paper, appendix D.1).
    """

    long_side: int | None = None
    most_masks: int | None = None
    least_share: float = 0.0
    least_share_of: Mapping[str, float] = field(default_factory=dict)
    complete: bool = False
    many: int = 15_000
    few: int = 10_000


SELECTIONS: Final = {
    # That of the starter's model card: at most 8 masks a picture, none below 1 % of it. Nuclei are small.
    "starter": Selection(640, 8, 0.01, {"dsb2018/dev": 0.001}),
    # The paper's: every mask, at the picture's size. Which pictures it drew from large sets was not published.
    "paper": Selection(),
    "complete": Selection(complete=True),
}


def tasks(folder: Path, split: dict[str, set[str]] | None, limit: int | None, selection: Selection) -> Iterator[Task]:
    """The tasks of one COCO folder; ``limit`` pictures at most that have a mask to ask for."""
    found = [
        Task(name, path, tuple(_chosen(name, path, labelled, selection)), selection.long_side, record)
        for name, record, path, labelled in coco_records(folder, split)
    ]
    found = [task for task in found if task.annotations or selection.complete]
    if sum(len(task.annotations) for task in found) > selection.many:
        found = _fewer(found, selection.few)
    yield from found[:limit]


def _chosen(name: str, path: Path, labelled: list[dict[str, Any]], selection: Selection) -> list[dict[str, Any]]:
    """The annotations of one annotator of a picture that are large enough."""
    if any(not _is_run_length(one.get("segmentation")) for one in labelled):
        raise ValueError(
            f"{path.parents[1] / 'annotations.json'} has masks that are no compressed run lengths; "
            "`maskmill evaluate prepare` makes a folder with such"
        )
    rng = random.Random(path.name)
    annotators = sorted({annotation.get("annotator", 0) for annotation in labelled})
    if not annotators:
        return []
    annotator = rng.choice(annotators)
    least = selection.least_share_of.get(name, selection.least_share)
    chosen = [
        annotation
        for annotation in labelled
        if annotation.get("annotator", 0) == annotator
        and (selection.complete or not annotation.get("iscrowd", 0))
        and annotation["area"] >= max(1, least * np.prod(annotation["segmentation"]["size"]))
    ]
    rng.shuffle(chosen)
    return chosen[: selection.most_masks]


def _is_run_length(segmentation: object) -> bool:
    return isinstance(segmentation, dict) and isinstance(segmentation.get("counts"), str)


def _fewer(found: list[Task], masks: int) -> list[Task]:
    """Whole pictures, drawn by the name of the set, until there are about as many masks; in their order."""
    order = list(range(len(found)))
    random.Random(found[0].dataset).shuffle(order)
    taken, total = [], 0
    for index in order:
        if total >= masks:
            break
        taken.append(index)
        total += len(found[index].annotations)
    return [found[index] for index in sorted(taken)]


def read(task: Task) -> tuple[Task, NDArray[np.uint8], list[Bitmap]]:
    """The picture and the masks of a task, shrunk to its long side, and the task without masks that vanished in it."""
    rgb = read_picture(task.path)
    truths = [annotation_mask(annotation) for annotation in task.annotations]
    scale = task.long_side / max(rgb.shape[:2]) if task.long_side else 1
    if scale >= 1:
        return task, rgb, truths
    width, height = round(rgb.shape[1] * scale), round(rgb.shape[0] * scale)
    rgb = np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    small = [cv2.resize(t.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0 for t in truths]
    left = [(one, truth) for one, truth in zip(task.annotations, small, strict=True) if truth.any()]
    return replace(task, annotations=tuple(one for one, _ in left)), rgb, [truth for _, truth in left]
