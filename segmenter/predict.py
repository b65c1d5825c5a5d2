"""Pictures to embeddings, prompts to masks. Nothing is kept between calls, so threads may share a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from segmenter.build import Model
from segmenter.prompts import Prompt, prompt_rows
from segmenter.transforms import Size, frame_pixels, to_frame, upsample_mask

MASK_THRESHOLD = 0.0


@dataclass(frozen=True)
class Embedding:
    """What the image encoder saw: named tensors 1xCxHxW float32, the image's size (h, w) and the frame's side."""

    tensors: dict[str, torch.Tensor]
    size: Size
    frame: int


@dataclass(frozen=True)
class Candidates:
    """The four answers to one prompt: logits 4xLxL and predicted IoU 4; ``chosen`` is only the default."""

    logits: NDArray[np.float32]
    predicted_iou: NDArray[np.float32]
    chosen: int
    size: Size
    frame: int

    def mask(self, index: int) -> NDArray[np.bool_]:
        """One candidate at the image's size."""
        upsampled: NDArray[np.bool_] = upsample_mask(self.logits[index], self.size, self.frame) > MASK_THRESHOLD
        return upsampled

    @property
    def ranked(self) -> list[int]:
        """The three ambiguity candidates, best predicted IoU first."""
        return [1 + int(i) for i in np.argsort(-self.predicted_iou[1:], kind="stable")]


def choose(predicted_iou: Sequence[float] | NDArray[np.float32], prompt_count: int) -> int:
    """The default candidate: with one prompt the best of the three by predicted IoU, with more the single mask.

    A box counts as one prompt, a previous mask as another (sam.md section 1.7).
    """
    return 0 if prompt_count > 1 else 1 + int(np.argmax(np.asarray(predicted_iou)[1:]))


@torch.inference_mode()
def embed(model: Model, rgb: NDArray[np.uint8]) -> Embedding:
    """Encodes an upright HxWx3 RGB picture once; every later prompt needs only :func:`decode`."""
    config = model.config
    pixels = frame_pixels(rgb, config.frame, config.pixel_mean, config.pixel_std)
    return Embedding(model.embed(torch.from_numpy(pixels)[None]), (rgb.shape[0], rgb.shape[1]), config.frame)


@torch.inference_mode()
def decode(
    model: Model, embedding: Embedding, prompts: Sequence[Prompt], mask_inputs: NDArray[np.float32] | None = None
) -> list[Candidates]:
    """Answers a batch of prompts, given in image pixels, on one embedded image.

    All prompts must make the same number of rows (as those of equal clicks do). ``mask_inputs`` BxLxL are the logits of
    the mask that was shown before the newest prompt.
    """
    rows = [prompt_rows(prompt) for prompt in prompts]
    coords = np.stack([to_frame(points, embedding.size, embedding.frame) for points, _ in rows])
    labels = np.stack([label for _, label in rows])
    side = model.config.logits
    present = torch.full((len(prompts),), 0.0 if mask_inputs is None else 1.0)
    previous = np.zeros((len(prompts), side, side), np.float32) if mask_inputs is None else mask_inputs
    logits, predicted_iou = model.decode(
        embedding.tensors,
        torch.from_numpy(coords).float(),
        torch.from_numpy(labels),
        torch.from_numpy(np.ascontiguousarray(previous))[:, None],
        present,
    )
    return [
        Candidates(
            mask_logits,
            scores,
            choose(scores, prompt.count + (mask_inputs is not None)),
            embedding.size,
            embedding.frame,
        )
        for mask_logits, scores, prompt in zip(logits.numpy(), predicted_iou.numpy(), prompts, strict=True)
    ]


def answer(model: Model, embedding: Embedding, prompt: Prompt) -> Candidates:
    """Answers a prompt as the page does: box first, then click by click, each time showing the model its last mask."""
    steps = [
        Prompt(prompt.points[:count], prompt.box) for count in range(len(prompt.points) + 1) if count or prompt.box
    ]
    candidates = decode(model, embedding, steps[:1])[0]
    for step in steps[1:]:
        candidates = decode(model, embedding, [step], candidates.logits[candidates.chosen][None])[0]
    return candidates
