"""How far the IoU that a model predicts for its candidates can be trusted (reliability, and the ranking by it)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10


def calibration_figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Figures of all candidates after one click; each row brings ``candidates`` and ``predicted_iou``.

    ``error`` is the mean distance of predicted and actual IoU, ``bias`` the mean difference (above 0: too sure),
    ``ece`` the expected calibration error over ten bins of predicted IoU (Guo et al., ICML 2017; here of IoU, not of
    accuracy), ``correlation`` Pearson's, None where one of the two never varies. ``chosen``, ``oracle`` and ``chance``
    are the mean IoU of the candidate of highest prediction, of the best one, and of one drawn blindly.
    """
    actual = np.array([row["candidates"] for row in rows], np.float64)
    predicted = np.array([row["predicted_iou"] for row in rows], np.float64)
    chosen = actual[np.arange(len(rows)), predicted.argmax(1)]
    bins = _bins(predicted.ravel(), actual.ravel())
    shares = [one["count"] / actual.size * abs(one["predicted"] - one["actual"]) for one in bins]
    figures = {
        "error": np.abs(predicted - actual).mean(),
        "bias": (predicted - actual).mean(),
        "ece": sum(shares),
        "chosen": chosen.mean(),
        "oracle": actual.max(1).mean(),
        "chance": actual.mean(),
        "best_chosen": (chosen == actual.max(1)).mean(),
    }
    rounded: dict[str, Any] = {name: round(float(value), 4) for name, value in figures.items()}
    return {"candidates": actual.size, **rounded, "correlation": _correlation(predicted, actual), "bins": bins}


def _bins(predicted: NDArray[np.float64], actual: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Of the bins that hold a candidate: bounds, count, mean predicted and actual IoU. Predictions may pass 0 and 1."""
    place = np.clip((predicted * BINS).astype(int), 0, BINS - 1)
    return [
        {
            "low": index / BINS,
            "high": (index + 1) / BINS,
            "count": int((place == index).sum()),
            "predicted": round(float(predicted[place == index].mean()), 4),
            "actual": round(float(actual[place == index].mean()), 4),
        }
        for index in np.unique(place).tolist()
    ]


def _correlation(predicted: NDArray[np.float64], actual: NDArray[np.float64]) -> float | None:
    if not predicted.std() or not actual.std():
        return None
    return round(float(np.corrcoef(predicted.ravel(), actual.ravel())[0, 1]), 4)
