"""Learning from prompts: simulated annotators ask, the model answers, and its answers are compared with the masks."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segmenter.build import Model
from segmenter.checkpoint import Precision as Stored
from segmenter.checkpoint import save_weights
from segmenter.config import ModelConfig, TrainConfig
from segmenter.modeling.starter import COARSEST
from segmenter.predict import device_of
from segmenter.training.batches import Batch
from segmenter.training.interaction import Annotators, clickable, truths_at, turns
from segmenter.training.losses import first_prompt_loss, mask_iou, next_prompt_loss
from segmenter.training.optimiser import autocast, freeze

WEIGHTS = "weights.safetensors"
Backward = Callable[[Tensor], None]


def fitting(config: TrainConfig, model: ModelConfig) -> TrainConfig:
    """The recipe as this model and mode can follow it.

    Segment Anything models learn at one frame: the smaller first one falls. In mode "decoder" pictures are shown whole
    and unchanged, as their embeddings are kept. ValueError where the first frame does not fit the model's strides.
    """
    if config.mode == "decoder":
        whole = replace(config, augmentation="none", whole_share=1.0, synthetic_share=0.0, paste_share=0.0)
        return replace(whole, first_frame_share=0.0)
    if model.family == "sam" or config.first_frame >= model.frame:
        return replace(config, first_frame_share=0.0)
    if config.first_frame_share and config.first_frame % (2 * COARSEST):
        raise ValueError(f"the first frame must be a multiple of {2 * COARSEST}, not {config.first_frame}")
    return config


def normalise(pictures: NDArray[np.uint8], config: ModelConfig, device: torch.device | None = None) -> Tensor:
    """BxSxSx3 uint8 -> normalised Bx3xSxS float32, channels last in memory (faster convolutions on a CPU)."""
    mean = torch.tensor(config.pixel_mean, device=device).view(1, 3, 1, 1)
    std = torch.tensor(config.pixel_std, device=device).view(1, 3, 1, 1)
    pixels = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float()
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)


class Prompting:
    """The task of modes "full", "decoder" and "text": one step asks for every mask of a batch, several times.

    The encoder runs once a step; every answer's gradient is walked back to the embedding at once, so that only one
    answer's memory is held, and from there through the encoder once. Answers shown again as mask prompts carry no
    gradient. In mode "decoder" the image encoder is frozen; wherever it is frozen, batches may bring its embedding.
    """

    def __init__(self, model: Model, config: TrainConfig) -> None:
        self.model, self.config = model, config
        if config.mode == "decoder":
            freeze(model.image_encoder.parameters())

    @property
    def frame(self) -> int:
        """The side of the model's frame, in pixels."""
        return self.model.config.frame

    def weight(self, batch: Batch) -> int:
        """How much a batch counts beside others of the same step: the number of its masks."""
        return len(batch.masks)

    @property
    def _encoder_learns(self) -> bool:
        return any(parameter.requires_grad for parameter in self.model.image_encoder.parameters())

    def train(self) -> None:
        """Training mode; a frozen encoder stays as it is at inference, its statistics included."""
        self.model.train()
        if not self._encoder_learns:
            self.model.image_encoder.eval()

    def learn(self, batch: Batch, rng: random.Random, backward: Backward) -> dict[str, float]:
        """Adds the gradient of the mean loss of a batch's masks, through ``backward``; returns what was seen."""
        model, config, device = self.model, self.config, device_of(self.model)
        plan = turns(config, rng)
        frame, ratio = batch.masks.shape[-1], model.config.frame // model.config.logits
        shares = truths_at(batch.masks, frame // ratio)
        annotators = Annotators(clickable(shares), frame, config, rng, nothing=batch.text is not None)
        truth, index = shares.to(device), torch.from_numpy(batch.image_index).to(device)
        everyone = torch.arange(len(truth), device=device)
        told = {} if batch.text is None else {"text": batch.text.to(device)}
        shared = self._shared(batch, device)
        prepared = {name: maps.detach().requires_grad_(maps.requires_grad) for name, maps in shared.items()}
        logits, predicted_iou = torch.zeros_like(truth), truth.new_zeros(len(truth), 1)
        shown: dict[str, Tensor] = {}
        seen: dict[str, float] = {}
        for number, turn in enumerate(plan):
            if number:
                chosen = self._shown(logits, predicted_iou, first=number == 1)
                if turn.clicks:
                    annotators.correct((chosen > 0).cpu().numpy())
                kept = [float(rng.random() < config.mask_feedback) for _ in range(len(truth))]
                has_mask = torch.tensor(kept, device=device)
                shown = {"mask_input": chosen[:, None] * has_mask[:, None, None, None], "has_mask_input": has_mask}
            coords, labels = (tensor.to(device) for tensor in annotators.tensors())
            with torch.set_grad_enabled(turn.learns), autocast(config, device):
                judged: Any = model.judge(prepared, coords, labels, image_index=index, **shown, **told)
                logits = model.draw(judged, everyone).float()
            predicted_iou = judged.predicted_iou.float()
            if turn.learns:
                loss_of = first_prompt_loss if number == 0 else next_prompt_loss
                loss = loss_of(logits, predicted_iou, truth, config)
                backward(loss.total)
                seen["loss"] = seen.get("loss", 0.0) + float(loss.total.detach())
                seen |= _seen(number == 0, logits, truth, float(loss.total.detach()), loss.parts)
            logits, predicted_iou = logits.detach(), predicted_iou.detach()
        learned = [name for name, maps in prepared.items() if maps.grad is not None]
        if learned:
            torch.autograd.backward([shared[name] for name in learned], [prepared[name].grad for name in learned])
        return seen

    def _shared(self, batch: Batch, device: torch.device) -> dict[str, Tensor]:
        """What all prompts on the pictures share: their embeddings, and what the decoder makes of them beforehand."""
        model, config = self.model, self.config
        with autocast(config, device):
            if batch.embedding is not None:
                levels = {name: level.to(device).float() for name, level in batch.embedding.items()}
            else:
                with torch.set_grad_enabled(self._encoder_learns):
                    levels = model.embed(normalise(batch.pictures, model.config, device))
            return {name: maps.float() for name, maps in model.prepare(levels, fold=True).items()}

    def _shown(self, logits: Tensor, predicted_iou: Tensor, first: bool) -> Tensor:
        """The mask that the annotators look at: of the first answer the best by predicted IoU, later the single one."""
        if not first or self.config.outputs == 1:
            return logits[:, 0]
        best = 1 + predicted_iou[:, 1:].argmax(1)
        return logits[torch.arange(len(logits), device=logits.device), best]

    def save(self, folder: Path, average: Mapping[str, Tensor]) -> Path:
        """Writes the model, averaged where there is an average, as ``weights.safetensors``; returns the file.

        In half precision, unless what is frozen would not survive it: a frozen encoder's embeddings stay valid.
        """
        file = folder / WEIGHTS
        frozen = [parameter for parameter in self.model.parameters() if not parameter.requires_grad]
        precision: Stored = "half" if all(map(_survives_halving, frozen)) else "full"
        save_weights(file, self.model.state_dict() | dict(average), self.model.config, precision)
        return file


def _survives_halving(value: Tensor) -> bool:
    return value.ndim <= 1 or torch.equal(value.half().to(value.dtype), value)


def _seen(first: bool, logits: Tensor, truth: Tensor, loss: float, parts: Mapping[str, Tensor]) -> dict[str, float]:
    """The figures of one answer; of later answers only the last one's stay, as each writes over the one before."""
    ious, when = mask_iou(logits, truth), "first" if first else "last"
    best = ious[:, 1:].amax(1) if first else ious[:, 0]
    figures = {f"loss_{when}": loss, "best_of_three_first" if first else "iou_last": float(best.mean())}
    return figures | {f"{name}_{when}": float(part) for name, part in parts.items()}
