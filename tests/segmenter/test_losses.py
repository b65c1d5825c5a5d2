"""Losses against closed forms and finite differences."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import pytest
import torch

from segmenter.config import TRAIN_PRESETS, TrainConfig
from segmenter.training.losses import (
    dice_loss,
    first_prompt_loss,
    focal_loss,
    mask_iou,
    next_prompt_loss,
    sigmoid_cross_entropy,
)


def case(seed: int = 0, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, 4, 6, 5, generator=generator, dtype=dtype)
    return logits, (torch.rand(3, 1, 6, 5, generator=generator) > 0.5).to(dtype)


def test_closed_forms() -> None:
    logits, truth = torch.zeros(1, 1, 2, 2), torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]])
    assert sigmoid_cross_entropy(logits, truth).item() == pytest.approx(math.log(2))
    assert focal_loss(logits, truth).item() == pytest.approx(0.25 * math.log(2))
    assert dice_loss(logits, truth).item() == pytest.approx(1 - (2 * 1 + 1) / (2 + 2 + 1))
    perfect = (truth * 2 - 1) * 50
    assert dice_loss(perfect, truth).item() == pytest.approx(0, abs=1e-6)
    assert mask_iou(perfect, truth).item() == 1


def test_focal_alpha_weighs_inside_against_outside() -> None:
    logits, truth = torch.zeros(1, 1, 2, 2), torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    expected = 0.25 * math.log(2) * (0.9 + 3 * 0.1) / 4
    assert focal_loss(logits, truth, alpha=0.9).item() == pytest.approx(expected)
    assert focal_loss(logits, truth, gamma=0.0).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("loss", [sigmoid_cross_entropy, focal_loss, partial(focal_loss, alpha=0.25), dice_loss])
def test_gradients(loss: object) -> None:
    logits, truth = case()
    assert torch.autograd.gradcheck(lambda x: loss(x, truth), logits.requires_grad_())  # type: ignore[operator]


def test_the_papers_loss_teaches_exactly_one_candidate() -> None:
    logits, truth = case(1)
    logits.requires_grad_()
    scores = torch.zeros(3, 4, dtype=torch.float64)
    first_prompt_loss(logits, scores, truth, TRAIN_PRESETS["paper"]).total.backward()
    assert logits.grad is not None
    touched = logits.grad.abs().amax((2, 3)) > 0
    assert touched.sum(1).tolist() == [1, 1, 1] and not touched[:, 0].any()


def test_later_prompts_teach_the_single_mask() -> None:
    logits, truth = case(2)
    logits.requires_grad_()
    scores = torch.zeros(3, 4, dtype=torch.float64)
    next_prompt_loss(logits, scores, truth, TRAIN_PRESETS["paper"]).total.backward()
    assert logits.grad is not None
    touched = logits.grad.abs().amax((2, 3)) > 0
    assert touched[:, 0].all() and not touched[:, 1:].any()


def test_the_iou_head_learns_from_all_candidates() -> None:
    logits, truth = case(3)
    scores = torch.zeros(3, 4, dtype=torch.float64, requires_grad=True)
    first_prompt_loss(logits, scores, truth, TrainConfig()).total.backward()
    assert scores.grad is not None and (scores.grad != 0).all()


@pytest.mark.parametrize("preset", ["paper", "starter"])
def test_gradients_of_whole_losses(preset: str) -> None:
    logits, truth = case(4)
    scores = torch.rand(3, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64).requires_grad_()
    for loss in (first_prompt_loss, next_prompt_loss):

        def total(x: torch.Tensor, y: torch.Tensor, loss: object = loss) -> torch.Tensor:
            return loss(x, y, truth, TRAIN_PRESETS[preset]).total  # type: ignore[operator]

        assert torch.autograd.gradcheck(total, (logits.detach().requires_grad_(), scores))


def test_ties_teach_one_candidate_too() -> None:
    logits = torch.zeros(2, 4, 3, 3, requires_grad=True)
    truth = torch.ones(2, 1, 3, 3)
    first_prompt_loss(logits, torch.zeros(2, 4), truth, TRAIN_PRESETS["paper"]).total.backward()
    assert logits.grad is not None
    assert (logits.grad.abs().amax((2, 3)) > 0).sum(1).tolist() == [1, 1]


def test_the_total_is_the_papers_sum_of_the_best_candidate() -> None:
    logits, truth = case(6)
    scores, paper = torch.zeros(3, 4, dtype=torch.float64), TRAIN_PRESETS["paper"]
    each = 20 * focal_loss(logits, truth, 2.0, 0.25) + dice_loss(logits, truth)
    iou = mask_iou(logits, truth).square().mean()
    first, later = (loss(logits, scores, truth, paper) for loss in (first_prompt_loss, next_prompt_loss))
    assert first.total.item() == pytest.approx((each[:, 1:].amin(1).mean() + iou).item())
    assert later.total.item() == pytest.approx((each[:, 0].mean() + iou).item())
    assert sum(part.item() for part in first.parts.values()) == pytest.approx(first.total.item())


def test_with_one_output_the_single_mask_and_its_iou_learn_alone() -> None:
    logits, truth = case(7)
    logits.requires_grad_()
    scores = torch.zeros(3, 4, dtype=torch.float64, requires_grad=True)
    first_prompt_loss(logits, scores, truth, replace(TrainConfig(), outputs=1)).total.backward()
    assert logits.grad is not None and scores.grad is not None
    assert (logits.grad.abs().amax((2, 3)) > 0).all(0).tolist() == [True, False, False, False]
    assert (scores.grad != 0).all(0).tolist() == [True, False, False, False]
