"""Logits to a mask of the image's size: what :func:`segmenter.transforms.upsample_mask` gives, without making it.

A mask usually fills a small part of the picture. Only there are the logits brought to full size, a few rows at a time,
and only the binary mask and two pixel counts are kept (the stability score's, sam.md section 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from segmenter.masks import Runs, runs_within
from segmenter.transforms import Size, axis_taps, resized_size

COMPILED = find_spec("numba") is not None
ROWS_AT_ONCE = 16  # of the plain way: what they take stays in the processor's cache
MARGIN = np.float32(1e-4)  # far more than rounding can lift a blend above its largest part

Floats = NDArray[np.float32]
Taps = tuple[NDArray[np.int32], Floats]


@dataclass(frozen=True)
class FullSize:
    """A mask of an image of ``size``: pixel counts at the lower and the upper threshold, pixels at the middle one.

    ``window`` is the part that can be above the lower threshold; ``corner`` its first pixel (x, y).
    """

    size: Size
    above_low: int
    above_high: int
    window: NDArray[np.bool_]
    corner: tuple[int, int]

    @property
    def runs(self) -> Runs:
        return runs_within(self.window, self.corner, self.size)


def full_size(
    logits: Floats, size: Size, frame: int, threshold: float, offset: float, compiled: bool = COMPILED
) -> FullSize:
    """The mask of logits LxL over the frame, for an image of ``size``: pixels above ``threshold``.

    Counts the pixels above ``threshold - offset`` and ``threshold + offset``. Both ways, ``compiled`` or not, give the
    bits of :func:`segmenter.transforms.upsample_mask`.
    """
    low, middle, high = np.float32(threshold - offset), np.float32(threshold), np.float32(threshold + offset)
    resized = resized_size(*size, frame)
    reachable: NDArray[np.bool_] = np.greater(logits, low - MARGIN * max(np.float32(1), abs(low)))
    down, rows = _reached(_taps(len(logits), frame, resized[0], size[0]), reachable.max(1))
    across, columns = _reached(_taps(len(logits), frame, resized[1], size[1]), reachable.max(0))
    if down.start == down.stop or across.start == across.stop:
        return FullSize(size, 0, 0, np.zeros((0, 0), np.bool_), (0, 0))
    wide = _widened(logits, rows[0], columns)
    rows = rows[0] - rows[0].min(), rows[1]
    window = np.empty((down.stop - down.start, across.stop - across.start), np.bool_)
    if compiled:
        from segmenter.kernels import blend_rows  # imports numba

        counts = blend_rows(wide, *rows, low, middle, high, window)
    else:
        counts = _blend_rows(wide, rows, low, middle, high, window)
    return FullSize(size, *counts, window, (across.start, down.start))


@lru_cache(maxsize=16)
def _taps(logits: int, frame: int, cropped: int, out: int) -> Taps:
    """`axis_taps`, made once for all masks of an image."""
    taps = axis_taps(logits, frame, cropped, out)
    for array in taps:
        array.setflags(write=False)
    return taps


def _reached(taps: Taps, reachable: NDArray[np.bool_]) -> tuple[slice, Taps]:
    """The outputs of one axis that read a reachable logit, as a range, and their taps."""
    index, weight = taps
    outputs = np.flatnonzero(reachable[index].any(1))
    if outputs.size == 0:
        return slice(0, 0), (index[:0], weight[:0])
    reached = slice(int(outputs[0]), int(outputs[-1]) + 1)
    return reached, (index[reached], weight[reached])


def _widened(logits: Floats, rows: NDArray[np.int32], columns: Taps) -> Floats:
    """The logit rows that `rows` names, from first to last, brought to full width: KxW."""
    index, weight = columns
    upright = np.ascontiguousarray(logits[rows.min() : rows.max() + 1].T)
    wide = upright[index[:, 0]] * weight[:, 0, None]
    for tap in range(1, 4):
        wide += upright[index[:, tap]] * weight[:, tap, None]
    return np.ascontiguousarray(wide.T)


def _blend_rows(
    wide: Floats, rows: Taps, low: np.float32, middle: np.float32, high: np.float32, mask: NDArray[np.bool_]
) -> tuple[int, int]:
    """`segmenter.kernels.blend_rows` in plain numpy."""
    above_low, above_high = 0, 0
    for start in range(0, len(mask), ROWS_AT_ONCE):
        index, weight = (taps[start : start + ROWS_AT_ONCE] for taps in rows)
        tall = wide[index[:, 0]] * weight[:, 0, None]
        for tap in range(1, 4):
            tall += wide[index[:, tap]] * weight[:, tap, None]
        np.greater(tall, middle, out=mask[start : start + ROWS_AT_ONCE])
        above_low += int(np.count_nonzero(tall > low))
        above_high += int(np.count_nonzero(tall > high))
    return above_low, above_high
