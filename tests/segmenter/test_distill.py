"""Distillation: what the student is made of, that it gets nearer to its teacher, and that only its encoder moves."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from segmenter.build import Model, build
from segmenter.checkpoint import InvalidCheckpoint, load_model
from segmenter.config import ModelConfig, TrainConfig
from segmenter.predict import decode, embed
from segmenter.prompts import Point, Prompt
from segmenter.training.batches import Slot
from segmenter.training.distill import Distilling, at_size_of, distance, student_config, student_of
from segmenter.training.embedded import Embeddings
from segmenter.training.loop import train
from segmenter.training.pictures import Pictures, folder_readers, whole
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_masked_pixels import VIT
from tests.segmenter.test_starter import TINY
from tests.segmenter.test_tiny_vit import CONFIG as TINY_VIT

RECIPE = TrainConfig(
    mode="distill",
    steps=20,
    images_per_step=4,
    first_frame_share=0.0,
    learning_rate=3e-3,
    weight_decay=0.0,
    ema=0.0,
    threads=1,
)


def teacher() -> Model:
    torch.manual_seed(11)
    return build(VIT).eval()


def student(config: ModelConfig) -> Model:
    torch.manual_seed(12)
    return student_of(teacher(), config)


def run(folder: Path, out: Path, config: ModelConfig, recipe: TrainConfig, last: int | None = None) -> Path:
    """A run of distillation; with ``last`` it is asked to stop after so many steps."""
    rng, steps = random.Random(4), iter(range(10**6))
    slots = [Slot(Pictures(folder_readers([folder], None), whole, rng), rng)]
    task = Distilling(student(config), teacher(), recipe, batch_statistics=True)
    stop: Callable[[], bool] = lambda: last is not None and next(steps) >= last  # noqa: E731 shorter than a function
    return train(task, slots, recipe, out, stop=stop)


def away(model: Model, folder: Path) -> float:
    """Mean squared distance to the teacher on the folder's pictures, as at inference."""
    pictures = [reader() for reader in folder_readers([folder], None)]
    pairs = [(embed(model, picture).tensors, embed(teacher(), picture).tensors) for picture in pictures]
    return float(np.mean([float(distance(mine, theirs)[0]) for mine, theirs in pairs]))


@pytest.mark.parametrize("encoder", [TINY_VIT, replace(VIT, sam=replace(VIT.sam, embed_dim=8, depth=1, num_heads=1))])
def test_the_student_gets_nearer_to_its_teacher(tmp_path: Path, encoder: ModelConfig) -> None:
    folder = write_coco(tmp_path / "x")
    config = student_config(VIT, encoder, 64)
    learned = load_model(run(folder, tmp_path / "out", config, RECIPE))
    before, after = away(student(config).eval(), folder), away(learned, folder)
    assert after < 0.5 * before
    # Its answers are the teacher's decoder's: not a tensor of that has changed.
    for name, value in teacher().state_dict().items():
        if not name.startswith("image_encoder."):
            assert torch.equal(learned.state_dict()[name], value.half().float() if value.ndim > 1 else value), name
    answers = decode(learned, embed(learned, np.zeros((40, 60, 3), np.uint8)), [Prompt((Point(5, 5),))])
    assert answers[0].logits.shape == (4, config.logits, config.logits)


def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    folder, config = write_coco(tmp_path / "x"), student_config(VIT, TINY_VIT, 64)
    recipe = replace(RECIPE, steps=8, ema=0.9)
    expected = load_model(run(folder, tmp_path / "whole", config, recipe)).state_dict()
    with pytest.raises(InterruptedError, match="stopped at step 4"):
        run(folder, tmp_path / "stopped", config, recipe, last=3)
    found = load_model(run(folder, tmp_path / "stopped", config, recipe)).state_dict()
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_batch_statistics_are_learned_only_where_asked_for(tmp_path: Path) -> None:
    batch = Pictures(folder_readers([write_coco(tmp_path / "x")], None), whole, random.Random(0)).batch(2, 1, 64)
    for learned in (True, False):
        task = Distilling(student(student_config(VIT, TINY_VIT, 64)), teacher(), RECIPE, batch_statistics=learned)
        statistics = {n: v.clone() for n, v in task.model.state_dict().items() if n.endswith("running_mean")}
        task.train()
        task.learn(batch, random.Random(0), lambda loss: loss.backward())
        moved = [not torch.equal(task.model.state_dict()[name], value) for name, value in statistics.items()]
        assert all(moved) if learned else not any(moved)


