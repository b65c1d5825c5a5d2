"""The plain training loop that people write around Segment Anything, for `benchmarks.training` to compare with.

It encodes the picture in every step, repeats its embedding for every mask, keeps the graph of all answers, sums their
losses and walks back once. Prompts and recipe are the product's, so that equal chance must give equal losses.
"""

from __future__ import annotations

import random

import torch
import torch.nn.functional as F
from torch import Tensor

from segmenter.build import Model
from segmenter.config import TrainConfig
from segmenter.training.batches import Batch
from segmenter.training.interaction import Annotators, clickable, truths_at, turns
from segmenter.training.prompting import normalise


def plain_step(
    model: Model, optimizer: torch.optim.Optimizer, batch: Batch, rng: random.Random, config: TrainConfig
) -> float:
    """One update from one picture; the sum of the mean losses of all answers that were learned from."""
    with torch.no_grad():
        levels = model.embed(normalise(batch.pictures, model.config))
    count = len(batch.masks)
    repeated = {name: level.repeat_interleave(count, dim=0) for name, level in levels.items()}
    plan = turns(config, rng)
    truth = truths_at(batch.masks, model.config.logits)
    annotators = Annotators(clickable(truth), batch.masks.shape[-1], config, rng)
    mask_input, has_mask = torch.zeros_like(truth), torch.zeros(count)
    total = torch.zeros(())
    for number, turn in enumerate(plan):
        coords, labels = annotators.tensors()
        with torch.set_grad_enabled(turn.learns):
            logits, scores = model.decode(repeated, coords, labels, mask_input, has_mask)
            if turn.learns:
                total = total + _loss(logits, scores, truth, number == 0, config)
        shown = 1 + scores[:, 1:].argmax(1) if number == 0 else torch.zeros(count, dtype=torch.long)
        chosen = logits.detach()[torch.arange(count), shown]
        if number + 1 < len(plan):
            if plan[number + 1].clicks:
                annotators.correct((chosen > 0).numpy())
            has_mask = torch.tensor([float(rng.random() < config.mask_feedback) for _ in range(count)])
            mask_input = chosen[:, None] * has_mask[:, None, None, None]
    optimizer.zero_grad()
    total.backward()
    torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], config.clip_norm)
    optimizer.step()
    return float(total.detach())


def _loss(logits: Tensor, scores: Tensor, truth: Tensor, first: bool, config: TrainConfig) -> Tensor:
    """The product's loss, written down once more from the recipe's weights."""
    cross_entropy = F.binary_cross_entropy_with_logits(logits, truth.expand_as(logits), reduction="none")
    p = torch.sigmoid(logits)
    focal = torch.zeros(len(logits), logits.shape[1])
    if config.focal_weight:
        hit = p * truth + (1 - p) * (1 - truth)
        alpha = config.focal_alpha
        balance = 1.0 if alpha is None else alpha * truth + (1 - alpha) * (1 - truth)
        focal = (balance * (1 - hit) ** config.focal_gamma * cross_entropy).mean((2, 3))
    overlap = (p * truth).sum((2, 3))
    dice = 1 - (2 * overlap + 1) / (p.sum((2, 3)) + truth.sum((2, 3)) + 1)
    each = config.cross_entropy_weight * cross_entropy.mean((2, 3)) + config.focal_weight * focal
    each = each + config.dice_weight * dice
    with torch.no_grad():
        inside, wanted = logits > 0, truth > 0.5
        iou = (inside & wanted).sum((2, 3)) / (inside | wanted).sum((2, 3)).clamp(min=1)
    loss = config.iou_weight * F.mse_loss(scores, iou.to(scores.dtype))
    if not first:
        return loss + each[:, 0].mean() + config.later_candidates_weight * each[:, 1:].min(1).values.mean()
    loss = loss + each[:, 1:].min(1).values.mean() + config.all_candidates_weight * each[:, 1:].mean()
    return loss + config.single_mask_weight * each[:, 0].mean()
