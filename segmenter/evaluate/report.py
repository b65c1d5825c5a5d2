"""``report.html`` beside ``metrics.json``: what an evaluation found, for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from segmenter.evaluate.page import Section, page
from segmenter.evaluate.report_clicks import click_sections
from segmenter.evaluate.report_edges import edge_sections
from segmenter.evaluate.report_tables import instance_sections, proposal_sections
from segmenter.evaluate.rows import METRICS, ROWS, Row, read_rows
from segmenter.manifest import WEIGHTS

REPORT = "report.html"
Sections = Callable[[Mapping[str, Any], Sequence[Row]], list[Section]]
OF_ROWS: dict[str, tuple[str, Sections]] = {
    "clicks": ("Masks from clicks", click_sections),
    "proposals": ("Object proposals", proposal_sections),
    "instances": ("Masks in given boxes", instance_sections),
}


def write_report(folder: Path) -> Path:
    """Writes the report of the evaluation that lies in a folder, and returns its path.

    ValueError for a folder without ``metrics.json``.
    """
    title, metrics, sections = _read(folder)
    (folder / REPORT).write_text(page(title, _lead(metrics), sections), encoding="utf-8")
    return folder / REPORT


def write_reports(folder: Path, tables: Sequence[str]) -> Path:
    """Writes the reports of ``evaluate all``: one in the folder of every table, and one of all in ``folder``."""
    parts = []
    for table in tables:
        write_report(folder / table)
        title, metrics, sections = _read(folder / table)
        parts += [Section(f"{title}: {section.title}", section.parts) for section in sections]
    (folder / REPORT).write_text(page("All tables", _lead(metrics), parts), encoding="utf-8")
    return folder / REPORT


def _read(folder: Path) -> tuple[str, dict[str, Any], list[Section]]:
    file = folder / METRICS
    if not file.is_file():
        raise ValueError(f"{folder} has no {METRICS}; it is not the folder of an evaluation")
    metrics = json.loads(file.read_text(encoding="utf-8"))
    if metrics["table"] == "edges":
        return "Edges", metrics, edge_sections(metrics)
    title, sections_of = OF_ROWS[metrics["table"]]
    return title, metrics, sections_of(metrics, read_rows(folder / ROWS))


def _lead(metrics: Mapping[str, Any]) -> str:
    """Which model this is about; given edge maps have none."""
    if "model" not in metrics:
        return "Given edge maps against human boundaries."
    digest = f", weights {metrics['weights_digest'][:12]}" if "weights_digest" in metrics else ""
    weights = Path(metrics["model"])  # a report is handed on: it names the release, not where it lies on this machine
    name = weights.parent.name if weights.name == WEIGHTS else weights.name
    return f"{name}{digest}. The figures lie beside this file."
