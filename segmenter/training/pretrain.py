"""The task of mode "mae": pre-training of a plain ViT without any mask; see segmenter.training.masked_pixels."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from segmenter.build import Model
from segmenter.checkpoint import save_weights
from segmenter.config import PretrainConfig, TrainConfig
from segmenter.modeling.image_encoder import ImageEncoder
from segmenter.modeling.segmenter import Sam
from segmenter.predict import device_of
from segmenter.training.batches import Batch
from segmenter.training.masked_pixels import MaskedAutoencoder, draw_kept, start_encoder
from segmenter.training.optimiser import autocast
from segmenter.training.prompting import WEIGHTS, normalise


class Reconstructing:
    """The image encoder of a Segment Anything model learns to see the rest of a picture from a quarter of it.

    ``whole``'s other parts stay as they are. ``fresh``: its encoder was just drawn and gets the weights that masked
    autoencoding begins with. ValueError for models without a plain ViT.
    """

    def __init__(self, whole: Model, config: TrainConfig, sizes: PretrainConfig, fresh: bool) -> None:
        if not isinstance(whole, Sam) or not isinstance(whole.image_encoder, ImageEncoder):
            raise ValueError("masked autoencoding is for plain ViTs; this model has another image encoder")
        if fresh:
            start_encoder(whole.image_encoder)
        self.whole, self.config, self.frame = whole, config, whole.config.frame
        self.model = MaskedAutoencoder(whole.image_encoder, sizes).to(device_of(whole))

    def weight(self, batch: Batch) -> int:
        """The number of pictures."""
        return len(batch.pictures)

    def train(self) -> None:
        """Training mode."""
        self.model.train()

    def learn(self, batch: Batch, rng: random.Random, backward: Callable[[Tensor], None]) -> dict[str, float]:
        """Adds the gradient of the reconstruction's error; returns it."""
        device = device_of(self.whole)
        cells = self.model.positions.shape[1]
        chance = torch.Generator().manual_seed(rng.getrandbits(63))
        kept = draw_kept(len(batch.pictures), cells, self.model.hidden_share, chance).to(device)
        with autocast(self.config, device):
            loss = self.model(normalise(batch.pictures, self.whole.config, device), kept)
        backward(loss)
        return {"loss": float(loss.detach())}

    def save(self, folder: Path, average: Mapping[str, Tensor]) -> Path:
        """Writes the whole model with the encoder that was learned as ``weights.safetensors``; returns the file."""
        state = self.whole.state_dict()
        file = folder / WEIGHTS
        save_weights(file, state | {name: average[name] for name in state.keys() & average.keys()}, self.whole.config)
        return file
