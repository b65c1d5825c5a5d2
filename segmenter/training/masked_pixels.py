"""Masked autoencoding of a plain vision transformer, the start of the paper's encoders (appendix A).

After "Masked Autoencoders Are Scalable Vision Learners" (arXiv 2111.06377): a random quarter of the patches goes
through the encoder, a small decoder that also sees where the others were predicts their pixels, and only those count.
As in ViTDet (arXiv 2203.16527), windows and relative positions come later: here the few patches attend to each other.
"""

from __future__ import annotations

import math
import re

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segmenter.config import PretrainConfig
from segmenter.modeling.common import MLPBlock
from segmenter.modeling.image_encoder import EPS, Block, ImageEncoder

# Parts of the encoder that nothing is learned for here: what its decoder reads, and positions.
LEFT_OUT = re.compile(r"^neck\.|\.rel_pos_|^pos_embed$")


def to_patches(pixels: Tensor, patch: int) -> Tensor:
    """Bx3xSxS -> BxNx(3 patch patch), patches in rows from the top left."""
    return F.unfold(pixels, patch, stride=patch).transpose(1, 2)


def normalised(patches: Tensor) -> Tensor:
    """Every patch BxNxP with mean 0 and variance 1: what has to be predicted (section 4.1: better than raw pixels)."""
    variance, mean = torch.var_mean(patches, -1, keepdim=True)
    return (patches - mean) / (variance + EPS).sqrt()


def masked_loss(predicted: Tensor, patches: Tensor, hidden: Tensor) -> Tensor:
    """Mean squared error of the hidden patches' normalised pixels: BxNxP, BxNxP and a boolean BxN -> scalar."""
    errors = (predicted - normalised(patches)).square().mean(-1)
    return errors[hidden].mean()


def draw_kept(batch: int, cells: int, hidden_share: float, generator: torch.Generator) -> Tensor:
    """The cells that the encoder sees, BxK int64 in ascending order, as many for every picture, at least one."""
    kept = max(1, round(cells * (1 - hidden_share)))
    noise = torch.rand(batch, cells, generator=generator)
    return noise.argsort(1)[:, :kept].sort(1).values


def hidden_cells(kept: Tensor, cells: int) -> Tensor:
    """The others, as a boolean BxN."""
    everything = torch.ones(len(kept), cells, dtype=torch.bool, device=kept.device)
    return everything.scatter(1, kept, False)


