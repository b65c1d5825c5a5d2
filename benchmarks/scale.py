"""What training costs beside the model's own work, measured here, to extrapolate from (docs/scale.md).

    python -m benchmarks.scale [--images N] [--masks N] [--model NAME] [--small]

Images like SA-1B's, 1500 x 2250 with 100 masks, are made from photographs, frozen, packed, and read as training reads
them. Then: going on in the middle of a stream, a checkpoint, and two processes that add up gradients. Processor time
where one process works, wall time where processes wait for each other. One line of JSON a figure.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.report import machine
from workers.machine import settle

SIZE = (1500, 2250)  # SA-1B's pictures have a short side of 1500
MEBI = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--masks", type=int, default=100, help="of each image")
    parser.add_argument("--model", default="vit_b", help="whose weights are saved and exchanged")
    parser.add_argument("--small", action="store_true", help="tiny images and model, to see that everything runs")
    parser.add_argument("--alone", action="store_true", help="nothing with two processes")
    parser.add_argument("--exchange", action="store_true", help=argparse.SUPPRESS)  # one of the two processes
    options = parser.parse_args()
    settle()
    if options.exchange:
        exchange(options)
        return
    print(machine())
    with TemporaryDirectory() as folder:
        told("images", options.images, f"of {picture_size(options)} with {options.masks} masks")
        reading(packed(options, Path(folder)), options)
        checkpoint(options, Path(folder))
    if options.alone:
        return
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "benchmarks.scale", "--exchange", "--model", options.model, *["--small"] * options.small]
    subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})


def told(name: str, value: float, unit: str) -> None:
    print(json.dumps({"name": name, "value": float(f"{value:.4g}"), "unit": unit}), flush=True)


def cpu_seconds(action: Callable[[], Any]) -> tuple[float, Any]:
    """Processor time of an action, and its answer."""
    started = time.process_time()
    answer = action()
    return time.process_time() - started, answer


def picture_size(options: argparse.Namespace) -> tuple[int, int]:
    return (60, 90) if options.small else SIZE


def made(options: argparse.Namespace, folder: Path) -> Path:
    """A COCO folder of noisy photographs under ellipses of all sizes."""
    import cv2
    import numpy as np
    from skimage import data

    from segmenter import masks

    dice, rng = np.random.default_rng(0), random.Random(0)
    height, width = picture_size(options)
    photographs = [data.coffee(), data.chelsea(), data.rocket(), data.astronaut()]
    content: dict[str, list[Any]] = {"images": [], "annotations": []}
    (folder / "images").mkdir(parents=True)
    for number in range(options.images):
        picture = cv2.resize(photographs[number % 4], (width, height), interpolation=cv2.INTER_CUBIC)
        noisy = np.clip(picture + dice.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / "images" / f"{number}.jpg"), noisy, [cv2.IMWRITE_JPEG_QUALITY, 85])
        content["images"].append({"id": number, "file_name": f"{number}.jpg"})
        for _ in range(options.masks):
            bitmap = np.zeros((height, width), np.uint8)
            centre = rng.randrange(width), rng.randrange(height)
            axes = [max(2, round(height * rng.uniform(0.1, 0.6) ** 2)) for _ in range(2)]
            cv2.ellipse(bitmap, centre, axes, rng.uniform(0, 180), 0, 360, 1, -1)
            rle = masks.encode(bitmap > 0)
            content["annotations"].append({"id": len(content["annotations"]), "image_id": number, "segmentation": rle})
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def packed(options: argparse.Namespace, folder: Path) -> Any:
    """Freezes and packs the images, and says what that costs."""
    from segmenter.training.freezing import find_images, freeze_snapshot, pack

    root = made(options, folder / "data")
    seconds, snapshot = cpu_seconds(lambda: freeze_snapshot(find_images([root], None), folder / "s", 0.0))
    told("freeze", 1000 * seconds / options.images, "CPU ms an image")
    seconds, shards = cpu_seconds(lambda: pack(snapshot, folder / "packed", 64 * MEBI))
    size = sum(file.stat().st_size for file in (folder / "packed").rglob("*.tar"))
    told("pack", 1000 * seconds / options.images, "CPU ms an image")
    told("size in shards", size / options.images / MEBI, "MiB an image")
    return shards


def reading(packed: Any, options: argparse.Namespace) -> None:
    """What it costs to bring an image from a shard into a batch, and to go on in the middle of a stream."""
    from segmenter.config import TRAIN_PRESETS
    from segmenter.training.interaction import Annotators, clickable, truths_at
    from segmenter.training.scenes import Sampler, stored_scene
    from segmenter.training.snapshot import Snapshot
    from segmenter.training.stream import BUFFER, ShuffledShards

    side = 64 if options.small else 1024
    stream = ShuffledShards(packed, 0, 0, 1, buffer=4)
    next(stream)  # fills the buffer
    seconds, stored = cpu_seconds(lambda: list(islice(stream, options.images)))
    told("read from a shard", 1000 * seconds / options.images, "CPU ms an image")
    told("buffer", BUFFER * sum(len(picture) for _, picture in stored) / len(stored) / MEBI, "MiB a reader")
    seconds, scenes = cpu_seconds(lambda: [stored_scene(*one, side) for one in stored])
    told("decode picture and masks", 1000 * seconds / options.images, "CPU ms an image")
    sampler = Sampler({"": scenes}, TRAIN_PRESETS["paper"], random.Random(0))
    seconds, _ = cpu_seconds(lambda: [sampler.batch(1, 64, side) for _ in range(options.images)])
    told("draw 64 masks", 1000 * seconds / options.images, "CPU ms an image")
    shown = clickable(truths_at(sampler.batch(1, 64, side).masks, side // 4))
    annotators = Annotators(shown, side, TRAIN_PRESETS["paper"], random.Random(0))
    seconds, _ = cpu_seconds(lambda: [annotators.correct(~shown) for _ in range(8)])
    told("eight corrections of each mask", 1000 * seconds * 64 / len(shown), "CPU ms a step of 64 masks")
    # Going on counts and reads nothing: 1000 shards of 11,000 images, one of 256 readers, at the end of two epochs.
    large = ShuffledShards(Snapshot(Path(), {"shards": {f"/train-{n}": 11_000 for n in range(1000)}}), 0, 3, 256)
    seconds, _ = cpu_seconds(lambda: large.seek(86_000))
    told("go on after two epochs of 11 million images", seconds, "CPU s a reader of 256")


def checkpoint(options: argparse.Namespace, folder: Path) -> None:
    """What a checkpoint with AdamW's two moments costs."""
    from segmenter.training.state import CHECKPOINT, start

    model, recipe = model_of(options)
    state = start(model, recipe)
    for parameter in model.parameters():
        parameter.grad = parameter.detach().clone()
    state.optimizer.step()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    file = folder / CHECKPOINT
    seconds, _ = cpu_seconds(lambda: state.save(file, [], []))
    told("parameters", parameters, "")
    told("checkpoint", file.stat().st_size / parameters, "bytes a parameter")
    told("write a checkpoint", seconds / (file.stat().st_size / 1e9), "CPU s a GB")
    seconds, _ = cpu_seconds(lambda: state.load(file))
    told("read a checkpoint", seconds / (file.stat().st_size / 1e9), "CPU s a GB")


def model_of(options: argparse.Namespace) -> tuple[Any, Any]:
    """The model whose weights are exchanged, and the paper's recipe."""
    from segmenter.build import build
    from segmenter.config import MODEL_CONFIGS, TRAIN_PRESETS, ModelConfig, SamConfig

    small = ModelConfig("sam", 64, 16, sam=SamConfig(32, 2, 2, (1,), window_size=3))
    return build(small if options.small else MODEL_CONFIGS[options.model]), TRAIN_PRESETS["paper"]


def exchange(options: argparse.Namespace) -> None:
    """In one of two processes: how long adding up all gradients takes, the fastest of three."""
    import torch

    from segmenter.training.distributed import joined

    with joined() as group:
        model = model_of(options)[0]
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        seconds = []
        for _ in range(3):
            group.gathered(None)
            started = time.perf_counter()
            group.add_up(model)
            seconds.append(time.perf_counter() - started)
        size = sum(4 * parameter.numel() for parameter in model.parameters())
        if group.rank == 0:
            told("add up gradients of two processes", 1000 * min(seconds), f"ms for {size / MEBI:.0f} MiB each")


if __name__ == "__main__":
    main()
