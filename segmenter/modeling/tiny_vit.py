"""TinyViT, the image encoder of MobileSAM: convolutions first, then attention in windows (sam.md section 1.9).

State-dict names and shapes are those of the official file, the unused classifier (``norm_head``, ``head``) included.
Nothing in it depends on the frame, so one set of weights serves every resolution.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segmenter.config import SamConfig
from segmenter.modeling.common import DropPath, LayerNorm2d
from segmenter.modeling.image_encoder import from_windows, to_windows

CLASSES = 1000  # of the classifier that the official file carries along
MLP_RATIO = 4


class FrozenBatchNorm(nn.BatchNorm2d):
    """Batch norm that uses its stored statistics in training mode too: pictures come one by one here."""

    def train(self, mode: bool = True) -> FrozenBatchNorm:
        """Stays in evaluation mode, whatever ``mode`` says."""
        super().train(False)
        return self


class ConvNorm(nn.Sequential):
    """Convolution without bias, then batch norm; state-dict keys ``c``, ``bn``."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.add_module("c", nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False))
        self.add_module("bn", FrozenBatchNorm(outputs))


class PatchEmbed(nn.Module):
    """Pixels Bx3xSxS -> BxCx(S/4)x(S/4)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.seq = nn.Sequential(ConvNorm(3, width // 2, 3, 2), nn.GELU(), ConvNorm(width // 2, width, 3, 2))

    def forward(self, pixels: Tensor) -> Tensor:
        out: Tensor = self.seq(pixels)
        return out


class InvertedResidual(nn.Module):
    """1x1 to four times the width, 3x3 per channel, 1x1 back; the sum with the input passes the last GELU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = width * MLP_RATIO
        self.conv1 = ConvNorm(width, inner, 1)
        self.conv2 = ConvNorm(inner, inner, 3, groups=inner)
        self.conv3 = ConvNorm(inner, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(x + self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x))))))


class PatchMerging(nn.Module):
    """To the next stage's width, at half the resolution or the same."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(inputs, outputs, 1)
        self.conv2 = ConvNorm(outputs, outputs, 3, stride, groups=outputs)
        self.conv3 = ConvNorm(outputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))
        return out


def distances(window: int) -> Tensor:
    """Row of the bias table for every pair of cells of a window: |rows apart| * window + |columns apart|."""
    y, x = torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
    rows, columns = y.flatten(), x.flatten()
    return (rows[:, None] - rows).abs() * window + (columns[:, None] - columns).abs()


class Attention(nn.Module):
    """Attention inside windows with its own layer norm and a learned bias per head and distance.

    The rows of ``qkv`` are grouped by head (q, k, v of head 0, then of head 1 ...), unlike in the plain ViT.
    """

    def __init__(self, width: int, num_heads: int, window: int) -> None:
        super().__init__()
        if width % num_heads:
            raise ValueError(f"width {width} is not a multiple of {num_heads} heads")
        self.num_heads, self.window = num_heads, window
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.attention_biases = nn.Parameter(torch.zeros(num_heads, window * window))

    def forward(self, x: Tensor) -> Tensor:
        """Windows BxWxWxC -> BxWxWxC."""
        qkv = self.qkv(self.norm(x)).reshape(x.shape[0], self.window**2, self.num_heads, 3, -1)
        q, k, v = qkv.permute(3, 0, 2, 1, 4).unbind(0)  # each B x heads x cells x channels
        bias = self.attention_biases[:, distances(self.window).to(x.device)]
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias[None])
        # Not transpose and flatten: the memory layout of `mixed` is not the same in eager mode and in an export.
        out: Tensor = self.proj(torch.cat(mixed.unbind(1), dim=-1))
        return out.reshape(x.shape)


class Perceptron(nn.Module):
    """Layer norm and a two-layer perceptron; state-dict keys ``norm``, ``fc1``, ``fc2``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, width * MLP_RATIO)
        self.fc2 = nn.Linear(width * MLP_RATIO, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(F.gelu(self.fc1(self.norm(x))))
        return out


class Block(nn.Module):
    """Attention in windows, a 3x3 convolution per channel that is no residual, a perceptron. BxCxHxW -> BxCxHxW.

    Windows are padded with zeros before the norm and the padding is not masked (the official weights need it).
    """

    def __init__(self, width: int, num_heads: int, window: int) -> None:
        super().__init__()
        self.attn = Attention(width, num_heads, window)
        self.mlp = Perceptron(width)
        self.local_conv = ConvNorm(width, width, 3, groups=width)
        self.window = window
        self.drop_path = DropPath()

    def forward(self, x: Tensor) -> Tensor:
        cells = x.permute(0, 2, 3, 1)
        attended = self.attn(to_windows(cells, self.window))
        cells = cells + self.drop_path(from_windows(attended, cells.shape[1], cells.shape[2]))
        cells = self.local_conv(cells.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        out: Tensor = (cells + self.drop_path(self.mlp(cells))).permute(0, 3, 1, 2)
        return out


class Stage(nn.Module):
    """Blocks at one resolution, then the way to the next stage where there is one."""

    def __init__(self, blocks: list[nn.Module], downsample: nn.Module | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x if self.downsample is None else self.downsample(x)


class TinyViT(nn.Module):
    """Normalised, padded pixels Bx3xSxS -> BxCx(S/16)x(S/16), C = ``prompt_dim``."""

    def __init__(self, config: SamConfig) -> None:
        super().__init__()
        sizes = config.tiny_vit
        widths = sizes.widths
        self.patch_embed = PatchEmbed(widths[0])
        merging: list[nn.Module | None] = [
            PatchMerging(inputs, outputs, stride)
            for (inputs, outputs), stride in zip(pairwise(widths), (2, 2, 1), strict=True)
        ]
        first: list[nn.Module] = [InvertedResidual(widths[0]) for _ in range(sizes.depths[0])]
        later: list[list[nn.Module]] = [
            [Block(width, heads, window) for _ in range(depth)]
            for width, depth, heads, window in zip(
                widths[1:], sizes.depths[1:], sizes.heads, sizes.windows, strict=True
            )
        ]
        stages = zip([first, *later], [*merging, None], strict=True)
        self.layers = nn.ModuleList(Stage(blocks, downsample) for blocks, downsample in stages)
        self.norm_head = nn.LayerNorm(widths[-1])
        self.head = nn.Linear(widths[-1], CLASSES)
        self.neck = nn.Sequential(
            nn.Conv2d(widths[-1], config.prompt_dim, 1, bias=False),
            LayerNorm2d(config.prompt_dim),
            nn.Conv2d(config.prompt_dim, config.prompt_dim, 3, padding=1, bias=False),
            LayerNorm2d(config.prompt_dim),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.patch_embed(pixels)
        for stage in self.layers:
            x = stage(x)
        out: Tensor = self.neck(x)
        return out