def sine_positions(grid: int, dim: int) -> Tensor:
    """Fixed positions of a grid x grid map, 1 x grid x grid x dim: sines and cosines of x, then of y.

    ValueError unless ``dim`` is a multiple of four.
    """
    if dim % 4:
        raise ValueError(f"positions made of sines need a width that is a multiple of 4, not {dim}")
    frequencies = torch.exp(-math.log(10000) * torch.arange(dim // 4) / (dim // 4))
    angles = torch.arange(grid)[:, None] * frequencies
    axis = torch.cat([angles.sin(), angles.cos()], -1)
    columns, rows = axis[None, :, :].expand(grid, -1, -1), axis[:, None, :].expand(-1, grid, -1)
    return torch.cat([columns, rows], -1)[None]


def attend(block: Block, tokens: Tensor) -> Tensor:
    """A block of the encoder over BxNxC tokens that form no grid any more: all attend to all, by content alone."""
    attention = block.attn
    qkv = attention.qkv(block.norm1(tokens)).unflatten(-1, (3, attention.num_heads, -1))
    mixed = F.scaled_dot_product_attention(*qkv.permute(2, 0, 3, 1, 4).unbind(0))
    tokens = tokens + attention.proj(mixed.transpose(1, 2).flatten(2))
    out: Tensor = tokens + block.mlp(block.norm2(tokens))
    return out


class DecoderBlock(nn.Module):
    """Pre-norm transformer block over BxNxC tokens."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=EPS)
        self.attn = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.norm2 = nn.LayerNorm(dim, eps=EPS)
        self.mlp = MLPBlock(dim, 4 * dim)

    def forward(self, tokens: Tensor) -> Tensor:
        normal = self.norm1(tokens)
        tokens = tokens + self.attn(normal, normal, normal, need_weights=False)[0]
        out: Tensor = tokens + self.mlp(self.norm2(tokens))
        return out


class MaskedAutoencoder(nn.Module):
    """The encoder of a Segment Anything model with the small decoder that it is trained with, and that is thrown away.

    ``image_encoder`` is shared, not copied: what it learns here is there. Its neck and relative positions have no part
    in this, and its absolute positions stay as they are (fixed sines, unless it brought its own).
    """

    def __init__(self, encoder: ImageEncoder, config: PretrainConfig) -> None:
        super().__init__()
        dim = encoder.pos_embed.shape[-1]
        width, patch = min(dim, config.decoder_width), encoder.patch_embed.proj.kernel_size[0]
        heads, rest = divmod(width, config.decoder_head_width)
        if rest:
            raise ValueError(f"a decoder of width {width} cannot have heads of width {config.decoder_head_width}")
        self.patch, self.hidden_share = patch, config.hidden_share
        self.image_encoder = encoder
        for name, value in encoder.named_parameters():
            value.requires_grad_(not LEFT_OUT.search(name))
        self.norm = nn.LayerNorm(dim, eps=EPS)
        self.narrow = nn.Linear(dim, width)
        self.hidden_token = nn.Parameter(torch.empty(1, 1, width).normal_(std=0.02))
        self.positions = nn.Buffer(sine_positions(encoder.pos_embed.shape[1], width).flatten(1, 2), persistent=False)
        self.blocks = nn.ModuleList(DecoderBlock(width, heads) for _ in range(config.decoder_depth))
        self.decoder_norm = nn.LayerNorm(width, eps=EPS)
        self.to_pixels = nn.Linear(width, 3 * patch * patch)

    def encode(self, pixels: Tensor, kept: Tensor) -> Tensor:
        """Pixels Bx3xSxS, kept cells BxK -> their tokens BxKxC."""
        tokens = (self.image_encoder.patch_embed(pixels) + self.image_encoder.pos_embed).flatten(1, 2)
        tokens = tokens.gather(1, kept[..., None].expand(-1, -1, tokens.shape[-1]))
        for block in self.image_encoder.blocks:
            assert isinstance(block, Block)
            tokens = attend(block, tokens)
        out: Tensor = self.norm(tokens)
        return out

    def predict(self, tokens: Tensor, kept: Tensor) -> Tensor:
        """The kept cells' tokens BxKxC -> normalised pixels of every patch BxNxP."""
        seen = self.narrow(tokens)
        everywhere = self.hidden_token.to(seen.dtype).expand(len(seen), self.positions.shape[1], -1)
        cells = everywhere.scatter(1, kept[..., None].expand_as(seen), seen) + self.positions
        for block in self.blocks:
            cells = block(cells)
        out: Tensor = self.to_pixels(self.decoder_norm(cells))
        return out

    def forward(self, pixels: Tensor, kept: Tensor) -> Tensor:
        """The loss (scalar) of pixels Bx3xSxS of which the cells ``kept`` BxK are seen."""
        predicted = self.predict(self.encode(pixels, kept), kept)
        hidden = hidden_cells(kept, predicted.shape[1])
        return masked_loss(predicted, to_patches(pixels, self.patch), hidden)


def start_encoder(encoder: ImageEncoder) -> None:
    """The weights that a fresh encoder begins with: positions of sines, matrices after Xavier, biases zero."""
    with torch.no_grad():
        encoder.pos_embed.copy_(sine_positions(encoder.pos_embed.shape[1], encoder.pos_embed.shape[-1]))
        for module in encoder.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        projection = encoder.patch_embed.proj
        nn.init.xavier_uniform_(projection.weight.flatten(1))
