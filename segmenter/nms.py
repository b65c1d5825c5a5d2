"""Non-maximum suppression: of two masks that are too alike the better one stays (sam.md section 4.2).

Greedy, in descending order of score, ties in the given order; a candidate goes when its IoU with one that stays is
strictly greater than the threshold. Boxes are compared as the reference does: float32, corners x0, y0, x1, y1 without
one pixel added, 0/0 counts as not greater.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segmenter import masks


def box_nms(boxes: NDArray[np.float32], scores: NDArray[np.float32], threshold: float) -> list[int]:
    """Indices of the boxes (N x 4, x0 y0 x1 y1) that stay, best score first."""
    boxes, limit = np.asarray(boxes, np.float32).reshape(-1, 4), np.float32(threshold)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    waiting = np.argsort(-np.asarray(scores, np.float32), kind="stable")
    kept: list[int] = []
    while waiting.size:
        best, waiting = waiting[0], waiting[1:]
        kept.append(int(best))
        common = _overlap(boxes[best], boxes[waiting])
        with np.errstate(invalid="ignore"):
            waiting = waiting[~(common / (areas[best] + areas[waiting] - common) > limit)]
    return kept


def mask_nms(
    runs: Sequence[masks.Runs], boxes: NDArray[np.float32], scores: NDArray[np.float32], threshold: float
) -> list[int]:
    """Indices of the masks that stay, best score first; ``boxes`` are their inclusive corners.

    Exact, and fast because pairs whose boxes or areas rule the overlap out are never compared.
    """
    areas = np.array([masks.area(one) for one in runs], np.int64)
    spans = np.asarray(boxes, np.float32).reshape(-1, 4) + np.array([0, 0, 1, 1], np.float32)
    waiting = np.argsort(-np.asarray(scores, np.float32), kind="stable")
    kept: list[int] = []
    while waiting.size:
        best, waiting = waiting[0], waiting[1:]
        kept.append(int(best))
        most = np.minimum(np.minimum(areas[waiting], areas[best]), _overlap(spans[best], spans[waiting]))
        union = np.maximum(areas[waiting] + areas[best] - most, 1)
        near = most / union > threshold
        near[near] = [masks.iou(runs[best], runs[other]) > threshold for other in waiting[near]]
        waiting = waiting[~near]
    return kept


def _overlap(box: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Area that one box shares with each of the others (N x 4)."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    clipped: NDArray[np.float32] = np.maximum(sides, np.float32(0))
    return clipped[:, 0] * clipped[:, 1]
