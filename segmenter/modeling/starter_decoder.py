"""The starter's mask decoder: SAM's two-way transformer, plus dense maps that say where the prompts are.

What it adds to SAM's decoder lets it learn from little: Gaussians around the clicks, the inside of a box, the previous
mask, and the likeness of every pixel to the clicked ones enter as image-sized maps at 1/8 and 1/4 of the frame.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from segmenter.config import StarterConfig
from segmenter.modeling.common import MLP, RandomFourierPositions
from segmenter.modeling.starter_encoder import LEVEL_2, LEVEL_4, LEVEL_8, double
from segmenter.modeling.transformer import TwoWayTransformer

TOKENS = 4  # one single-mask token and three for the ambiguity set (paper, section 3)
PADDING, NEGATIVE, POSITIVE, TOP_LEFT, BOTTOM_RIGHT = -1, 0, 1, 2, 3
NARROW, WIDE = 0.02, 0.12  # radii of the click maps, as a share of the frame
BOX_EDGE = 0.01  # softness of the box map's edge, likewise
REGIONS = 4  # of a candidate whose features are averaged: inside it, just inside its edge, just outside, everywhere
RIM = 3  # width of the strips along the edge, in cells of 1/4
Size = tuple[int, int]


def _size(level: Tensor) -> Size:
    return level.shape[-2], level.shape[-1]


class Prompts:
    """A batch of prompts in unit coordinates, and the dense maps that they draw.

    ``unit`` BxNx2 (x, y) in 0..1 of the frame, ``labels`` BxN as in sam.md section 1.4, ``mask`` Bx1xHxW previous mask
    squashed to -1..1 (zeros where there is none), ``has_mask`` B of 0 or 1.
    """

    def __init__(self, unit: Tensor, labels: Tensor, mask: Tensor, has_mask: Tensor) -> None:
        self.unit, self.labels, self.mask, self.has_mask = unit, labels, mask, has_mask

    def _axis(self, size: int, axis: int) -> Tensor:
        cells = (torch.arange(size, device=self.unit.device, dtype=self.unit.dtype) + 0.5) / size
        return cells[None, None, :] - self.unit[:, :, axis, None]

    def _any(self, maps: Tensor, label: int, floor: float) -> Tensor:
        chosen = (self.labels == label)[:, :, None, None]
        return torch.where(chosen, maps, torch.full_like(maps, floor)).amax(1)

    def clicks(self, size: Size, radius: float) -> Tensor:
        """Gaussians around positive and negative clicks, Bx2xHxW."""
        scale = -1 / (2 * radius * radius)
        rows = torch.exp(self._axis(size[0], 1).square() * scale)
        columns = torch.exp(self._axis(size[1], 0).square() * scale)
        spots = rows[:, :, :, None] * columns[:, :, None, :]
        return torch.stack([self._any(spots, POSITIVE, 0.0), self._any(spots, NEGATIVE, 0.0)], 1)

    def box(self, size: Size) -> Tensor:
        """The soft inside of the box, Bx1xHxW; zeros where there is none."""
        sides = []
        for axis, length in ((1, size[0]), (0, size[1])):
            steps = torch.sigmoid(self._axis(length, axis) / BOX_EDGE)
            after = torch.where((self.labels == TOP_LEFT)[:, :, None], steps, torch.zeros_like(steps)).amax(1)
            before = torch.where((self.labels == BOTTOM_RIGHT)[:, :, None], 1 - steps, torch.zeros_like(steps)).amax(1)
            sides.append(after * before)
        return (sides[0][:, :, None] * sides[1][:, None, :])[:, None]

    def likeness(self, features: Tensor) -> Tensor:
        """Cosine of every pixel's unit feature BxCxHxW to those under positive and negative clicks, Bx2xHxW."""
        height, width = features.shape[-2:]
        rows = F.relu(1 - self._axis(height, 1).abs() * height)
        columns = F.relu(1 - self._axis(width, 0).abs() * width)
        by_column = features.flatten(1, 2) @ columns.transpose(1, 2)  # B x CH x N
        under = (
            by_column.reshape(len(by_column), -1, height, by_column.shape[-1]) * rows.transpose(1, 2)[:, None]
        ).sum(2)
        under = F.normalize(under, dim=1, eps=1e-4)
        alike = (under.transpose(1, 2) @ features.flatten(2)).reshape(len(under), -1, height, width)
        return torch.stack([self._any(alike, POSITIVE, -1.0), self._any(alike, NEGATIVE, -1.0)], 1)


