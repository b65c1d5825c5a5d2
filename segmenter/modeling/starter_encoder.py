"""The starter's image encoder: a residual U-Net with attention at its coarsest level, which keeps four levels."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from segmenter.config import StarterConfig
from segmenter.modeling.common import RandomFourierPositions

# Channels of the embedding's levels at 1/16, 1/8, 1/4 and 1/2 of the frame; the coarsest is the config's ``dim``.
LEVEL_8, LEVEL_4, LEVEL_2 = 64, 32, 16


def conv_norm(inputs: int, outputs: int, stride: int = 1, activate: bool = True) -> nn.Sequential:
    """3x3 convolution and batch norm, with ReLU unless told otherwise."""
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, nn.ReLU()) if activate else nn.Sequential(*layers)


def double(x: Tensor) -> Tensor:
    """Bilinear upsampling by two."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class Residual(nn.Module):
    """Two 3x3 convolutions around a shortcut; the branch starts at zero."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv_norm(channels, channels)
        self.second = conv_norm(channels, channels, activate=False)
        norm = self.second[1]
        assert isinstance(norm, nn.BatchNorm2d)
        nn.init.zeros_(norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


class AttentionBlock(nn.Module):
    """Pre-norm global self-attention and perceptron over BxNxC tokens."""

    def __init__(self, dim: int, heads: int = 4, mlp_ratio: int = 3) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.norm2 = nn.LayerNorm(dim)
        self.lin1 = nn.Linear(dim, mlp_ratio * dim)
        self.lin2 = nn.Linear(mlp_ratio * dim, dim)
        self.heads = heads

    def forward(self, tokens: Tensor, positions: Tensor) -> Tensor:
        qkv = self.qkv(self.norm1(tokens) + positions).unflatten(-1, (3, self.heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        tokens = tokens + self.proj(mixed)
        out: Tensor = tokens + self.lin2(F.gelu(self.lin1(self.norm2(tokens))))
        return out


class StarterEncoder(nn.Module):
    """Normalised pixels Bx3xSxS (S a multiple of 16) -> levels ``level_16/8/4/2``, named by their stride."""

    def __init__(self, config: StarterConfig) -> None:
        super().__init__()
        w2, w4, w8, w16 = config.widths
        n4, n8, n16 = config.blocks
        self.down2 = conv_norm(3, w2, 2)
        self.down4 = nn.Sequential(conv_norm(w2, w4, 2), *(Residual(w4) for _ in range(n4)))
        self.down8 = nn.Sequential(conv_norm(w4, w8, 2), *(Residual(w8) for _ in range(n8)))
        self.down16 = nn.Sequential(conv_norm(w8, w16, 2), *(Residual(w16) for _ in range(n16)))
        self.positions = RandomFourierPositions(32)
        self.place = nn.Linear(64, w16)
        self.blocks = nn.ModuleList(AttentionBlock(w16) for _ in range(config.attention_blocks))
        self.lateral16 = nn.Conv2d(w16, config.dim, 1)
        self.lateral8, self.top8 = nn.Conv2d(w8, LEVEL_8, 1), nn.Conv2d(config.dim, LEVEL_8, 1)
        self.smooth8 = conv_norm(LEVEL_8, LEVEL_8)
        self.lateral4, self.top4 = nn.Conv2d(w4, LEVEL_4, 1), nn.Conv2d(LEVEL_8, LEVEL_4, 1)
        self.smooth4 = conv_norm(LEVEL_4, LEVEL_4)
        self.lateral2, self.top2 = nn.Conv2d(w2, LEVEL_2, 1), nn.Conv2d(LEVEL_4, LEVEL_2, 1)

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        at2 = self.down2(pixels)
        at4 = self.down4(at2)
        at8 = self.down8(at4)
        at16 = self.down16(at8)
        height, width = at16.shape[-2:]
        tokens = at16.flatten(2).transpose(1, 2)
        positions = self.place(self.positions.grid(height, width).flatten(2).transpose(1, 2))
        for block in self.blocks:
            tokens = block(tokens, positions)
        level16 = self.lateral16(tokens.transpose(1, 2).unflatten(-1, (height, width)))
        level8 = self.smooth8(self.lateral8(at8) + double(self.top8(level16)))
        level4 = self.smooth4(self.lateral4(at4) + double(self.top4(level8)))
        level2 = F.relu(self.lateral2(at2) + double(self.top2(level4)))
        return {"level_16": level16, "level_8": level8, "level_4": level4, "level_2": level2}
