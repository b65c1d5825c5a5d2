"""Time to embed one photograph: the starter beside the Segment Anything ViT-B encoder on the same machine.

    python -m benchmarks.encode [--threads N] [--repeat N]

The peer is the official ViT-B architecture at 1024 pixels with random weights (weights do not change its speed), run by
the same code path. CPU seconds are the figure to compare: they do not suffer from other programs as wall time does.
"""

from __future__ import annotations

import argparse
import os
import time

from benchmarks.report import compare, machine, percentiles
from workers.machine import settle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeat", type=int, default=15)
    options = parser.parse_args()
    settle()
    import torch
    from skimage.data import coffee

    from segmenter.build import Model, build
    from segmenter.checkpoint import load_model
    from segmenter.config import MODEL_CONFIGS
    from segmenter.manifest import find_weights
    from segmenter.predict import embed

    torch.set_num_threads(options.threads)
    photograph = coffee()
    print(machine(), f"({options.threads} threads, photograph {photograph.shape[1]} x {photograph.shape[0]})")

    def timed(model: Model, repeat: int) -> tuple[list[float], list[float]]:
        embed(model, photograph)
        wall, cpu = [], []
        for _ in range(repeat):
            started, used = time.perf_counter(), time.process_time()
            embed(model, photograph)
            wall.append(1000 * (time.perf_counter() - started))
            cpu.append(1000 * (time.process_time() - used))
        return wall, cpu

    ours = timed(load_model(find_weights("starter")), options.repeat)
    print(f"starter: wall ms {percentiles(ours[0])}; CPU ms {percentiles(ours[1])}")
    theirs = timed(build(MODEL_CONFIGS["vit_b"]).eval(), 2)
    print(f"ViT-B:   wall ms {percentiles(theirs[0])}; CPU ms {percentiles(theirs[1])}")
    compare("encode", "Segment Anything ViT-B encoder", min(ours[1]), min(theirs[1]), "CPU ms", 10.0)


if __name__ == "__main__":
    main()
