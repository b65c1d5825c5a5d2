"""Points, boxes, a text and a previous mask to what the mask decoder reads (sam.md sections 1.2, 1.4 and 2.4)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from segmenter.modeling.common import LayerNorm2d, RandomFourierPositions

POINT_TYPES = 4  # negative, positive, box top-left, box bottom-right
PADDING = -1


class MaskPrompts(NamedTuple):
    """What masks add to an image's cells as prompts without a mask see them: ``maps @ weight.T + constant``.

    ``maps`` BxNxM of few channels, ``constant`` BxC, both zero for prompts without a mask; ``weight`` CxM.
    """

    maps: Tensor
    constant: Tensor
    weight: Tensor

    def added_to(self, cells: Tensor) -> Tensor:
        """Cells BxNxC, or 1xNxC, with what the masks add."""
        return torch.baddbmm(cells + self.constant[:, None], self.maps, self.weight.T.expand(len(self.maps), -1, -1))


class PromptEncoder(nn.Module):
    """Every point may carry any label from -1 (padding) to 3; a box is its two corners (labels 2 and 3).

    With ``text_dim`` there is also a learned projection of text embeddings of that width; official models have none.
    """

    def __init__(self, dim: int, mask_channels: int, text_dim: int = 0) -> None:
        super().__init__()
        self.text_projection = nn.Linear(text_dim, dim) if text_dim else None
        self.pe_layer = RandomFourierPositions(dim // 2)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, dim) for _ in range(POINT_TYPES))
        self.not_a_point_embed = nn.Embedding(1, dim)
        self.no_mask_embed = nn.Embedding(1, dim)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, mask_channels // 4, 2, stride=2),
            LayerNorm2d(mask_channels // 4),
            nn.GELU(),
            nn.Conv2d(mask_channels // 4, mask_channels, 2, stride=2),
            LayerNorm2d(mask_channels),
            nn.GELU(),
            nn.Conv2d(mask_channels, dim, 1),
        )

    def sparse(self, unit_coords: Tensor, labels: Tensor) -> Tensor:
        """Points BxNx2 as (x, y) in 0..1 of the frame and labels BxN -> tokens BxNxC.

        A padding point is its type vector alone, wherever it lies.
        """
        types = torch.cat([kind.weight for kind in (self.not_a_point_embed, *self.point_embeddings)])
        placed = self.pe_layer(unit_coords) * (labels != PADDING)[:, :, None]
        out: Tensor = placed + types[labels.long() - PADDING]
        return out

    def text(self, embedding: Tensor) -> Tensor:
        """Text embeddings BxD of length 1 -> one token each, Bx1xC; ValueError where the model has no projection."""
        if self.text_projection is None:
            raise ValueError("this model takes no text prompts: its weights have no text projection")
        out: Tensor = self.text_projection(embedding)
        return out[:, None]

    def dense(self, mask_input: Tensor, has_mask_input: Tensor) -> Tensor:
        """Mask logits Bx1xLxL, and per prompt 1 or 0 whether they count -> BxCx(L/4)x(L/4)."""
        described = self.mask_downscaling(mask_input)
        absent = self.no_mask_embed.weight[:, :, None, None].expand_as(described)
        return torch.where(has_mask_input[:, None, None, None] > 0, described, absent)

    def mask_prompts(self, mask_input: Tensor, has_mask_input: Tensor) -> MaskPrompts:
        """:meth:`dense` less the vector for "no mask", before its last, widening layer is multiplied out."""
        widen = self.mask_downscaling[-1]
        assert isinstance(widen, nn.Conv2d) and widen.bias is not None
        given = has_mask_input[:, None] > 0
        maps = self.mask_downscaling[:-1](mask_input).flatten(2).transpose(1, 2)
        maps = torch.where(given[:, None], maps, torch.zeros_like(maps))
        constant = (widen.bias - self.no_mask_embed.weight) * given
        return MaskPrompts(maps, constant, widen.weight[:, :, 0, 0])
