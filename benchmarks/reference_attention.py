"""Our plain re-creation of the attention in Segment Anything's image encoder, as a peer for benchmarks."""

from __future__ import annotations

import torch
from torch import Tensor

from segmenter.modeling.image_encoder import Attention, relative_positions


class PlainAttention(Attention):
    """All scores of all heads, plus the relative positions in two broadcast sums, softmax, product (sam.md 1.3)."""

    def forward(self, x: Tensor) -> Tensor:
        batch, height, width, _ = x.shape
        cells = height * width
        qkv = self.qkv(x).reshape(batch, cells, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.reshape(3, batch * self.num_heads, cells, -1).unbind(0)
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
        placed = q.reshape(batch * self.num_heads, height, width, -1)
        by_row = torch.einsum("bhwc,hkc->bhwk", placed, relative_positions(height, self.rel_pos_h))
        by_column = torch.einsum("bhwc,wkc->bhwk", placed, relative_positions(width, self.rel_pos_w))
        scores = scores.view(-1, height, width, height, width) + by_row[..., None] + by_column[..., None, :]
        mixed = scores.view(-1, cells, cells).softmax(dim=-1) @ v
        mixed = mixed.view(batch, self.num_heads, height, width, -1).permute(0, 2, 3, 1, 4)
        return self.proj(mixed.reshape(batch, height, width, -1))
