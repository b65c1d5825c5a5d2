"""Mask = COCO run-length encoding + size: strict decoding, encoding, area, box, IoU. Pure numpy, no native codec.

Runs are column-major pixel counts, background first; only the first may be 0. In compressed form every count (from the
fourth on, its difference to the count two before) is written in 5-bit groups, low bits first, each as one character
from '0' (48) on; bit 6 says that another group follows, the last group carries the sign.

Masks come from browsers and files, so what is not exactly canonical is refused before anything of the image's size is
allocated. Native decoders crash, spin or answer silently wrong on such input (pycocotools 2.0.11: size 100000 x 100000,
garbage counts, truncated counts); pycocotools serves as the tests' oracle only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]
Runs = NDArray[np.int64]

MAX_CHARACTERS = 16 * 1024 * 1024
MAX_RUNS = 4_000_000
MAX_GROUPS = 6
# The largest count that six groups of five bits, sign included, can hold: no mask has more pixels.
MAX_PIXELS = 2 ** (5 * MAX_GROUPS - 1) - 1


class InvalidMask(ValueError):
    """The mask is not a canonical run-length encoding of the expected size; the text says why."""


class Rle(TypedDict):
    """COCO's compressed form: size [height, width] and counts as ASCII text."""

    size: list[int]
    counts: str


@dataclass(frozen=True)
class Mask:
    """A checked mask: `size` is (height, width), `counts` compressed text; a malformed pair raises InvalidMask."""

    size: Size
    counts: str
    runs: Runs = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "runs", parse(self.size, self.counts, self.size))


def parse(size: object, counts: object, expected: Size) -> Runs:
    """Check size and counts (compressed text, or a list of run lengths) against the image's (height, width).

    Returns the runs, int64. Raises InvalidMask unless the size is the expected one, the runs cover exactly that many
    pixels and the encoding is the canonical one.
    """
    pixels = _checked_size(size, expected)
    if isinstance(counts, str):
        runs = _decompress(counts, pixels)
    elif isinstance(counts, list):
        runs = _listed(counts, pixels)
    else:
        raise InvalidMask(f"counts must be text or a list of integers, not {type(counts).__name__}")
    if runs.size == 0 or runs.size > pixels + 1:
        raise InvalidMask(f"{runs.size} runs cannot cover {pixels} pixels")
    if runs[0] < 0 or runs[1:].min(initial=1) < 1:
        raise InvalidMask("runs must be positive; only the first may be 0")
    if int(runs.sum()) != pixels:
        raise InvalidMask(f"the runs do not cover exactly {pixels} pixels")
    return runs


def decode(rle: Mapping[str, object] | Mask, expected: Size) -> NDArray[np.bool_]:
    """The mask as a boolean (height, width) array. Raises InvalidMask as `parse` does."""
    if isinstance(rle, Mask):
        return pixels_of(parse(rle.size, rle.counts, expected), expected)
    return pixels_of(parse(rle.get("size"), rle.get("counts"), expected), expected)


def pixels_of(runs: Runs, size: Size) -> NDArray[np.bool_]:
    """Checked runs as a boolean (height, width) array."""
    height, width = size
    values = np.arange(runs.size) % 2 == 1
    return np.repeat(values, runs).reshape(width, height).T


def runs_of(mask: NDArray[np.bool_]) -> Runs:
    """Runs of a boolean (height, width) array."""
    if mask.dtype != np.bool_ or mask.ndim != 2 or not 0 < mask.size <= MAX_PIXELS:
        raise InvalidMask(f"expected a boolean H x W array of 1 to {MAX_PIXELS} pixels, got {mask.dtype} {mask.shape}")
    if mask.flags.f_contiguous and not mask.flags.c_contiguous:
        changes = _changes(mask.T.reshape(-1, 1))
    else:
        changes = _changes(np.ascontiguousarray(mask))
    first = [0, 0] if mask[0, 0] else [0]
    return np.diff(np.concatenate((first, changes, [mask.size])))


