"""The one loop that numpy cannot fuse, compiled by numba when it is first called; not for the web process.

The compiled code is kept beside this file, or in the user's cache directory where that cannot be written.
:func:`segmenter.full_size.full_size` gives the same results without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Loop = TypeVar("Loop", bound=Callable[..., object])


def compiled(loop: Loop) -> Loop:
    """Compiles at the first call, without the interpreter's lock; kept for later processes where that is possible."""
    try:
        return cast(Loop, numba.njit(cache=True, nogil=True)(loop))
    except RuntimeError:  # no folder that numba may write to
        return cast(Loop, numba.njit(nogil=True)(loop))


@compiled
def blend_rows(
    wide: NDArray[np.float32],
    index: NDArray[np.int32],
    weight: NDArray[np.float32],
    low: np.float32,
    middle: np.float32,
    high: np.float32,
    mask: NDArray[np.bool_],
) -> tuple[int, int]:
    """Blends four rows of ``wide`` KxW by index and weight Hx4 into each row of ``mask`` HxW: where above ``middle``.

    Returns how many blended values lie above ``low`` and above ``high``. Adds in the order of
    :func:`segmenter.transforms.upsample_mask`, without fused multiply-add: the same bits.
    """
    above_low, above_high = 0, 0
    blended = np.empty(mask.shape[1], np.float32)
    for y in range(mask.shape[0]):
        first, second, third, fourth = wide[index[y, 0]], wide[index[y, 1]], wide[index[y, 2]], wide[index[y, 3]]
        a, b, c, d = weight[y, 0], weight[y, 1], weight[y, 2], weight[y, 3]
        row = mask[y]
        lower, higher = np.int32(0), np.int32(0)
        # One loop for each outcome: the compiler makes vectors of them only apart.
        for x in range(blended.size):
            blended[x] = ((first[x] * a + second[x] * b) + third[x] * c) + fourth[x] * d
        for x in range(blended.size):
            row[x] = blended[x] > middle
        for x in range(blended.size):
            lower += np.int32(blended[x] > low)
        for x in range(blended.size):
            higher += np.int32(blended[x] > high)
        above_low += int(lower)
        above_high += int(higher)
    return above_low, above_high
