"""What one can do without a learned model, from the same clicks: superpixels and GrabCut.

Their settings are the best that a search on training images found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import felzenszwalb, slic

from segmenter.evaluate.protocol import Answer, Clicks
from segmenter.prompts import POSITIVE, Bitmap, Point

Picture = NDArray[np.uint8]
Regions = NDArray[np.int32]


def _shrunk(rgb: Picture, long_side: int) -> tuple[Picture, float]:
    scale = min(1.0, long_side / max(rgb.shape[:2]))
    return np.asarray(cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8), scale


def felzenszwalb_regions(rgb: Picture) -> Regions:
    """Felzenszwalb-Huttenlocher regions, scale 400, of the picture at 400 pixels."""
    small, _ = _shrunk(rgb, 400)
    return np.asarray(felzenszwalb(small, scale=400, sigma=0.8, min_size=100), np.int32)


def slic_regions(rgb: Picture) -> Regions:
    """About fifty SLIC superpixels of the picture at 320 pixels."""
    small, _ = _shrunk(rgb, 320)
    return np.asarray(slic(small, n_segments=50, compactness=10, start_label=1), np.int32)


class RegionMethod:
    """The union of the regions that were clicked as object and not as background."""

    def __init__(self, divide: Callable[[Picture], Regions]) -> None:
        self.divide = divide

    def open(self, rgb: Picture) -> Callable[[Clicks], dict[int, Answer]]:
        """Divides the picture once and answers clicks on it."""
        height, width = rgb.shape[:2]
        regions = np.asarray(cv2.resize(self.divide(rgb), (width, height), interpolation=cv2.INTER_NEAREST), np.int32)

        def answer(clicks: Clicks) -> dict[int, Answer]:
            return {index: Answer(self._union(regions, points)) for index, points in clicks.items()}

        return answer

    @staticmethod
    def _union(regions: Regions, points: Sequence[Point]) -> Bitmap:
        clicked = {label: {int(regions[int(p.y), int(p.x)]) for p in points if p.label == label} for label in (0, 1)}
        return np.isin(regions, list(clicked[1] - clicked[0]))


class GrabCutMethod:
    """GrabCut at 200 pixels, started from discs around the clicks; what hangs on no positive click is dropped."""

    RADIUS = 0.15  # of the square root of the picture's area
    SURE = 0.02

    def open(self, rgb: Picture) -> Callable[[Clicks], dict[int, Answer]]:
        """Shrinks the picture once and answers clicks on it."""
        small, scale = _shrunk(rgb, 200)
        height, width = rgb.shape[:2]

        def answer(clicks: Clicks) -> dict[int, Answer]:
            answers = {}
            for index, points in clicks.items():
                mask = self._cut(small, [(p.x * scale, p.y * scale, p.label) for p in points])
                answers[index] = Answer(cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST) > 0)
            return answers

        return answer

    def _cut(self, rgb: Picture, points: Sequence[tuple[float, float, int]]) -> NDArray[np.uint8]:
        height, width = rgb.shape[:2]
        rows, columns = np.mgrid[:height, :width]
        unit = float(np.sqrt(height * width))
        trimap = np.full((height, width), cv2.GC_BGD, np.uint8)
        discs = ((2 * self.RADIUS, cv2.GC_PR_BGD, False), (self.RADIUS, cv2.GC_PR_FGD, False), (self.SURE, 0, True))
        for share, value, sure in discs:
            for x, y, label in points:
                if label == POSITIVE or sure:
                    disc = (columns - x) ** 2 + (rows - y) ** 2 <= max(2.0, share * unit) ** 2
                    trimap[disc] = value if not sure else (cv2.GC_FGD if label == POSITIVE else cv2.GC_BGD)
        cv2.setRNGSeed(0)
        # Without a pixel of either kind there is nothing to cut: then the discs are the answer.
        with suppress(cv2.error):
            cv2.grabCut(rgb, trimap, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK)
        found = np.isin(trimap, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
        _, parts = cv2.connectedComponents(found)
        clicked = {int(parts[min(height - 1, int(y)), min(width - 1, int(x))]) for x, y, label in points if label == 1}
        return np.isin(parts, list(clicked - {0})).astype(np.uint8)


BASELINES: dict[str, Callable[[], RegionMethod | GrabCutMethod]] = {
    "felzenszwalb": lambda: RegionMethod(felzenszwalb_regions),
    "slic": lambda: RegionMethod(slic_regions),
    "grabcut": GrabCutMethod,
}
