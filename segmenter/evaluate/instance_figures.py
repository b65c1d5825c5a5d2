"""COCO's table of average precision from judged images."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from segmenter.evaluate.bootstrap import LEVEL, draws
from segmenter.evaluate.matching import AREAS, THRESHOLDS, Judged, average_precision

RESAMPLES = 200
Category = Hashable
ByCategory = Mapping[Category, Mapping[str, Judged]]  # of one image; by class of sizes (AREAS)


def ap_figures(images: Sequence[ByCategory], sizes: Iterable[str] = tuple(AREAS)) -> dict[str, float]:
    """``ap``, ``ap50``, ``ap75``, ``ap_small``, ``ap_medium``, ``ap_large`` and ``ar``: means over the categories that
    have something to find. A class of sizes without true masks is not listed."""
    figures: dict[str, float] = {}
    for name in sizes:
        found = [average_precision(judged) for judged in _by_category(images, name).values()]
        there = [one for one in found if one is not None]
        if not there:
            continue
        precision = np.mean([one[0] for one in there], 0)
        figures["ap" if name == "all" else f"ap_{name}"] = float(precision.mean())
        if name == "all":
            figures |= {"ap50": float(precision[0]), "ap75": float(precision[_at(0.75)])}
            figures["ar"] = float(np.mean([one[1] for one in there]))
    return figures


def ap_intervals(images: Sequence[ByCategory]) -> dict[str, tuple[float, float]]:
    """95 % intervals of the figures of all sizes by the percentile bootstrap over images, 200 resamples."""
    rng = np.random.default_rng(0)
    rounds = [
        ap_figures([image for image, times in zip(images, row, strict=True) for _ in range(times)], ["all"])
        for row in draws(len(images), rng, RESAMPLES).tolist()
    ]
    tail = 100 * (1 - LEVEL) / 2
    bounds = {}
    for key in ap_figures(images, ["all"]):
        values: NDArray[np.float64] = np.array([figures[key] for figures in rounds if key in figures])
        low, high = np.percentile(values, [tail, 100 - tail])
        bounds[key] = (float(low), float(high))
    return bounds


def _by_category(images: Sequence[ByCategory], size: str) -> dict[Category, list[Judged]]:
    found: dict[Category, list[Judged]] = {}
    for image in images:
        for category, judged in image.items():
            found.setdefault(category, []).append(judged[size])
    return found


def _at(threshold: float) -> int:
    return int(np.argmin(np.abs(THRESHOLDS - threshold)))
