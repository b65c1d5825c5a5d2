"""Object proposals: how much of what people marked lies among the best masks of a picture (paper, appendix D.3)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import felzenszwalb

from segmenter import masks
from segmenter.automask import generate
from segmenter.automask_config import AutomaskConfig
from segmenter.build import Model
from segmenter.data import read_picture
from segmenter.evaluate.datasets import absent
from segmenter.evaluate.matching import AREAS, Ious, mask_ious, matched
from segmenter.evaluate.pool import Report, each, silent
from segmenter.evaluate.proposal_figures import figures_of
from segmenter.evaluate.protocol import Row, Task
from segmenter.evaluate.rows import folder_for, write_results
from segmenter.evaluate.selection import SELECTIONS, tasks
from segmenter.manifest import file_digest, find_weights

MODEL, REGIONS = "model", "felzenszwalb"
COUNTS = (10, 100, 1000)  # of the best proposals of an image
GRID = 64
FREQUENCIES: Final = {"f": "frequent", "c": "common", "r": "rare"}  # LVIS: from 100, from 10, fewer training images
SCALES = (25, 50, 100, 200, 400, 800, 1600)  # of the regions that are the baseline


@dataclass(frozen=True)
class Proposing:
    """A picture's task, the points a side of the grid, and how often the labels' categories are."""

    task: Task
    grid: int
    frequency: Mapping[int, str]


def settings_of(grid: int) -> AutomaskConfig:
    """The paper's: no crops, no filter by predicted IoU or stability, boxes suppressed above .9."""
    return AutomaskConfig(grid, pred_iou_thresh=0, stability_score_thresh=0, box_nms_thresh=0.9)


def proposals(model: Model, rgb: NDArray[np.uint8], grid: int) -> list[masks.Runs]:
    """The model's best thousand masks, by the mean of predicted IoU and stability."""
    found = generate(model, rgb, settings_of(grid))
    ranks = [-(mask.predicted_iou + float(np.nan_to_num(mask.stability))) for mask in found]
    return [found[index].runs for index in np.argsort(ranks, kind="stable")[: max(COUNTS)]]


def regions(rgb: NDArray[np.uint8]) -> list[masks.Runs]:
    """The thousand largest regions of Felzenszwalb and Huttenlocher's method at seven scales, at 400 pixels."""
    scale = min(1.0, 400 / max(rgb.shape[:2]))
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found: list[masks.Runs] = []
    for coarse in SCALES:
        labels = felzenszwalb(small, scale=coarse, sigma=0.8, min_size=20).astype(np.int32)
        full = cv2.resize(labels, rgb.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        found += [masks.runs_of(full == label) for label in np.unique(full)]
    return sorted(found, key=masks.area, reverse=True)[: max(COUNTS)]


def judged_proposals(item: Proposing, found: Sequence[masks.Runs], method: str) -> list[Row]:
    """One row a true mask: the best IoU, and the share of the ten thresholds at which it is found, by count.

    Matching is COCO's, without classes. Among masks of one size or frequency (``recall_size``, ``recall_frequency``)
    the others are ignored or left out, as pycocotools and lvis-api do.
    """
    task = item.task
    size = int(task.record["height"]), int(task.record["width"])
    truths = [one for one in task.annotations if one["area"] > 0]
    true_runs = [masks.parse(size, one["segmentation"]["counts"], size) for one in truths]
    ious = mask_ious(found, true_runs, [False] * len(truths), size)
    areas = np.array([one["area"] for one in truths], np.float64)
    sizes = [next(name for name in ("small", "medium", "large") if area <= AREAS[name][1]) for area in areas]
    often = [item.frequency.get(one["category_id"]) for one in truths]
    rows: list[Row] = []
    recalls = {count: _recall(ious[:count], np.zeros(len(truths), np.bool_)) for count in COUNTS}
    of_size = {name: _recall(ious, ~_within(areas, name)) for name in set(sizes)}
    of_frequency = {name: _among(ious, [one == name for one in often]) for name in set(often) if name}
    for place, truth in enumerate(truths):
        row: Row = {"table": "proposals", "dataset": task.dataset, "image": task.path.name, "annotation": truth["id"]}
        row |= {"area": truth["area"], "share": truth["area"] / (size[0] * size[1]), "method": method}
        row |= {"iou": float(ious[:, place].max(initial=0)), "proposals": len(found), "size": sizes[place]}
        row |= {f"recall@{count}": float(shares[place]) for count, shares in recalls.items()}
        row |= {"recall_size": float(of_size[sizes[place]][place])}
        if name := often[place]:
            row |= {"frequency": name, "recall_frequency": float(of_frequency[name][place])}
        rows.append(row)
    return rows


def _within(areas: NDArray[np.float64], name: str) -> NDArray[np.bool_]:
    low, high = AREAS[name]
    return (areas >= low) & (areas <= high)


def _recall(ious: Ious, ignored: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Of each true mask the share of the thresholds at which it is found."""
    taken = matched(ious, ignored, np.zeros(len(ignored), np.bool_))
    hits: NDArray[np.bool_] = (taken[:, :, None] == np.arange(len(ignored))).any(1)
    shares: NDArray[np.float64] = hits.mean(0)
    return shares


def _among(ious: Ious, wanted: Sequence[bool]) -> NDArray[np.float64]:
    chosen = np.array(wanted, np.bool_)
    recall = np.zeros(len(chosen))
    recall[chosen] = _recall(ious[:, chosen], np.zeros(int(chosen.sum()), np.bool_))
    return recall


def _judged(model: Model, item: Proposing) -> list[Row]:
    rgb = read_picture(item.task.path)
    return [
        *judged_proposals(item, proposals(model, rgb, item.grid), MODEL),
        *judged_proposals(item, regions(rgb), REGIONS),
    ]


def frequencies(folder: Path) -> dict[int, str]:
    """How often each category of a COCO folder is, where its labels say so (LVIS)."""
    content = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    return {
        one["id"]: FREQUENCIES[one["frequency"]]
        for one in content.get("categories", [])
        if one.get("frequency") in FREQUENCIES
    }


def evaluate_proposals(
    folders: Sequence[Path],
    model: str,
    out: Path,
    split: dict[str, set[str]] | None = None,
    limit: int | None = None,
    grid: int = GRID,
    jobs: int = 1,
    report: Report = silent,
) -> dict[str, Any]:
    """Measures a model (name or file) on COCO folders; writes ``metrics.json`` and ``masks.jsonl`` into ``out``.

    ``grid`` points a side are asked in every picture. ValueError where there is nothing to find.
    """
    settings_of(grid)  # a bad grid is refused before the work
    items = [
        Proposing(task, grid, often)
        for folder in folders
        for often in [frequencies(folder)]
        for task in tasks(folder, split, limit, SELECTIONS["paper"])
    ]
    if not items:
        raise ValueError("no picture with a mask to find")
    folder_for(out)
    rows = [row for part in each(_judged, items, model, jobs, report) for row in part]
    sets = {item.task.dataset: str(item.task.path.parents[1]) for item in items}
    metrics = {
        "table": "proposals",
        "model": model,
        "weights_digest": file_digest(find_weights(model)),
        "settings": {"grid": grid, "limit": limit},
        **figures_of(rows),
        "folders": sets,
        "absent": absent(sets),
    }
    write_results(out, metrics, rows)
    return metrics
