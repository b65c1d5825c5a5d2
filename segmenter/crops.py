"""Grids of points, overlapping crops, and the way from a crop back to the image (sam.md section 4.2). Pure numpy.

Boxes are x0, y0, x1, y1; a crop's x1 and y1 are one past its last pixel, a mask's corners are its last pixels.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from segmenter.masks import Runs, Size

CropBox = tuple[int, int, int, int]
EDGE_TOLERANCE = 20  # pixels of the image, absolute as in the reference


def point_grid(side: int) -> NDArray[np.float64]:
    """Cell centres of a side x side grid over the unit square, side^2 x 2 (x, y), row by row."""
    centres = np.linspace(1 / (2 * side), 1 - 1 / (2 * side), side)
    x, y = np.meshgrid(centres, centres)
    return np.stack([x, y], -1).reshape(-1, 2)


def layer_sides(side: int, layers: int, factor: int) -> list[int]:
    """Points per side of the full image's grid and of each crop layer's."""
    return [int(side / factor**layer) for layer in range(layers + 1)]


def crop_boxes(size: Size, layers: int, overlap_ratio: float) -> tuple[list[CropBox], list[int]]:
    """The full image and then the crops of each layer, x outer and y inner, with the layer of each.

    As in the reference, crops of an image of few pixels can be empty (x0 >= x1 or y0 >= y1): such are to be skipped.
    """
    height, width = size
    boxes, levels = [(0, 0, width, height)], [0]
    for layer in range(layers):
        count = 2 ** (layer + 1)
        overlap = int(overlap_ratio * min(size) * (2 / count))
        wide, tall = _crop_length(width, count, overlap), _crop_length(height, count, overlap)
        for column in range(count):
            for row in range(count):
                x0, y0 = int((wide - overlap) * column), int((tall - overlap) * row)
                boxes.append((x0, y0, min(x0 + wide, width), min(y0 + tall, height)))
                levels.append(layer + 1)
    return boxes, levels


def _crop_length(length: int, count: int, overlap: int) -> int:
    return math.ceil((overlap * (count - 1) + length) / count)


def near_crop_edge(corners: NDArray[np.float32], crop: CropBox, size: Size) -> NDArray[np.bool_]:
    """Which boxes (N x 4, in the image) are probably cut off: near an edge of the crop that is none of the image."""
    corners = np.asarray(corners, np.float32).reshape(-1, 4)
    at_crop = np.abs(corners - np.array(crop, np.float32)) <= EDGE_TOLERANCE
    at_image = np.abs(corners - np.array([0, 0, size[1], size[0]], np.float32)) <= EDGE_TOLERANCE
    return np.asarray((at_crop & ~at_image).any(1), np.bool_)


def placed(runs: Runs, crop: CropBox, size: Size) -> Runs:
    """Runs of a mask of the crop as runs of a mask of the image, background around it; no pixels are made."""
    x0, y0, x1, y1 = crop
    tall, height, pixels = y1 - y0, size[0], size[0] * size[1]
    if (x1 - x0, tall) == (size[1], height):
        return runs
    edges = np.cumsum(runs)
    starts, ends = edges[:-1:2], edges[1::2]
    # A run that goes on into the next columns becomes one run a column.
    first, last = starts // tall, (ends - 1) // tall
    pieces = last - first + 1
    of = np.repeat(np.arange(starts.size), pieces)
    column = first[of] + np.arange(of.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    begin = np.maximum(starts[of], column * tall) - column * tall
    end = np.minimum(ends[of], (column + 1) * tall) - column * tall
    offset = (column + x0) * height + y0
    bounds = np.stack([begin + offset, end + offset], 1).ravel()
    # Where the crop is as tall as the image, neighbours touch and are one run again.
    touching = np.flatnonzero(bounds[1:-1:2] == bounds[2::2])
    bounds = np.delete(bounds, np.concatenate([2 * touching + 1, 2 * touching + 2]))
    whole = np.diff(np.concatenate(([0], bounds, [pixels])))
    return whole[:-1] if whole.size > 1 and whole[-1] == 0 else whole
