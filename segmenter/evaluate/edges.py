"""How well edge maps agree with human boundaries: the Berkeley benchmark's counts and figures (ODS, OIS, AP, R50).

Arbelaez, Maire, Fowlkes and Malik, Contour Detection and Hierarchical Image Segmentation, TPAMI 2011 (BSDS500); sam.md
section 6.3. What is not said there follows the benchmark's published code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from skimage.morphology import thin

from segmenter.evaluate.edge_matching import correspond
from segmenter.prompts import Bitmap

LEVELS = tuple(k / 100 for k in range(1, 100))
REACH = 0.0075  # of the picture's diagonal: how far a drawn boundary may lie from the truth
STEPS = 100  # points of the interpolation between two levels, both ends among them
RECALLS = np.arange(101) / 100

# The last axis of counts: pixels of the truth that are matched, of the truth, of the map that are matched, of the map.
COLUMNS = ("matched_truth", "truth", "matched_edges", "edges")

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Detections = Callable[[float], Bitmap]


def above(strength: NDArray[np.floating]) -> Detections:
    """The edges of a map of strengths HxW at a level: the pixels at least as strong."""
    return lambda level: np.asarray(strength >= level, np.bool_)


def count(detections: Detections, truths: Sequence[Bitmap], levels: Sequence[float] = LEVELS) -> Counts:
    """The counts of one picture, levels x ``COLUMNS``, against one boundary map HxW per annotator.

    Edges are thinned before they are compared, as often as it takes (Guo and Hall's rule, the benchmark's ``bwmorph``).
    A pixel of the map counts as right when any annotator has a partner for it; the truth is summed over annotators.
    """
    radius = REACH * math.hypot(*truths[0].shape)
    rows: list[tuple[int, int, int, int]] = []
    last: Bitmap | None = None
    for level in levels:
        edges = _thin(detections(level))
        if last is None or not np.array_equal(edges, last):
            row = _compared(edges, truths, radius)
        rows.append(row)
        last = edges
    return np.array(rows, np.int64)


def _thin(edges: Bitmap) -> Bitmap:
    return np.asarray(thin(edges), np.bool_)  # type: ignore[no-untyped-call]  # published without types


def _compared(edges: Bitmap, truths: Sequence[Bitmap], radius: float) -> tuple[int, int, int, int]:
    right, found = np.zeros_like(edges), 0
    for truth in truths:
        matched, taken = correspond(edges, truth, radius)
        right |= matched
        found += int(np.count_nonzero(taken))
    drawn = sum(int(np.count_nonzero(truth)) for truth in truths)
    return found, drawn, int(np.count_nonzero(right)), int(np.count_nonzero(edges))


def rates(counts: Counts) -> tuple[Floats, Floats]:
    """Recall and precision of counts (..., ``COLUMNS``); nothing of nothing is 0, as in the benchmark."""
    found, drawn, right, edges = np.moveaxis(counts, -1, 0)
    return found / np.maximum(drawn, 1), right / np.maximum(edges, 1)


def f_measure(recall: Floats, precision: Floats) -> Floats:
    """Harmonic mean; 0 where both are 0."""
    total = recall + precision
    return np.asarray(2 * recall * precision / np.where(total == 0, 1, total), np.float64)


def figures(counts: Counts, levels: Sequence[float] = LEVELS) -> dict[str, float]:
    """ODS, OIS, AP and R50 of the counts of a set, pictures x levels x ``COLUMNS``.

    ``ods`` is the best F of one level for all pictures, F interpolated linearly between neighbouring levels; ``ois`` is
    F of the counts at each picture's own best level; ``ap`` the area under the curve of precision over recall, read at
    every hundredth of recall, 0 outside the curve; ``r50`` the greatest recall at a precision of at least one half.
    """
    recall, precision = rates(counts.sum(0))
    best = _best(np.asarray(levels, np.float64), recall, precision)
    of_image = np.argmax(f_measure(*rates(counts)), 1)
    ois_recall, ois_precision = rates(counts[np.arange(len(counts)), of_image].sum(0))
    return {
        **best,
        "ois": float(f_measure(ois_recall, ois_precision)),
        "ois_recall": float(ois_recall),
        "ois_precision": float(ois_precision),
        "ap": _area(recall, precision),
        "r50": _recall_at_half(recall, precision),
    }


def _best(levels: Floats, recall: Floats, precision: Floats) -> dict[str, float]:
    share = np.linspace(0, 1, STEPS)[:, None]

    def between(values: Floats) -> Floats:
        return np.asarray(values[1:] * share + values[:-1] * (1 - share), np.float64) if len(values) > 1 else values

    level, recall, precision = between(levels), between(recall), between(precision)
    score = f_measure(recall, precision)
    place = np.unravel_index(np.argmax(score), score.shape)
    names = ("ods", "ods_level", "ods_recall", "ods_precision")
    return {name: float(found[place]) for name, found in zip(names, (score, level, recall, precision), strict=True)}


def _area(recall: Floats, precision: Floats) -> float:
    different, last = _curve(recall, precision)
    if len(different) < 2:
        return 0.0
    return float(np.interp(RECALLS, different, last, left=0, right=0).sum() * 0.01)


def _curve(recall: Floats, precision: Floats) -> tuple[Floats, Floats]:
    """The curve by rising recall; where several levels have one recall the first counts."""
    different, first = np.unique(recall, return_index=True)
    return different, precision[first]


def _recall_at_half(recall: Floats, precision: Floats) -> float:
    recall, precision = _curve(recall, precision)
    good = np.flatnonzero(precision >= 0.5)
    if good.size == 0:
        return 0.0
    last = good[-1]
    if last + 1 == len(recall):
        return float(recall[last])
    share = (precision[last] - 0.5) / (precision[last] - precision[last + 1])
    return float(recall[last] + share * (recall[last + 1] - recall[last]))
