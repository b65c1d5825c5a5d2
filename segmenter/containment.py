"""Which mask is part of which: whole, part, sub-part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segmenter import masks

INSIDE = 0.9  # share of a part's pixels that its whole must cover: edges of two masks rarely agree to the pixel
SMALLER = 0.9  # a part has at most this share of its whole's pixels; else both are the same thing


def parents(runs: Sequence[masks.Runs], size: masks.Size) -> list[int | None]:
    """For each mask of one image the index of the smallest other mask that contains it, None for a whole.

    A parent is always larger than its part, so the outcome is a forest. Empty masks are nobody's part.
    """
    areas = np.array([masks.area(one) for one in runs], np.int64)
    boxes = np.array([masks.bbox(one, size) for one in runs], np.int64).reshape(-1, 4)
    ends = boxes[:, :2] + boxes[:, 2:]
    order = np.argsort(areas, kind="stable")

    def parent(part: int) -> int | None:
        common = np.minimum(ends, ends[part]) - np.maximum(boxes[:, :2], boxes[part, :2])
        shared = np.maximum(common, 0).prod(1)
        wide = (areas * SMALLER >= areas[part]) & (shared >= INSIDE * areas[part])
        for whole in order[wide[order]]:
            if masks.intersection(runs[part], runs[whole]) >= INSIDE * areas[part]:
                return int(whole)
        return None

    return [parent(index) if areas[index] else None for index in range(len(runs))]


def depths(parents: Sequence[int | None]) -> list[int]:
    """Steps from each mask up to its whole: 0 a whole, 1 a part, 2 and more a sub-part."""

    def depth(index: int) -> int:
        above = parents[index]
        return 0 if above is None else 1 + depth(above)

    return [depth(index) for index in range(len(parents))]
