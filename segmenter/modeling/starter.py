"""The starter model: small enough to learn from a thousand images and to run on a laptop."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from segmenter.config import ModelConfig
from segmenter.modeling.starter_decoder import StarterDecoder
from segmenter.modeling.starter_encoder import StarterEncoder

COARSEST = 16  # stride of the coarsest level; the frame is a multiple of it


@dataclass(frozen=True)
class Judged:
    """Prompts with their predicted IoU Bx4 and logits Bx4xLxL."""

    predicted_iou: Tensor
    logits: Tensor


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
    ) -> tuple[Tensor, Tensor]:
        """Prompts on embedded images -> (mask logits Bx4xLxL, predicted IoU Bx4); token 0 is the single mask.

        ``point_coords`` BxNx2 in frame pixels, ``point_labels`` BxN in -1..3, ``mask_input`` Bx1xLxL logits,
        ``has_mask_input`` B of 0 or 1. The embedding holds one image, or B images.
        """
        judged = self.judge(self.prepare(embedding), point_coords, point_labels, mask_input, has_mask_input)
        return judged.logits, judged.predicted_iou

    def prepare(self, embedding: dict[str, Tensor], fold: bool = True) -> dict[str, Tensor]:
        """As :meth:`segmenter.modeling.segmenter.Sam.prepare`; here all is always folded."""
        return self.mask_decoder.prepare(embedding)

    def judge(
        self,
        prepared: dict[str, Tensor],
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor | None = None,
        has_mask_input: Tensor | None = None,
        image_index: Tensor | None = None,
    ) -> Judged:
        """As :meth:`segmenter.modeling.segmenter.Sam.judge`; the predicted IoU needs the masks, so they are drawn."""
        batch, frame = len(point_coords), prepared["level_16"].shape[-1] * COARSEST
        if has_mask_input is None:
            has_mask_input = point_coords.new_full((batch,), float(mask_input is not None))
        if mask_input is None:
            mask_input = point_coords.new_zeros(batch, 1, frame // 2, frame // 2)
        unit = (point_coords + 0.5) / frame
        logits, predicted_iou = self.mask_decoder(prepared, unit, point_labels, mask_input, has_mask_input, image_index)
        return Judged(predicted_iou, logits)

    def draw(self, judged: Judged, rows: Tensor) -> Tensor:
        """Logits Kx4xLxL of the prompts named by ``rows`` (int64 K)."""
        return judged.logits[rows]


def empty_mask_input(batch: int, side: int) -> tuple[Tensor, Tensor]:
    """``mask_input`` and ``has_mask_input`` of prompts without a previous mask."""
    return torch.zeros(batch, 1, side, side), torch.zeros(batch)
