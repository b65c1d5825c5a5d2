"""Run-length codec beside pycocotools, on masks as models make them: one object, rows in memory (C order).

    python -m benchmarks.rle [--side N] [--masks N] [--repeat N]

Encoding goes from the boolean array to COCO's text, for the peer with the transposed copy that it needs. Decoding goes
from the text to the boolean array, ours with the strict checks that every mask from outside passes. Both give the same.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import compare, cpu_milliseconds, machine
from segmenter import masks
from workers.machine import settle


def blobs(side: int, count: int) -> list[NDArray[np.bool_]]:
    """Masks with wavy outlines and about a tenth of the picture each."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    around = np.linspace(-np.pi, np.pi, 4096)
    waves = np.arange(2, 80)[:, None]
    drawn = []
    for _ in range(count):
        cx, cy, radius = random.uniform((0.2, 0.2, 0.1), (0.8, 0.8, 0.25))
        heights, phases = random.normal(0, 0.3 / waves), random.uniform(0, 2 * np.pi, waves.shape)
        outline = radius * (1 + (heights * np.sin(waves * around + phases)).sum(0))
        drawn.append(np.hypot(y - cy, x - cx) < np.interp(np.arctan2(y - cy, x - cx), around, outline))
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--masks", type=int, default=64)
    parser.add_argument("--repeat", type=int, default=7)
    options = parser.parse_args()
    from pycocotools import mask as peer

    settle()
    drawn = blobs(options.side, options.masks)
    size = (options.side, options.side)
    print(machine(), f"({options.masks} masks of {options.side} x {options.side})")
    ours = [masks.encode(mask) for mask in drawn]
    theirs = [peer.encode(np.asfortranarray(mask.view(np.uint8))) for mask in drawn]
    for mask, mine, other in zip(drawn, ours, theirs, strict=True):
        if mine["counts"] != other["counts"].decode() or (masks.decode(mine, size) != mask).any():
            raise SystemExit("the two codecs disagree")
    print(f"{np.mean([len(mine['counts']) for mine in ours]):.0f} characters a mask")

    encoding = cpu_milliseconds(
        options.repeat,
        lambda: [masks.encode(mask) for mask in drawn],
        lambda: [peer.encode(np.asfortranarray(mask.view(np.uint8))) for mask in drawn],
    )
    decoding = cpu_milliseconds(
        options.repeat,
        lambda: [masks.decode(mine, size)[0, 0] for mine in ours],
        lambda: [peer.decode(other)[0, 0] for other in theirs],
    )
    unit = f"CPU ms for {options.masks} masks"
    compare("rle encode", "pycocotools, from C order", *encoding, unit, 2.0)
    compare("rle decode", "pycocotools", *decoding, unit, 3.0)


if __name__ == "__main__":
    main()
