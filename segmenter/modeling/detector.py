"""A small anchor-free detector of objects, of no class, on what the image encoder made of a picture.

As in FCOS (arXiv 1904.01355) every cell of a few maps of falling resolution says whether the middle of an object lies
there and how far the object reaches from there to each side; as in VarifocalNet (arXiv 2008.13367) its score is the IoU
that its box should have. It reads a stored embedding, so to find boxes costs no encoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SCALES = 4  # maps of 1, 1/2, 1/4 and 1/8 of the grid
PRIOR = -4.6  # logit of 0.01: almost every cell is no middle of an object
FARTHEST = 4.0  # cells of its map that a side may lie away at first


@dataclass(frozen=True)
class DetectorConfig:
    """What a detector reads and how wide it is: the embedding's ``levels`` as (name, channels), in the order of names.

    ``grid`` is the side of its finest map, in cells of the frame.
    """

    levels: tuple[tuple[str, int], ...]
    grid: int = 32
    dim: int = 64


@dataclass(frozen=True)
class Cells:
    """All cells of all maps: ``centres`` Nx2 and ``sides`` N in shares of the frame, ``scales`` N (0 is the finest)."""

    centres: Tensor
    sides: Tensor
    scales: Tensor


def cells(grid: int, device: torch.device | None = None) -> Cells:
    """The cells of maps of ``grid``, grid / 2 ... cells a side, each row by row, finest map first."""
    centres, sides, scales = [], [], []
    for scale in range(SCALES):
        count = grid >> scale
        places = (torch.arange(count, device=device) + 0.5) / count
        y, x = torch.meshgrid(places, places, indexing="ij")
        centres.append(torch.stack([x, y], -1).reshape(-1, 2))
        sides.append(torch.full((count * count,), 1 / count, device=device))
        scales.append(torch.full((count * count,), scale, device=device))
    return Cells(torch.cat(centres), torch.cat(sides), torch.cat(scales))


def _normed(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), nn.GroupNorm(8, outputs), nn.ReLU())


class Detector(nn.Module):
    """Embedding levels -> for every cell of :func:`cells` a logit and a box in shares of the frame."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        if config.grid % (1 << (SCALES - 1)) or config.dim % 8:
            raise ValueError(f"a detector's grid and width are multiples of 8, not {config.grid} and {config.dim}")
        self.config = config
        dim = config.dim
        self.enter = nn.ModuleDict({name: nn.Conv2d(channels, dim, 1) for name, channels in config.levels})
        self.merge = nn.Sequential(nn.GroupNorm(8, dim), nn.ReLU(), _normed(dim, dim))
        self.down = nn.ModuleList(_normed(dim, dim, 2) for _ in range(SCALES - 1))
        self.smooth = nn.ModuleList(_normed(dim, dim) for _ in range(SCALES))
        self.head = nn.Sequential(_normed(dim, dim), _normed(dim, dim))
        self.objectness = nn.Conv2d(dim, 1, 3, padding=1)
        self.reach = nn.Conv2d(dim, 4, 3, padding=1)
        nn.init.constant_(self.objectness.bias, PRIOR)  # type: ignore[arg-type]  # it has a bias

    def forward(self, embedding: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Levels BxCxHxW by name -> (logits BxN, boxes BxNx4 as x0, y0, x1, y1 in shares of the frame)."""
        maps = self._maps(embedding)
        raw = [(self.objectness(one), self.reach(one)) for one in (self.head(one) for one in maps)]
        logits = torch.cat([logit.flatten(1) for logit, _ in raw], 1)
        reach = torch.cat([side.flatten(2).transpose(1, 2) for _, side in raw], 1)
        at = cells(self.config.grid, reach.device)
        # The exponential lets one head serve all scales; its limit keeps a first, wild guess finite.
        sides = FARTHEST * torch.exp(reach.clamp(-6, 4)) * at.sides[:, None]
        first, last = at.centres - sides[..., :2], at.centres + sides[..., 2:]
        return logits, torch.cat([first, last], -1)

    def _maps(self, embedding: Mapping[str, Tensor]) -> list[Tensor]:
        side = self.config.grid
        entered = [_to_side(conv(embedding[name]), side) for name, conv in self.enter.items()]
        maps = [self.merge(torch.stack(entered).sum(0))]
        for down in self.down:
            maps.append(down(maps[-1]))
        for index in range(SCALES - 2, -1, -1):
            maps[index] = maps[index] + F.interpolate(maps[index + 1], scale_factor=2, mode="nearest")
        return [smooth(one) for smooth, one in zip(self.smooth, maps, strict=True)]


def _to_side(level: Tensor, side: int) -> Tensor:
    if level.shape[-1] > side:
        return F.adaptive_avg_pool2d(level, side)
    return F.interpolate(level, size=(side, side), mode="bilinear", align_corners=False)


# --- learning ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Targets:
    """Which object each of N cells has to find (-1: none), and the objects' boxes Mx4 in shares of the frame."""

    object: Tensor
    boxes: Tensor


def assign(boxes: Tensor, grid: int, reach: float = 1.5) -> Targets:
    """Gives each cell near an object's middle that object; boxes Mx4 (x0, y0, x1, y1) in shares of the frame.

    An object belongs to the map on which it is 4 to 8 cells large, or the nearest there is; to the cells there whose
    centre lies in the box and within ``reach`` cells of its middle, at least the one under its middle. Of two objects
    the smaller one has the cell.
    """
    at = cells(grid, boxes.device)
    owner = torch.full((len(at.sides),), -1, dtype=torch.int64, device=boxes.device)
    sizes = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-6)
    areas = sizes.prod(1)
    scales = (areas.sqrt() * grid / 4).clamp(min=1).log2().floor().long().clamp(max=SCALES - 1)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    for index in torch.argsort(areas, descending=True).tolist():
        away = (at.centres - middles[index]).abs().amax(1) / at.sides
        inside = ((at.centres > boxes[index, :2]) & (at.centres < boxes[index, 2:])).all(1)
        here = (at.scales == scales[index]) & (((away <= reach) & inside) | (away <= 0.5))
        owner[here] = index
    return Targets(owner, boxes)


