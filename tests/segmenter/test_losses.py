"""Losses against closed forms and finite differences."""

from __future__ import annotations

import math

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


@pytest.mark.parametrize("loss", [sigmoid_cross_entropy, focal_loss, dice_loss])
def test_gradients(loss: object) -> None:
    logits, truth = case()
    assert torch.autograd.gradcheck(lambda x: loss(x, truth), logits.requires_grad_())  # type: ignore[operator]


def test_the_papers_loss_teaches_exactly_one_candidate() -> None:
    logits, truth = case(1)
    logits.requires_grad_()
    scores = torch.zeros(3, 4, dtype=torch.float64)
    first_prompt_loss(logits, scores, truth, TRAIN_PRESETS["paper"]).backward()
    assert logits.grad is not None
    touched = logits.grad.abs().amax((2, 3)) > 0
    assert touched.sum(1).tolist() == [1, 1, 1] and not touched[:, 0].any()


def test_later_prompts_teach_the_single_mask() -> None:
    logits, truth = case(2)
    logits.requires_grad_()
    scores = torch.zeros(3, 4, dtype=torch.float64)
    next_prompt_loss(logits, scores, truth, TRAIN_PRESETS["paper"]).backward()
    assert logits.grad is not None
    touched = logits.grad.abs().amax((2, 3)) > 0
    assert touched[:, 0].all() and not touched[:, 1:].any()


def test_the_iou_head_learns_from_all_candidates() -> None:
    logits, truth = case(3)
    scores = torch.zeros(3, 4, dtype=torch.float64, requires_grad=True)
    first_prompt_loss(logits, scores, truth, TrainConfig()).backward()
    assert scores.grad is not None and (scores.grad != 0).all()
