"""The rows behind the figures, ``masks.jsonl``: one JSON object a line, a mask and method each (docs/evaluation.md)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROWS, METRICS = "masks.jsonl", "metrics.json"
Row = dict[str, Any]


def folder_for(out: Path) -> Path:
    """The folder for the results, made before the work: OSError where nothing can be written there."""
    out.mkdir(parents=True, exist_ok=True)
    if not os.access(out, os.W_OK):
        raise PermissionError(f"nothing can be written into {out}")
    return out


def write_results(out: Path, metrics: dict[str, Any], rows: Iterable[Row]) -> None:
    """Writes both files of an evaluation into a folder, which is made."""
    folder_for(out)
    write_rows(out / ROWS, rows)
    (out / METRICS).write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")


def write_rows(file: Path, rows: Iterable[Row]) -> None:
    """Writes rows, one a line."""
    with file.open("w", encoding="utf-8") as stream:
        for row in rows:
            stream.write(json.dumps(row, separators=(",", ":")) + "\n")


def read_rows(file: Path) -> list[Row]:
    """All rows of a ``masks.jsonl``; ValueError names the line that is none."""
    rows = []
    with file.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise ValueError(f"{file}, line {number} is not a row: a JSON object")
            rows.append(row)
    return rows
