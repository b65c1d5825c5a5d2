"""Mean IoU after 1, 2, 3, 5 and 9 simulated clicks, of a model and of classical methods from their own same clicks."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from segmenter.build import Model
from segmenter.checkpoint import load_model
from segmenter.evaluate.baselines import BASELINES
from segmenter.evaluate.protocol import Answer, Method, Task, interact, read, tasks
from segmenter.manifest import find_weights
from segmenter.predict import decode, embed
from segmenter.prompts import Point, Prompt

REPORTED = (1, 2, 3, 5, 9)
BASELINE_REPORTED = (1, 2, 3, 5)
Row = dict[str, float]
Rows = dict[str, list[Row]]  # by method; "model" is the model


class ModelMethod:
    """A promptable model that sees its own last mask again, as it does in the browser."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def open(self, rgb: NDArray[np.uint8]) -> Callable[[Sequence[Sequence[Point]]], list[Answer]]:
        """Embeds the picture once and answers clicks on it."""
        embedding = embed(self.model, rgb)
        shown: list[NDArray[np.float32]] = []

        def answer(clicks: Sequence[Sequence[Point]]) -> list[Answer]:
            previous = np.stack(shown) if shown else None
            found = decode(self.model, embedding, [Prompt(tuple(points)) for points in clicks], previous)
            shown[:] = [candidates.logits[candidates.chosen] for candidates in found]
            if previous is not None:
                return [Answer(candidates.mask(candidates.chosen)) for candidates in found]
            answers = []
            for candidates in found:
                masks = tuple(candidates.mask(token) for token in (1, 2, 3))
                scores = tuple(float(score) for score in candidates.predicted_iou[1:])
                answers.append(Answer(masks[candidates.chosen - 1], masks, scores))
            return answers

        return answer


_model: Model | None = None  # of a worker process: loaded once, used for every picture


def _start_worker(model: str) -> None:
    global _model
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    _model = load_model(find_weights(model))


def _evaluate(task: Task, baselines: Sequence[str]) -> Rows:
    assert _model is not None
    rgb, truths = read(task)
    methods: dict[str, tuple[Method, int]] = {"model": (ModelMethod(_model), max(REPORTED))}
    methods |= {name: (BASELINES[name](), max(BASELINE_REPORTED)) for name in baselines}
    return {name: interact(method, rgb, truths, clicks) for name, (method, clicks) in methods.items()}


def _means(rows: Sequence[Row], reported: Iterable[int]) -> dict[str, float]:
    keys = [f"iou@{count}" for count in reported] + ["oracle@1", "best_chosen@1", "iou_error@1"]
    return {
        f"m{key}" if key.startswith("iou@") else key: round(float(np.mean([row[key] for row in rows])), 4)
        for key in keys
        if key in rows[0]
    }


def _summary(images: int, rows: Rows) -> dict[str, Any]:
    figures: dict[str, Any] = {"images": images, "masks": len(rows["model"])}
    figures |= _means(rows["model"], REPORTED)
    baselines = {name: _means(found, BASELINE_REPORTED) for name, found in rows.items() if name != "model"}
    return figures | {"baselines": baselines}


def _macro(datasets: Sequence[dict[str, Any]]) -> dict[str, Any]:
    def mean(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
        keys = [key for key, value in rows[0].items() if isinstance(value, float)]
        return {key: round(float(np.mean([row[key] for row in rows])), 4) for key in keys}

    baselines = {name: mean([row["baselines"][name] for row in datasets]) for name in datasets[0]["baselines"]}
    return mean(datasets) | {"baselines": baselines}


def evaluate_clicks(
    folders: Sequence[Path],
    model: str,
    out: Path,
    split: dict[str, set[str]] | None = None,
    limit: int | None = None,
    baselines: Sequence[str] = tuple(BASELINES),
    jobs: int = 1,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Evaluates a model (name or file) on COCO folders and writes ``metrics.json`` into ``out``; see the module.

    ``macro`` is the mean over the sets, each with the same weight.
    """
    found = [task for folder in folders for task in tasks(folder, split, limit)]
    if not found:
        raise ValueError("no picture with a mask that is large enough to evaluate")
    by_set: dict[str, Rows] = defaultdict(lambda: defaultdict(list))
    images: dict[str, int] = defaultdict(int)
    with ProcessPoolExecutor(jobs, get_context("spawn"), _start_worker, (model,)) as pool:
        for done, (task, rows) in enumerate(
            zip(found, pool.map(_evaluate, found, [tuple(baselines)] * len(found)), strict=True), 1
        ):
            images[task.dataset] += 1
            for name, part in rows.items():
                by_set[task.dataset][name] += part
            report(done, len(found))
    datasets = {name: _summary(images[name], rows) for name, rows in by_set.items()}
    metrics = {"model": model, "datasets": datasets, "macro": _macro(list(datasets.values()))}
    out.mkdir(parents=True, exist_ok=True)
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    return metrics
