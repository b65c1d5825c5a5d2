"""Plain vision transformer with windowed and global attention, as in Segment Anything (sam.md section 1.3).

Maps are channel-last (BxHxWxC) inside the blocks, as the official weights expect.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segmenter.config import ModelConfig
from segmenter.modeling.common import DropPath, LayerNorm2d, MLPBlock

TOGETHER = 1024  # cells of a map up to which all heads attend at once
EPS = 1e-6  # of every layer norm in the encoder; the decoder's transformer has torch's default of 1e-5


class PatchEmbed(nn.Module):
    """Non-overlapping patches to vectors: Bx3xSxS -> BxHxWxC."""

    def __init__(self, patch_size: int, embed_dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, embed_dim, patch_size, stride=patch_size)

    def forward(self, pixels: Tensor) -> Tensor:
        out: Tensor = self.proj(pixels).permute(0, 2, 3, 1)
        return out


def relative_positions(size: int, table: Tensor) -> Tensor:
    """Rows of a (2 size - 1) x C table for every pair of positions on one axis: (query, key, C)."""
    places = torch.arange(size, device=table.device)
    return table[places[:, None] - places[None, :] + size - 1]


class Attention(nn.Module):
    """Multi-head attention over all cells of a size x size map, biased by decomposed relative positions.

    The bias of a pair is q . R_h[row distance] + q . R_w[column distance] with the query before scaling.
    """

    def __init__(self, dim: int, num_heads: int, size: int) -> None:
        super().__init__()
        if dim % num_heads:
            raise ValueError(f"width {dim} is not a multiple of {num_heads} heads")
        self.num_heads = num_heads
        self.size = size
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * size - 1, dim // num_heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * size - 1, dim // num_heads))

    def forward(self, x: Tensor) -> Tensor:
        """BxSxSxC -> BxSxSxC."""
        batch, size, cells = x.shape[0], self.size, self.size * self.size
        qkv: Tensor = self.qkv(x).reshape(batch, cells, 3, self.num_heads, -1)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each B x heads x cells x channels
        placed = q.reshape(batch, self.num_heads, size, size, -1)
        by_row = torch.einsum("bnhwc,hkc->bnhwk", placed, relative_positions(size, self.rel_pos_h))
        by_column = torch.einsum("bnhwc,wkc->bnhwk", placed, relative_positions(size, self.rel_pos_w))
        attend = attend_biased if x.dtype == torch.float32 else attend_widened
        # Over a large map one head at a time: the bias of all heads would take most of the model's memory.
        together = self.num_heads if cells <= TOGETHER else 1
        parts = [torch.split(part, together, 1) for part in (q, k, v, by_row, by_column)]
        # Not transpose and flatten: the memory layout of `mixed` is not the same in eager mode and in an export.
        mixed = [head for heads in zip(*parts, strict=True) for head in attend(*heads).unbind(1)]
        out: Tensor = self.proj(torch.cat(mixed, dim=-1))
        return out.reshape(x.shape)


def attend_biased(q: Tensor, k: Tensor, v: Tensor, by_row: Tensor, by_column: Tensor) -> Tensor:
    """Attention of Bxheads x cells x C, with what relative positions add to the scores: each Bxheads xHxWxK."""
    bias = (by_row[..., :, None] + by_column[..., None, :]).flatten(4).flatten(2, 3)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)


def attend_widened(q: Tensor, k: Tensor, v: Tensor, by_row: Tensor, by_column: Tensor) -> Tensor:
    """The same without a mask, which the fastest kernels of low precision do not take.

    The bias becomes channels: the query holds its values for each key row and column, the key says which are its own.
    """
    channels, (rows, columns) = q.shape[-1], (by_row.shape[-1], by_column.shape[-1])
    own_row = torch.eye(rows, dtype=k.dtype, device=k.device)[:, None].expand(-1, columns, -1).flatten(0, 1)
    own_column = torch.eye(columns, dtype=k.dtype, device=k.device).repeat(rows, 1)
    own = torch.cat([own_row, own_column], -1).expand(*k.shape[:2], -1, -1)
    query = torch.cat([q / math.sqrt(channels), by_row.flatten(2, 3), by_column.flatten(2, 3)], -1)
    # Values are padded because the fast kernels want one width for all three.
    wide = F.scaled_dot_product_attention(query, torch.cat([k, own], -1), F.pad(v, (0, rows + columns)), scale=1.0)
    return wide[..., :channels]


def to_windows(x: Tensor, window: int) -> Tensor:
    """BxHxWxC -> (B windows)x window x window xC, zero-padded right and below to whole windows."""
    batch, height, width, channels = x.shape
    x = F.pad(x, (0, 0, 0, -width % window, 0, -height % window))
    rows, columns = x.shape[1] // window, x.shape[2] // window
    x = x.reshape(batch, rows, window, columns, window, channels).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(batch * rows * columns, window, window, channels)


def from_windows(windows: Tensor, height: int, width: int) -> Tensor:
    """Inverse of :func:`to_windows`: back to BxHxWxC without the padding."""
    window, channels = windows.shape[1], windows.shape[3]
    rows, columns = -(-height // window), -(-width // window)
    x = windows.reshape(-1, rows, columns, window, window, channels).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(-1, rows * window, columns * window, channels)[:, :height, :width]


class Block(nn.Module):
    """Pre-norm transformer block; ``window`` 0 means attention over the whole grid.

    Windows are padded after the norm and the padding is not masked: its keys are the bias (official weights need it).
    """

    def __init__(self, dim: int, num_heads: int, mlp_ratio: float, window: int, grid: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=EPS)
        self.attn = Attention(dim, num_heads, window or grid)
        self.norm2 = nn.LayerNorm(dim, eps=EPS)
        self.mlp = MLPBlock(dim, int(dim * mlp_ratio))
        self.window = window
        self.drop_path = DropPath()

    def forward(self, x: Tensor) -> Tensor:
        normal = self.norm1(x)
        if self.window:
            attended = from_windows(self.attn(to_windows(normal, self.window)), x.shape[1], x.shape[2])
        else:
            attended = self.attn(normal)
        x = x + self.drop_path(attended)
        out: Tensor = x + self.drop_path(self.mlp(self.norm2(x)))
        return out


class ImageEncoder(nn.Module):
    """Normalised, padded pixels Bx3xSxS -> BxCx(S/patch)x(S/patch), C = ``prompt_dim``."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        sam = config.sam
        grid = config.frame // sam.patch_size
        self.patch_embed = PatchEmbed(sam.patch_size, sam.embed_dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, grid, grid, sam.embed_dim))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        self.blocks = nn.ModuleList(
            Block(
                sam.embed_dim,
                sam.num_heads,
                sam.mlp_ratio,
                0 if index in sam.global_attention_blocks else sam.window_size,
                grid,
            )
            for index in range(sam.depth)
        )
        self.neck = nn.Sequential(
            nn.Conv2d(sam.embed_dim, sam.prompt_dim, 1, bias=False),
            LayerNorm2d(sam.prompt_dim, EPS),
            nn.Conv2d(sam.prompt_dim, sam.prompt_dim, 3, padding=1, bias=False),
            LayerNorm2d(sam.prompt_dim, EPS),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.patch_embed(pixels) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.neck(x.permute(0, 3, 1, 2))
        return out
