"""Embedded image and prompt to four mask logit maps and their predicted IoU (sam.md section 1.6)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from segmenter.config import SamConfig
from segmenter.modeling.common import MLP, LayerNorm2d
from segmenter.modeling.transformer import TwoWayTransformer

TOKENS = 4  # one single-mask token and three for the ambiguity set (sam.md section 1.7)


class MaskDecoder(nn.Module):
    """Two-way transformer, learned upscaling by 4, and one small network per mask token that weighs the channels."""

    def __init__(self, config: SamConfig) -> None:
        super().__init__()
        dim = config.prompt_dim
        self.transformer = TwoWayTransformer(config.decoder_depth, dim, config.decoder_heads, config.decoder_mlp_dim)
        self.iou_token = nn.Embedding(1, dim)
        self.mask_tokens = nn.Embedding(TOKENS, dim)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(dim, dim // 4, 2, stride=2),
            LayerNorm2d(dim // 4),
            nn.GELU(),
            nn.ConvTranspose2d(dim // 4, dim // 8, 2, stride=2),
            nn.GELU(),
        )
        self.output_hypernetworks_mlps = nn.ModuleList(MLP(dim, dim, dim // 8, 3) for _ in range(TOKENS))
        self.iou_prediction_head = MLP(dim, config.iou_head_hidden, TOKENS, config.iou_head_depth)

    def forward(self, image: Tensor, positions: Tensor, sparse: Tensor, dense: Tensor) -> tuple[Tensor, Tensor]:
        """Image 1xCxHxW or BxCxHxW, its positions 1xCxHxW, prompt tokens BxNxC, dense prompt BxCxHxW.

        Returns logits Bx4x4Hx4W and predicted IoU Bx4 (no sigmoid: values above 1 occur).
        """
        output = torch.cat([self.iou_token.weight, self.mask_tokens.weight])[None].expand(sparse.shape[0], -1, -1)
        prompted = image + dense
        tokens, cells = self.transformer(
            prompted.flatten(2).transpose(1, 2), positions.flatten(2).transpose(1, 2), torch.cat([output, sparse], 1)
        )
        upscaled = self.output_upscaling(cells.transpose(1, 2).reshape(prompted.shape))
        weights = [mlp(tokens[:, 1 + index]) for index, mlp in enumerate(self.output_hypernetworks_mlps)]
        logits = (torch.stack(weights, 1) @ upscaled.flatten(2)).reshape(-1, TOKENS, *upscaled.shape[-2:])
        return logits, self.iou_prediction_head(tokens[:, 0])
