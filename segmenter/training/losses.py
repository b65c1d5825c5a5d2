"""Losses of the masks and of the IoU head (paper, section 3 and appendix A)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from segmenter.config import TrainConfig


def sigmoid_cross_entropy(logits: Tensor, truth: Tensor) -> Tensor:
    """Mean binary cross-entropy of each mask: BxTxHxW logits, Bx1xHxW truth in 0..1 -> BxT."""
    return (F.softplus(logits) - logits * truth).mean((2, 3))


def focal_loss(logits: Tensor, truth: Tensor, gamma: float = 2.0) -> Tensor:
    """Focal loss without class weights, averaged over pixels, BxT."""
    probability = torch.sigmoid(logits)
    hit = probability * truth + (1 - probability) * (1 - truth)
    return ((1 - hit) ** gamma * (F.softplus(logits) - logits * truth)).mean((2, 3))


def dice_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """One minus the soft Dice overlap of each mask, BxT; one pixel of smoothing keeps empty masks finite."""
    probability = torch.sigmoid(logits)
    overlap = (probability * truth).sum((2, 3))
    return 1 - (2 * overlap + 1) / (probability.sum((2, 3)) + truth.sum((2, 3)) + 1)


def mask_iou(logits: Tensor, truth: Tensor) -> Tensor:
    """IoU of the thresholded masks, BxT, without gradient."""
    with torch.no_grad():
        predicted, actual = logits > 0, truth > 0.5
        both = (predicted & actual).sum((2, 3)).to(logits.dtype)
        either = (predicted | actual).sum((2, 3)).to(logits.dtype)
        return both / either.clamp(min=1)


def mask_losses(logits: Tensor, truth: Tensor, config: TrainConfig) -> Tensor:
    """The weighted mask loss of every candidate, BxT."""
    loss = config.dice_weight * dice_loss(logits, truth)
    if config.cross_entropy_weight:
        loss = loss + config.cross_entropy_weight * sigmoid_cross_entropy(logits, truth)
    if config.focal_weight:
        loss = loss + config.focal_weight * focal_loss(logits, truth)
    return loss


def first_prompt_loss(logits: Tensor, predicted_iou: Tensor, truth: Tensor, config: TrainConfig) -> Tensor:
    """Loss of an ambiguous prompt: of the three candidates only the best learns (paper, section 3).

    ``all_candidates_weight`` keeps the other two from going idle and ``single_mask_weight`` teaches token 0, which
    later prompts use; both are 0 in the paper's preset.
    """
    losses = mask_losses(logits, truth, config)
    candidates = losses[:, 1:]
    loss = candidates.amin(1).mean() + config.all_candidates_weight * candidates.mean()
    loss = loss + config.single_mask_weight * losses[:, 0].mean()
    return loss + config.iou_weight * iou_loss(logits, predicted_iou, truth)


def next_prompt_loss(logits: Tensor, predicted_iou: Tensor, truth: Tensor, config: TrainConfig) -> Tensor:
    """Loss after more than one prompt: the object is plain, so the single mask learns.

    ``later_candidates_weight`` keeps the other three useful to choose from; the paper's preset has 0.
    """
    losses = mask_losses(logits, truth, config)
    loss = losses[:, 0].mean() + config.later_candidates_weight * losses[:, 1:].amin(1).mean()
    return loss + config.iou_weight * iou_loss(logits, predicted_iou, truth)


def iou_loss(logits: Tensor, predicted_iou: Tensor, truth: Tensor) -> Tensor:
    """Mean squared error between predicted and actual IoU of all candidates."""
    return (predicted_iou - mask_iou(logits, truth)).square().mean()
