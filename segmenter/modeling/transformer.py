"""Two-way transformer of the mask decoder (sam.md section 1.6): tokens attend to the image, the image to tokens."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from segmenter.modeling.common import Dropout, MLPBlock


class Attention(nn.Module):
    """Multi-head attention whose inner width may be smaller than its embedding by ``downsample_rate``."""

    def __init__(self, embedding_dim: int, num_heads: int, downsample_rate: int = 1) -> None:
        super().__init__()
        inner = embedding_dim // downsample_rate
        if inner % num_heads:
            raise ValueError(f"inner width {inner} is not a multiple of {num_heads} heads")
        self.num_heads = num_heads
        self.q_proj = nn.Linear(embedding_dim, inner)
        self.k_proj = nn.Linear(embedding_dim, inner)
        self.v_proj = nn.Linear(embedding_dim, inner)
        self.out_proj = nn.Linear(inner, embedding_dim)

    def _heads(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.num_heads, -1).transpose(1, 2)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """BxNqxC, BxNkxC, BxNkxC -> BxNqxC."""
        q, k, v = self._heads(self.q_proj(q)), self._heads(self.k_proj(k)), self._heads(self.v_proj(v))
        mixed = F.scaled_dot_product_attention(q, k, v)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return out


class TwoWayAttentionBlock(nn.Module):
    """Self-attention of tokens, tokens to image, perceptron, image to tokens."""

    def __init__(
        self, embedding_dim: int, num_heads: int, mlp_dim: int, downsample_rate: int, skip_first_positions: bool
    ) -> None:
        super().__init__()
        self.self_attn = Attention(embedding_dim, num_heads)
        self.norm1 = nn.LayerNorm(embedding_dim)
        self.cross_attn_token_to_image = Attention(embedding_dim, num_heads, downsample_rate)
        self.norm2 = nn.LayerNorm(embedding_dim)
        self.mlp = MLPBlock(embedding_dim, mlp_dim, nn.ReLU)
        self.norm3 = nn.LayerNorm(embedding_dim)
        self.norm4 = nn.LayerNorm(embedding_dim)
        self.cross_attn_image_to_token = Attention(embedding_dim, num_heads, downsample_rate)
        self.skip_first_positions = skip_first_positions
        self.drop = Dropout()  # after each attention and the perceptron

    def forward(
        self, tokens: Tensor, image: Tensor, token_positions: Tensor, image_positions: Tensor
    ) -> tuple[Tensor, Tensor]:
        if self.skip_first_positions:
            # The first layer adds no positions and replaces the tokens: no residual (official checkpoints need it).
            tokens = self.drop(self.self_attn(tokens, tokens, tokens))
        else:
            placed = tokens + token_positions
            tokens = tokens + self.drop(self.self_attn(placed, placed, tokens))
        tokens = self.norm1(tokens)
        placed_image = image + image_positions
        asked = self.cross_attn_token_to_image(tokens + token_positions, placed_image, image)
        tokens = self.norm2(tokens + self.drop(asked))
        tokens = self.norm3(tokens + self.drop(self.mlp(tokens)))
        told = self.cross_attn_image_to_token(placed_image, tokens + token_positions, tokens)
        image = self.norm4(image + self.drop(told))
        return tokens, image


class TwoWayTransformer(nn.Module):
    """``depth`` two-way blocks and a last attention from tokens to image."""

    def __init__(self, depth: int, embedding_dim: int, num_heads: int, mlp_dim: int, downsample_rate: int = 2) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            TwoWayAttentionBlock(embedding_dim, num_heads, mlp_dim, downsample_rate, index == 0)
            for index in range(depth)
        )
        self.final_attn_token_to_image = Attention(embedding_dim, num_heads, downsample_rate)
        self.norm_final_attn = nn.LayerNorm(embedding_dim)
        self.drop = Dropout()

    def forward(self, image: Tensor, image_positions: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Image BxNxC with its positions and tokens BxTxC -> (tokens BxTxC, image BxNxC)."""
        token_positions = tokens
        for layer in self.layers:
            tokens, image = layer(tokens, image, token_positions, image_positions)
        attended = self.final_attn_token_to_image(tokens + token_positions, image + image_positions, image)
        return self.norm_final_attn(tokens + self.drop(attended)), image
