"""The last stage of training: the IoU head alone learns, from what the finished model answers once.

Ranking three candidates is a small problem of its own: the answers to a prompt do not change while the head learns, so
they are collected once and learned from many times (minutes instead of hours on a CPU).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from segmenter.config import CalibrationConfig
from segmenter.modeling.common import MLP
from segmenter.modeling.starter import Starter
from segmenter.predict import embed
from segmenter.training.augment import recolour
from segmenter.training.interaction import Annotators
from segmenter.training.losses import mask_iou
from segmenter.training.scenes import Scene
from segmenter.transforms import resized_size

LEAST_SHARE = 0.001  # of the frame: smaller masks are not asked for


@dataclass(frozen=True)
class Answers:
    """What the head read of N answers (NxTxD), the true IoU of their T candidates (NxT), and where they came from.

    ``first`` N says whether the prompt was an object's first; ``scene`` N counts scenes; ``weight`` N lets small sets
    be heard: a set counts as the square root of its size.
    """

    read: Tensor
    iou: Tensor
    first: Tensor
    scene: Tensor
    weight: Tensor

    def where(self, chosen: Tensor) -> Answers:
        """The answers that a boolean N picks."""
        return Answers(*(values[chosen] for values in (self.read, self.iou, self.first, self.scene, self.weight)))


def _view(scene: Scene, config: CalibrationConfig, rng: random.Random) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    picture, labels = scene.picture, rng.choice(scene.annotators)
    if rng.random() < 0.5:
        picture, labels = picture[:, ::-1], labels[:, :, ::-1]
    if rng.random() < config.recoloured_share:
        picture = recolour(picture, rng, 0.5)
    return np.ascontiguousarray(picture), labels


def _truths(labels: NDArray[np.int16], frame: int, most: int, rng: random.Random) -> Tensor:
    """Up to ``most`` masks of the label maps where the picture lies in the frame, Mx1xLxL shares of a logit's area."""
    height, width = resized_size(labels.shape[1], labels.shape[2], frame)
    canvas = np.zeros((len(labels), frame, frame), np.int16)
    for layer, placed in zip(labels, canvas, strict=True):
        placed[:height, :width] = cv2.resize(layer, (width, height), interpolation=cv2.INTER_NEAREST)
    found = [
        placed == value
        for placed in canvas
        for value, count in enumerate(np.bincount(placed.ravel()))
        if value and count >= LEAST_SHARE * frame * frame
    ]
    rng.shuffle(found)
    masks = np.stack(found[:most]) if found else np.zeros((0, frame, frame), np.bool_)
    return F.avg_pool2d(torch.from_numpy(masks)[:, None].float(), 2)


@torch.inference_mode()
def collect(
    model: Starter,
    scenes: Mapping[str, Sequence[Scene]],
    config: CalibrationConfig,
    rng: random.Random,
    report: Callable[[float], None] = lambda share: None,
) -> Answers:
    """Shows the model every scene as annotators do, whole, and answers a first and a second prompt on its masks."""
    read: list[Tensor] = []
    hook = model.mask_decoder.iou_head.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0].half()))
    rows: list[tuple[Tensor, bool, int, float]] = []
    members = [(scene, len(found) ** -0.5) for found in scenes.values() for scene in found]
    try:
        for index in range(config.views * len(members)):
            scene, weight = members[index % len(members)]
            report(index / (config.views * len(members)))
            rows += [(iou, first, index % len(members), weight) for iou, first in _asked(model, scene, config, rng)]
    finally:
        hook.remove()
    if not rows:
        raise ValueError("no mask to ask for: the images are empty, or all their masks are tiny")
    counts = torch.tensor([len(iou) for iou, *_ in rows])
    return Answers(
        torch.cat(read),
        torch.cat([iou for iou, *_ in rows]),
        torch.tensor([first for _, first, *_ in rows]).repeat_interleave(counts),
        torch.tensor([number for *_, number, _ in rows]).repeat_interleave(counts),
        torch.tensor([weight for *_, weight in rows]).repeat_interleave(counts),
    )


