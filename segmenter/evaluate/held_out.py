"""Clicks on the held-out part of a snapshot: what the candidate and the active model version of a round are judged by.

Two models that are asked on one snapshot are asked for the same masks, so their rows can be paired.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch

from segmenter import masks
from segmenter.automask import generate
from segmenter.automask_config import AUTOMASK_PRESETS, FAMILY_PRESETS, AutomaskConfig
from segmenter.build import Model
from segmenter.checkpoint import load_model
from segmenter.evaluate.click_figures import MODEL
from segmenter.evaluate.clicks import ModelMethod, labelled
from segmenter.evaluate.pool import Report, each, silent, spread
from segmenter.evaluate.protocol import Clicking, Row, Task, interact
from segmenter.evaluate.selection import read
from segmenter.training.entries import Place, SnapshotImage
from segmenter.training.snapshot import Snapshot

MOST_POINTS: Final = 16  # on a side of the grid: only the ratio of two versions matters


@dataclass(frozen=True)
class Sample:
    """How much of the held-out part is asked for: the first ``images`` in the snapshot's order, which is a random one.

    ``masks`` of each, drawn by their ids, on a ``long_side`` of at most so many pixels; ``clicks`` on a mask at most.
    On the first ``counted`` images a model also looks for masks by itself.
    """

    images: int = 200
    masks: int = 8
    long_side: int = 640
    clicks: int = 20
    least: int = 5
    counted: int = 8


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


@dataclass(frozen=True)
class Answers:
    """One row a mask, as ``evaluate clicks`` writes them, with ``source``, ``category`` and the image's pixel digest.

    ``found``: how many masks the model finds by itself on how many ``looked_at`` images.
    """

    rows: list[Row]
    found: int
    looked_at: int


def held_out_answers(
    weights: Path,
    snapshot: Snapshot,
    sample: Sample = Sample(),
    categories: Mapping[str, str] | None = None,
    jobs: int = 1,
    report: Report = silent,
) -> Answers:
    """What the model of a weights file answers, in so many processes of one thread; their number changes nothing.

    The first click lies in the middle of the mask; all answers are the model's own. ``categories`` names those of
    annotations by their id. A single job runs in this process, on its GPU where it has one. InvalidSnapshot or
    ValueError for a picture that is not what was frozen.
    """
    named = categories or {}
    tasks = held_out_tasks(snapshot, sample)
    questions = [(task, place < sample.counted) for place, task in enumerate(tasks)]
    work = partial(_answer, sample)
    if jobs > 1:
        answers = list(each(work, questions, str(weights), jobs, report))
    else:
        model = load_model(weights).to("cuda" if torch.cuda.is_available() else "cpu")
        answers = list(spread(partial(work, model), questions, 1, report))
    rows = [row | {"category": named.get(row["annotation"])} for rows, _ in answers for row in rows]
    return Answers(rows, sum(found for _, found in answers), min(sample.counted, len(tasks)))


def _answer(sample: Sample, model: Model, question: tuple[Task, bool]) -> tuple[list[Row], int]:
    task, counted = question
    asked, rgb, truths = read(task)
    names: list[Any] = [annotation["id"] for annotation in asked.annotations]
    clicking = Clicking(least=min(sample.least, sample.clicks), most=sample.clicks)
    rows = labelled(asked, MODEL, "center", interact(ModelMethod(model), rgb, truths, clicking, names))
    digest = task.record["pixel_digest"]
    told = [
        row | {"pixel_digest": digest, "source": annotation["source"]}
        for row, annotation in zip(rows, asked.annotations, strict=True)
    ]
    return told, len(generate(model, rgb, _coarse(model))) if counted else 0


def _coarse(model: Model) -> AutomaskConfig:
    settings = AUTOMASK_PRESETS[FAMILY_PRESETS[model.config.family]]
    return replace(settings, points_per_side=min(MOST_POINTS, settings.points_per_side))
