"""Edges of a model and of classical methods on COCO folders that have human boundary maps (``boundaries.npz``)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from segmenter.data import coco_images, read_picture
from segmenter.evaluate.edge_files import Boundaries, read_boundaries
from segmenter.evaluate.edge_methods import DETECTORS
from segmenter.evaluate.edge_model import SETTINGS, model_edges
from segmenter.evaluate.edge_run import EdgeTask, run_tasks, summary, written
from segmenter.evaluate.edges import LEVELS, Counts, Detections, above
from segmenter.evaluate.pool import Report, loaded
from segmenter.manifest import file_digest, find_weights

TRUTH = "boundaries.npz"
METHODS = ("model", *DETECTORS)

# Segment Anything, table 3: BSDS500, its 200 test images. As published; nothing of it was measured by Maskmill.
PUBLISHED = (
    {"method": "HED (2015)", "ods": 0.788, "ois": 0.808, "ap": 0.840, "r50": 0.923},
    {"method": "EDETR (2022)", "ods": 0.840, "ois": 0.858, "ap": 0.896, "r50": 0.930},
    {"method": "Sobel filter (1968)", "ods": 0.539},
    {"method": "Canny (1986)", "ods": 0.600, "ois": 0.640, "ap": 0.580},
    {"method": "Felzenszwalb-Huttenlocher (2004)", "ods": 0.610, "ois": 0.640, "ap": 0.560},
    {"method": "SAM (2023), zero-shot", "ods": 0.768, "ois": 0.786, "ap": 0.794, "r50": 0.928},
)


def detections_of_model(weights: str, picture: Path) -> Detections:
    """The model's edges of a picture, see :func:`segmenter.evaluate.edge_model.model_edges`."""
    return above(model_edges(loaded(weights), read_picture(picture)))


def detections_of(method: str, picture: Path) -> Detections:
    """The edges of one of ``DETECTORS``."""
    return DETECTORS[method].open(read_picture(picture))


def _tasks(
    folder: Path,
    truth: Boundaries,
    split: dict[str, set[str]] | None,
    limit: int | None,
    methods: Sequence[str],
    weights: Path,
) -> Iterator[EdgeTask]:
    places = {name: place for place, name in enumerate(truth.names)}
    digest = file_digest(weights) if "model" in methods else ""
    pictures = [(name, path) for name, path, _ in coco_images(folder, split)]
    for method in methods:
        for name, path in pictures[:limit]:
            if path.stem not in places:
                raise ValueError(f"{folder / TRUTH} has no boundaries of {path.name}")
            place = places[path.stem]
            detect: Callable[[], Detections] = partial(detections_of, method, path)
            if method == "model":
                detect = partial(detections_of_model, str(weights), path)
                levels, settings = LEVELS, f"{digest} {SETTINGS}"
            else:
                levels, settings = DETECTORS[method].levels, str(DETECTORS[method].settings)
            origin = f"{file_digest(path)} {settings}"
            yield EdgeTask(name, method, path.name, origin, detect, levels, truth.rows(place), truth.sizes[place])


def evaluate_edges(
    folders: Sequence[Path],
    model: str,
    out: Path,
    split: dict[str, set[str]] | None,
    limit: int | None,
    methods: Sequence[str] | None,
    jobs: int,
    resume: bool,
    report: Report,
) -> dict[str, Any]:
    """Edges of a model (name or file) beside classical methods, per set; writes ``metrics.json`` into ``out``.

    ``methods`` are some of ``METHODS``; None: all. Folders without boundary maps are named under
    ``without_boundaries``; ValueError where no folder has any.
    """
    methods = methods or METHODS
    unknown = sorted(set(methods) - set(METHODS))
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: methods are {', '.join(METHODS)}")
    marked = [folder for folder in folders if (folder / TRUTH).is_file()]
    weights = find_weights(model)
    tasks = [
        task
        for folder in marked
        for task in _tasks(folder, read_boundaries(folder / TRUTH), split, limit, methods, weights)
    ]
    if not tasks:
        raise ValueError(f"no picture with human boundary maps ({TRUTH} beside annotations.json)")
    by_method: dict[str, dict[str, list[tuple[EdgeTask, Counts]]]] = defaultdict(lambda: defaultdict(list))
    for task, counts in zip(tasks, run_tasks(tasks, out, jobs, resume, report), strict=True):
        by_method[task.dataset][task.method].append((task, counts))
    datasets = {
        dataset: {"methods": {method: _summed(rows) for method, rows in found.items()}}
        for dataset, found in by_method.items()
    }
    return written(
        out,
        {
            "table": "edges",
            "model": model,
            "datasets": datasets,
            "without_boundaries": sorted(str(folder) for folder in set(folders) - set(marked)),
            "published": {"source": "Segment Anything, table 3: BSDS500 test, as published", "rows": list(PUBLISHED)},
        },
    )


def _summed(rows: Sequence[tuple[EdgeTask, Counts]]) -> dict[str, Any]:
    counts = np.stack([counts for _, counts in rows])
    return summary([task.image for task, _ in rows], counts, rows[0][0].levels)
