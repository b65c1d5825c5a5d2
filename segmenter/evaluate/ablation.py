"""Ablations: small models that differ in one thing, trained for as many steps, asked for the same masks (figure 13).

Runs are short, so what they show holds for short runs; the arm that differs in its seed alone shows what chance does.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch

from segmenter.build import Model, build
from segmenter.checkpoint import load_model
from segmenter.config import TRAIN_PRESETS, ModelConfig, StarterConfig, TrainConfig, to_dict
from segmenter.data import coco_images
from segmenter.evaluate.clicks import ModelMethod, labelled
from segmenter.evaluate.protocol import Clicking, Row, Task, interact
from segmenter.evaluate.rows import write_rows
from segmenter.evaluate.selection import SELECTIONS, read, tasks
from segmenter.training.batches import Slot
from segmenter.training.loop import train
from segmenter.training.prompting import WEIGHTS, Prompting
from segmenter.training.scenes import Sampler, Scene, read_scenes

ARM, ROWS = "arm.json", "masks.jsonl"
CLICKS = Clicking(least=3, most=3)
ASKED = replace(SELECTIONS["starter"], long_side=320, most_masks=4)  # small, as the arms and their frames are
BASE = ModelConfig(frame=96, logits=48, starter=StarterConfig(widths=(16, 32, 48, 96), blocks=(1, 1, 2)))
RECIPE = replace(TRAIN_PRESETS["starter"], first_frame_share=0.0, images_per_step=6, masks_per_image=2, max_clicks=3)
Images = Mapping[str, set[str]]  # file names by set
ScenesOf = Callable[[float], Mapping[str, Sequence[Scene]]]  # of a share of the training images
Report = Callable[[str, float], None]


@dataclass(frozen=True)
class Arm:
    """One training run: what it is called, how it is trained, and on which share of the images."""

    name: str
    model: ModelConfig = BASE
    recipe: TrainConfig = RECIPE
    share: float = 1.0
    next_seed: bool = False


ARMS = {
    "base": Arm("base"),
    "one-output": Arm("one output", recipe=replace(RECIPE, outputs=1)),
    "images-10": Arm("10 % of the images", share=0.1),
    "images-1": Arm("1 % of the images", share=0.01),
    "small-encoder": Arm("small encoder", model=replace(BASE, starter=replace(BASE.starter, widths=(8, 16, 24, 48)))),
    "no-feedback": Arm("no mask feedback", recipe=replace(RECIPE, mask_feedback=0.0)),
    "other-seed": Arm("other seed", next_seed=True),
}
ABLATIONS: dict[str, tuple[str, ...]] = {
    "outputs": ("base", "one-output"),
    "images": ("base", "images-10", "images-1"),
    "encoder": ("base", "small-encoder"),
    "feedback": ("base", "no-feedback"),
    "seed": ("base", "other-seed"),
}


@dataclass(frozen=True)
class Run:
    """What all arms of a run share. ``limit``: evaluated images of each set, the first that have a mask to ask for."""

    steps: int
    seed: int = 0
    threads: int = 0
    limit: int | None = None


def arms_of(names: Sequence[str]) -> list[str]:
    """The arms that some ablations need, each once; ValueError for an ablation that does not exist."""
    unknown = [name for name in names if name not in ABLATIONS]
    if unknown or not names:
        raise ValueError(f"no ablation {', '.join(unknown)}; there are {', '.join(ABLATIONS)}")
    return list(dict.fromkeys(arm for name in names for arm in ABLATIONS[name]))


def images_of(folders: Iterable[Path], split: dict[str, set[str]] | None) -> dict[str, set[str]]:
    """The images with a mask that a split admits, by set."""
    found: dict[str, set[str]] = {}
    for folder in folders:
        for name, path, masks in coco_images(folder, split):
            if masks:
                found.setdefault(name, set()).add(path.name)
    return found


def share_of(images: Images, share: float) -> dict[str, set[str]]:
    """A share of all images, at least one, drawn by a hash of set and name: a smaller share lies within a larger."""
    everything = [(name, file) for name, files in images.items() for file in files]
    order = sorted(everything, key=lambda pair: hashlib.sha256("/".join(pair).encode()).digest())
    kept: dict[str, set[str]] = {}
    for name, file in order[: max(1, round(share * len(order)))]:
        kept.setdefault(name, set()).add(file)
    return kept


def train_arm(arm: Arm, run: Run, images: Images, scenes_of: ScenesOf, out: Path, report: Report) -> dict[str, Any]:
    """Trains one arm into its folder, or finds it trained; returns its description, which ``arm.json`` holds.

    ``images`` are those of a whole share, ``scenes_of`` reads the scenes of the arm's. A run that was stopped goes on.
    ValueError where the folder holds another run: other settings or other images.
    """
    recipe = replace(arm.recipe, steps=run.steps, threads=run.threads, seed=run.seed + arm.next_seed)
    torch.manual_seed(recipe.seed)
    model = build(arm.model)
    known = _described(arm, recipe, model, share_of(images, arm.share))
    file = out / ARM
    if file.exists() and json.loads(file.read_text(encoding="utf-8")) != known:
        raise ValueError(f"{out} holds another run of this arm; name another folder")
    if not (out / WEIGHTS).exists():
        out.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
        rng = random.Random(recipe.seed)
        slot = Slot(Sampler(scenes_of(arm.share), recipe, rng), rng)
        train(Prompting(model, recipe), [slot], recipe, out, lambda line: report("training", line["progress"]))
    return known


def _described(arm: Arm, recipe: TrainConfig, model: Model, kept: Images) -> dict[str, Any]:
    """What makes the arm what it is, as JSON gives it back."""
    names = sorted(f"{name}/{file}" for name, files in kept.items() for file in files)
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    known = {"name": arm.name, "parameters": parameters, "images": len(names), "images_digest": digest}
    described: dict[str, Any] = json.loads(json.dumps(known | {"model": to_dict(arm.model), "recipe": to_dict(recipe)}))
    return described


def evaluate_arm(arm: Arm, folder: Path, asked: Sequence[Task], report: Report) -> list[Row]:
    """The rows of the arm's model, which is shown its own last mask only if it was in training; kept in ``folder``."""
    method = ModelMethod(load_model(folder / WEIGHTS), arm.recipe.outputs, feedback=arm.recipe.mask_feedback > 0)
    rows: list[Row] = []
    for done, task in enumerate(asked):
        report("evaluating", done / len(asked))
        left, rgb, truths = read(task)
        rows += labelled(left, "model", "center", interact(method, rgb, truths, CLICKS))
    write_rows(folder / ROWS, rows)
    return rows


