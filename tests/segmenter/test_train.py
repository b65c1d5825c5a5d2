"""The training loop: it learns, it resumes to the same numbers, and it stops at nonsense."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from segmenter.checkpoint import load_weights
from segmenter.config import TrainConfig
from segmenter.modeling.starter import Starter
from segmenter.training.batches import Batch, Slot
from segmenter.training.loop import train, train_step
from segmenter.training.prompting import Prompting
from segmenter.training.scenes import Sampler, examples, read_scenes
from segmenter.training.state import CHECKPOINT, chance_now, restore_chance, start
from segmenter.training.watch import Watch
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_starter import TINY

RECIPE = TrainConfig(minutes=4, images_per_step=2, masks_per_image=2, first_frame=64, synthetic_share=0.3, threads=1)


class Interrupted(Exception):
    pass


class Dying(Sampler):
    """A sampler whose process dies before it draws batch number ``last``."""

    last = 10**9

    def batch(self, images: int, masks_per_image: int, side: int) -> Batch:
        self.last -= 1
        if self.last < 0:
            raise Interrupted
        return super().batch(images, masks_per_image, side)


def half_minutes() -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += 30


def run(folder: Path, out: Path, die_after: int | None = None, parts: int = 1) -> dict[str, torch.Tensor]:
    recipe = replace(RECIPE, accumulate=parts)
    torch.manual_seed(5)
    slots = []
    for number in range(parts):
        rng = random.Random(5 + number)
        sampler = Dying(read_scenes([folder], None), recipe, rng)
        sampler.last = die_after if die_after is not None else sampler.last
        slots.append(Slot(sampler, rng))
    ticks = half_minutes()
    file = train(Prompting(Starter(TINY), recipe), slots, recipe, out, clock=lambda: next(ticks))
    return load_weights(file)[0]


@pytest.mark.parametrize("parts", [1, 2])
def test_a_killed_run_resumes_to_the_same_weights(tmp_path: Path, parts: int) -> None:
    folder = write_coco(tmp_path / "x")
    whole = run(folder, tmp_path / "whole", parts=parts)
    with pytest.raises(Interrupted):
        run(folder, tmp_path / "killed", die_after=6, parts=parts)
    torch.manual_seed(99)  # another process's chance
    resumed = run(folder, tmp_path / "killed", parts=parts)
    assert whole.keys() == resumed.keys()
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name


def sampler_of(folder: Path, rng: random.Random, recipe: TrainConfig = RECIPE) -> Sampler:
    return Sampler(read_scenes([folder], None), recipe, rng)


def test_golden_losses_of_the_starters_recipe(tmp_path: Path) -> None:
    """Written by the loop that trained the shipped starter, before it learned other recipes."""
    torch.manual_seed(5)
    rng = random.Random(5)
    sampler = sampler_of(write_coco(tmp_path / "x"), rng)
    task = Prompting(Starter(TINY).to(memory_format=torch.channels_last), RECIPE)
    state = start(task.model, RECIPE)
    seen = [train_step(task, state, [sampler.batch(2, 2, 64)], [rng], RECIPE) for _ in range(4)]
    golden = {
        "loss_first": [3.063123, 2.5781, 2.452156, 2.234281],
        "best_of_three_first": [0.093952, 0.1195, 0.120566, 0.100409],
        "loss_last": [3.162047, 2.217197, 2.089848, 1.823137],
        "iou_last": [0.056175, 0.0, 0.0, 0.0],
    }
    for name, values in golden.items():
        assert [step[name] for step in seen] == pytest.approx(values, rel=2e-3, abs=2e-3), name


def test_it_learns_simple_shapes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    recipe = replace(RECIPE, learning_rate=3e-3, synthetic_share=0.0, paste_share=0.0)
    rng = random.Random(0)
    sampler = sampler_of(write_coco(tmp_path / "x"), rng, recipe)
    task = Prompting(Starter(TINY), recipe)
    state = start(task.model, recipe)
    losses = [train_step(task, state, [sampler.batch(4, 2, 64)], [rng], recipe)["loss_first"] for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path: Path) -> None:
    rng, model = random.Random(0), Starter(TINY)
    with torch.no_grad():
        model.mask_decoder.direct.weight.fill_(float("nan"))
    slot = Slot(sampler_of(write_coco(tmp_path / "x"), rng), rng)
    with pytest.raises(FloatingPointError, match="not finite at step 1; nothing was saved yet"):
        train(Prompting(model, RECIPE), [slot], RECIPE, tmp_path / "out", clock=lambda: 0.0)


def test_a_gradient_that_is_not_finite_leaves_the_weights(tmp_path: Path) -> None:
    rng, model = random.Random(0), Starter(TINY)
    model.mask_decoder.direct.weight.register_hook(lambda gradient: gradient * torch.inf)
    task = Prompting(model, RECIPE)
    state = start(model, RECIPE)
    before = {name: value.clone() for name, value in model.named_parameters()}
    sampler = sampler_of(write_coco(tmp_path / "x"), rng)
    with pytest.raises(FloatingPointError, match="gradient is not finite"):
        train_step(task, state, [sampler.batch(2, 2, 64)], [rng], RECIPE)
    assert all(torch.equal(before[name], value) for name, value in model.named_parameters())


def test_metrics_are_written_line_by_line_and_previews_drawn(tmp_path: Path) -> None:
    ticks, seen = half_minutes(), list[dict]()
    recipe, model, rng = replace(RECIPE, minutes=11), Starter(TINY), random.Random(0)
    scenes = read_scenes([write_coco(tmp_path / "x")], None)
    watch = Watch(tmp_path, seen.append, model, examples(scenes))
    slot = Slot(Sampler(scenes, recipe, rng), rng)
    train(Prompting(model, recipe), [slot], recipe, tmp_path, clock=lambda: next(ticks), watch=watch)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines == seen and lines[0]["step"] == 20 and 0 <= lines[0]["iou_last"] <= 1
    assert lines[0]["images_per_second"] == pytest.approx(2 / 30, abs=0.01)
    assert lines[0]["eta_seconds"] == 11 * 60 - 20 * 30 and 0 < lines[0]["learning_rate"] < recipe.learning_rate
    assert {"dice_first", "cross_entropy_last", "iou_head_last", "gradient"} <= lines[0].keys()
    assert [(line["step"], line["progress"]) for line in lines][1:] == [(22, 1.0)], "the end is told, too"
    last = sorted((tmp_path / "previews").iterdir())[-1]
    assert last.name == "step-000022.jpg" and cv2.imread(str(last)).shape == (256, 4 * 256, 3)


def test_lines_beyond_the_last_checkpoint_are_taken_back(tmp_path: Path) -> None:
    file, model = tmp_path / "metrics.jsonl", Starter(TINY)
    state = start(model, RECIPE)
    state.step = 41  # the first step after a checkpoint at 40
    file.write_text('{"step": 20}\n{"step": 40}\n{"step": 60}\n{"st')
    Watch(tmp_path).step(state, RECIPE, 0.5, {"loss": 1.0}, 1)
    assert file.read_text() == '{"step": 20}\n{"step": 40}\n'


def test_looking_changes_nothing(tmp_path: Path) -> None:
    folder, recipe = write_coco(tmp_path / "x"), replace(RECIPE, steps=4)
    weights = []
    for looks in (False, True):
        torch.manual_seed(1)
        model, rng, scenes = Starter(TINY), random.Random(1), read_scenes([folder], None)
        watch = Watch(tmp_path / str(looks), model=model, examples=examples(scenes) if looks else ())
        slot = Slot(Sampler(scenes, recipe, rng), rng)
        ticks = iter(range(0, 10000, 200))  # a checkpoint, and a look, after every step
        file = train(
            Prompting(model, recipe),
            [slot],
            recipe,
            tmp_path / str(looks),
            clock=lambda ticks=ticks: next(ticks),
            watch=watch,
        )
        weights.append(load_weights(file)[0])
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


class Sums:
    """A task without chance: each mask's share of pixels is foretold by one number."""

    frame = 8

    def __init__(self) -> None:
        self.model = torch.nn.Linear(1, 1)
        torch.nn.init.constant_(self.model.weight, 0.5), torch.nn.init.zeros_(self.model.bias)

    def weight(self, batch: Batch) -> int:
        return len(batch.masks)

    def train(self) -> None:
        self.model.train()

    def learn(self, batch: Batch, rng: random.Random, backward: Callable[[torch.Tensor], None]) -> dict[str, float]:
        share = torch.from_numpy(batch.masks).float().mean((1, 2))[:, None]
        loss = (self.model(share) - 1).square().mean()
        backward(loss)
        return {"loss": float(loss.detach())}

    def save(self, folder: Path, average: Mapping[str, torch.Tensor]) -> Path:
        return folder