def box_iou(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalised IoU (arXiv 1902.09630) of boxes ...x4 pair by pair."""
    low, high = torch.maximum(first[..., :2], second[..., :2]), torch.minimum(first[..., 2:], second[..., 2:])
    common = (high - low).clamp(min=0).prod(-1)
    areas = [(box[..., 2:] - box[..., :2]).clamp(min=0).prod(-1) for box in (first, second)]
    union = areas[0] + areas[1] - common
    hull = (torch.maximum(first[..., 2:], second[..., 2:]) - torch.minimum(first[..., :2], second[..., :2])).prod(-1)
    iou = common / union.clamp(min=1e-9)
    return iou, iou - (hull - union) / hull.clamp(min=1e-9)


def detection_loss(logits: Tensor, boxes: Tensor, targets: list[Targets]) -> tuple[Tensor, dict[str, float]]:
    """Mean loss of a batch (logits BxN, boxes BxNx4) and what was seen: score and mean IoU of the assigned cells.

    Scores learn the IoU of their own box, boxes by generalised IoU; both count per assigned cell.
    """
    wanted, overlaps, missed = torch.zeros_like(logits), [], []
    for row, target in enumerate(targets):
        cell = torch.nonzero(target.object >= 0)[:, 0]
        iou, generalised = box_iou(boxes[row, cell], target.boxes[target.object[cell]])
        wanted[row, cell] = iou.detach().clamp(min=0)
        overlaps.append(iou.detach())
        missed.append(1 - generalised)
    count = max(1, sum(len(one) for one in missed))
    away = (wanted - logits.detach().sigmoid()).abs()
    weight = torch.where(wanted > 0, torch.ones_like(away), 0.75 * away.square())
    scores = (F.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * weight).sum() / count
    places = torch.cat(missed).sum() / count
    mean = float(torch.cat(overlaps).mean()) if torch.cat(overlaps).numel() else 0.0
    return scores + 2 * places, {"loss_score": float(scores.detach()), "loss_box": float(places.detach()), "iou": mean}
