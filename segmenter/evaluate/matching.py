"""COCO's matching of detections with true masks, average precision and average recall (pycocotools' COCOeval).

One image, category and class of sizes at a time; what is drawn from it does not hold any mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from segmenter import masks
from segmenter.masks import Size

THRESHOLDS: Final = np.linspace(0.5, 0.95, 10)
RECALLS: Final = np.linspace(0, 1, 101)
AREAS: Final = {"all": (0, 10**10), "small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 10**10)}
NONE = -1
Ious = NDArray[np.float64]
Bools = NDArray[np.bool_]


def mask_ious(found: Sequence[masks.Runs], truths: Sequence[masks.Runs], crowd: Sequence[bool], size: Size) -> Ious:
    """IoU of every found mask with every true one, D x G; of a group of objects (``crowd``) the share that lies in it.

    Pairs whose boxes do not touch are never compared.
    """
    ious = np.zeros((len(found), len(truths)))
    if not ious.size:
        return ious
    spans = [np.array([masks.bbox(runs, size) for runs in group], np.int64) for group in (found, truths)]
    areas = [[masks.area(runs) for runs in group] for group in (found, truths)]
    first, second = (np.concatenate((span[:, :2], span[:, :2] + span[:, 2:]), 1) for span in spans)
    near = (first[:, None, :2] < second[None, :, 2:]).all(2) & (second[None, :, :2] < first[:, None, 2:]).all(2)
    for one, other in np.argwhere(near):
        common = masks.intersection(found[one], truths[other])
        whole = areas[0][one] if crowd[other] else areas[0][one] + areas[1][other] - common
        ious[one, other] = common / whole if whole else 0.0
    return ious


def matched(
    ious: Ious, ignored: Bools, crowd: Bools, thresholds: NDArray[np.float64] = THRESHOLDS
) -> NDArray[np.int64]:
    """Which true mask each found one is, T x D, or NONE; ``ious`` D x G with the best score first.

    A found mask takes the true one it overlaps most, of equals the last, among those still free and not ``ignored``,
    else an ignored one; groups may be taken again and again.
    """
    taken_by = np.full((len(thresholds), len(ious)), NONE, np.int64)
    order = np.argsort(ignored, kind="stable")
    for row, threshold in enumerate(thresholds):
        least = min(float(threshold), 1 - 1e-10)
        taken = np.zeros(len(ignored), np.bool_)
        for index in np.flatnonzero((ious >= least).any(1)) if ious.size else ():
            best = _best(ious[index], order, taken & ~crowd, ignored, least)
            if best != NONE:
                taken_by[row, index] = best
                taken[best] = True
    return taken_by


def _best(overlaps: Ious, order: NDArray[np.int64], closed: Bools, ignored: Bools, least: float) -> int:
    best = NONE
    for truth in order:
        if closed[truth]:
            continue
        if best != NONE and not ignored[best] and ignored[truth]:
            break
        if overlaps[truth] >= least:
            best, least = int(truth), float(overlaps[truth])
    return best


@dataclass(frozen=True)
class Judged:
    """The found masks of one image and category, best score first: ``scores`` D, and T x D whether each is right
    (``hits``) and whether it counts at all (not ``skipped``); ``truths`` is how many there were to find."""

    scores: NDArray[np.float64]
    hits: Bools
    skipped: Bools
    truths: int


def judge(
    ious: Ious,
    scores: NDArray[np.float64],
    areas: tuple[NDArray[np.float64], NDArray[np.float64]],
    crowd: Bools,
    span: tuple[float, float],
    exhaustive: bool = True,
) -> Judged:
    """Judges the found masks against the true ones whose area lies in ``span``; ``areas`` are those of both.

    ``ious`` D x G and ``scores`` D come best score first. True masks of other sizes and groups are ignored, and so is
    what is matched with them, or with nothing and of another size. Where the true masks are not ``exhaustive`` (LVIS),
    what is matched with nothing is ignored too.
    """
    found, true = areas
    ignored = crowd | (true < span[0]) | (true > span[1])
    taken = matched(ious, ignored, crowd)
    if len(ignored):
        of_ignored = (taken != NONE) & ignored[np.maximum(taken, 0)]
    else:
        of_ignored = np.zeros(taken.shape, np.bool_)
    outside = ((found < span[0]) | (found > span[1]))[None] | np.bool_(not exhaustive)
    skipped = of_ignored | ((taken == NONE) & outside)
    return Judged(scores, (taken != NONE) & ~skipped, skipped, int((~ignored).sum()))


def average_precision(images: Sequence[Judged]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """AP by threshold (T; mean of 101 recall points) and final recall (T) of one category; None: nothing to find."""
    truths = sum(image.truths for image in images)
    if not truths:
        return None
    order = np.argsort(-np.concatenate([image.scores for image in images]), kind="stable")
    hits = np.concatenate([image.hits for image in images], 1)[:, order]
    skipped = np.concatenate([image.skipped for image in images], 1)[:, order]
    right, wrong = hits.cumsum(1), (~hits & ~skipped).cumsum(1)
    recall = right / truths
    precision = right / (right + wrong + np.spacing(1))
    best = np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1]
    points = np.zeros((len(best), len(RECALLS)))
    for row, (rising, falling) in enumerate(zip(recall, best, strict=True)):
        at = np.searchsorted(rising, RECALLS, side="left")
        points[row, at < len(falling)] = falling[at[at < len(falling)]]
    return points.mean(1), recall[:, -1] if recall.shape[1] else np.zeros(len(recall))
