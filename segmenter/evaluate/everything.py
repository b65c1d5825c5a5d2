"""All tables of a model, each in a folder of its own, and what could not be measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from segmenter.evaluate.clicks import ClickSettings, evaluate_clicks
from segmenter.evaluate.datasets import absent
from segmenter.evaluate.edge_sets import METHODS, TRUTH, evaluate_edges
from segmenter.evaluate.instances import evaluate_instances
from segmenter.evaluate.pool import Report
from segmenter.evaluate.proposals import GRID, evaluate_proposals
from segmenter.evaluate.rows import METRICS, folder_for
from segmenter.manifest import file_digest, find_weights

Bar = Callable[[str], AbstractContextManager[Report]]


def evaluate_all(
    folders: Sequence[Path],
    model: str,
    out: Path,
    bar: Bar,
    split: dict[str, set[str]] | None = None,
    limit: int | None = None,
    grid: int = GRID,
    jobs: int = 1,
) -> dict[str, Any]:
    """Makes every table that the folders allow, in ``out/clicks`` and so on; writes ``metrics.json`` into ``out``.

    ``bar`` opens the progress bar of a table. Returned and written: per table its figures by set, and all that is
    absent: of the 23 sets, boundaries for the table of edges, and tables with the reason for it (``failed``).
    ValueError where there is no table at all.
    """
    makers: dict[str, Callable[[Path, Report], dict[str, Any]]] = {
        "clicks": lambda to, report: evaluate_clicks(
            folders, model, to, split, ClickSettings(limit=limit), jobs, report
        ),
        "proposals": lambda to, report: evaluate_proposals(folders, model, to, split, limit, grid, jobs, report),
        "instances": lambda to, report: evaluate_instances(folders, model, to, split, limit, jobs=jobs, report=report),
        "edges": lambda to, report: evaluate_edges(folders, model, to, split, limit, METHODS, jobs, False, report),
    }
    folder_for(out)
    tables, failed = {}, {}
    for name, make in makers.items():
        try:
            with bar(name) as report:
                tables[name] = make(out / name, report)["datasets"]
        except ValueError as error:
            failed[name] = str(error)
    if not tables:
        raise ValueError("; ".join(f"{name}: {reason}" for name, reason in failed.items()))
    metrics = {
        "table": "all",
        "model": model,
        "weights_digest": file_digest(find_weights(model)),
        "tables": tables,
        "failed": failed,
        "absent": absent({name for datasets in tables.values() for name in datasets}),
        "without_boundaries": [str(folder) for folder in folders if not (folder / TRUTH).is_file()],
    }
    (out / METRICS).write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")
    return metrics
