"""Blocks that several modules of the model share."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LayerNorm2d(nn.Module):
    """Layer norm over the channels of a BxCxHxW map (sam.md section 1.3)."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).pow(2).mean(1, keepdim=True)
        normal = (x - mean) / torch.sqrt(variance + self.eps)
        return self.weight[:, None, None] * normal + self.bias[:, None, None]


class Dropout(nn.Module):
    """Leaves out a ``share`` of the numbers in training mode; 0 until a recipe says otherwise."""

    share = 0.0

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.share) if self.training and self.share else x


class DropPath(nn.Module):
    """Leaves out a residual branch for a ``share`` of the pictures in training mode, and makes up for it in the others.

    BxHxWxC or any other shape whose first axis counts pictures. 0 until a recipe says otherwise.
    """

    share = 0.0

    def forward(self, branch: Tensor) -> Tensor:
        if not (self.training and self.share):
            return branch
        kept = torch.rand(len(branch), *[1] * (branch.ndim - 1), device=branch.device) >= self.share
        return branch * kept / (1 - self.share)


class MLP(nn.Module):
    """Linear layers with ReLU between them; state-dict keys ``layers.{i}``."""

    def __init__(self, input_dim: int, hidden_dim: int, output_dim: int, num_layers: int) -> None:
        super().__init__()
        dims = [input_dim, *[hidden_dim] * (num_layers - 1), output_dim]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(dims))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        out: Tensor = self.layers[-1](x)
        return out


class MLPBlock(nn.Module):
    """The two-layer perceptron of a transformer block; state-dict keys ``lin1``, ``lin2``."""

    def __init__(self, embedding_dim: int, mlp_dim: int, activation: type[nn.Module] = nn.GELU) -> None:
        super().__init__()
        self.lin1 = nn.Linear(embedding_dim, mlp_dim)
        self.lin2 = nn.Linear(mlp_dim, embedding_dim)
        self.act = activation()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.lin2(self.act(self.lin1(x)))
        return out


class RandomFourierPositions(nn.Module):
    """Positions as random Fourier features (sam.md section 1.2). The matrix is part of the checkpoint."""

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, features))

    def forward(self, unit_coords: Tensor) -> Tensor:
        """``unit_coords`` ...x2 as (x, y) in 0..1 -> ...x(2 features)."""
        kind = unit_coords.device.type
        if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):  # shapes alone have no such mode
            # Eight bits of mantissa would round a coordinate by several pixels of a frame.
            with torch.autocast(kind, enabled=False):
                return self.forward(unit_coords.float())
        turned = (2 * unit_coords - 1) @ self.positional_encoding_gaussian_matrix * (2 * math.pi)
        return torch.cat([torch.sin(turned), torch.cos(turned)], dim=-1)

    def grid(self, height: int, width: int) -> Tensor:
        """Features of every cell centre of a height x width grid, as 1xCxHxW."""
        matrix = self.positional_encoding_gaussian_matrix
        y = (torch.arange(height, device=matrix.device, dtype=matrix.dtype) + 0.5) / height
        x = (torch.arange(width, device=matrix.device, dtype=matrix.dtype) + 0.5) / width
        cells = torch.stack([x[None, :].expand(height, width), y[:, None].expand(height, width)], dim=-1)
        return self.forward(cells).permute(2, 0, 1)[None]
