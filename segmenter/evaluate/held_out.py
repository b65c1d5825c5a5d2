"""Clicks on the held-out part of a snapshot: what the candidate and the active model version of a round are judged by.

Two models that are asked on one snapshot are asked for the same masks, so their rows can be paired.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from segmenter import masks
from segmenter.build import Model
from segmenter.evaluate.click_figures import MODEL
from segmenter.evaluate.clicks import ModelMethod, labelled
from segmenter.evaluate.pool import Report, silent, spread
from segmenter.evaluate.protocol import Clicking, Row, Task, interact
from segmenter.evaluate.selection import read
from segmenter.training.entries import Place, SnapshotImage
from segmenter.training.snapshot import Snapshot


@dataclass(frozen=True)
class Sample:
    """How much of the held-out part is asked for: the first ``images`` in the snapshot's order, which is a random one.

    ``masks`` of each, drawn by their ids, on a ``long_side`` of at most so many pixels; ``clicks`` on a mask at most.
    """

    images: int = 200
    masks: int = 8
    long_side: int = 640
    clicks: int = 20
    least: int = 5


def held_out_tasks(snapshot: Snapshot, sample: Sample = Sample()) -> list[Task]:
    """The pictures of the held-out part that have a mask, with the masks that are asked for."""
    found: list[Task] = []
    for image, place in snapshot.images("held_out"):
        if len(found) == sample.images:
            break
        if image.masks:
            found.append(_task(image, place, sample))
    return found


def _task(image: SnapshotImage, place: Place, sample: Sample) -> Task:
    drawn = sorted(image.masks, key=lambda mask: hashlib.sha256(mask.id.encode()).digest())[: sample.masks]
    asked = tuple(
        {
            "id": mask.id,
            "source": mask.source,
            "segmentation": {"size": list(image.size), "counts": mask.counts},
            "area": masks.area(masks.parse(list(image.size), mask.counts, image.size)),
        }
        for mask in drawn
    )
    return Task(image.dataset, place.file, asked, sample.long_side, {"pixel_digest": image.pixel_digest})


def held_out_rows(
    model: Model,
    snapshot: Snapshot,
    sample: Sample = Sample(),
    categories: Mapping[str, str] | None = None,
    report: Report = silent,
) -> list[Row]:
    """One row a mask, as ``evaluate clicks`` writes them, with ``source``, ``category`` and the image's pixel digest.

    The first click lies in the middle of the mask; all answers are the model's own, one thread computes. ``categories``
    names those of annotations by their id. InvalidSnapshot or ValueError for a picture that is not what was frozen.
    """
    named = categories or {}
    found = spread(partial(_rows, model, sample), held_out_tasks(snapshot, sample), 1, report)
    return [row | {"category": named.get(row["annotation"])} for rows in found for row in rows]


def _rows(model: Model, sample: Sample, task: Task) -> list[Row]:
    asked, rgb, truths = read(task)
    names: list[Any] = [annotation["id"] for annotation in asked.annotations]
    clicking = Clicking(least=min(sample.least, sample.clicks), most=sample.clicks)
    rows = labelled(asked, MODEL, "center", interact(ModelMethod(model), rgb, truths, clicking, names))
    digest = task.record["pixel_digest"]
    return [
        row | {"pixel_digest": digest, "source": annotation["source"]}
        for row, annotation in zip(rows, asked.annotations, strict=True)
    ]