def test_a_starter_teaches_a_smaller_starter() -> None:
    torch.manual_seed(0)
    large = build(TINY).eval()
    small = replace(TINY, starter=replace(TINY.starter, widths=(4, 8, 8, 16), blocks=(0, 0, 1)))
    task = Distilling(student_of(large, student_config(TINY, small, 64)), large, RECIPE, batch_statistics=True)
    pictures = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3), np.uint8)
    given, wanted = task.model.embed(torch.zeros(3, 3, 64, 64)), task.wanted(pictures)
    assert {name: value.shape for name, value in given.items()} == {n: v.shape for n, v in wanted.items()}
    loss, cosine = distance(wanted, wanted)
    assert loss == 0 and cosine == pytest.approx(1)


def test_every_map_counts_by_its_own_variance() -> None:
    torch.manual_seed(0)
    fine, coarse = torch.randn(2, 4, 8, 8) * 0.01, torch.randn(2, 4, 4, 4) * 50 + 7
    wanted = {"fine": fine, "coarse": coarse}
    nothing_fine = distance({"fine": torch.full_like(fine, float(fine.mean())), "coarse": coarse}, wanted)[0]
    nothing_coarse = distance({"fine": fine, "coarse": torch.full_like(coarse, float(coarse.mean()))}, wanted)[0]
    assert nothing_fine == pytest.approx(0.5, rel=0.01) == nothing_coarse


def test_a_teacher_with_a_larger_frame_sees_more_and_its_map_is_resized() -> None:
    seen = torch.arange(16.0).reshape(1, 1, 4, 4)
    resized = at_size_of(seen, torch.zeros(1, 1, 2, 2))
    torch.testing.assert_close(resized.mean(), seen.mean())
    assert resized[0, 0, 0, 0] < resized[0, 0, 0, 1] < resized[0, 0, 1, 0]
    config = student_config(VIT, TINY_VIT, 32)
    assert (config.frame, config.logits, config.sam.prompt_dim) == (32, 8, 16)
    task = Distilling(student(config), teacher(), RECIPE, batch_statistics=True)
    batch = Pictures([lambda: np.full((20, 30, 3), 99, np.uint8)], whole, random.Random(0), 64).batch(2, 1, 32)
    figures = task.learn(batch, random.Random(0), lambda loss: loss.backward())
    assert np.isfinite(figures["loss"]) and -1 <= figures["cosine"] <= 1


def test_a_teacher_sees_every_picture_once(tmp_path: Path) -> None:
    shown, config = teacher(), student_config(VIT, TINY_VIT, 64)
    task = Distilling(student(config), shown, RECIPE, True, Embeddings(tmp_path, shown, "exact"))
    pictures = np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3), np.uint8)
    first, files = task.wanted(pictures), sorted(tmp_path.rglob("*.safetensors"))
    again = task.wanted(pictures[::-1].copy())
    assert len(files) == 2 and sorted(tmp_path.rglob("*.safetensors")) == files
    for name, value in Distilling(student(config), teacher(), RECIPE, True).wanted(pictures).items():
        torch.testing.assert_close(first[name], value, rtol=1e-4, atol=1e-5)
        assert torch.equal(again[name], first[name].flip(0))


def test_pairs_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="a starter encoder cannot learn the embeddings of a sam model"):
        student_config(VIT, TINY, 64)
    with pytest.raises(InvalidCheckpoint, match="missing"):
        student_of(teacher(), student_config(VIT, TINY_VIT, 64), teacher().state_dict())
