"""Edges without a learned model: Sobel, Canny and the borders of Felzenszwalb-Huttenlocher regions.

Each opens a picture and then gives its edges at any level. The settings are the best of a search on training images
(docs/evaluation.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import felzenszwalb, find_boundaries

from segmenter.evaluate.edges import LEVELS, Detections, above
from segmenter.prompts import Bitmap

SOBEL_SIGMA, SOBEL_FULL = 3.5, 0.12  # blur in pixels; change of brightness per pixel that is strength 1
CANNY_SIGMA, CANNY_FULL, CANNY_LOW = 2.5, 0.24, 0.5  # the same; the lower threshold as a share of the upper
REGION_SIGMA, REGION_LEAST = 0.8, 300  # blur in pixels; pixels of a region
REGION_SCALES = tuple(float(scale) for scale in np.geomspace(50, 5000, 12).round())

RIDGE_SIGMA = 1.5  # pixels: how far around the direction of an edge is looked for
MARGIN = 1.01  # a pixel may be weaker than its neighbour by this factor and stay: flat tops keep an edge

Picture = NDArray[np.uint8]
Strength = NDArray[np.float32]


@dataclass(frozen=True)
class Detector:
    """A method: its levels, in the order of fewer and fewer edges, its settings, and how it opens a picture HxWx3."""

    levels: tuple[float, ...]
    settings: tuple[float, ...]
    open: Callable[[Picture], Detections]


def thinned(strength: Strength) -> Strength:
    """The ridges of a map of edge strengths HxW; 0 beside them (non-maximum suppression across the edge, as Canny's).

    The direction across is that in which the blurred map curves most, up or down; the neighbours one pixel away are
    interpolated, as in the edge thinning of Dollar and Zitnick (Structured Edges, TPAMI 2015).
    """
    smooth = cv2.GaussianBlur(strength, (0, 0), RIDGE_SIGMA, borderType=cv2.BORDER_REFLECT)
    xx, xy, yy = (
        cv2.Sobel(smooth, cv2.CV_32F, dx, dy, borderType=cv2.BORDER_REFLECT) for dx, dy in ((2, 0), (1, 1), (0, 2))
    )
    # The axis of the greater eigenvalue of the second derivatives; on a ridge the smaller, negative one weighs more.
    across = 0.5 * np.arctan2(2 * xy, xx - yy) + np.where(xx + yy < 0, np.float32(np.pi / 2), np.float32(0))
    right, down = np.cos(across), np.sin(across)
    rows, columns = np.mgrid[: strength.shape[0], : strength.shape[1]].astype(np.float32)
    neighbours = [
        cv2.remap(strength, columns + way * right, rows + way * down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for way in (-1, 1)
    ]
    ridge = strength * np.float32(MARGIN) >= np.maximum(*neighbours)
    return np.where(ridge, strength, np.float32(0))


def _brightness(rgb: Picture, sigma: float) -> Strength:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(255)
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), np.float32)


def slopes(values: Strength) -> tuple[Strength, Strength]:
    """Sobel's derivatives of a map HxW along x and y, per pixel."""
    along_x, along_y = (
        cv2.Sobel(values, cv2.CV_32F, dx, 1 - dx, scale=1 / 8, borderType=cv2.BORDER_REFLECT) for dx in (1, 0)
    )
    return np.asarray(along_x, np.float32), np.asarray(along_y, np.float32)


def sobel(rgb: Picture, sigma: float = SOBEL_SIGMA) -> Detections:
    """Sobel's gradient of the blurred brightness, thinned to its ridges."""
    along_x, along_y = slopes(_brightness(rgb, sigma))
    return above(thinned(np.hypot(along_x, along_y)) / SOBEL_FULL)


def canny(rgb: Picture, sigma: float = CANNY_SIGMA, low: float = CANNY_LOW) -> Detections:
    """Canny's edges: ridges of the gradient above the level, with the weaker ones that hang on them."""
    units = 32767 / 0.5  # whole numbers per unit of slope: a slope is below 0.5
    along_x, along_y = (np.rint(slope * units).astype(np.int16) for slope in slopes(_brightness(rgb, sigma)))

    def at(level: float) -> Bitmap:
        upper = level * CANNY_FULL * units
        return np.asarray(cv2.Canny(along_x, along_y, low * upper, upper, L2gradient=True) > 0, np.bool_)

    return at


def region_borders(rgb: Picture, sigma: float = REGION_SIGMA, least: int = REGION_LEAST) -> Detections:
    """Borders of Felzenszwalb-Huttenlocher regions; the level is their scale."""

    def at(level: float) -> Bitmap:
        regions = felzenszwalb(rgb, scale=level, sigma=sigma, min_size=least)
        return np.asarray(find_boundaries(regions), np.bool_)  # type: ignore[no-untyped-call]  # published without types

    return at


DETECTORS: dict[str, Detector] = {
    "sobel": Detector(LEVELS, (SOBEL_SIGMA, SOBEL_FULL, RIDGE_SIGMA, MARGIN), sobel),
    "canny": Detector(LEVELS, (CANNY_SIGMA, CANNY_FULL, CANNY_LOW), canny),
    "felzenszwalb": Detector(REGION_SCALES, (REGION_SIGMA, REGION_LEAST), region_borders),
}
