"""The starter dressed as an official Segment Anything model, for programs that know only that shape.

CVAT, AnyLabeling and X-AnyLabeling fix a frame of 1024, logits of 256 and one embedding of 1x256x64x64, which they
carry from the encoder to the decoder unread. So the starter's levels travel inside such a tensor, one after another.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segmenter.build import Model
from segmenter.config import MODEL_CONFIGS
from segmenter.export import embedding_shapes
from segmenter.modeling.segmenter import EMBEDDING, Sam
from segmenter.modeling.starter import Starter

OFFICIAL_FRAME, OFFICIAL_LOGITS = 1024, 256
CHANNELS, CELLS = 256, 64


class Dressed(nn.Module):
    """A starter behind the official shapes; ``embed`` and ``decode`` as in :class:`segmenter.modeling.segmenter.Sam`.

    The picture is made smaller a second time inside, and the logits larger: masks differ slightly from the starter's.
    """

    def __init__(self, starter: Starter) -> None:
        super().__init__()
        config = starter.config
        self.shapes = embedding_shapes(starter)
        carried = sum(math.prod(shape) for shape in self.shapes.values())
        self.free = CHANNELS * CELLS * CELLS - carried
        if config.frame > OFFICIAL_FRAME or self.free < 0:
            raise ValueError(
                f"a starter with a frame of {config.frame} and {carried} values an image does not fit official shapes"
            )
        self.starter = starter
        self.config = replace(MODEL_CONFIGS["vit_b"], pixel_mean=config.pixel_mean, pixel_std=config.pixel_std)

    def embed(self, pixels: Tensor) -> dict[str, Tensor]:
        """Normalised, padded pixels 1x3x1024x1024 -> ``image_embeddings`` 1x256x64x64."""
        side = self.starter.config.frame
        smaller = F.interpolate(pixels, (side, side), mode="bilinear", antialias=True, align_corners=False)
        levels = self.starter.embed(smaller)
        carried = torch.cat([levels[name].flatten(1) for name in self.shapes], 1)
        return {EMBEDDING: F.pad(carried, (0, self.free)).reshape(1, CHANNELS, CELLS, CELLS)}

    def decode(
        self,
        embedding: dict[str, Tensor],
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor,
        has_mask_input: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """As :meth:`segmenter.modeling.segmenter.Sam.decode` for one image: logits Bx4x256x256, predicted IoU Bx4."""
        config = self.starter.config
        lengths = [*(math.prod(shape) for shape in self.shapes.values()), self.free]
        parts = torch.split(embedding[EMBEDDING].flatten(1), lengths, 1)
        levels = {
            name: part.reshape(1, *shape) for (name, shape), part in zip(self.shapes.items(), parts[:-1], strict=True)
        }
        # Half a pixel stays half a pixel of either frame (sam.md 1.2).
        coords = (point_coords + 0.5) * (config.frame / OFFICIAL_FRAME) - 0.5
        mask = F.interpolate(mask_input, (config.logits, config.logits), mode="bilinear", align_corners=False)
        logits, scores = self.starter.decode(levels, coords, point_labels, mask, has_mask_input)
        size = (OFFICIAL_LOGITS, OFFICIAL_LOGITS)
        return F.interpolate(logits, size, mode="bilinear", align_corners=False), scores


OfficialShape = Sam | Dressed


def official_shape(model: Model) -> OfficialShape:
    """The model itself where it is of the Segment Anything family, else the model dressed as one, for evaluation."""
    return Dressed(model).eval() if isinstance(model, Starter) else model
