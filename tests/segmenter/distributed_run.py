"""What each process of a distributed training run does in the tests: `python -m tests.segmenter.distributed_run`."""

from __future__ import annotations

import argparse
import os
import random
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from segmenter.build import build
from segmenter.config import Mode, ModelConfig, SamConfig, TrainConfig
from segmenter.training import distributed, loop
from segmenter.training.batches import Batch
from segmenter.training.distributed import joined, slots_of
from segmenter.training.loop import Group
from segmenter.training.prompting import Prompting
from segmenter.training.regularise import regularise
from segmenter.training.scenes import Sampler, Scene, snapshot_scenes
from segmenter.training.snapshot import open_snapshot
from segmenter.training.watch import Watch

STEPS = 4
SIZES = {"prompt_dim": 32, "mask_in_channels": 4, "decoder_heads": 2, "decoder_mlp_dim": 32, "iou_head_hidden": 16}
SAM = ModelConfig("sam", 64, 16, sam=SamConfig(32, 2, 2, (1,), window_size=3, **SIZES))  # type: ignore[arg-type]


class Mortal(Sampler):
    """A sampler whose process is killed as it draws batch number ``last``."""

    last = 0

    def batch(self, images: int, masks_per_image: int, side: int) -> Batch:
        self.last -= 1
        if self.last == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().batch(images, masks_per_image, side)


def run(group: Group, scenes: dict[str, list[Scene]], out: Path, mode: Mode, parts: int, die: int = 0) -> None:
    """Trains a tiny model with dropout and drop path; the batches' numbers of masks differ."""
    recipe = TrainConfig(mode=mode, steps=STEPS, images_per_step=2, masks_per_image=3, accumulate=parts, threads=1)
    recipe = TrainConfig(**vars(recipe) | {"dropout": 0.1, "drop_path": 0.3, "first_frame_share": 0.0})
    torch.manual_seed(3)
    model = build(SAM)
    regularise(model, recipe)

    def source(rng: random.Random, slot: int, slots: int) -> Sampler:
        sampler = Mortal(scenes, recipe, rng)
        sampler.last = die if slot == slots - 1 else 0
        return sampler

    distributed.BUCKET_BYTES = 20_000  # so that the gradients of a tiny model are many messages
    often = Watch(out, every=1)  # and a checkpoint after every step
    slots = slots_of(group, recipe, source)
    loop.train(Prompting(model, recipe), slots, recipe, out, group=group, watch=often, every_seconds=-1.0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs into the folders MODE or MODE-killed, one after the other, in one start of the processes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("snapshot", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--die", type=int, default=0, help="batch at which the last run is killed")
    given = parser.parse_args(arguments)
    scenes = snapshot_scenes(open_snapshot(given.snapshot))
    with joined() as group:
        for name in given.runs:
            mode: Any = name.removesuffix("-killed")
            run(group, scenes, given.out / name, mode, 1, given.die if name == given.runs[-1] else 0)


if __name__ == "__main__":
    main()
