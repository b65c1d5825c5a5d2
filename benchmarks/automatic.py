"""Automatic masks of one picture: ours beside our plain re-creation of the reference's algorithm.

    python -m benchmarks.automatic [--size H W] [--grid N] [--threads N] [--bf16] [--twice] [--small]

Each side runs in a process of its own, the peer with the C library's own allocator settings, and does one batch of 64
points (a grid of 8 x 8) with the same ViT-B, whose weights follow the golden files' rule, at thresholds where every
third mask passes the filter on predicted IoU, as with trained weights. The time of a grid of N x N is the encoder's and
N * N / 64 times that of the batch. Compared are CPU seconds, peak memory,
and the records; --twice also compares the peer's with its own of another number of threads, which sums in another
order: what is equal there is all that float32 promises.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.report import compare, has_amx, machine
from workers.machine import settle

POINTS_PER_SIDE = 8
# Predicted IoU by these weights lies between 0.8 and 1.15; nothing is suppressed, so that many masks are compared.
THRESHOLDS = {"pred_iou_thresh": 0.97, "stability_score_thresh": 0.3, "box_nms_thresh": 1.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs=2, default=(1500, 2250), metavar=("H", "W"))
    parser.add_argument("--grid", type=int, default=32, help="points per side that times are given for")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--bf16", action="store_true", help="ours in bfloat16")
    parser.add_argument("--twice", action="store_true", help="the peer again with another number of threads")
    parser.add_argument("--small", action="store_true", help="a tiny model, to see that everything runs")
    parser.add_argument("--side", choices=("ours", "theirs"), help=argparse.SUPPRESS)
    parser.add_argument("--to", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        options.to.write_text(json.dumps(measured(options)), encoding="utf-8")
        return
    print(machine(), f"({options.threads} threads, picture {options.size[1]} x {options.size[0]})")
    with TemporaryDirectory() as folder:
        theirs, ours = (_in_a_process(side, options.threads, Path(folder) / side) for side in ("theirs", "ours"))
        other = 1 if options.threads > 1 else 2
        again = _in_a_process("theirs", other, Path(folder) / "again") if options.twice else None
    precision = "bf16" if options.bf16 else "fp32"
    times = (options.grid / POINTS_PER_SIDE) ** 2
    for name, row in (("reference algorithm", theirs), ("ours", ours)):
        print(
            f"{name}: encoder {row['encoder']:.2f} CPU s, 64 points {row['points']:.2f} CPU s, "
            f"peak {row['peak'] / 2**30:.2f} GiB, {len(row['records'])} masks"
        )
    costs = [row["encoder"] + times * row["points"] for row in (ours, theirs)]
    peer = "plain re-creation of the reference's algorithm, its batches of 64, default allocator"
    grid = f"{options.grid}x{options.grid}"
    goal = 10.0 if options.bf16 and has_amx() else 4.0
    compare(f"automatic masks {grid} {precision}, one batch of 64 extrapolated", peer, *costs, "CPU s", goal)
    compare("automatic masks, peak memory", peer, ours["peak"] / 2**20, theirs["peak"] / 2**20, "MiB", 3.0)
    count, least = len(ours["records"]), 0.98 if options.bf16 else 0.999
    told, alike = _agreement(ours["records"], theirs["records"])
    print(told)
    if again is not None:
        print(f"the peer with {other} threads, beside itself:", _agreement(again["records"], theirs["records"])[0])
    if alike < least or abs(count - len(theirs["records"])) > 0.01 * len(theirs["records"]):
        raise SystemExit("the masks are not the same")


def _in_a_process(side: str, threads: int, file: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.automatic", *sys.argv[1:]]
    subprocess.run([*command, "--threads", str(threads), "--side", side, "--to", str(file)], check=True)
    read: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return read


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """CPU seconds of encoder and points, peak memory in bytes and the records of one side, in this process."""
    if options.side == "ours":
        settle()
    else:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # else a busy machine would punish the peer, not its steps
    import resource

    import numpy as np
    import torch
    from PIL import Image
    from skimage.data import coffee

    from benchmarks import official_shape
    from benchmarks.reference_automask import reference_embedding, reference_records
    from segmenter.automask import generate, record
    from segmenter.automask_config import AutomaskConfig
    from segmenter.config import MODEL_CONFIGS
    from segmenter.golden.models import rebuilt
    from segmenter.precision import lowered

    torch.set_num_threads(options.threads)
    model = rebuilt(official_shape.small() if options.small else MODEL_CONFIGS["vit_b"])
    height, width = options.size
    rgb = np.array(Image.fromarray(coffee()).resize((width, height)))
    batch = 64 if options.side == "theirs" else AutomaskConfig.points_per_batch
    config = AutomaskConfig(POINTS_PER_SIDE, batch, reference_boxes=True, **THRESHOLDS)
    if options.side == "theirs":
        started = time.process_time()
        embedding = reference_embedding(model, rgb)
        encoded = time.process_time()
        records = reference_records(model, embedding, (height, width), config)
        points = time.process_time() - encoded
    else:
        used = lowered(model) if options.bf16 else model
        del model
        generate(used, rgb[:32, :48], AutomaskConfig(1, pred_iou_thresh=0))  # compiles the loops
        told: dict[int, float] = {}
        started = time.process_time()
        masks = generate(used, rgb, config, lambda done, total: told.update({done: time.process_time()}))
        records = [record(mask, config) for mask in masks]
        # The encoder and the first batch are not told apart by the clock: the other batches say what a batch costs.
        points = (time.process_time() - told[batch]) * 64 / (64 - batch)
        encoded = told[batch] - points * batch / 64
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"encoder": encoded - started, "points": points, "peak": peak, "records": records}


def _agreement(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> tuple[str, float]:
    """How alike the masks are: as many, in the same order and place, and the least IoU of two that belong together.

    In words, and that least IoU.
    """
    from segmenter import masks

    def runs(record: dict[str, Any]) -> masks.Runs:
        size = (record["segmentation"]["size"][0], record["segmentation"]["size"][1])
        return masks.parse(list(size), record["segmentation"]["counts"], size)

    pairs = list(zip(ours, theirs, strict=False))
    same = sum(a["point_coords"] == b["point_coords"] and a["bbox"] == b["bbox"] for a, b in pairs)
    alike = [max((masks.iou(runs(a), runs(b)) for b in theirs), default=0.0) for a in ours]
    exact = sum(a["segmentation"] == b["segmentation"] for a, b in pairs)
    least = min(alike, default=1.0)
    told = f"masks: {len(ours)} and {len(theirs)}; same point and box in turn {same}, equal to the pixel {exact}, "
    return f"{told}least best IoU {least:.5f}", least


if __name__ == "__main__":
    main()
