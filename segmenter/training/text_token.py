"""Mode "text": a Segment Anything model learns to be prompted by CLIP's embeddings (paper, section 7.5, appendix D.5).

In training the first prompt is what CLIP's image side makes of the object, clicks follow; later a text's embedding
takes its place. The projection from CLIP's width to a prompt token is all that learns, unless more is asked for.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np
from torch import nn

from segmenter.build import Model
from segmenter.checkpoint import model_of
from segmenter.config import TextConfig
from segmenter.modeling.segmenter import Sam
from segmenter.training.batches import Batch, Source
from segmenter.training.clip_crops import ImageSide, crop, large_enough

Learning = Literal["projection", "decoder", "all"]
PROJECTION = "prompt_encoder.text_projection."
TRIES = 50  # batches drawn in search of an object that is large enough


def learning(name: str) -> Learning:
    """What is to learn, by name; ValueError for a name that there is not."""
    for known in get_args(Learning):
        if name == known:
            chosen: Learning = known
            return chosen
    raise ValueError(f"nothing to learn is called {name}; there are {', '.join(get_args(Learning))}")


def with_projection(model: Model, dim: int) -> Sam:
    """The model with a projection for embeddings of this width: its own, or a fresh one where it has none.

    ValueError for a model that takes no text, and for one that was trained with embeddings of another width.
    """
    if not isinstance(model, Sam):
        raise ValueError("only Segment Anything models take text prompts; the starter's decoder has no place for them")
    had = model.config.sam.text_dim
    if had not in (0, dim):
        raise ValueError(f"this model was trained with text embeddings of width {had}, not {dim}: another CLIP")
    if had:
        return model
    fresh = nn.Linear(dim, model.config.sam.prompt_dim).state_dict(prefix=PROJECTION)
    config = replace(model.config, sam=replace(model.config.sam, text_dim=dim))
    told = model_of(model.state_dict() | fresh, config)
    assert isinstance(told, Sam)
    return told


def choose_what_learns(model: Sam, learning: Learning) -> None:
    """Freezes all but the projection; "decoder" also trains mask decoder and prompt encoder, "all" everything."""
    for name, parameter in model.named_parameters():
        behind_encoder = learning == "decoder" and not name.startswith("image_encoder.")
        parameter.requires_grad_(learning == "all" or behind_encoder or name.startswith(PROJECTION))


class Depicted:
    """Batches of another source with CLIP's embedding of every mask; masks that are too small for CLIP are left out.

    ``rng`` decides about the crops. ValueError where no batch brings a mask that is large enough.
    """

    def __init__(self, source: Source, clip: ImageSide, config: TextConfig, rng: random.Random) -> None:
        self.source, self.clip, self.config, self.rng = source, clip, config, rng

    def batch(self, images: int, masks_per_image: int, side: int) -> Batch:
        """As the other source's; pictures without a mask that is large enough are left out too."""
        for _ in range(TRIES):
            found = self._depicted(self.source.batch(images, masks_per_image, side))
            if found is not None:
                return found
        least = round(self.config.least_side * side)
        raise ValueError(f"none of the masks covers at least {least} x {least} of {side} x {side} pixels")

    def _depicted(self, batch: Batch) -> Batch | None:
        large = [number for number, mask in enumerate(batch.masks) if large_enough(mask, self.config)]
        if not large:
            return None
        shown, index = np.unique(batch.image_index[large], return_inverse=True)
        pictures, masks = batch.pictures[shown], batch.masks[large]
        crops = [
            crop(pictures[image], mask, self.clip.side, self.config, self.rng)
            for image, mask in zip(index, masks, strict=True)
        ]
        return Batch(pictures, masks, index.astype(np.int64), text=self.clip.embed(crops))

    def state_dict(self) -> dict[str, Any]:
        return self.source.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.source.load_state_dict(state)
