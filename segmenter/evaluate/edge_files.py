"""Edge maps and human boundary maps as files: NumPy archives, read without pickle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmenter.prompts import Bitmap
from segmenter.transforms import Size

WHOLE = 65535  # of a 16-bit map: strength 1


@dataclass(frozen=True)
class EdgeMaps:
    """Edge strengths of named pictures; ``values`` pictures x pixels uint16, row-major, ``WHOLE`` is strength 1."""

    names: tuple[str, ...]
    sizes: tuple[Size, ...]
    values: NDArray[np.uint16]

    def packed(self, picture: int) -> NDArray[np.uint16]:
        """HxW as stored."""
        height, width = self.sizes[picture]
        return self.values[picture, : height * width].reshape(height, width)


@dataclass(frozen=True)
class Boundaries:
    """Human boundaries of named pictures: one packed map per annotator, those of a picture one after the other."""

    names: tuple[str, ...]
    sizes: tuple[Size, ...]
    annotators: NDArray[np.int64]
    bits: NDArray[np.uint8]

    def rows(self, picture: int) -> NDArray[np.uint8]:
        """The packed maps of a picture."""
        start = int(self.annotators[:picture].sum())
        return self.bits[start : start + int(self.annotators[picture])]


def unpacked(rows: NDArray[np.uint8], size: Size) -> list[Bitmap]:
    """Packed maps (big-endian bits, row-major) as Bitmaps of ``size``."""
    pixels = size[0] * size[1]
    return [np.unpackbits(row)[:pixels].reshape(size).astype(np.bool_) for row in rows]


def read_edge_maps(file: Path) -> EdgeMaps:
    """``names`` N, ``shapes`` N x 2 (height, width), ``maps`` N x pixels uint16. ValueError for anything else."""
    names, sizes, (values,) = _arrays(file, "maps")
    if values.dtype != np.uint16 or values.ndim != 2 or len(values) != len(names):
        raise ValueError(f"{file}: maps are {len(names)} rows of uint16, not {values.dtype} {values.shape}")
    if any(height * width > values.shape[1] for height, width in sizes):
        raise ValueError(f"{file}: a map has fewer than height x width pixels")
    return EdgeMaps(names, sizes, values)


def read_boundaries(file: Path) -> Boundaries:
    """``names`` N, ``shapes`` N x 2, ``n_annotators`` N, ``bits`` (their sum) x bytes. ValueError for anything else."""
    names, sizes, (annotators, bits) = _arrays(file, "n_annotators", "bits")
    if annotators.shape != (len(names),) or not np.issubdtype(annotators.dtype, np.integer) or (annotators < 1).any():
        raise ValueError(f"{file}: every picture needs an annotator")
    if bits.dtype != np.uint8 or bits.ndim != 2 or len(bits) != annotators.sum():
        raise ValueError(f"{file}: bits are {annotators.sum()} rows of uint8, not {bits.dtype} {bits.shape}")
    if any(height * width > 8 * bits.shape[1] for height, width in sizes):
        raise ValueError(f"{file}: a boundary map has fewer than height x width bits")
    return Boundaries(names, sizes, annotators.astype(np.int64), bits)


def _arrays(file: Path, *keys: str) -> tuple[tuple[str, ...], tuple[Size, ...], list[NDArray[Any]]]:
    try:
        with np.load(file, allow_pickle=False) as archive:
            names, shapes, *found = [archive[key] for key in ("names", "shapes", *keys)]
    except KeyError as error:
        raise ValueError(f"{file} lacks an array: {error.args[0]}") from error
    except (ValueError, EOFError, AttributeError, TypeError) as error:
        raise ValueError(f"{file} is not a NumPy archive: {error}") from error
    if names.ndim != 1 or shapes.shape != (len(names), 2) or not np.issubdtype(shapes.dtype, np.integer):
        raise ValueError(f"{file}: names and shapes are not N names and N pairs of height and width")
    if (shapes < 1).any() or len(set(names.tolist())) != len(names):
        raise ValueError(f"{file}: a picture is named twice or has no pixels")
    return tuple(map(str, names)), tuple((int(h), int(w)) for h, w in shapes), found
