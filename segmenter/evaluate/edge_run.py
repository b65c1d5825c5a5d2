"""Edge evaluation of many pictures: spread over processes, counts kept as they come, figures at the end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmenter.evaluate.edge_files import WHOLE, Boundaries, EdgeMaps, read_boundaries, read_edge_maps, unpacked
from segmenter.evaluate.edges import COLUMNS, LEVELS, Counts, Detections, above, count, f_measure, figures, rates
from segmenter.evaluate.pool import Report, spread
from segmenter.transforms import Size

COUNTS_FILE = "counts.jsonl"
CURVE = ("level", "recall", "precision", "f")


@dataclass(frozen=True)
class EdgeTask:
    """One method's edges on one picture. ``origin`` names what they are made from and how; ``detect`` makes them."""

    dataset: str
    method: str
    image: str
    origin: str
    detect: Callable[[], Detections]
    levels: tuple[float, ...]
    truth: NDArray[np.uint8]
    size: Size

    @property
    def key(self) -> str:
        """What a count is found again by: everything it depends on."""
        told = json.dumps([self.dataset, self.method, self.image, self.origin, self.levels, self.size])
        return hashlib.sha256(told.encode() + self.truth.tobytes()).hexdigest()


def counted(task: EdgeTask) -> Counts:
    """Levels x ``COLUMNS`` of one task."""
    return count(task.detect(), unpacked(task.truth, task.size), task.levels)


def run_tasks(tasks: Sequence[EdgeTask], out: Path, jobs: int, resume: bool, report: Report) -> list[Counts]:
    """The counts of every task, levels x ``COLUMNS``, in order.

    Each is appended to ``counts.jsonl`` in ``out`` as soon as it is there; ``resume`` takes those of a run that was
    interrupted, as long as picture, truth and settings are the same.
    """
    out.mkdir(parents=True, exist_ok=True)
    file = out / COUNTS_FILE
    known = dict(_complete_lines(file)) if resume else {}
    file.write_text("".join(known[task.key] for task in tasks if task.key in known), encoding="utf-8")
    missing = [task for task in tasks if task.key not in known]
    before = len(tasks) - len(missing)
    report(before, len(tasks))
    with file.open("a", encoding="utf-8") as kept:
        found = spread(counted, missing, jobs, lambda done, _: report(before + done, len(tasks)))
        for task, counts in zip(missing, found, strict=True):
            known[task.key] = _line(task, counts)
            kept.write(known[task.key])
            kept.flush()
    return [np.array(json.loads(known[task.key])["counts"], np.int64) for task in tasks]


def _line(task: EdgeTask, counts: Counts) -> str:
    row = {"key": task.key, "dataset": task.dataset, "method": task.method, "image": task.image}
    return json.dumps(row | {"columns": COLUMNS, "counts": counts.tolist()}) + "\n"


def _complete_lines(file: Path) -> Iterator[tuple[str, str]]:
    """Lines by key; the last one of a run that was stopped may be torn."""
    if file.is_file():
        for line in file.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                yield json.loads(line)["key"], line


def summary(images: Sequence[str], counts: Counts, levels: Sequence[float]) -> dict[str, Any]:
    """Figures of a set, its curve and each picture's own best level."""
    recall, precision = rates(counts.sum(0))
    score = f_measure(recall, precision)
    curve = [[round(float(v), 6) for v in row] for row in zip(levels, recall, precision, score, strict=True)]
    by_image = []
    for name, own in zip(images, counts, strict=True):
        best = figures(own[None], levels)
        by_image.append({"image": name, "f": round(best["ods"], 6), "level": round(best["ods_level"], 6)})
    found = {name: round(value, 6) for name, value in figures(counts, levels).items()}
    return {"images": len(images), **found, "curve": {"columns": CURVE, "rows": curve}, "by_image": by_image}


def map_tasks(maps: EdgeMaps, truth: Boundaries, limit: int | None = None) -> Iterator[EdgeTask]:
    """One task per edge map. ValueError where the truth of a picture is missing or has another size."""
    places = {name: place for place, name in enumerate(truth.names)}
    for picture, name in enumerate(maps.names[:limit]):
        if name not in places:
            raise ValueError(f"no human boundaries for {name}")
        if truth.sizes[places[name]] != maps.sizes[picture]:
            raise ValueError(f"{name}: the map has {maps.sizes[picture]} pixels, the truth {truth.sizes[places[name]]}")
        values = maps.packed(picture)
        origin = hashlib.sha256(values.tobytes()).hexdigest()
        rows = truth.rows(places[name])
        yield EdgeTask("", "maps", name, origin, partial(stored, values), LEVELS, rows, maps.sizes[picture])


def stored(values: NDArray[np.uint16]) -> Detections:
    """The edges of a map in a file."""
    return above(values / WHOLE)


def evaluate_maps(
    maps: Path, truth: Path, out: Path, limit: int | None, jobs: int, resume: bool, report: Report
) -> dict[str, Any]:
    """Judges the edge maps of a file against the human boundaries of another and writes ``metrics.json`` into ``out``.

    The keys ``ods``, ``ois``, ``ap`` and ``r50`` are at its top; see :func:`summary`.
    """
    tasks = list(map_tasks(read_edge_maps(maps), read_boundaries(truth), limit))
    if not tasks:
        raise ValueError(f"{maps} holds no edge map")
    counts = np.stack(run_tasks(tasks, out, jobs, resume, report))
    metrics = {"table": "edges", "maps": maps.name, "truth": truth.name}
    metrics |= summary([task.image for task in tasks], counts, LEVELS)
    return written(out, metrics)


def written(out: Path, metrics: dict[str, Any]) -> dict[str, Any]:
    """Writes ``metrics.json`` into ``out`` and gives the metrics back."""
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    return metrics
