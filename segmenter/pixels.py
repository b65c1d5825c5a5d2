"""The name of an image's pixels, by which embeddings and snapshots know it. No torch."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

DIGEST_PREFIX = b"maskmill-pixels/1\0"


def pixel_digest(rgb: Pixels) -> str:
    """Name of upright pixels (height, width, 3): SHA-256 over a prefix, height and width (uint32 LE) and the rows."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(f"expected uint8 H x W x 3, got {rgb.dtype} {rgb.shape}")
    digest = hashlib.sha256(DIGEST_PREFIX + struct.pack("<II", rgb.shape[0], rgb.shape[1]))
    digest.update(np.ascontiguousarray(rgb).data)
    return digest.hexdigest()
