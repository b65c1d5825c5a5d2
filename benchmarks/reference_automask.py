"""Our plain re-creation of Segment Anything's automatic mask generator, as a peer for benchmarks.

Written from the description of its steps (sam.md section 4.2), in their order and with their memory: 64 points at a
time, the whole decoder for each, every mask brought to the picture's size as float logits before the first filter,
run-length encoding of all that passed by one search over the batch, a Python list of runs a mask. Without crops and
cleaning. Model, weights and attention kernels are ours, so what is compared is the algorithm.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pycocotools import mask as coco
from torch import Tensor
from torch.nn import functional as F

from segmenter.automask_config import AutomaskConfig
from segmenter.modeling.segmenter import Sam
from segmenter.nms import box_nms
from segmenter.transforms import frame_pixels, resized_size, to_frame


def reference_embedding(model: Sam, rgb: NDArray[np.uint8]) -> dict[str, Tensor]:
    config = model.config
    with torch.no_grad():
        return model.embed(torch.from_numpy(frame_pixels(rgb, config.frame, config.pixel_mean, config.pixel_std))[None])


@torch.no_grad()
def reference_records(
    model: Sam, embedding: dict[str, Tensor], size: tuple[int, int], config: AutomaskConfig
) -> list[dict[str, Any]]:
    """The records of a whole picture of (height, width); ``points_per_batch`` of the original is 64."""
    ends = 1 / (2 * config.points_per_side)
    line = np.linspace(ends, 1 - ends, config.points_per_side)
    grid = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2) * np.array(size[::-1])
    kept: dict[str, list[Any]] = {"runs": [], "boxes": [], "iou": [], "stability": [], "points": []}
    for start in range(0, len(grid), config.points_per_batch):
        points = grid[start : start + config.points_per_batch]
        for name, values in _batch(model, embedding, size, points, config):
            kept[name].extend(values)
    boxes = np.array(kept["boxes"], np.float32).reshape(-1, 4)
    order = box_nms(boxes, np.array(kept["iou"], np.float32), config.box_nms_thresh)
    return [_record({name: values[index] for name, values in kept.items()}, size) for index in order]


def _batch(
    model: Sam, embedding: dict[str, Tensor], size: tuple[int, int], points: NDArray[np.float64], config: AutomaskConfig
) -> Iterator[tuple[str, list[Any]]]:
    frame, side, count = model.config.frame, model.config.logits, len(points)
    coords = torch.from_numpy(to_frame(points, size, frame)).float()[:, None]
    coords = torch.cat([coords, torch.zeros_like(coords)], 1)
    labels = torch.tensor([[1.0, -1.0]]).expand(count, 2)
    logits, iou = model.decode(embedding, coords, labels, torch.zeros(count, 1, side, side), torch.zeros(count))
    height, width = resized_size(*size, frame)
    masks = F.interpolate(logits[:, 1:], (frame, frame), mode="bilinear", align_corners=False)[..., :height, :width]
    masks = F.interpolate(masks, size, mode="bilinear", align_corners=False).flatten(0, 1)
    iou, asked = iou[:, 1:].flatten(), torch.from_numpy(points.repeat(3, 0))
    good = iou > config.pred_iou_thresh
    masks, iou, asked = masks[good], iou[good], asked[good]
    offset = config.stability_score_offset
    inner = (masks > offset).sum(-1, dtype=torch.int16).sum(-1, dtype=torch.int32)
    outer = (masks > -offset).sum(-1, dtype=torch.int16).sum(-1, dtype=torch.int32)
    stability = inner / outer
    good = stability >= config.stability_score_thresh
    bitmaps, iou, stability, asked = masks[good] > 0, iou[good], stability[good], asked[good]
    yield "boxes", _boxes(bitmaps).tolist()
    yield "runs", _runs(bitmaps)
    yield "iou", iou.tolist()
    yield "stability", stability.tolist()
    yield "points", asked.tolist()


def _boxes(bitmaps: Tensor) -> Tensor:
    """Inclusive corners N x 4 of masks NxHxW, zeros for empty ones."""
    corners = []
    for occupied in (bitmaps.any(-2), bitmaps.any(-1)):
        places = torch.arange(occupied.shape[-1])
        last = (places * occupied).amax(-1)
        first = torch.where(occupied, places, len(places)).amin(-1)
        corners.append((torch.where(occupied.any(-1), first, 0), last))
    (x0, x1), (y0, y1) = corners
    return torch.stack([x0, y0, x1, y1], -1)


def _runs(bitmaps: Tensor) -> list[list[int]]:
    """Run lengths down the columns, background first, one list a mask."""
    pixels = bitmaps.shape[-2] * bitmaps.shape[-1]
    columns = bitmaps.permute(0, 2, 1).flatten(1)
    changes = (columns[:, 1:] ^ columns[:, :-1]).nonzero()
    found = []
    for index in range(len(columns)):
        at = changes[changes[:, 0] == index, 1] + 1
        edges = torch.cat([torch.tensor([0]), at, torch.tensor([pixels])])
        runs = (edges[1:] - edges[:-1]).tolist()
        found.append([0, *runs] if columns[index, 0] else runs)
    return found


def _record(kept: dict[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    compressed = coco.frPyObjects({"size": list(size), "counts": kept["runs"]}, *size)
    x0, y0, x1, y1 = kept["boxes"]
    return {
        "segmentation": {"size": list(size), "counts": compressed["counts"].decode("ascii")},
        "area": sum(kept["runs"][1::2]),
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "predicted_iou": kept["iou"],
        "point_coords": [kept["points"]],
        "stability_score": kept["stability"],
        "crop_box": [0, 0, size[1], size[0]],
    }
