"""One readable training loop: simulated annotators prompt the model; it learns from its first and its last answer."""

from __future__ import annotations

import json
import logging
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from segmenter.checkpoint import save_weights
from segmenter.config import ModelConfig, TrainConfig, to_dict
from segmenter.modeling.starter import Starter
from segmenter.prompts import BOX_BOTTOM_RIGHT, BOX_TOP_LEFT, PADDING, first_click, loose_box, next_click
from segmenter.training.losses import first_prompt_loss, mask_iou, next_prompt_loss
from segmenter.training.scenes import Batch, Sampler

log = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 120.0
METRIC_STEPS = 20


@dataclass
class TrainState:
    """Everything that a resumed run needs to go on where it stopped."""

    model: Starter
    average: dict[str, Tensor]
    optimizer: torch.optim.Optimizer
    step: int = 0
    elapsed_seconds: float = 0.0

    def save(self, file: Path, rng: random.Random) -> None:
        """Writes the checkpoint atomically."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "elapsed_seconds": self.elapsed_seconds,
            "rng": rng.getstate(),  # with the second half of the last Gaussian pair
        }
        partial = file.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(file)

    def load(self, file: Path, rng: random.Random) -> None:
        """Restores what :meth:`save` wrote."""
        state = torch.load(file, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.update(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.elapsed_seconds = state["step"], state["elapsed_seconds"]
        rng.setstate(state["rng"])


def start(model: Starter, config: TrainConfig) -> TrainState:
    """A fresh state: AdamW that decays matrices only, and the running average of all weights."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98))
    average = {name: value.clone() for name, value in model.state_dict().items() if value.is_floating_point()}
    return TrainState(model, average, optimizer)


def learning_rate(progress: float, config: TrainConfig) -> float:
    """Linear warm-up, then a half cosine to nothing; ``progress`` in 0..1."""
    warm = min(1.0, progress / config.warmup_share + 0.02) if config.warmup_share else 1.0
    return config.learning_rate * warm * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-6


def normalise(pictures: NDArray[np.uint8], config: ModelConfig) -> Tensor:
    """BxSxSx3 uint8 -> normalised Bx3xSxS float32, channels last in memory (faster convolutions on a CPU)."""
    mean = torch.tensor(config.pixel_mean).view(1, 3, 1, 1)
    std = torch.tensor(config.pixel_std).view(1, 3, 1, 1)
    pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)


class Annotators:
    """One simulated annotator per mask: their prompts so far, in pixels of the frame."""

    def __init__(self, truths: NDArray[np.bool_], frame: int, config: TrainConfig, rng: random.Random) -> None:
        self.truths, self.rng = truths, rng
        self.scale = frame / truths.shape[-1]
        self.rows: list[list[tuple[float, float, int]]] = []
        for truth in truths:
            if rng.random() < config.box_share:
                box = loose_box(truth, rng)
                corners = [(box.x0, box.y0, BOX_TOP_LEFT), (box.x1, box.y1, BOX_BOTTOM_RIGHT)]
                # A box corner is an edge, not a pixel centre: the decoder adds half a frame pixel to every point.
                self.rows.append([(x * self.scale - 0.5, y * self.scale - 0.5, label) for x, y, label in corners])
            else:
                point = first_click(truth, rng, config.deep_click_share)
                self.rows.append([self._row(point.x, point.y, point.label), (0.0, 0.0, PADDING)])

    def _row(self, x: float, y: float, label: int) -> tuple[float, float, int]:
        jitter = self.rng.uniform(-0.5, 0.5), self.rng.uniform(-0.5, 0.5)
        return (x + 0.5 + jitter[0]) * self.scale - 0.5, (y + 0.5 + jitter[1]) * self.scale - 0.5, label

    def correct(self, predicted: NDArray[np.bool_]) -> None:
        """Each annotator clicks where the answer is wrong; one who is content repeats nothing and adds padding."""
        for row, mask, truth in zip(self.rows, predicted, self.truths, strict=True):
            point = next_click(mask, truth, self.rng)
            row.append((0.0, 0.0, PADDING) if point is None else self._row(point.x, point.y, point.label))

    def tensors(self) -> tuple[Tensor, Tensor]:
        """``point_coords`` MxNx2 and ``point_labels`` MxN."""
        rows = torch.tensor(self.rows)
        return rows[..., :2], rows[..., 2]


