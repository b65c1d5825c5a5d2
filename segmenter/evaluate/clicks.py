"""Masks from 1 to 20 simulated clicks, of a model and of classical methods from their own same clicks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmenter.build import Model
from segmenter.evaluate.baselines import BASELINES
from segmenter.evaluate.click_figures import MODEL, figures_of
from segmenter.evaluate.datasets import absent
from segmenter.evaluate.pool import Report, each, silent
from segmenter.evaluate.protocol import Answer, Clicking, Clicks, First, Following, Row, Task, interact
from segmenter.evaluate.rows import folder_for, write_results
from segmenter.evaluate.selection import SELECTIONS, read, tasks
from segmenter.manifest import file_digest, find_weights
from segmenter.predict import Candidates, decode, embed
from segmenter.prompts import Prompt

BASELINE_CLICKS = 5
PROTOCOLS: tuple[First, ...] = ("center", "random")


@dataclass(frozen=True)
class ClickSettings:
    """What is measured. ``protocols``: how the first click is placed; the first of them fills the top of the metrics.

    most: clicks in all; more than nine count clicks to 85 and 90 % IoU. following: see :class:`Clicking`.
    baselines click for the first protocol only.
    """

    protocols: tuple[First, ...] = PROTOCOLS
    following: Following = "largest"
    most: int = 20
    selection: str = "starter"
    baselines: tuple[str, ...] = tuple(BASELINES)
    limit: int | None = None

    def __post_init__(self) -> None:
        if not self.protocols or not set(self.protocols) <= set(PROTOCOLS):
            raise ValueError(f"protocols are {' and '.join(PROTOCOLS)}, not {', '.join(self.protocols) or 'none'}")
        if self.following not in ("largest", "deepest"):
            raise ValueError(f"the next click goes into the largest or the deepest error, not the {self.following}")
        if self.selection not in ("starter", "paper"):
            raise ValueError(f"the selection is starter or paper, not {self.selection}")

    def clicking(self, first: First) -> Clicking:
        return Clicking(first, self.following, most=self.most)


class ModelMethod:
    """A promptable model that sees its own last mask again, as it does in the browser.

    With ``outputs`` 1 only its single mask is asked for, from the first click on; without ``feedback`` it never sees
    a mask of its own.
    """

    def __init__(self, model: Model, outputs: int = 3, feedback: bool = True) -> None:
        self.model, self.outputs, self.feedback = model, outputs, feedback

    def open(self, rgb: NDArray[np.uint8]) -> Callable[[Clicks], dict[int, Answer]]:
        """Embeds the picture once and answers clicks on it."""
        embedding = embed(self.model, rgb)
        shown: dict[int, NDArray[np.float32]] = {}

        def answer(clicks: Clicks) -> dict[int, Answer]:
            prompts = [Prompt(tuple(points)) for points in clicks.values()]
            found = decode(self.model, embedding, prompts, [shown.get(index) for index in clicks])
            if self.feedback:
                shown.update((index, one.logits[self._chosen(one)]) for index, one in zip(clicks, found, strict=True))
            return {
                index: self._answered(candidates, len(points) == 1)
                for (index, points), candidates in zip(clicks.items(), found, strict=True)
            }

        return answer

    def _chosen(self, candidates: Candidates) -> int:
        return candidates.chosen if self.outputs > 1 else 0

    def _answered(self, candidates: Candidates, first: bool) -> Answer:
        if not first or self.outputs == 1:
            return Answer(candidates.mask(self._chosen(candidates)))
        masks = tuple(candidates.mask(token) for token in (1, 2, 3))
        scores = tuple(float(score) for score in candidates.predicted_iou[1:])
        return Answer(masks[candidates.chosen - 1], masks, scores)


def _rows_of(settings: ClickSettings, model: Model, task: Task) -> list[Row]:
    task, rgb, truths = read(task)
    names = [f"{task.path.name}/{annotation['id']}" for annotation in task.annotations]
    rows: list[Row] = []
    for first in settings.protocols:
        clicking = settings.clicking(first)
        rows += labelled(task, MODEL, first, interact(ModelMethod(model), rgb, truths, clicking, names))
    first = settings.protocols[0]
    few = replace(settings.clicking(first), least=BASELINE_CLICKS, most=BASELINE_CLICKS)
    for name in settings.baselines:
        rows += labelled(task, name, first, interact(BASELINES[name](), rgb, truths, few, names))
    return rows


def labelled(task: Task, method: str, protocol: First, rows: Sequence[Row]) -> list[Row]:
    """The rows of a task's masks, one each, with what names them in ``masks.jsonl``."""
    found = []
    for annotation, row in zip(task.annotations, rows, strict=True):
        pixels = int(np.prod(annotation["segmentation"]["size"]))
        known = {"table": "clicks", "dataset": task.dataset, "image": task.path.name, "annotation": annotation["id"]}
        known |= {"area": annotation["area"], "share": annotation["area"] / pixels}
        found.append({**known, "method": method, "protocol": protocol, **row})
    return found


def evaluate_clicks(
    folders: Sequence[Path],
    model: str,
    out: Path,
    split: dict[str, set[str]] | None = None,
    settings: ClickSettings = ClickSettings(),
    jobs: int = 1,
    report: Report = silent,
) -> dict[str, Any]:
    """Evaluates a model (name or file) on COCO folders; writes ``metrics.json`` and ``masks.jsonl`` into ``out``.

    Returns the metrics; docs/evaluation.md describes both files. ValueError where there is nothing to ask for.
    """
    chosen = SELECTIONS[settings.selection]
    found = {folder: list(tasks(folder, split, settings.limit, chosen)) for folder in folders}
    items = [task for part in found.values() for task in part]
    if not items:
        raise ValueError("no picture with a mask that is large enough to evaluate")
    folder_for(out)
    rows = [row for part in each(partial(_rows_of, settings), items, model, jobs, report) for row in part]
    protocols = {
        first: figures_of([r for r in rows if r["protocol"] == first], settings.most) for first in settings.protocols
    }
    sets = {part[0].dataset: str(folder) for folder, part in found.items() if part}
    metrics = {
        "table": "clicks",
        "model": model,
        "weights_digest": file_digest(find_weights(model)),
        "settings": {"protocols": list(settings.protocols), "following": settings.following, "most": settings.most}
        | {"selection": settings.selection, "limit": settings.limit},
        **protocols[settings.protocols[0]],
        "protocols": protocols,
        "folders": sets,
        "absent": absent(sets),
    }
    write_results(out, metrics, rows)
    return metrics
