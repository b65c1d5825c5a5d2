"""Instance masks from given boxes, judged as COCO does (paper, appendix D.4).

Each box is asked once, and once more together with its most confident mask; both answers are measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segmenter import masks
from segmenter.build import Model
from segmenter.data import read_picture
from segmenter.evaluate.boxes import Boxed, GivenBox, boxed, read_boxes
from segmenter.evaluate.datasets import absent
from segmenter.evaluate.instance_figures import ByCategory, ap_figures, ap_intervals
from segmenter.evaluate.matching import AREAS, Ious, Judged, judge, mask_ious
from segmenter.evaluate.pool import Report, each, silent
from segmenter.evaluate.protocol import Row, Task
from segmenter.evaluate.rows import folder_for, write_results
from segmenter.evaluate.selection import SELECTIONS, tasks
from segmenter.manifest import file_digest, find_weights
from segmenter.predict import Candidates, Embedding, decode, embed
from segmenter.prompts import Box, Prompt

REFINED, PLAIN = "model", "first_pass"
MOST = 100  # boxes of one image, the best by score: COCO's; LVIS takes 300
BATCH = 16  # boxes that go through the decoder at once


@dataclass(frozen=True)
class FoundMask:
    """What one box led to."""

    runs: masks.Runs
    category: int
    score: float
    predicted_iou: float


def answers(model: Model, embedding: Embedding, boxes: Sequence[GivenBox]) -> Iterator[tuple[Candidates, Candidates]]:
    """Of each box the answer to it and the mask chosen before, and that first answer."""
    for start in range(0, len(boxes), BATCH):
        prompts = [Prompt(box=Box(*one.box)) for one in boxes[start : start + BATCH]]
        first = decode(model, embedding, prompts)
        yield from zip(decode(model, embedding, prompts, [one.logits[one.chosen] for one in first]), first, strict=True)


def _mask_of(given: GivenBox, candidates: Candidates) -> FoundMask:
    predicted = float(candidates.predicted_iou[candidates.chosen])
    runs = masks.runs_of(np.ascontiguousarray(candidates.mask(candidates.chosen)))
    return FoundMask(runs, given.category, predicted if given.score is None else given.score, predicted)


def _judged(model: Model, item: Boxed) -> dict[str, tuple[ByCategory, list[Row]]]:
    embedding = embed(model, read_picture(item.task.path))
    pairs = list(answers(model, embedding, item.boxes))
    found = {}
    for place, name in enumerate((REFINED, PLAIN)):
        drawn = [_mask_of(given, pair[place]) for given, pair in zip(item.boxes, pairs, strict=True)]
        found[name] = judged_image(item.task, drawn, name)
    return found


def judged_image(task: Task, found: Sequence[FoundMask], method: str) -> tuple[ByCategory, list[Row]]:
    """The masks found in one image against its true ones, by category and class of sizes, and one row a true mask.

    Where an image says so, LVIS's rules hold: categories that nobody looked for (neither true nor in
    ``neg_category_ids``) are not judged, and those in ``not_exhaustive_category_ids`` know no wrong extra mask.
    """
    looked_for = {one["category_id"] for one in task.annotations}
    if "neg_category_ids" in task.record:
        looked_for |= set(task.record["neg_category_ids"])
    else:
        looked_for |= {one.category for one in found}
    partly = set(task.record.get("not_exhaustive_category_ids", ()))
    by_category, rows = {}, []
    for category in sorted(looked_for):
        truths = [one for one in task.annotations if one["category_id"] == category]
        best = sorted((one for one in found if one.category == category), key=lambda one: -one.score)
        by_category[category], ious = _judged_category(task, truths, best, category not in partly)
        for truth, column in zip(truths, ious.T, strict=True):
            if not truth.get("iscrowd", 0):
                rows.append(_row(task, truth, best, column, method))
    return by_category, rows


def _judged_category(
    task: Task, truths: Sequence[dict[str, Any]], best: Sequence[FoundMask], exhaustive: bool
) -> tuple[dict[str, Judged], Ious]:
    size = int(task.record["height"]), int(task.record["width"])
    crowd = np.array([bool(one.get("iscrowd", 0)) for one in truths], np.bool_)
    true_runs = [masks.parse(size, one["segmentation"]["counts"], size) for one in truths]
    ious = mask_ious([one.runs for one in best], true_runs, crowd.tolist(), size)
    areas = (
        np.array([masks.area(one.runs) for one in best], np.float64),
        np.array([one["area"] for one in truths], np.float64),
    )
    scores = np.array([one.score for one in best], np.float64)
    return {name: judge(ious, scores, areas, crowd, span, exhaustive) for name, span in AREAS.items()}, ious


def _row(task: Task, truth: dict[str, Any], best: Sequence[FoundMask], ious: Ious, method: str) -> Row:
    pixels = int(task.record["height"]) * int(task.record["width"])
    row: Row = {"table": "instances", "dataset": task.dataset, "image": task.path.name, "annotation": truth["id"]}
    row |= {"area": truth["area"], "share": truth["area"] / pixels, "method": method, "category": truth["category_id"]}
    nearest = int(ious.argmax()) if len(ious) else None
    row |= {"iou": 0.0 if nearest is None else float(ious[nearest])}
    return row | {"predicted_iou": None if nearest is None else best[nearest].predicted_iou}


def evaluate_instances(
    folders: Sequence[Path],
    model: str,
    out: Path,
    split: dict[str, set[str]] | None = None,
    limit: int | None = None,
    boxes: Path | None = None,
    most: int = MOST,
    jobs: int = 1,
    report: Report = silent,
) -> dict[str, Any]:
    """Measures a model (name or file) on COCO folders; writes ``metrics.json`` and ``masks.jsonl`` into ``out``.

    ``boxes`` is a detector's file, for one folder; without it, the boxes of the true masks are asked, and masks are
    ranked by predicted IoU. ``most`` boxes of an image at most are used. ValueError where there is nothing to ask for.
    """
    given = read_boxes(boxes) if boxes else None
    if given is not None and len(folders) != 1:
        raise ValueError(f"one file of boxes is for one data set, and there are {len(folders)} folders")
    found = [task for folder in folders for task in tasks(folder, split, limit, SELECTIONS["complete"])]
    items = [boxed(task, given, most) for task in found]
    if not any(item.boxes for item in items):
        raise ValueError(
            "no box to ask for: no image of the data has one"
            if given is None
            else f"{boxes} has no box for these images"
        )
    folder_for(out)
    judged = list(zip(items, each(_judged, items, model, jobs, report), strict=True))
    datasets = {
        name: _of_set([(item, part) for item, part in judged if item.task.dataset == name])
        for name in dict.fromkeys(item.task.dataset for item in items)
    }
    sets = {item.task.dataset: str(item.task.path.parents[1]) for item in items}
    metrics = {
        "table": "instances",
        "model": model,
        "weights_digest": file_digest(find_weights(model)),
        "settings": {"boxes": str(boxes) if boxes else None, "most": most, "limit": limit},
        "datasets": datasets,
        "folders": sets,
        "absent": absent(sets),
    }
    write_results(out, metrics, (row for _, part in judged for _, rows in part.values() for row in rows))
    return metrics


def _of_set(judged: Sequence[tuple[Boxed, dict[str, tuple[ByCategory, list[Row]]]]]) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "images": len(judged),
        "masks": sum(len(part[REFINED][1]) for _, part in judged),
        "boxes": sum(len(item.boxes) for item, _ in judged),
    }
    figures |= _table([part[REFINED] for _, part in judged])
    return figures | {"baselines": {PLAIN: _table([part[PLAIN] for _, part in judged])}}


def _table(parts: Sequence[tuple[ByCategory, list[Row]]]) -> dict[str, Any]:
    images = [by_category for by_category, _ in parts]
    ious = [row["iou"] for _, rows in parts for row in rows]
    figures: dict[str, Any] = {key: round(value, 4) for key, value in ap_figures(images).items()}
    figures["miou"] = round(float(np.mean(ious)), 4) if ious else None
    bounds = ap_intervals(images)
    return figures | {"ci": {key: [round(low, 4), round(high, 4)] for key, (low, high) in bounds.items()}}
