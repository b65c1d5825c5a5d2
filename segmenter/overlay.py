"""Masks laid over their picture, for people to look at."""

from __future__ import annotations

import colorsys
import zlib
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from segmenter.automask import AutomaticMask
from segmenter.masks import pixels_of

OPACITY = 0.45


def overlay(rgb: NDArray[np.uint8], found: Iterable[AutomaticMask]) -> NDArray[np.uint8]:
    """The picture HxWx3 with every mask in a colour of its own, small ones on top, their outlines drawn.

    A mask's colour depends on the mask alone, so it stays from run to run.
    """
    shown = rgb.copy()
    for mask in sorted(found, key=lambda mask: -mask.area):
        x, y, width, height = mask.bbox
        part = shown[y : y + height, x : x + width]
        bitmap = pixels_of(mask.runs, mask.size)[y : y + height, x : x + width]
        colour = _colour(mask)
        part[bitmap] = np.rint(part[bitmap] * (1 - OPACITY) + colour * OPACITY).astype(np.uint8)
        contours, _ = cv2.findContours(bitmap.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        for contour in contours:
            part[contour[:, 0, 1], contour[:, 0, 0]] = colour
    return shown


def _colour(mask: AutomaticMask) -> NDArray[np.float64]:
    seed = zlib.crc32(mask.counts.encode())
    hue, lightness = (seed & 0xFFFF) / 0x10000, 0.45 + 0.25 * (seed >> 16 & 0xFF) / 0xFF
    return np.array(colorsys.hls_to_rgb(hue, lightness, 0.9)) * 255
