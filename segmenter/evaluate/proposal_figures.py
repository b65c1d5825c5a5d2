"""Average recall from the rows of proposals; what the figures mean stands in docs/evaluation.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from segmenter.evaluate.bootstrap import intervals
from segmenter.evaluate.protocol import Row

MODEL = "model"
KEYS = {"recall@10": "ar@10", "recall@100": "ar@100", "recall@1000": "ar@1000", "iou": "best_iou"}


def figures_of(rows: Sequence[Row]) -> dict[str, Any]:
    """``datasets``, and ``macro``, the mean over them; in both the model's figures, other methods as ``baselines``."""
    names = list(dict.fromkeys(row["dataset"] for row in rows))
    datasets = {name: _all_methods([row for row in rows if row["dataset"] == name], macro=False) for name in names}
    return {"datasets": datasets, "macro": _all_methods(rows, macro=True)}


def _all_methods(rows: Sequence[Row], macro: bool) -> dict[str, Any]:
    by_method = {
        name: [row for row in rows if row["method"] == name] for name in dict.fromkeys(r["method"] for r in rows)
    }
    tables = {name: _table(members, macro) for name, members in by_method.items()}
    model = tables.pop(MODEL)
    images = {(row["dataset"], row["image"]) for row in by_method[MODEL]}
    return {"images": len(images), "masks": len(by_method[MODEL]), **model, "baselines": tables}


def _table(rows: Sequence[Row], macro: bool) -> dict[str, Any]:
    sets = [row["dataset"] for row in rows]
    values = np.array([[row[key] for key in KEYS] for row in rows], np.float64)
    means = [values[[one == name for one in sets]].mean(0) for name in dict.fromkeys(sets)]
    named = dict(zip(KEYS.values(), np.mean(means, 0).tolist(), strict=True))
    bounds = intervals(values, [(row["dataset"], row["image"]) for row in rows], sets if macro else None)
    figures: dict[str, Any] = {key: round(value, 4) for key, value in named.items()}
    figures["ci"] = {key: [round(low, 4), round(high, 4)] for key, (low, high) in zip(named, bounds, strict=True)}
    counts = {(row["dataset"], row["image"]): row["proposals"] for row in rows}
    figures["proposals"] = round(float(np.mean(list(counts.values()))), 1)
    figures["by_size"] = _split(rows, "size", "recall_size")
    frequent = _split([row for row in rows if "frequency" in row], "frequency", "recall_frequency")
    return figures | ({"by_frequency": frequent} if frequent else {})


def _split(rows: Sequence[Row], key: str, recall: str) -> dict[str, dict[str, float]]:
    found = {}
    for name in ("small", "medium", "large", "frequent", "common", "rare"):
        members = [row[recall] for row in rows if row[key] == name]
        if members:
            found[name] = {"masks": len(members), "ar@1000": round(float(np.mean(members)), 4)}
    return found
