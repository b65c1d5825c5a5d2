"""Mode "text": which masks are depicted, what learns, and that the model comes to answer CLIP's embeddings."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from segmenter.build import build
from segmenter.checkpoint import load_model
from segmenter.config import TextConfig, TrainConfig
from segmenter.modeling.common import Dropout
from segmenter.modeling.segmenter import Sam
from segmenter.predict import decode, embed
from segmenter.prompts import Prompt
from segmenter.training.batches import Batch, Slot
from segmenter.training.clip_crops import ImageSide, load_image_side
from segmenter.training.loop import train, train_step
from segmenter.training.modes import Lesson, depicting
from segmenter.training.prompting import Prompting
from segmenter.training.scenes import Sampler, read_scenes
from segmenter.training.state import start
from segmenter.training.text_token import Depicted, choose_what_learns, with_projection
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_masked_pixels import VIT
from tests.segmenter.test_starter import TINY
from tests.segmenter.test_text import DIM, write_clip

RECIPE = TrainConfig(
    mode="text",
    steps=6,
    images_per_step=2,
    masks_per_image=2,
    first_frame_share=0.0,
    learning_rate=1e-2,
    weight_decay=0.0,
    ema=0.9,
    max_clicks=2,
    augmentation="none",
    synthetic_share=0.0,
    paste_share=0.0,
    threads=1,
)
PROJECTION = {"prompt_encoder.text_projection.weight", "prompt_encoder.text_projection.bias"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> ImageSide:
    return load_image_side(write_clip(tmp_path_factory.mktemp("clip") / "tiny"))


class Fixed:
    """A source that gives the same batch again and again."""

    def __init__(self, masks: np.ndarray) -> None:
        self.masks = masks

    def batch(self, images: int, masks_per_image: int, side: int) -> Batch:
        pictures = np.random.default_rng(0).integers(0, 255, (3, side, side, 3), np.uint8)
        return Batch(pictures, self.masks, np.array([0, 2, 2], np.int64))

    def state_dict(self) -> dict:
        return {"here": 1}

    def load_state_dict(self, state: dict) -> None:
        assert state == {"here": 1}


def told() -> Sam:
    torch.manual_seed(31)
    return with_projection(build(VIT), DIM)


def slot(folder: Path, clip: ImageSide) -> Slot:
    rng = random.Random(5)
    sampler = Sampler(read_scenes([folder], None), RECIPE, rng)
    return Slot(Depicted(sampler, clip, TextConfig(), rng), rng)


def run(folder: Path, out: Path, clip: ImageSide, last: int | None = None) -> dict[str, torch.Tensor]:
    model, steps = told(), iter(range(10**6))
    choose_what_learns(model, "projection")
    stop: Callable[[], bool] = lambda: last is not None and next(steps) >= last  # noqa: E731 shorter than a function
    return load_model(train(Prompting(model, RECIPE), [slot(folder, clip)], RECIPE, out, stop=stop)).state_dict()


def test_small_masks_and_pictures_without_others_are_left_out(clip: ImageSide) -> None:
    masks = np.zeros((3, 64, 64), bool)
    masks[0, :4, :4] = masks[1, 10:40, 10:40] = masks[2, 50:, 30:60] = True
    batch = Depicted(Fixed(masks), clip, TextConfig(), random.Random(0)).batch(3, 2, 64)
    assert np.array_equal(batch.masks, masks[1:]) and batch.image_index.tolist() == [0, 0]
    assert batch.pictures.shape == (1, 64, 64, 3)
    assert batch.text is not None and batch.text.shape == (2, DIM)
    torch.testing.assert_close(batch.text.norm(dim=1), torch.ones(2))


def test_masks_that_are_all_too_small_are_an_error_not_an_endless_search(clip: ImageSide) -> None:
    masks = np.zeros((3, 64, 64), bool)
    masks[:, :5, :5] = True
    with pytest.raises(ValueError, match="at least 6 x 6 of 64 x 64 pixels"):
        Depicted(Fixed(masks), clip, TextConfig(), random.Random(0)).batch(3, 2, 64)


@pytest.mark.parametrize(("learning", "prefixes"), [("decoder", ("prompt_encoder.", "mask_decoder.")), ("all", ("",))])
def test_more_learns_where_it_is_asked_for(learning, prefixes) -> None:  # type: ignore[no-untyped-def]
    model = told()
    choose_what_learns(model, learning)
    free = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert free == {name for name, _ in model.named_parameters() if name.startswith(prefixes)}
    choose_what_learns(model, "projection")
    assert {name for name, parameter in model.named_parameters() if parameter.requires_grad} == PROJECTION


def test_only_the_projection_learns_and_a_stopped_run_goes_on_exactly(tmp_path: Path, clip: ImageSide) -> None:
    folder, before = write_coco(tmp_path / "x"), told().state_dict()
    expected = run(folder, tmp_path / "whole", clip)
    assert {name for name, value in expected.items() if not torch.equal(value, before[name])} == PROJECTION
    with pytest.raises(InterruptedError, match="stopped at step 3"):
        run(folder, tmp_path / "stopped", clip, last=2)
    found = run(folder, tmp_path / "stopped", clip)
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_the_answers_to_embeddings_get_better(tmp_path: Path, clip: ImageSide) -> None:
    model = told()
    choose_what_learns(model, "decoder")
    task, state = Prompting(model, RECIPE), start(model, RECIPE)
    drawn = slot(write_coco(tmp_path / "x"), clip)
    batch, rng = drawn.source.batch(2, 2, 64), random.Random(0)
    losses = [train_step(task, state, [batch], [rng], RECIPE)["loss_first"] for _ in range(16)]
    assert np.mean(losses[-3:]) < 0.8 * np.mean(losses[:3])
    assert batch.text is not None
    prompts = [Prompt(text=text.numpy()) for text in batch.text]
    answers = decode(model.eval(), embed(model, batch.pictures[0]), prompts)
    assert len(answers) == len(prompts) and np.isfinite(answers[0].logits).all()


def test_a_projection_is_added_once_and_belongs_to_one_clip() -> None:
    model = build(VIT)
    more = with_projection(model, DIM)
    assert more.config == replace(VIT, sam=replace(VIT.sam, text_dim=DIM))
    assert all(torch.equal(more.state_dict()[name], value) for name, value in model.state_dict().items())
    assert with_projection(more, DIM) is more
    with pytest.raises(ValueError, match="width 8, not 9"):
        with_projection(more, DIM + 1)
    with pytest.raises(ValueError, match="only Segment Anything models"):
        with_projection(build(TINY), DIM)


def test_the_recipes_dropout_reaches_the_model_that_was_given_a_projection(tmp_path: Path, clip: ImageSide) -> None:
    recipe = replace(RECIPE, dropout=0.1, embeddings="none")
    plain = Lesson(Prompting(build(VIT), recipe), lambda chance, slot, slots: Fixed(np.ones((3, 64, 64), bool)), recipe)
    lesson = depicting(build(VIT), clip, "decoder", plain, tmp_path)
    assert {part.share for part in lesson.task.model.modules() if isinstance(part, Dropout)} == {0.1}
    assert lesson.source_of(random.Random(0), 0, 1).batch(3, 1, 64).text is not None and not list(tmp_path.iterdir())
