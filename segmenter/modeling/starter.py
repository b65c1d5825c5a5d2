"""The starter model: small enough to learn from a thousand images and to run on a laptop."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segmenter.config import ModelConfig
from segmenter.modeling.starter_decoder import StarterDecoder
from segmenter.modeling.starter_encoder import StarterEncoder

COARSEST = 16  # stride of the coarsest level; the frame is a multiple of it


class Starter(nn.Module):
    """Same interface as :class:`segmenter.modeling.segmenter.Sam`: ``embed`` once, ``decode`` many times."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        if config.frame % (2 * COARSEST) or config.logits * 2 != config.frame:
            raise ValueError(
                f"the starter needs a frame that is a multiple of 32 and logits of half of it, not {config}"
            )
        self.config = config
        self.image_encoder = StarterEncoder(config.starter)
        self.mask_decoder = StarterDecoder(config.starter)

    def embed(self, pixels: Tensor) -> dict[str, Tensor]:
        """Normalised, padded pixels Bx3xSxS -> named levels ``level_16``, ``level_8``, ``level_4``, ``level_2``."""
        levels: dict[str, Tensor] = self.image_encoder(pixels)
        return levels

    def decode(
        self,
        embedding: dict[str, Tensor],
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor,
        has_mask_input: Tensor,
        image_index: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Prompts on embedded images -> (mask logits Bx4xLxL, predicted IoU Bx4); token 0 is the single mask.

        ``point_coords`` BxNx2 in frame pixels, ``point_labels`` BxN in -1..3, ``mask_input`` Bx1xLxL logits,
        ``has_mask_input`` B of 0 or 1. The embedding holds one image, B images, or those ``image_index`` (B) picks.
        """
        frame = embedding["level_16"].shape[-1] * COARSEST
        unit = (point_coords + 0.5) / frame
        out: tuple[Tensor, Tensor] = self.mask_decoder(
            embedding, unit, point_labels, mask_input, has_mask_input, image_index
        )
        return out


def empty_mask_input(batch: int, side: int) -> tuple[Tensor, Tensor]:
    """``mask_input`` and ``has_mask_input`` of prompts without a previous mask."""
    return torch.zeros(batch, 1, side, side), torch.zeros(batch)
