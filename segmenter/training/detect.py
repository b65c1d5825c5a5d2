"""Teaching a box detector from stored embeddings and the boxes of masks; the image encoder takes no part in it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from segmenter.config import TrainConfig
from segmenter.detection import load_detector, save_detector
from segmenter.modeling.detector import Detector, DetectorConfig, assign, detection_loss
from segmenter.training.batches import Batch, Slot
from segmenter.training.loop import train

FILE = "detector.safetensors"
RECIPE = TrainConfig(
    minutes=3.0,
    images_per_step=8,
    learning_rate=1e-3,
    warmup_share=0.05,
    first_frame_share=0.0,
    ema=0.99,
    clip_norm=1.0,
)


@dataclass(frozen=True)
class Sight:
    """One picture: how to read its levels 1xCxHxW by name, and its objects' boxes Mx4 in shares of the frame."""

    levels: Callable[[], Mapping[str, Tensor]]
    boxes: Tensor


@dataclass(frozen=True)
class BoxBatch(Batch):
    """A batch that holds embeddings and, for each picture, its boxes; no masks."""

    boxes: tuple[Tensor, ...] = ()


class Sights:
    """A source of batches: every picture once, in an order that chance draws anew each time round."""

    def __init__(self, sights: Sequence[Sight], rng: random.Random) -> None:
        if not sights:
            raise ValueError("there is no picture with objects to learn from")
        self.sights, self.rng = sights, rng
        self.order: list[int] = []

    def batch(self, images: int, masks_per_image: int, side: int) -> BoxBatch:
        """The next ``images`` pictures with all their boxes; the other numbers count for nothing here."""
        chosen = [self.sights[self._next()] for _ in range(images)]
        read = [one.levels() for one in chosen]
        embedding = {name: torch.cat([levels[name].float() for levels in read]) for name in read[0]}
        nothing = np.zeros((0, 0, 0), np.bool_)
        pictures = np.empty((images, 0, 0, 3), np.uint8)
        boxes = tuple(one.boxes for one in chosen)
        return BoxBatch(pictures, nothing, np.zeros(0, np.int64), embedding, boxes=boxes)

    def _next(self) -> int:
        if not self.order:
            self.order = self.rng.sample(range(len(self.sights)), len(self.sights))
        return self.order.pop()

    def state_dict(self) -> dict[str, Any]:
        return {"order": list(self.order)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.order = list(state["order"])


class Detecting:
    """The task of the training loop: boxes and scores of a detector."""

    def __init__(self, model: Detector) -> None:
        self.model = model

    @property
    def frame(self) -> int:
        """The side of the finest map, in cells."""
        return self.model.config.grid

    def weight(self, batch: Batch) -> int:
        """Every batch counts alike."""
        return 1

    def train(self) -> None:
        """Puts the detector into training mode."""
        self.model.train()

    def learn(self, batch: Batch, rng: random.Random, backward: Callable[[Tensor], None]) -> dict[str, float]:
        """Adds the gradient of the batch's mean loss; returns the loss, its parts and the mean IoU of the boxes."""
        assert isinstance(batch, BoxBatch) and batch.embedding is not None
        device = next(self.model.parameters()).device
        logits, boxes = self.model({name: level.to(device) for name, level in batch.embedding.items()})
        targets = [assign(true.to(device), self.model.config.grid) for true in batch.boxes]
        loss, seen = detection_loss(logits, boxes, targets)
        backward(loss)
        return {"loss": float(loss.detach()), **seen}

    def save(self, folder: Path, average: Mapping[str, Tensor]) -> Path:
        """Writes the detector, averaged where there is an average; returns the file."""
        file = folder / FILE
        save_detector(file, self.model, self.model.state_dict() | dict(average))
        return file


def learn_boxes(
    sights: Sequence[Sight],
    config: DetectorConfig,
    recipe: TrainConfig,
    out: Path,
    report: Callable[[dict[str, Any]], None] = lambda metrics: None,
    stop: Callable[[], bool] = lambda: False,
) -> Detector:
    """Trains a detector into ``out``, or goes on from the checkpoint there; the detector is ready to predict.

    Raises as :func:`segmenter.training.loop.train` does, and ValueError without a picture.
    """
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        detector = Detector(config)
    rng = random.Random(recipe.seed)
    source = Sights(sights, rng)
    return load_detector(train(Detecting(detector), [Slot(source, rng)], recipe, out, report, stop=stop))
