"""Prompts of every kind through `decode`: batches of unequal ones, external masks, threads, and what is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from segmenter.build import Model, build
from segmenter.config import ModelConfig, SamConfig
from segmenter.predict import Candidates, Embedding, choose, decode, embed
from segmenter.prompts import Box, InvalidPrompt, Point, Prompt, mask_alone, mask_prompt
from tests.segmenter.test_starter import TINY

SIZES = {"prompt_dim": 32, "mask_in_channels": 8, "decoder_heads": 4, "decoder_mlp_dim": 64, "iou_head_hidden": 32}
SAM = ModelConfig("sam", 64, 16, sam=SamConfig(32, 1, 2, (), window_size=3, **SIZES))
PICTURE = np.random.default_rng(5).integers(0, 256, (60, 90, 3), np.uint8)
BITMAP = np.zeros((60, 90), bool)
BITMAP[20:40, 30:70] = True
MIXED = [
    Prompt((Point(10, 10),)),
    Prompt((Point(70, 40), Point(5, 50, 0), Point(80, 20))),
    Prompt((), Box(5, 5, 40, 40)),
    Prompt((Point(20, 20),), Box(5, 5, 40, 40)),
    Prompt((Point(44, 33, 0),)),
    Prompt((Point(5, 5, 2), Point(40, 40, 3))),
]


@pytest.fixture(scope="module", params=["starter", "sam"])
def model(request: pytest.FixtureRequest) -> Model:
    torch.manual_seed(3)
    return build(TINY if request.param == "starter" else SAM).eval()


@pytest.fixture(scope="module")
def embedding(model: Model) -> Embedding:
    return embed(model, PICTURE)


def same(ours: Candidates, theirs: Candidates) -> None:
    np.testing.assert_allclose(ours.logits, theirs.logits, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ours.predicted_iou, theirs.predicted_iou, rtol=1e-5, atol=1e-5)
    assert (ours.chosen, ours.size, ours.frame) == (theirs.chosen, theirs.size, theirs.frame)


def test_unequal_prompts_together_answer_as_alone(model: Model, embedding: Embedding) -> None:
    side = model.config.logits
    masks = [None, mask_prompt(BITMAP, side), None, None, mask_prompt(BITMAP, side), None]
    for together, prompt, mask in zip(decode(model, embedding, MIXED, masks), MIXED, masks, strict=True):
        same(together, decode(model, embedding, [prompt], None if mask is None else mask[None])[0])


def test_corners_as_points_are_the_box(model: Model, embedding: Embedding) -> None:
    box, corners = decode(model, embedding, [MIXED[2], MIXED[5]])
    same(box, corners)
    assert box.chosen > 0  # a box is one prompt, so the best of the three


def test_a_padding_point_of_ones_own_is_the_one_that_would_be_added(model: Model, embedding: Embedding) -> None:
    own, added = decode(model, embedding, [Prompt((Point(10, 10), Point(999, 999, -1))), MIXED[0]])
    same(own, added)


def test_a_padding_point_more_would_change_the_answer(embedding: Embedding, model: Model) -> None:
    """Why batches are grouped and not padded."""
    padded = Prompt((Point(10, 10), Point(0, 0, -1), Point(0, 0, -1)))
    one, more = decode(model, embedding, [MIXED[0], padded])
    assert np.abs(one.logits - more.logits).max() > 1e-6


def test_prompts_on_several_images_do_not_mix(model: Model, embedding: Embedding) -> None:
    other = embed(model, PICTURE[::-1, :50].copy())
    for _ in range(2):
        first, second = (decode(model, image, MIXED[:1])[0] for image in (embedding, other))
        assert first.size == (60, 90) and second.size == (60, 50)
        assert np.abs(first.logits - second.logits).max() > 1e-3
        same(first, decode(model, embedding, MIXED[:1])[0])


def test_an_external_mask_changes_the_answer_and_counts_as_a_prompt(model: Model, embedding: Embedding) -> None:
    alone = mask_alone(BITMAP)
    assert alone.box == Box(30, 20, 70, 40)
    plain = decode(model, embedding, [alone])[0]
    masked = decode(model, embedding, [alone], mask_prompt(BITMAP, model.config.logits)[None])[0]
    assert np.abs(plain.logits - masked.logits).max() > 1e-3
    assert plain.chosen > 0 and masked.chosen == 0


def test_many_threads_get_what_one_gets(model: Model, embedding: Embedding) -> None:
    other = replace(embedding, tensors={name: level * 0.5 for name, level in embedding.tensors.items()})
    work = [(image, [prompt]) for image in (embedding, other) for prompt in MIXED] * 4
    serial = [decode(model, image, prompts)[0] for image, prompts in work]
    with ThreadPoolExecutor(8) as pool:
        parallel = pool.map(lambda job: decode(model, *job)[0], work)
    for one, many in zip(serial, parallel, strict=True):
        np.testing.assert_array_equal(one.logits, many.logits)
        np.testing.assert_array_equal(one.predicted_iou, many.predicted_iou)


def test_the_stability_fallback_is_an_option_and_off_by_default() -> None:
    scores = [0.9, 0.2, 0.8, 0.5]
    stable, wobbling = np.full((8, 8), 5, np.float32), np.full((8, 8), 0.01, np.float32)
    empty = np.full((8, 8), -5, np.float32)
    assert choose(scores, 2) == choose(scores, 2, stable) == choose(scores, 2, empty) == 0
    assert choose(scores, 2, wobbling) == choose(scores, 1, wobbling) == choose(scores, 1) == 2


def test_decoding_takes_the_fallback_when_asked(model: Model, embedding: Embedding) -> None:
    with torch.no_grad():
        flat = replace(embedding, tensors={name: level * 0 for name, level in embedding.tensors.items()})
    prompts = [MIXED[1], MIXED[3]]
    plain, fallback = decode(model, flat, prompts), decode(model, flat, prompts, stability_fallback=True)
    for without, with_it in zip(plain, fallback, strict=True):
        single = without.logits[0]
        agree = (single > 0.05).sum() >= 0.98 * (single > -0.05).sum()
        assert without.chosen == 0 and (with_it.chosen == 0) == bool(agree)


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        (Prompt((Point(90, 10),)), "point 90,10 lies outside the picture of 90 x 60"),
        (Prompt((Point(-0.5, 10),)), "lies outside"),
        (Prompt((Point(1e30, 10),)), "lies outside"),
        (Prompt((Point(5, 61, 3),)), "lies outside"),
        (Prompt((), Box(-1, 0, 5, 5)), "reaches outside"),
        (Prompt((), Box(0, 0, 90, 60.5)), "reaches outside"),
    ],
)
def test_prompts_outside_the_image_are_refused(model: Model, embedding: Embedding, prompt: Prompt, said: str) -> None:
    with pytest.raises(InvalidPrompt, match=said):
        decode(model, embedding, [MIXED[0], prompt])


def test_mask_inputs_that_do_not_fit_are_refused(model: Model, embedding: Embedding) -> None:
    side = model.config.logits
    good = np.zeros((1, side, side), np.float32)
    for masks, said in [
        (good[:, 1:], "logits, not"),
        (np.zeros((60, 90), np.float32)[None], "logits, not"),
        (np.repeat(good, 2, 0), "1 prompts came with 2"),
        (good + np.nan, "finite"),
        (good + np.inf, "finite"),
    ]:
        with pytest.raises(InvalidPrompt, match=said):
            decode(model, embedding, MIXED[:1], masks)
