"""From rows, one a mask, to the figures of the click protocol; what they mean stands in docs/evaluation.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from segmenter.evaluate.bootstrap import intervals
from segmenter.evaluate.calibration import calibration_figures
from segmenter.evaluate.protocol import QUALITY_AT, REPORTED, TARGETS, Row
from segmenter.evaluate.quality import quality_figures

MODEL = "model"
SIZES = {"small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, None)}  # COCO's, in pixels of the picture
SHARES = {"<1%": (0, 0.01), "1-3%": (0.01, 0.03), "3-10%": (0.03, 0.1), "10-30%": (0.1, 0.3), ">30%": (0.3, None)}
_COUNTED = ("images", "masks", *(f"failures@{target}" for target in TARGETS))


def figures_of(rows: Sequence[Row], most: int) -> dict[str, Any]:
    """``datasets`` and ``macro`` of the rows of one protocol, all methods; ``most`` clicks are a failure."""
    by_set = {
        name: [row for row in rows if row["dataset"] == name] for name in dict.fromkeys(r["dataset"] for r in rows)
    }
    datasets = {name: _of_set(members, most) for name, members in by_set.items()}
    return {"datasets": datasets, "macro": _macro(rows, list(datasets.values()))}


def _of_set(rows: Sequence[Row], most: int) -> dict[str, Any]:
    model = _of_method(rows, MODEL)
    figures: dict[str, Any] = {"images": len({row["image"] for row in model}), "masks": len(model)}
    figures |= _means(model) | _failures(model, most) | {"ci": _intervals(model)}
    figures |= {"by_size": _split(model, SIZES, "area"), "by_share": _split(model, SHARES, "share")}
    figures |= {"calibration": calibration_figures(model), "quality": quality_figures(model, _looked_at(model))}
    methods = [name for name in dict.fromkeys(row["method"] for row in rows) if name != MODEL]
    found = {name: _of_method(rows, name) for name in methods}
    return figures | {
        "baselines": {name: _means(members) | {"ci": _intervals(members)} for name, members in found.items()}
    }


def _macro(rows: Sequence[Row], datasets: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means over the sets, each with the same weight; counts are sums, calibration and quality of all masks at once."""
    model = _of_method(rows, MODEL)
    macro: dict[str, Any] = {key: sum(row[key] for row in datasets) for key in _COUNTED if key in datasets[0]}
    macro |= _mean_of(datasets) | {"ci": _intervals(model, macro=True)}
    macro |= {"by_size": _split(model, SIZES, "area"), "by_share": _split(model, SHARES, "share")}
    macro |= {"calibration": calibration_figures(model), "quality": quality_figures(model, _looked_at(model))}
    baselines = {}
    for name in datasets[0]["baselines"]:
        means = _mean_of([row["baselines"][name] for row in datasets])
        baselines[name] = means | {"ci": _intervals(_of_method(rows, name), macro=True)}
    return macro | {"baselines": baselines}


def _of_method(rows: Sequence[Row], method: str) -> list[Row]:
    return [row for row in rows if row["method"] == method]


def _looked_at(rows: Sequence[Row]) -> list[int]:
    return [count for count in QUALITY_AT if f"boundary_iou@{count}" in rows[0]]


def _keys(rows: Sequence[Row]) -> list[str]:
    wanted = [f"iou@{count}" for count in REPORTED] + ["oracle@1", "best_chosen@1", "iou_error@1"]
    return [key for key in [*wanted, *(f"noc@{target}" for target in TARGETS)] if key in rows[0]]


def _named(key: str) -> str:
    return f"m{key}" if key.startswith("iou@") else key


def _means(rows: Sequence[Row]) -> dict[str, float]:
    return {_named(key): round(float(np.mean([row[key] for row in rows])), 4) for key in _keys(rows)}


def _intervals(rows: Sequence[Row], macro: bool = False) -> dict[str, list[float]]:
    keys = _keys(rows)
    table = np.array([[row[key] for key in keys] for row in rows], np.float64)
    images = [(row["dataset"], row["image"]) for row in rows]
    found = intervals(table, images, [row["dataset"] for row in rows] if macro else None)
    return {_named(key): [round(low, 4), round(high, 4)] for key, (low, high) in zip(keys, found, strict=True)}


def _failures(rows: Sequence[Row], most: int) -> dict[str, int]:
    """Masks that needed the last click allowed, or never got there (RITM's count)."""
    counted = [target for target in TARGETS if f"noc@{target}" in rows[0]]
    return {f"failures@{target}": sum(row[f"noc@{target}"] >= most for row in rows) for target in counted}


def _split(rows: Sequence[Row], classes: dict[str, Any], key: str) -> dict[str, dict[str, float]]:
    """Means of the masks of each class, low <= key < high; a class without masks is not listed."""
    found = {}
    for name, (low, high) in classes.items():
        members = [row for row in rows if row[key] >= low and (high is None or row[key] < high)]
        if members:
            found[name] = {"masks": len(members)} | _means(members)
    return found


def _mean_of(tables: Sequence[dict[str, Any]]) -> dict[str, float]:
    keys = [key for key, value in tables[0].items() if isinstance(value, float)]
    return {key: round(float(np.mean([table[key] for table in tables])), 4) for key in keys}
