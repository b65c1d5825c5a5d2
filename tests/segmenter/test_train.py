"""The training loop: it learns, it resumes to the same numbers, and it stops at nonsense."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from segmenter.checkpoint import load_weights
from segmenter.config import TrainConfig
from segmenter.modeling.starter import Starter
from segmenter.training.loop import Annotators, learning_rate, start, train, train_step
from segmenter.training.losses import mask_iou
from segmenter.training.scenes import Batch, Sampler, read_scenes
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


def run(folder: Path, out: Path, die_after: int | None = None) -> dict[str, torch.Tensor]:
    rng = random.Random(5)
    torch.manual_seed(5)
    sampler = Dying(read_scenes([folder], None), RECIPE.synthetic_share, RECIPE.paste_share, rng)
    if die_after is not None:
        sampler.last = die_after
    ticks = half_minutes()
    return load_weights(train(Starter(TINY), sampler, RECIPE, out, rng, clock=lambda: next(ticks)))[0]


def test_a_killed_run_resumes_to_the_same_weights(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "x")
    whole = run(folder, tmp_path / "whole")
    with pytest.raises(Interrupted):
        run(folder, tmp_path / "killed", die_after=6)
    resumed = run(folder, tmp_path / "killed")
    assert whole.keys() == resumed.keys()
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name


def test_it_learns_simple_shapes(tmp_path: Path) -> None:
    sampler = Sampler(read_scenes([write_coco(tmp_path / "x")], None), 0.0, 0.0, random.Random(0))
    torch.manual_seed(0)
    recipe = replace(RECIPE, images_per_step=4, learning_rate=3e-3)
    state = start(Starter(TINY), recipe)
    rng = random.Random(0)
    losses = [train_step(state, sampler.batch(4, 2, 64), recipe, rng)["loss_first"] for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path: Path) -> None:
    sampler = Sampler(read_scenes([write_coco(tmp_path / "x")], None), 0.0, 0.0, random.Random(0))
    model = Starter(TINY)
    with torch.no_grad():
        model.mask_decoder.direct.weight.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="not finite at step 1"):
        train(model, sampler, RECIPE, tmp_path / "out", random.Random(0))


def test_metrics_are_written_line_by_line(tmp_path: Path) -> None:
    sampler = Sampler(read_scenes([write_coco(tmp_path / "x")], None), 0.0, 0.0, random.Random(0))
    ticks = half_minutes()
    seen: list[dict] = []
    recipe = replace(RECIPE, minutes=11)
    train(Starter(TINY), sampler, recipe, tmp_path, random.Random(0), seen.append, lambda: next(ticks))
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines == seen and lines[0]["step"] == 20 and 0 <= lines[0]["iou_last"] <= 1


def test_the_learning_rate_warms_up_and_fades() -> None:
    recipe = TrainConfig(learning_rate=1.0, warmup_share=0.1)
    rates = [learning_rate(progress, recipe) for progress in (0.0, 0.05, 0.1, 0.55, 1.0)]
    assert rates[0] < rates[1] < rates[2] > rates[3] > rates[4] and rates[4] < 1e-5


def test_annotators_click_inside_their_masks_and_correct_errors() -> None:
    truths = np.zeros((2, 32, 32), bool)
    truths[0, 4:12, 6:20] = True
    truths[1, 16:30, 10:28] = True
    annotators = Annotators(truths, 64, TrainConfig(box_share=0.0), random.Random(0))
    coords, labels = annotators.tensors()
    assert coords.shape == (2, 2, 2) and labels.tolist() == [[1, -1], [1, -1]]
    for (x, y), truth in zip(coords[:, 0].tolist(), truths, strict=True):
        assert truth[int((y + 0.5) / 2), int((x + 0.5) / 2)]
    wrong = truths.copy()
    wrong[0, 24:30, 24:30] = True
    annotators.correct(wrong)
    coords, labels = annotators.tensors()
    assert labels[:, 2].tolist() == [0, -1], "a surplus is subtracted, a perfect mask gets padding"
    assert 48 <= coords[0, 2, 0] < 60 and 48 <= coords[0, 2, 1] < 60


def test_boxes_are_two_corners() -> None:
    truths = np.zeros((1, 32, 32), bool)
    truths[0, 8:24, 8:24] = True
    coords, labels = Annotators(truths, 64, TrainConfig(box_share=1.0), random.Random(0)).tensors()
    assert labels.tolist() == [[2, 3]] and (coords[0, 0] < coords[0, 1]).all()


def test_iou_of_logits() -> None:
    truth = torch.zeros(1, 1, 4, 4)
    truth[..., :2] = 1
    logits = torch.full((1, 2, 4, 4), -1.0)
    logits[:, 1, :, 1:3] = 1
    assert mask_iou(logits, truth).tolist() == [[0.0, pytest.approx(1 / 3)]]


def test_a_checkpoint_keeps_the_second_half_of_a_gaussian_pair(tmp_path: Path) -> None:
    torch.manual_seed(0)
    state, rng, restored = start(Starter(TINY), RECIPE), random.Random(3), random.Random(4)
    rng.gauss(0, 1)
    state.save(tmp_path / "checkpoint.pt", rng)
    state.load(tmp_path / "checkpoint.pt", restored)
    assert restored.gauss(0, 1) == rng.gauss(0, 1)
