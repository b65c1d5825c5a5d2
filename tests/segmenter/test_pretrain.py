"""Mode "mae": the error falls, a stopped run goes on exactly, and what was learned is in the model that is written."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from segmenter.build import Model, build
from segmenter.checkpoint import load_model
from segmenter.config import PretrainConfig, TrainConfig
from segmenter.training.batches import Slot
from segmenter.training.loop import train, train_step
from segmenter.training.pictures import Pictures, folder_readers, random_crop
from segmenter.training.pretrain import Reconstructing
from segmenter.training.state import start
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_masked_pixels import SMALL, VIT
from tests.segmenter.test_starter import TINY
from tests.segmenter.test_tiny_vit import CONFIG as TINY_VIT

RECIPE = TrainConfig(
    mode="mae",
    steps=8,
    images_per_step=4,
    first_frame_share=0.0,
    learning_rate=3e-3,
    weight_decay=0.0,
    ema=0.0,
    threads=1,
)


def fresh() -> Model:
    torch.manual_seed(21)
    return build(VIT)


def slot(folder: Path, seed: int = 4) -> Slot:
    rng = random.Random(seed)
    view = partial(random_crop, least_area=PretrainConfig().least_area)
    return Slot(Pictures(folder_readers([folder], None), view, rng), rng)


def run(folder: Path, out: Path, last: int | None = None) -> Path:
    steps = iter(range(10**6))
    stop: Callable[[], bool] = lambda: last is not None and next(steps) >= last  # noqa: E731 shorter than a function
    return train(Reconstructing(fresh(), RECIPE, SMALL, True), [slot(folder)], RECIPE, out, stop=stop)


def test_the_error_of_what_is_hidden_falls(tmp_path: Path) -> None:
    task, drawn = Reconstructing(fresh(), RECIPE, SMALL, fresh=True), slot(write_coco(tmp_path / "x"))
    state = start(task.model, RECIPE)
    losses = [train_step(task, state, [drawn.source.batch(6, 1, 64)], [drawn.rng], RECIPE)["loss"] for _ in range(50)]
    # Guessing every patch's mean leaves an error of 1; the shapes' edges can be guessed from what is seen.
    assert sum(losses[-10:]) / 10 < 0.9 * min(1.0, sum(losses[:5]) / 5)


def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "x")
    expected = load_model(run(folder, tmp_path / "whole")).state_dict()
    with pytest.raises(InterruptedError, match="stopped at step 3"):
        run(folder, tmp_path / "stopped", last=2)
    found = load_model(run(folder, tmp_path / "stopped")).state_dict()
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_the_weights_are_a_model_whose_encoder_has_learned(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "x")
    learned, begun = load_model(run(folder, tmp_path / "out")), fresh()
    assert learned.config == VIT
    moved = {
        name
        for name, value in learned.state_dict().items()
        if not torch.equal(
            value, begun.state_dict()[name].half().float() if value.ndim > 1 else value * 0 + begun.state_dict()[name]
        )
    }
    blocks = {
        name for name in learned.state_dict() if name.startswith("image_encoder.blocks.") and "rel_pos" not in name
    }
    assert moved == blocks | {
        "image_encoder.pos_embed",
        "image_encoder.patch_embed.proj.weight",
        "image_encoder.patch_embed.proj.bias",
    }
    # What is written is what was trained: the same task on these weights begins where the run ended.
    task, before = (
        Reconstructing(learned, RECIPE, SMALL, fresh=False),
        Reconstructing(fresh(), RECIPE, SMALL, fresh=True),
    )
    pixels, kept = torch.randn(1, 3, 64, 64), torch.arange(16)[None]
    assert not torch.allclose(task.model.encode(pixels, kept), before.model.encode(pixels, kept), atol=1e-2)


def test_a_step_in_mixed_precision_is_close_to_a_plain_one(tmp_path: Path) -> None:
    folder, losses = write_coco(tmp_path / "x"), []
    for precision in ("float32", "bfloat16"):
        recipe = replace(RECIPE, precision=precision)
        task, drawn = Reconstructing(fresh(), recipe, SMALL, fresh=True), slot(folder)
        losses.append(train_step(task, start(task.model, recipe), [drawn.source.batch(4, 1, 64)], [drawn.rng], recipe))
    assert losses[0]["loss"] != losses[1]["loss"] == pytest.approx(losses[0]["loss"], rel=0.02)


def test_pretraining_goes_on_from_weights_without_drawing_them_anew() -> None:
    begun = fresh()
    values = {name: value.clone() for name, value in begun.state_dict().items()}
    Reconstructing(begun, RECIPE, SMALL, fresh=False)
    assert all(torch.equal(values[name], value) for name, value in begun.state_dict().items())


@pytest.mark.parametrize("config", [TINY, TINY_VIT])
def test_only_plain_vits_can_be_pretrained(config) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="plain ViTs"):
        Reconstructing(build(config), replace(RECIPE), SMALL, fresh=True)