def _asked(model: Starter, scene: Scene, config: CalibrationConfig, rng: random.Random) -> list[tuple[Tensor, bool]]:
    """True IoU MxT of the answers to the first and to the second prompt on one view; nothing without a mask."""
    picture, labels = _view(scene, config, rng)
    frame = model.config.frame
    truth = _truths(labels, frame, config.masks_per_image, rng)
    clickable = truth[:, 0] > 0.5
    truth = truth[clickable.any((1, 2))]
    if not len(truth):
        return []
    annotators = Annotators((truth[:, 0] > 0.5).numpy(), frame, config.annotators, rng)
    tensors = embed(model, picture).tensors
    mask_input, present = torch.zeros_like(truth), torch.zeros(len(truth))
    answers = []
    for first in (True, False):
        logits, scores = model.decode(tensors, *annotators.tensors(), mask_input, present)
        answers.append((mask_iou(logits, truth), first))
        mask_input = logits[torch.arange(len(truth)), 1 + scores[:, 1:].argmax(1)][:, None]
        present = torch.ones(len(truth))
        annotators.correct((mask_input[:, 0] > 0).numpy())
    return answers


def fit(head: MLP, answers: Answers, config: CalibrationConfig, seed: int = 0) -> None:
    """Learns the head anew: weighted mean squared error of the predicted IoU, with dropout against learning by heart.

    The head learns on standardised values; at the end the standardisation is folded into its first layer.
    """
    torch.manual_seed(seed)
    for layer in head.layers:
        assert isinstance(layer, torch.nn.Linear)
        layer.reset_parameters()
    read = answers.read.float()
    mean, spread = read.mean((0, 1)), read.std((0, 1)) + 1e-3
    weight = answers.weight / answers.weight.mean()
    optimizer = torch.optim.AdamW(head.parameters(), config.learning_rate, weight_decay=config.weight_decay)
    steps = max(1, config.epochs * len(read) // config.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.learning_rate, total_steps=steps)
    for _ in range(steps):
        drawn = torch.randint(len(read), (config.batch,))
        x = F.dropout((read[drawn] - mean) / spread, config.dropout / 2)
        for layer in head.layers[:-1]:
            x = F.dropout(F.relu(layer(x)), config.dropout)
        predicted = head.layers[-1](x)[..., 0]
        loss = ((predicted - answers.iou[drawn]).square().mean(1) * weight[drawn]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    first = head.layers[0]
    assert isinstance(first, torch.nn.Linear)
    with torch.no_grad():
        first.weight.div_(spread)
        first.bias.sub_(first.weight @ mean)


@torch.inference_mode()
def quality(head: MLP, answers: Answers) -> dict[str, float]:
    """How well the head ranks first answers: IoU of the chosen of three, of the best, and the mean error."""
    firsts = answers.where(answers.first)
    actual, predicted = firsts.iou[:, 1:], head(firsts.read.float())[:, 1:, 0]
    weight = firsts.weight / firsts.weight.sum()
    chosen = actual.gather(1, predicted.argmax(1, keepdim=True))[:, 0]
    return {
        "chosen": float(chosen @ weight),
        "best": float(actual.amax(1) @ weight),
        "error": float((predicted - actual).abs().mean(1) @ weight),
    }


def calibrate(
    model: Starter,
    scenes: Mapping[str, Sequence[Scene]],
    config: CalibrationConfig,
    rng: random.Random,
    report: Callable[[float], None] = lambda share: None,
) -> dict[str, float]:
    """Teaches the model's IoU head in place; everything else stays as it is.

    It learns first without every ``held_back``-th scene, to say how well it does on scenes that it has not seen (the
    figures returned, see :func:`quality`), and then from all of them. ValueError for a single scene.
    """
    answers = collect(model, scenes, config, rng, report)
    head = model.mask_decoder.iou_head
    unseen = answers.scene % config.held_back == 0
    if unseen.all():
        raise ValueError("one image with masks is too little to learn from; at least two are needed")
    fit(head, answers.where(~unseen), config)
    figures = quality(head, answers.where(unseen))
    fit(head, answers, config)
    return figures
