"""Losses of the masks and of the IoU head (paper, section 3 and appendix A)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from segmenter.config import TrainConfig

CANDIDATES = 3  # of an ambiguous prompt; they follow the single mask


def sigmoid_cross_entropy(logits: Tensor, truth: Tensor) -> Tensor:
    """Mean binary cross-entropy of each mask: BxTxHxW logits, Bx1xHxW truth in 0..1 -> BxT."""
    return (F.softplus(logits) - logits * truth).mean((2, 3))


def focal_loss(logits: Tensor, truth: Tensor, gamma: float = 2.0, alpha: float | None = None) -> Tensor:
    """Focal loss averaged over pixels, BxT: cross-entropy weighed by (1 - p)^gamma, p the right answer's probability.

    ``alpha`` weighs pixels inside the mask and 1 - alpha those outside; ``None`` weighs all alike.
    """
    probability = torch.sigmoid(logits)
    hit = probability * truth + (1 - probability) * (1 - truth)
    loss = (1 - hit) ** gamma * (F.softplus(logits) - logits * truth)
    if alpha is not None:
        loss = (alpha * truth + (1 - alpha) * (1 - truth)) * loss
    return loss.mean((2, 3))


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


class Loss(NamedTuple):
    """What is learned from, and its parts in the masks that learned: one number each, without gradient."""

    total: Tensor
    parts: dict[str, Tensor]


def mask_loss_parts(logits: Tensor, truth: Tensor, config: TrainConfig) -> dict[str, Tensor]:
    """The weighted parts of every candidate's mask loss by name, each BxT; parts of weight 0 are left out."""
    parts = {"dice": config.dice_weight * dice_loss(logits, truth)}
    if config.cross_entropy_weight:
        parts["cross_entropy"] = config.cross_entropy_weight * sigmoid_cross_entropy(logits, truth)
    if config.focal_weight:
        focal = focal_loss(logits, truth, config.focal_gamma, config.focal_alpha)
        parts["focal"] = config.focal_weight * focal
    return parts


def iou_loss(logits: Tensor, predicted_iou: Tensor, truth: Tensor) -> Tensor:
    """Mean squared error between predicted and actual IoU of all candidates."""
    return (predicted_iou - mask_iou(logits, truth)).square().mean()


def first_prompt_loss(logits: Tensor, predicted_iou: Tensor, truth: Tensor, config: TrainConfig) -> Loss:
    """Loss of an ambiguous prompt: of the three candidates only the best learns (paper, section 3).

    ``all_candidates_weight`` keeps the other two from going idle and ``single_mask_weight`` teaches token 0, which
    later prompts use; both are 0 in the paper's preset. With one output there is nothing to choose: token 0 learns.
    """
    if config.outputs == 1:
        return next_prompt_loss(logits, predicted_iou, truth, config)
    single = config.single_mask_weight > 0
    parts = mask_loss_parts(logits if single else logits[:, 1:], truth, config)
    losses = torch.stack(list(parts.values())).sum(0)
    candidates = losses[:, -CANDIDATES:]
    best = candidates.argmin(1, keepdim=True)
    loss = candidates.gather(1, best).mean() + config.all_candidates_weight * candidates.mean()
    if single:
        loss = loss + config.single_mask_weight * losses[:, 0].mean()
    taught = {name: part[:, -CANDIDATES:].gather(1, best) for name, part in parts.items()}
    return _with_iou(loss, taught, logits, predicted_iou, truth, config)


def next_prompt_loss(logits: Tensor, predicted_iou: Tensor, truth: Tensor, config: TrainConfig) -> Loss:
    """Loss after more than one prompt: the object is plain, so the single mask learns.

    ``later_candidates_weight`` keeps the other three useful to choose from; the paper's preset has 0. With one output
    the other three, their IoU included, are left alone.
    """
    if config.outputs == 1:
        logits, predicted_iou = logits[:, :1], predicted_iou[:, :1]
    others = config.outputs > 1 and config.later_candidates_weight > 0
    parts = mask_loss_parts(logits if others else logits[:, :1], truth, config)
    losses = torch.stack(list(parts.values())).sum(0)
    loss = losses[:, 0].mean()
    if others:
        loss = loss + config.later_candidates_weight * losses[:, 1:].amin(1).mean()
    taught = {name: part[:, 0] for name, part in parts.items()}
    return _with_iou(loss, taught, logits, predicted_iou, truth, config)


def _with_iou(
    loss: Tensor,
    taught: dict[str, Tensor],
    logits: Tensor,
    predicted_iou: Tensor,
    truth: Tensor,
    config: TrainConfig,
) -> Loss:
    iou = config.iou_weight * iou_loss(logits, predicted_iou, truth)
    return Loss(loss + iou, {name: part.mean().detach() for name, part in taught.items()} | {"iou_head": iou.detach()})