def test_parts_of_a_step_count_by_their_masks() -> None:
    """Parts of one and of three masks teach what one part with the four teaches."""
    masks = np.random.default_rng(0).random((4, 8, 8)) < np.array([0.1, 0.3, 0.6, 0.9])[:, None, None]
    batches = [
        Batch(np.zeros((1, 8, 8, 3), np.uint8), some, np.zeros(len(some), int))
        for some in (masks, masks[:1], masks[1:])
    ]
    seen = []
    for parts in (batches[:1], batches[1:]):
        task = Sums()
        state = start(task.model, RECIPE)
        seen.append(train_step(task, state, parts, [random.Random(0)] * len(parts), RECIPE))
        seen[-1]["weight"] = float(task.model.weight.detach())
    assert seen[0] == pytest.approx(seen[1])


def test_a_checkpoint_keeps_all_chance(tmp_path: Path) -> None:
    torch.manual_seed(0)
    state, rng = start(Starter(TINY), RECIPE), random.Random(3)
    slot = Slot(sampler_of(write_coco(tmp_path / "x"), rng), rng)
    rng.gauss(0, 1)  # the second half of the pair is waiting
    random.gauss(0, 1)
    state.save(tmp_path / CHECKPOINT, [slot.state_dict()], [chance_now()])

    def drawn() -> list[float]:
        return [rng.gauss(0, 1), random.gauss(0, 1), np.random.random(), float(torch.rand(1))]

    first = drawn()
    slots, chance = state.load(tmp_path / CHECKPOINT)
    slot.load_state_dict(slots[0])
    restore_chance(chance[0])
    assert drawn() == first
