"""Training a decoder: masks per CPU second on kept embeddings, beside a plain loop that encodes in every step.

    python -m benchmarks.training [--model NAME] [--steps N] [--masks N] [--preset NAME] [--threads N] [--small]

Both loops start from the same random weights (they do not change the speed), see the same pictures and masks, and their
simulated annotators draw the same chance; so their losses must stay together, which is checked. They take turns. The
embedding of a picture, made once, is told apart: it pays from the second time that the picture is seen.
"""

from __future__ import annotations

import argparse
import copy
import random
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.report import compare, machine
from workers.machine import settle

if TYPE_CHECKING:
    from segmenter.training.scenes import Scene

NOISE = 0.02  # of the loss: what float16 embeddings and another order of sums may move it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="vit_b")
    parser.add_argument("--steps", type=int, default=4, help="counted, after one that is not")
    parser.add_argument("--masks", type=int, default=3, help="of each picture; one picture a step")
    parser.add_argument("--preset", default="starter", help="recipe of the interaction and the loss")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="a tiny model, to see that everything runs")
    options = parser.parse_args()
    settle()
    import torch

    torch.set_num_threads(options.threads)
    print(machine(), f"({options.threads} threads, {options.model}, {options.masks} masks a picture)")
    with TemporaryDirectory() as folder:
        seconds, losses, embedding = measured(options, Path(folder))
    for name, row in (("plain", losses[1]), ("ours", losses[0])):
        print(f"{name}: losses {' '.join(f'{loss:.4f}' for loss in row)}")
    print(f"embedding a picture once: {embedding:.2f} CPU s")
    per_mask = [sum(times[1:]) / (options.steps * options.masks) for times in seconds]
    peer = "plain loop that encodes in every step, sums all losses and walks back once"
    compare(f"decoder training {options.model}, {options.preset}", peer, *per_mask, "CPU s a mask", 3.0)
    apart = max(abs(ours - plain) / plain for ours, plain in zip(*losses, strict=True))
    print(f"losses are at most {100 * apart:.2f} % apart")
    if apart > NOISE:
        raise SystemExit("the loss curves are not the same")


def measured(options: argparse.Namespace, folder: Path) -> tuple[list[list[float]], list[list[float]], float]:
    """CPU seconds and losses of every step, ours and the plain loop's, and CPU seconds of an embedding."""
    import torch

    from benchmarks import official_shape
    from benchmarks.reference_training import plain_step
    from segmenter.build import build
    from segmenter.config import MODEL_CONFIGS, TRAIN_PRESETS
    from segmenter.training.augment import whole
    from segmenter.training.embedded import Embedded, Embeddings
    from segmenter.training.loop import train_step
    from segmenter.training.optimiser import set_learning_rate
    from segmenter.training.prompting import Prompting, fitting
    from segmenter.training.scenes import Sampler
    from segmenter.training.state import start

    config = official_shape.small() if options.small else MODEL_CONFIGS[options.model]
    recipe = replace(TRAIN_PRESETS[options.preset], mode="decoder", learning_rate=1e-4, images_per_step=1)
    recipe = fitting(replace(recipe, masks_per_image=options.masks, dropout=0.0, ema=0.0), config)
    torch.manual_seed(0)
    model = build(config)
    models = model, copy.deepcopy(model)
    tasks = [Prompting(each, recipe) for each in models]
    states = [start(each, recipe) for each in models]
    for task, state in zip(tasks, states, strict=True):
        task.train()
        set_learning_rate(state.optimizer, recipe.learning_rate)
    scenes = photographs(options.masks)
    sources = [Sampler({"photographs": scenes}, recipe, random.Random(1)) for _ in models]
    embeddings = Embeddings(folder, model)
    pictures = [whole(scene.picture, scene.annotators[0], config.frame)[0] for scene in scenes]
    used = time.process_time()
    embeddings.make(pictures, len(pictures))
    embedding = (time.process_time() - used) / len(pictures)
    kept = Embedded(sources[0], embeddings)
    chances = random.Random(2), random.Random(2)
    seconds: list[list[float]] = [[], []]
    losses: list[list[float]] = [[], []]
    for _ in range(options.steps + 1):
        used = time.process_time()
        batch = kept.batch(1, options.masks, config.frame)
        figures = train_step(tasks[0], states[0], [batch], [chances[0]], recipe)
        seconds[0].append(time.process_time() - used)
        used = time.process_time()
        plain = sources[1].batch(1, options.masks, config.frame)
        losses[1].append(plain_step(models[1], states[1].optimizer, plain, chances[1], recipe))
        seconds[1].append(time.process_time() - used)
        losses[0].append(figures["loss"])
    return seconds, losses, embedding


def photographs(masks: int) -> list[Scene]:
    """Two photographs with ``masks`` ellipses each."""
    import cv2
    import numpy as np
    from skimage.data import astronaut, coffee

    from segmenter.training.scenes import Scene

    rng, scenes = random.Random(0), list[Scene]()
    for picture in (coffee(), astronaut()):
        labels = np.zeros((1, *picture.shape[:2]), np.int16)
        height, width = picture.shape[:2]
        for number in range(1, masks + 1):
            centre = (round(width * (number - 0.5) / masks), round(height * rng.uniform(0.3, 0.7)))
            axes = (round(0.4 * width / masks), round(height * rng.uniform(0.1, 0.25)))
            cv2.ellipse(labels[0], centre, axes, 0, 0, 360, number, -1)
        scenes.append(Scene(picture, (labels,)))
    return scenes


if __name__ == "__main__":
    main()