def _pooled(weights: Tensor, maps: Tensor) -> Tensor:
    """Means of maps BxCxHxW under each of the soft regions BxTxHxW, BxTxC."""
    return torch.einsum("bthw,bchw->btc", weights, maps) / (weights.sum((2, 3))[..., None] + 1e-3)


def _largest(maps: Tensor, reach: int) -> Tensor:
    """The largest value up to ``reach`` cells away in rows and columns; in two passes, which is less to compare."""
    side = 2 * reach + 1
    return F.max_pool2d(F.max_pool2d(maps, (side, 1), 1, (reach, 0)), (1, side), 1, (0, reach))


class Dilated(nn.Module):
    """Group norm, ReLU and a dilated 3x3 convolution around a shortcut."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, channels)
        self.conv = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.conv(F.relu(self.norm(x)))
        return out


class StarterDecoder(nn.Module):
    """Embedding levels and prompts -> four mask logit maps at half the frame, and their predicted IoU."""

    def __init__(self, config: StarterConfig) -> None:
        super().__init__()
        dim = config.dim
        self.positions = RandomFourierPositions(dim // 2)
        self.point_types = nn.Embedding(5, dim)  # padding, negative, positive, box top-left, box bottom-right
        self.iou_token = nn.Embedding(1, dim)
        self.mask_tokens = nn.Embedding(TOKENS, dim)
        self.prompt16 = nn.Conv2d(5, dim, 1)
        self.transformer = TwoWayTransformer(config.decoder_depth, dim, config.decoder_heads, 4 * dim)
        self.to8, self.skip8 = nn.Conv2d(dim, 64, 1), nn.Conv2d(LEVEL_8, 64, 1)
        self.unit8, self.unit4 = nn.Conv2d(LEVEL_8, 32, 1), nn.Conv2d(LEVEL_4, 16, 1)
        self.prompt8 = nn.Conv2d(9, 64, 3, padding=1)
        self.mix8 = nn.Sequential(*(Dilated(64, dilation) for dilation in (1, 2, 4, 1)))
        self.to4, self.skip4 = nn.Conv2d(64, 32, 1), nn.Conv2d(LEVEL_4, 32, 1)
        self.prompt4 = nn.Conv2d(6, 32, 3, padding=1)
        self.mix4 = Dilated(32, 1)
        self.norm4 = nn.GroupNorm(4, 32)
        self.direct = nn.Conv2d(32, TOKENS, 1)
        self.hyper4 = nn.ModuleList(MLP(dim, dim, 32, 3) for _ in range(TOKENS))
        self.hyper2 = nn.ModuleList(MLP(dim, dim, LEVEL_2, 3) for _ in range(TOKENS))
        self.iou_head = MLP(2 * dim + REGIONS * (32 + LEVEL_4) + 32 + 4, dim, 1, 3)
        nn.init.normal_(self.direct.weight, std=0.05)
        for parameter in self._quiet_at_first():
            nn.init.zeros_(parameter)

    def _quiet_at_first(self) -> Iterator[Tensor]:
        if self.direct.bias is not None:
            yield self.direct.bias
        for name, parameter in self.hyper2.named_parameters():
            if ".layers.2." in name:
                yield parameter

    def _tokens(self, prompts: Prompts) -> Tensor:
        batch = prompts.labels.shape[0]
        placed = self.positions(prompts.unit) * (prompts.labels != PADDING)[:, :, None]
        sparse = placed + self.point_types(prompts.labels.long() + 1)
        output = torch.cat([self.iou_token.weight, self.mask_tokens.weight])[None].expand(batch, -1, -1)
        return torch.cat([output, sparse], 1)

    def _attend(self, level16: Tensor, prompts: Prompts) -> tuple[Tensor, Tensor]:
        height, width = level16.shape[-2:]
        previous = F.adaptive_avg_pool2d(prompts.mask, (height, width))
        present = prompts.has_mask[:, None, None, None].expand_as(previous)
        dense = [prompts.clicks((height, width), WIDE), prompts.box((height, width)), previous, present]
        image = (level16 + self.prompt16(torch.cat(dense, 1))).flatten(2).transpose(1, 2)
        places = self.positions.grid(height, width).flatten(2).transpose(1, 2)
        tokens, image = self.transformer(image, places, self._tokens(prompts))
        return tokens, image.transpose(1, 2).unflatten(-1, (height, width))

    def _refine(self, image: Tensor, prepared: dict[str, Tensor], prompts: Prompts) -> Tensor:
        size8, size4 = _size(prepared["skip_8"]), _size(prepared["skip_4"])
        previous8 = F.avg_pool2d(prompts.mask, 2)
        present8 = prompts.has_mask[:, None, None, None].expand_as(previous8)
        dense8 = [prompts.clicks(size8, NARROW), prompts.clicks(size8, WIDE), prompts.likeness(prepared["unit_8"])]
        dense8 += [prompts.box(size8), previous8, present8]
        x = double(self.to8(image)) + prepared["skip_8"] + self.prompt8(torch.cat(dense8, 1))
        x = self.mix8(x)
        dense4 = [prompts.clicks(size4, NARROW), prompts.likeness(prepared["unit_4"]), prompts.box(size4), prompts.mask]
        x = double(self.to4(x)) + prepared["skip_4"] + self.prompt4(torch.cat(dense4, 1))
        out: Tensor = self.norm4(self.mix4(x))
        return out

    def _describe(self, tokens: Tensor, logits: Tensor, maps: Tensor) -> Tensor:
        """What the IoU head reads of each candidate: its tokens, what it covers beside what surrounds it, its shape.

        ``logits`` BxTxHxW at 1/4 of the frame; ``maps`` BxCxHxW, the refined features first.
        """
        inside = torch.sigmoid(logits.detach())
        shrunk, grown = -_largest(-inside, RIM), _largest(inside, RIM)
        regions = torch.stack([inside, inside - shrunk, grown - inside, torch.ones_like(inside)], 2)
        pooled = _pooled(regions.flatten(1, 2), maps).reshape(-1, TOKENS, REGIONS, maps.shape[1])
        features = maps[:, : self.norm4.num_channels]
        spread = (_pooled(inside, features.square()) - pooled[:, :, 0, : features.shape[1]].square()).clamp(min=1e-6)
        size, area = inside.sum((2, 3)), inside.mean((2, 3))
        stable = (logits > 1).sum((2, 3)) / ((logits > -1).sum((2, 3)) + 1.0)
        sure = ((2 * inside - 1).abs() * inside).sum((2, 3)) / (size + 1e-3)
        numbers = torch.stack([area, area.sqrt(), stable.to(area.dtype), sure], -1)
        iou_token = tokens[:, :1].expand(-1, TOKENS, -1)
        return torch.cat([iou_token, tokens[:, 1 : 1 + TOKENS], pooled.flatten(2), spread.sqrt(), numbers], -1)

    def prepare(self, embedding: dict[str, Tensor]) -> dict[str, Tensor]:
        """All that the decoder can know of images before the first prompt: their levels, and maps made of these."""
        return embedding | {
            "skip_8": self.skip8(embedding["level_8"]),
            "skip_4": self.skip4(embedding["level_4"]),
            "unit_8": F.normalize(self.unit8(embedding["level_8"]), dim=1, eps=1e-4),
            "unit_4": F.normalize(self.unit4(embedding["level_4"]), dim=1, eps=1e-4),
        }

    def forward(
        self,
        prepared: dict[str, Tensor],
        unit: Tensor,
        labels: Tensor,
        mask_input: Tensor,
        has_mask_input: Tensor,
        image_index: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """See :meth:`segmenter.modeling.starter.Starter.judge`; coordinates are already in 0..1."""
        if image_index is not None and len(prepared["level_16"]) > 1:
            prepared = {name: maps.index_select(0, image_index) for name, maps in prepared.items()}
        previous = torch.tanh(F.avg_pool2d(mask_input, 2) / 4) * has_mask_input[:, None, None, None]
        prompts = Prompts(unit, labels, previous, has_mask_input)
        tokens, image = self._attend(prepared["level_16"], prompts)
        features = self._refine(image, prepared, prompts)
        masks = tokens[:, 1 : 1 + TOKENS].unbind(1)
        hyper4 = torch.stack([mlp(token) for mlp, token in zip(self.hyper4, masks, strict=True)], 1)
        hyper2 = torch.stack([mlp(token) for mlp, token in zip(self.hyper2, masks, strict=True)], 1)
        coarse = torch.einsum("btc,bchw->bthw", hyper4, features) * 0.35 + self.direct(features)
        level2 = prepared["level_2"].expand(len(features), -1, -1, -1)
        logits = double(coarse) + torch.einsum("btc,bchw->bthw", hyper2, level2)
        maps = torch.cat([features, prepared["level_4"].expand(len(features), -1, -1, -1)], 1)
        return logits, self.iou_head(self._describe(tokens, coarse, maps))[..., 0]
