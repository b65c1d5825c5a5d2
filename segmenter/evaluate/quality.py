"""The form of a mask beside its overlap: how near its edge is to the true one, its pieces, its holes, its hull."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from segmenter.prompts import Bitmap

EDGE_SHARE = 0.02  # of the picture's diagonal: how wide the band is that Boundary IoU looks at
BARS = (75, 90)  # per cent IoU that the paper's audit of masks counts (sam.md section 3.1)


def boundary_iou(first: Bitmap, second: Bitmap) -> float:
    """IoU of the two masks' inner edge bands (Cheng et al., CVPR 2021); 1 where both are empty."""
    bands = _edge_band(first), _edge_band(second)
    either = int(np.count_nonzero(bands[0] | bands[1]))
    return int(np.count_nonzero(bands[0] & bands[1])) / either if either else 1.0


def _edge_band(mask: Bitmap) -> Bitmap:
    width = max(1, round(EDGE_SHARE * math.hypot(*mask.shape)))
    padded = np.pad(mask.astype(np.uint8), 1)  # the border of the picture is an edge
    square = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    inner = cv2.erode(padded, square, borderType=cv2.BORDER_CONSTANT, borderValue=0)[1:-1, 1:-1]
    band: Bitmap = mask & (inner == 0)
    return band


def shape_figures(mask: Bitmap) -> dict[str, float]:
    """``parts`` (8-connected), ``holes`` and ``concavity`` = 1 - area / area of the convex hull; 0 of an empty mask."""
    if not mask.any():
        return {"parts": 0, "holes": 0, "concavity": 0.0}
    pixels = np.ascontiguousarray(mask, np.uint8)
    parts = int(cv2.connectedComponents(pixels, connectivity=8)[0]) - 1
    outside = np.pad(1 - pixels, 1, constant_values=1)  # what hangs together with the border is no hole
    holes = int(cv2.connectedComponents(outside, connectivity=4)[0]) - 2
    hull = np.zeros(mask.shape, np.uint8)
    outline = np.concatenate(cv2.findContours(pixels, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0])
    cv2.fillConvexPoly(hull, cv2.convexHull(outline), 1)
    return {"parts": parts, "holes": holes, "concavity": 1 - int(pixels.sum()) / int((hull | pixels).sum())}


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson's); (0, 1) of nothing."""
    if not total:
        return 0.0, 1.0
    share, scale = hits / total, 1 + z * z / total
    middle = (share + z * z / (2 * total)) / scale
    reach = z / scale * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def shares_above(ious: NDArray[np.float64]) -> dict[str, dict[str, float | list[float]]]:
    """How many masks are better than 75 and 90 % IoU, as shares with Wilson's interval."""
    found: dict[str, dict[str, float | list[float]]] = {}
    for bar in BARS:
        hits = int((ious > bar / 100).sum())
        low, high = wilson(hits, len(ious))
        found[f"above_{bar}"] = {"share": round(hits / len(ious), 4), "ci": [round(low, 4), round(high, 4)]}
    return found


def quality_figures(rows: Sequence[dict[str, float]], clicks: Sequence[int]) -> dict[str, dict[str, object]]:
    """The form of the masks of one method after so many clicks, and that of the true masks (``truth``)."""
    figures: dict[str, dict[str, object]] = {}
    for count in clicks:
        names = ("boundary_iou", "parts", "holes", "concavity")
        means: dict[str, object] = {name: _mean([row[f"{name}@{count}"] for row in rows]) for name in names}
        figures[str(count)] = means | shares_above(np.array([row[f"iou@{count}"] for row in rows]))
    figures["truth"] = {name: _mean([row[f"truth_{name}"] for row in rows]) for name in ("parts", "holes", "concavity")}
    return figures


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4)