def train_step(state: TrainState, batch: Batch, config: TrainConfig, rng: random.Random) -> dict[str, float]:
    """One update. Gradients flow through the first answer and the last; those between only choose the next clicks."""
    model = state.model
    frame, clicks = batch.pictures.shape[1], rng.choices(range(2, config.max_clicks + 1), _click_weights(config))[0]
    truth = F.avg_pool2d(torch.from_numpy(batch.masks)[:, None].float(), 2)
    annotators = Annotators((truth[:, 0] > 0.5).numpy() | _thin(truth), frame, config, rng)
    index = torch.from_numpy(batch.image_index)
    model.train()
    state.optimizer.zero_grad(set_to_none=True)
    levels = model.embed(normalise(batch.pictures, model.config))
    # Two backward passes share the embedding: they meet in its gradient, and the encoder is walked back once.
    embedding = {name: level.detach().requires_grad_() for name, level in levels.items()}
    mask_input, has_mask = torch.zeros_like(truth), torch.zeros(len(truth))
    metrics: dict[str, float] = {}
    for click in range(1, clicks + 1):
        learns = click in (1, clicks)
        coords, labels = annotators.tensors()
        with torch.set_grad_enabled(learns):
            logits, predicted_iou = model.decode(embedding, coords, labels, mask_input, has_mask, index)
        if learns:
            loss_of = first_prompt_loss if click == 1 else next_prompt_loss
            loss = loss_of(logits, predicted_iou, truth, config)
            loss.backward()  # type: ignore[no-untyped-call]
            ious = mask_iou(logits, truth)
            best = ious[:, 1:].amax(1) if click == 1 else ious[:, 0]
            metrics |= {f"loss_{'first' if click == 1 else 'last'}": float(loss.detach())}
            metrics |= {"best_of_three_first" if click == 1 else "iou_last": float(best.mean())}
        if click < clicks:
            shown = 1 + predicted_iou[:, 1:].argmax(1) if click == 1 else torch.zeros(len(truth), dtype=torch.long)
            chosen = logits.detach()[torch.arange(len(truth)), shown]
            annotators.correct((chosen > 0).numpy())
            kept = torch.tensor([float(rng.random() < 0.9) for _ in range(len(truth))])
            mask_input, has_mask = chosen[:, None] * kept[:, None, None, None], kept
    torch.autograd.backward(list(levels.values()), [level.grad for level in embedding.values()])
    torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
    state.optimizer.step()
    state.step += 1
    _update_average(state, config)
    return metrics


def _click_weights(config: TrainConfig) -> list[float]:
    return [1 / clicks for clicks in range(2, config.max_clicks + 1)]


def _thin(truth: Tensor) -> NDArray[np.bool_]:
    """For masks so thin that halving lost every pixel: whatever is left of them, to have something to click."""
    lost = (truth > 0.5).sum((1, 2, 3)) == 0
    kept: NDArray[np.bool_] = ((truth[:, 0] > 0) & lost[:, None, None]).numpy()
    return kept


def _update_average(state: TrainState, config: TrainConfig) -> None:
    decay = min(config.ema, (1 + state.step) / (10 + state.step))
    current = state.model.state_dict()
    names = list(state.average)
    with torch.no_grad():
        torch._foreach_lerp_([state.average[name] for name in names], [current[name] for name in names], 1 - decay)


def train(
    model: Starter,
    sampler: Sampler,
    config: TrainConfig,
    out: Path,
    rng: random.Random,
    report: Callable[[dict[str, Any]], None] = lambda metrics: None,
    clock: Callable[[], float] = time.monotonic,
) -> Path:
    """Trains for ``config.minutes`` of ``clock`` time; the running average is written to ``weights.safetensors``.

    ``out`` also gets ``metrics.jsonl`` and ``checkpoint.pt``; where the latter exists, the run goes on from it. A loss
    that is not finite ends the run with ``FloatingPointError`` and leaves the last good checkpoint.
    """
    out.mkdir(parents=True, exist_ok=True)
    if config.threads:
        torch.set_num_threads(config.threads)
    cv2.setNumThreads(1)
    # Channels last: convolutions on a CPU are faster so.
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    state = start(model, config)
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        state.load(checkpoint, rng)
        log.info("resumed at step %d", state.step)
    last_saved = last_tick = clock()
    recent: list[dict[str, float]] = []
    while (progress := state.elapsed_seconds / (60 * config.minutes)) < 1:
        for group in state.optimizer.param_groups:
            group["lr"] = learning_rate(progress, config)
        frame = config.first_frame if progress < config.first_frame_share else model.config.frame
        batch = sampler.batch(config.images_per_step, config.masks_per_image, frame)
        recent.append(train_step(state, batch, config, rng))
        if not all(map(math.isfinite, recent[-1].values())):
            raise FloatingPointError(
                f"the loss is not finite at step {state.step}; the last good state is {checkpoint}"
            )
        now = clock()
        state.elapsed_seconds += now - last_tick
        last_tick = now
        if len(recent) == METRIC_STEPS:
            _report(state, recent, progress, frame, config, out, report)
            recent.clear()
        if now - last_saved > CHECKPOINT_SECONDS:
            state.save(checkpoint, rng)
            last_saved = now
    state.save(checkpoint, rng)
    averaged = model.state_dict() | state.average
    file = out / "weights.safetensors"
    save_weights(file, averaged, model.config)
    (out / "train.json").write_text(json.dumps({"config": to_dict(config), "steps": state.step}, indent=1))
    return file


def _report(
    state: TrainState,
    recent: list[dict[str, float]],
    progress: float,
    frame: int,
    config: TrainConfig,
    out: Path,
    report: Callable[[dict[str, Any]], None],
) -> None:
    means = {key: round(sum(m[key] for m in recent) / len(recent), 4) for key in recent[0]}
    rate = config.images_per_step * state.step / state.elapsed_seconds
    metrics: dict[str, Any] = {"step": state.step, "progress": round(progress, 4), "frame": frame, **means}
    metrics |= {"images_per_second": round(rate, 2), "eta_seconds": round(config.minutes * 60 - state.elapsed_seconds)}
    with (out / "metrics.jsonl").open("a") as lines:
        lines.write(json.dumps(metrics) + "\n")
    report(metrics)
