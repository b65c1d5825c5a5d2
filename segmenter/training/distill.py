"""Distillation of an image encoder: a small one learns to give a large one's embeddings (MobileSAM, sam.md 1.9, 2.5).

The student takes over the teacher's prompt encoder and mask decoder as they are: they read what the teacher's encoder
writes, so they need no training once the student writes the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from segmenter.build import Model, build
from segmenter.checkpoint import model_of, save_weights
from segmenter.config import ModelConfig, TrainConfig
from segmenter.predict import device_of
from segmenter.resolution import framed
from segmenter.training.batches import Batch
from segmenter.training.embedded import Embeddings
from segmenter.training.optimiser import autocast
from segmenter.training.prompting import WEIGHTS, normalise
from segmenter.transforms import resize_image

ENCODER = "image_encoder."
EPS = 1e-6
SAM_ENCODER = (
    *("encoder", "tiny_vit", "embed_dim", "depth", "num_heads", "global_attention_blocks"),
    *("patch_size", "window_size", "mlp_ratio"),
)
STARTER_ENCODER = ("widths", "blocks", "attention_blocks")


def student_config(teacher: ModelConfig, encoder: ModelConfig, frame: int) -> ModelConfig:
    """``encoder``'s image encoder at a frame of ``frame`` pixels; all the rest is the teacher's.

    ValueError where the two are of different families: their embeddings have nothing in common.
    """
    if teacher.family != encoder.family:
        raise ValueError(
            f"a {encoder.family} encoder cannot learn the embeddings of a {teacher.family} model: "
            "choose a student of the same family"
        )
    sam = replace(teacher.sam, **{name: getattr(encoder.sam, name) for name in SAM_ENCODER})
    starter = replace(teacher.starter, **{name: getattr(encoder.starter, name) for name in STARTER_ENCODER})
    return framed(replace(teacher, sam=sam, starter=starter), frame)


def student_of(teacher: Model, config: ModelConfig, encoder: Mapping[str, Tensor] | None = None) -> Model:
    """A model of this configuration with copies of all parts of the teacher but its image encoder; only that learns.

    ``encoder``, a state dict, gives the weights that the image encoder begins with; without it they are drawn by
    chance. Raises InvalidCheckpoint where they do not fit.
    """
    begin = build(config).state_dict() if encoder is None else encoder
    taken = {name: value.clone() for name, value in teacher.state_dict().items() if not name.startswith(ENCODER)}
    student = model_of(taken | {name: value for name, value in begin.items() if name.startswith(ENCODER)}, config)
    for name, parameter in student.named_parameters():
        parameter.requires_grad_(name.startswith(ENCODER))
    return student


def at_size_of(wanted: Tensor, given: Tensor) -> Tensor:
    """The teacher's map BxCxHxW at the student's height and width; both cover the same frame."""
    if wanted.shape[-2:] == given.shape[-2:]:
        return wanted
    return F.interpolate(wanted, given.shape[-2:], mode="bilinear", antialias=True)


def distance(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Mean squared error of an embedding, and the mean cosine of its cells to the wanted ones: means over its maps.

    The error of each map is relative to the variance of the wanted one: 1 is what a constant map would have. So the
    starter's fine maps, whose numbers are a thousandth of the coarsest's, count as much.
    """
    pairs = [(given[name].float(), at_size_of(wanted[name].float(), given[name])) for name in given]
    errors = [F.mse_loss(mine, theirs) / theirs.var().clamp(min=EPS) for mine, theirs in pairs]
    cosines = [F.cosine_similarity(mine.detach(), theirs, dim=1).mean() for mine, theirs in pairs]
    return torch.stack(errors).mean(), torch.stack(cosines).mean()


def at_frame(pictures: NDArray[np.uint8], frame: int) -> NDArray[np.uint8]:
    """Square pictures BxSxSx3 at the side ``frame``, as whole pictures are resized at inference."""
    if pictures.shape[1] == frame:
        return pictures
    return np.stack([resize_image(picture, frame) for picture in pictures])


class Distilling:
    """The task of mode "distill": batches need pictures only, at the larger of the two models' frames.

    ``batch_statistics``: batch norms of the encoder that usually keep to their stored statistics learn new ones. A
    fresh TinyViT needs that; one that goes on from trained weights does not. ``kept`` holds the teacher's embeddings
    of pictures that were seen before.
    """

    def __init__(
        self,
        student: Model,
        teacher: Model,
        config: TrainConfig,
        batch_statistics: bool,
        kept: Embeddings | None = None,
    ) -> None:
        self.frame = student.config.frame
        self.model, self.teacher, self.config = student, teacher.requires_grad_(False).eval(), config
        self.norms = [module for module in student.image_encoder.modules() if isinstance(module, nn.BatchNorm2d)]
        self.batch_statistics, self.kept = batch_statistics, kept

    def weight(self, batch: Batch) -> int:
        """The number of pictures."""
        return len(batch.pictures)

    def train(self) -> None:
        """Training mode of the image encoder alone."""
        self.model.eval()
        self.model.image_encoder.train()
        for norm in self.norms:
            norm.training = self.batch_statistics

    @torch.no_grad()
    def wanted(self, pictures: NDArray[np.uint8]) -> dict[str, Tensor]:
        """The teacher's embedding of square pictures BxSxSx3."""
        config, device = self.teacher.config, device_of(self.teacher)
        seen = at_frame(pictures, config.frame)
        if self.kept is not None:
            return {name: level.to(device) for name, level in self.kept.of(list(seen)).items()}
        with autocast(self.config, device):
            return self.teacher.embed(normalise(seen, config, device))

    def learn(self, batch: Batch, rng: random.Random, backward: Callable[[Tensor], None]) -> dict[str, float]:
        """Adds the gradient of the distance between both embeddings of a batch's pictures; returns it."""
        config, device = self.model.config, device_of(self.model)
        wanted = self.wanted(batch.pictures)
        with autocast(self.config, device):
            given = self.model.embed(normalise(at_frame(batch.pictures, config.frame), config, device))
        loss, cosine = distance(given, wanted)
        backward(loss)
        return {"loss": float(loss.detach()), "cosine": float(cosine)}

    def save(self, folder: Path, average: Mapping[str, Tensor]) -> Path:
        """Writes the whole student, ready to be prompted, as ``weights.safetensors``; returns the file."""
        learned = {name: value for name, value in average.items() if name.startswith(ENCODER)}
        file = folder / WEIGHTS
        save_weights(file, self.model.state_dict() | learned, self.model.config)
        return file
