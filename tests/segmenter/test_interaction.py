"""Simulated annotators: their turns, and their clicks on hand-made masks."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from segmenter.config import TRAIN_PRESETS, TrainConfig
from segmenter.prompts import NEGATIVE, POSITIVE, random_correction
from segmenter.training.interaction import Annotators, Turn, clickable, truths_at, turns

PAPER = TRAIN_PRESETS["paper"]


def squares() -> np.ndarray:
    truths = np.zeros((2, 32, 32), bool)
    truths[0, 4:12, 6:20] = True
    truths[1, 16:30, 10:28] = True
    return truths


def test_the_papers_turns() -> None:
    places = set()
    for seed in range(200):
        plan = turns(PAPER, random.Random(seed))
        assert len(plan) == 11 and all(turn.learns for turn in plan)
        assert plan[0] == Turn(clicks=False, learns=True) and plan[-1] == Turn(clicks=False, learns=True)
        assert sum(turn.clicks for turn in plan) == 8
        places |= {place for place, turn in enumerate(plan[1:-1]) if not turn.clicks}
    assert places == set(range(8)), "the refinement in between may stand before any of the eight clicks"


def test_the_starters_turns_learn_from_the_first_and_the_last() -> None:
    counts = set()
    for seed in range(100):
        plan = turns(TrainConfig(), random.Random(seed))
        counts.add(len(plan))
        assert [turn.clicks for turn in plan] == [False] + [True] * (len(plan) - 1)
        assert [place for place, turn in enumerate(plan) if turn.learns] == [0, len(plan) - 1]
    assert counts == {2, 3, 4, 5}


def test_annotators_click_inside_their_masks_and_correct_errors() -> None:
    truths = squares()
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


def test_text_prompts_begin_without_a_click() -> None:
    annotators = Annotators(squares(), 64, PAPER, random.Random(0), nothing=True)
    assert annotators.tensors()[1].tolist() == [[-1], [-1]]
    annotators.correct(np.zeros((2, 32, 32), bool))
    assert annotators.tensors()[1].tolist() == [[-1, 1], [-1, 1]]


def test_the_papers_first_prompt_is_a_box_half_of_the_time_else_any_pixel() -> None:
    truths = np.repeat(squares()[:1], 2000, 0)
    coords, labels = Annotators(truths, 32, PAPER, random.Random(0)).tensors()
    boxed = labels[:, 0] == 2
    assert 0.46 < boxed.float().mean() < 0.54
    clicks = coords[~boxed, 0]
    x, y = (clicks + 0.5).floor().long().T
    assert torch.from_numpy(squares()[0])[y, x].all()
    counts = torch.bincount((y - 4) * 14 + (x - 6), minlength=8 * 14)
    assert counts.min() > 0 and counts.max() < 4 * counts.float().mean(), "uniform over the mask"


def test_a_random_correction_falls_anywhere_in_the_error() -> None:
    truth = squares()[0]
    predicted = np.zeros_like(truth)
    predicted[4:12, 10:24] = True  # misses four columns, four too many
    seen = {NEGATIVE: set(), POSITIVE: set()}
    rng = random.Random(0)
    for _ in range(2000):
        point = random_correction(predicted, truth, rng)
        assert point is not None
        seen[point.label].add((point.x, point.y))
    assert seen[POSITIVE] == {(x, y) for x in range(6, 10) for y in range(4, 12)}
    assert seen[NEGATIVE] == {(x, y) for x in range(20, 24) for y in range(4, 12)}


def test_a_perfect_answer_gets_a_negative_click_outside() -> None:
    truth, rng = squares()[0], random.Random(0)
    for _ in range(50):
        point = random_correction(truth, truth, rng)
        assert point is not None and point.label == NEGATIVE and not truth[int(point.y), int(point.x)]
    assert random_correction(np.ones((4, 4), bool), np.ones((4, 4), bool), rng) is None


def test_truths_are_shares_of_a_logits_area_and_thin_masks_stay_clickable() -> None:
    masks = np.zeros((2, 16, 16), bool)
    masks[0, :6] = True
    masks[1, 5, 3:9] = True  # one pixel high: no logit is half covered
    shares = truths_at(masks, 4)
    assert shares.shape == (2, 1, 4, 4) and shares[0, 0, :, 0].tolist() == [1, 0.5, 0, 0]
    bitmaps = clickable(shares)
    assert bitmaps[0].sum() == 4 and bitmaps[1].sum() == 3 and bitmaps[1, 1, :3].all()


@pytest.mark.parametrize("feedback", [0.0, 1.0])
def test_annotators_draw_alike_with_equal_chance(feedback: float) -> None:
    config = replace(PAPER, mask_feedback=feedback)
    first, second = (Annotators(squares(), 64, config, random.Random(7)).tensors() for _ in range(2))
    assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])