def runs_within(window: NDArray[np.bool_], corner: tuple[int, int], size: Size) -> Runs:
    """Runs of a mask of `size` that is empty but for a boolean window whose first pixel lies at `corner` (x, y)."""
    height, width = window.shape
    if window.size == 0:
        return np.array([size[0] * size[1]], np.int64)
    framed = np.zeros((height + 2, width), np.bool_)  # so that every column begins and ends outside the mask
    framed[1:-1] = window
    x, y = np.divmod(_changes(framed), height + 2)
    changes = (x + corner[0]) * size[0] + y + corner[1] - 1
    # A run over the end of a column changes there twice, which is not at all.
    alone = np.diff(changes, prepend=-1, append=-1) != 0
    changes = changes[alone[1:] & alone[:-1]]
    edges = np.concatenate(([0], changes, [size[0] * size[1]]))
    runs: Runs = np.diff(edges)
    return runs if runs[-1] else runs[:-1]


def _changes(mask: NDArray[np.bool_]) -> Runs:
    """Column-major positions whose pixel differs from the one before, in order; the mask is C-contiguous.

    Looks eight pixels at a time for a difference to the row above. Transposing first would cost five times as much.
    """
    height, width = mask.shape
    flat = mask.reshape(-1).view(np.uint8)
    differs = flat[width:] ^ flat[:-width]
    whole = differs.size // 8 * 8
    eights = np.flatnonzero(differs[:whole].view(np.uint64) != 0)
    among = np.flatnonzero(differs[:whole].reshape(-1, 8)[eights].view(np.bool_))
    rest = whole + np.flatnonzero(differs[whole:])
    y, x = np.divmod(np.concatenate((8 * eights[among >> 3] + (among & 7), rest)), width)
    tops = np.flatnonzero(mask[0, 1:] != mask[-1, :-1]) + 1  # columns that begin unlike the one before ended
    changes: Runs = np.sort(np.concatenate((x * height + y + 1, tops * height)))
    return changes


def encode(mask: NDArray[np.bool_]) -> Rle:
    """COCO's compressed run-length encoding of a boolean (height, width) array."""
    return {"size": [int(mask.shape[0]), int(mask.shape[1])], "counts": compress(runs_of(mask))}


def compress(runs: Runs) -> str:
    """Runs as compressed text, the shortest groups for each count. Raises InvalidMask beyond what `parse` accepts."""
    if runs.size > MAX_RUNS:
        raise InvalidMask(f"{runs.size} runs are too many")
    rest = runs.astype(np.int64)
    rest[3:] -= runs[1:-2]
    groups = np.zeros((rest.size, MAX_GROUPS), np.uint8)
    used = np.zeros(groups.shape, np.bool_)
    more = np.ones(rest.size, np.bool_)
    for place in range(MAX_GROUPS):
        if not more.any():
            break
        used[:, place] = more
        group = rest & 31
        rest = rest >> 5
        more = more & np.where(group & 16, rest != -1, rest != 0)
        groups[:, place] = group + 32 * more + 48
    if more.any():
        raise InvalidMask(f"a run is longer than {MAX_PIXELS} pixels")
    return groups[used].tobytes().decode("ascii")


def area(runs: Runs) -> int:
    """Number of mask pixels."""
    return int(runs[1::2].sum())