def run_ablations(
    names: Sequence[str],
    run: Run,
    folders: Sequence[Path],
    split: tuple[dict[str, set[str]], dict[str, set[str]]],
    out: Path,
    report: Report = lambda doing, share: None,
) -> tuple[dict[str, dict[str, Any]], dict[str, list[Row]]]:
    """Trains and evaluates every arm that the ablations need; returns their descriptions and rows, by arm.

    ``split`` names the images to train on and those to evaluate on; ValueError where an image is in both, or where
    there is nothing to train on or to ask for.
    """
    chosen = arms_of(names)
    images = images_of(folders, split[0])
    asked = [task for folder in folders for task in tasks(folder, split[1], run.limit, ASKED)]
    if not asked or not images:
        raise ValueError(f"the split leaves no image with a mask to {'train on' if asked else 'evaluate'}")
    both = [task for task in asked if task.path.name in images.get(task.dataset, ())]
    if both:
        raise ValueError(f"{len(both)} images would be trained on and evaluated, {both[0].path} the first of them")
    scenes_of = cache(lambda share: read_scenes(folders, share_of(images, share)))
    arms: dict[str, dict[str, Any]] = {}
    rows: dict[str, list[Row]] = {}
    for key in chosen:
        arm, folder = ARMS[key], out / key
        tell = partial(_tell, report, key)
        arms[key] = train_arm(arm, run, images, scenes_of, folder, tell)
        rows[key] = evaluate_arm(arm, folder, asked, tell)
    return arms, rows


def _tell(report: Report, key: str, doing: str, share: float) -> None:
    report(f"{key}: {doing}", share)
