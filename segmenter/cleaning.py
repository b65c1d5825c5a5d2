"""Small holes and islands of a mask, found as 8-connected regions (sam.md section 4.2)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Bitmap = NDArray[np.bool_]


def without_holes(mask: Bitmap, area: int) -> Bitmap | None:
    """The mask with holes of fewer than ``area`` pixels filled; None where it has none such.

    A hole is any region outside the mask, also one at the image's edge.
    """
    labels, sizes = _regions(~mask)
    small = sizes < area
    return mask | np.concatenate([[False], small])[labels] if small.any() else None


def without_islands(mask: Bitmap, area: int, keep_largest: bool) -> Bitmap | None:
    """The mask without regions of fewer than ``area`` pixels; None where it has none such.

    Where all are small, the largest stays (reference) or nothing does (paper).
    """
    labels, sizes = _regions(mask)
    stays = sizes >= area
    if stays.all():
        return None
    if keep_largest and not stays.any():
        stays[sizes.argmax()] = True
    return np.concatenate([[False], stays])[labels]


def _regions(bitmap: Bitmap) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Label 1, 2, ... of every pixel's region, 0 outside, and the sizes of regions 1, 2, ..."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(bitmap.astype(np.uint8), connectivity=8)
    return np.asarray(labels, np.int32), np.asarray(stats[1:, cv2.CC_STAT_AREA], np.int32)