def bbox(runs: Runs, size: Size) -> tuple[int, int, int, int]:
    """Smallest box (x, y, width, height) around the mask, COCO's convention; (0, 0, 0, 0) if it is empty."""
    height = size[0]
    starts, ends = _foreground(runs)
    if starts.size == 0:
        return 0, 0, 0, 0
    last = ends - 1
    left, right = int(starts[0] // height), int(last[-1] // height)
    # A run that goes on into the next column touches the bottom of one column and the top of another.
    whole = bool((starts // height != last // height).any())
    top = 0 if whole else int((starts % height).min())
    bottom = height - 1 if whole else int((last % height).max())
    return left, top, right - left + 1, bottom - top + 1


def intersection(first: Runs, second: Runs) -> int:
    """Number of pixels that two masks of one size share; work grows with the runs, not with the pixels."""
    starts, ends = _foreground(first)
    return int((_covered(second, ends) - _covered(second, starts)).sum())


def iou(first: Runs, second: Runs) -> float:
    """Intersection over union of two masks of one size; 0.0 if both are empty, as in COCO's own code."""
    if int(first.sum()) != int(second.sum()):
        raise InvalidMask("IoU needs two masks of the same size")
    common = intersection(first, second)
    union = area(first) + area(second) - common
    return common / union if union else 0.0


def _checked_size(size: object, expected: Size) -> int:
    if not isinstance(size, Sequence) or isinstance(size, str | bytes) or len(size) != 2:
        raise InvalidMask("size must be [height, width]")
    if any(type(side) is not int or side < 1 for side in size):
        raise InvalidMask("size must be two positive integers")
    if tuple(size) != tuple(expected):
        raise InvalidMask(f"size {list(size)} is not the image's size {list(expected)}")
    pixels = int(size[0]) * int(size[1])
    if pixels > MAX_PIXELS:
        raise InvalidMask(f"masks of more than {MAX_PIXELS} pixels are not supported")
    return pixels


def _listed(counts: list[object], pixels: int) -> Runs:
    if len(counts) > min(MAX_RUNS, pixels + 1):
        raise InvalidMask(f"{len(counts)} runs are too many")
    if any(type(count) is not int or not 0 <= count <= pixels for count in counts):
        raise InvalidMask("a list of counts must hold integers from 0 to the number of pixels")
    return np.array(counts, np.int64)


def _decompress(counts: str, pixels: int) -> Runs:
    """Runs of compressed text; the caller checks what they say. Bounded: six groups of five bits a count."""
    if len(counts) > min(MAX_CHARACTERS, 8 * pixels + 8):
        raise InvalidMask(f"{len(counts)} characters are too many for {pixels} pixels")
    if not counts.isascii():
        raise InvalidMask("counts hold a character outside the code")
    codes = np.frombuffer(counts.encode("ascii"), np.uint8) - np.uint8(48)  # below 48 wraps to above 63
    if codes.size == 0 or (codes > 63).any():
        raise InvalidMask("counts are empty or hold a character outside the code")
    if codes[-1] & 32:
        raise InvalidMask("counts end in the middle of a number")
    ends = np.flatnonzero((codes & 32) == 0)
    if ends.size > min(MAX_RUNS, pixels + 1):
        raise InvalidMask(f"{ends.size} runs are too many")
    lengths = ends + 1
    lengths[1:] -= lengths[:-1].copy()
    if lengths.max() > MAX_GROUPS:
        raise InvalidMask(f"a number has more than {MAX_GROUPS} groups")
    last, previous = codes[ends], codes[ends - (lengths > 1)]
    if ((lengths > 1) & (last & 31 == 31 * (previous >> 4 & 1))).any():  # the last group only repeats the sign
        raise InvalidMask("the counts are not in canonical form")
    starts = ends - lengths + 1
    places = np.arange(codes.size) - np.repeat(starts, lengths)
    runs = np.add.reduceat((codes & 31).astype(np.int64) << 5 * places, starts)
    runs -= (last & 16).astype(np.int64) << 5 * lengths - 4  # the highest bit of the last group is the sign
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs


def _foreground(runs: Runs) -> tuple[Runs, Runs]:
    """First and one past the last column-major position of every run of mask pixels."""
    edges = np.concatenate(([0], np.cumsum(runs)))
    return edges[1:-1:2], edges[2::2]


def _covered(runs: Runs, positions: Runs) -> Runs:
    """Number of mask pixels before each column-major position."""
    starts, ends = _foreground(runs)
    if starts.size == 0:
        return np.zeros_like(positions)
    before = np.concatenate(([0], np.cumsum(ends - starts)))
    index = np.searchsorted(starts, positions, side="right")
    into = np.minimum(positions, ends[np.maximum(index - 1, 0)]) - starts[np.maximum(index - 1, 0)]
    return np.where(index == 0, 0, before[np.maximum(index - 1, 0)] + into)
