"""Everything in a picture, without a person: a grid of points, each asked for its masks, then filters and cleaning.

The order of steps is the reference's (sam.md section 4.2) with one exception that changes no outcome: masks are judged
by predicted IoU before they are drawn, and brought to full size one at a time. Nothing is kept between calls, and equal
input gives equal output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from segmenter import masks as rle
from segmenter.automask_config import AutomaskConfig
from segmenter.build import Model
from segmenter.cleaning import without_holes, without_islands
from segmenter.crops import CropBox, crop_boxes, layer_sides, near_crop_edge, placed, point_grid
from segmenter.full_size import full_size
from segmenter.nms import box_nms, mask_nms
from segmenter.predict import MASK_THRESHOLD, Embedding, Prepared, embed, masks, prepare, score
from segmenter.prompts import BOX_BOTTOM_RIGHT, BOX_TOP_LEFT, PADDING, POSITIVE
from segmenter.transforms import Size, to_frame

COARSER = 4  # first grid of the hierarchical mode: points per side divided by this

Progress = Callable[[int, int], None]
Points = NDArray[np.float64]


class Cancelled(Exception):
    """The caller asked to stop."""


@dataclass(frozen=True)
class ScoredBox:
    """What a detector found: corners x0, y0, x1, y1 in pixels of the image, and how sure it is (0..1)."""

    corners: tuple[float, float, float, float]
    score: float


@dataclass(frozen=True)
class AutomaticMask:
    """One mask that stayed. ``size`` and all coordinates are the whole image's.

    ``counts`` is COCO's compressed text, ``corners`` the first and last pixels x0, y0, x1, y1 (twice the crop's
    first pixel where it is empty), ``stability`` is nan where nothing lies above the lower threshold, ``point`` is what
    the model was asked, ``candidate`` which of its four answers this is. Where it was asked by a ``box``, the point is
    the box's centre.
    """

    size: Size
    counts: str
    area: int
    corners: tuple[int, int, int, int]
    predicted_iou: float
    stability: float
    point: tuple[float, float]
    crop: CropBox
    candidate: int = 0
    box: ScoredBox | None = None

    @property
    def runs(self) -> rle.Runs:
        return rle.parse(self.size, self.counts, self.size)

    @property
    def bbox(self) -> tuple[int, int, int, int]:
        """COCO's box x, y, width, height; without width and height where the mask is empty."""
        x0, y0, x1, y1 = self.corners
        further = 1 if self.area else 0
        return x0, y0, x1 - x0 + further, y1 - y0 + further


@dataclass(frozen=True)
class _View:
    """One crop as the model sees it, and the settings of the run."""

    model: Model
    prepared: Prepared
    config: AutomaskConfig
    crop: CropBox
    image: Size
    stop: Callable[[], None]

    @property
    def size(self) -> Size:
        return self.crop[3] - self.crop[1], self.crop[2] - self.crop[0]


def generate(
    model: Model,
    rgb: NDArray[np.uint8],
    config: AutomaskConfig,
    progress: Progress = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[AutomaticMask]:
    """All masks of an upright HxWx3 RGB picture, in the reference's order: best predicted IoU first within a crop.

    ``progress`` hears how many of how many points are done. ``cancelled`` is asked before every batch; where it says
    yes, :class:`Cancelled` is raised. Memory beyond the model's own: one batch of scores and one mask of full size.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
        raise ValueError(f"expected uint8 H x W x 3, got {rgb.dtype} {rgb.shape}")

    def look(box: CropBox) -> Embedding:
        return embed(model, np.ascontiguousarray(rgb[box[1] : box[3], box[0] : box[2]]))

    return _everything(model, (rgb.shape[0], rgb.shape[1]), look, config, progress, cancelled)


def generate_embedded(
    model: Model,
    embedding: Embedding,
    config: AutomaskConfig,
    progress: Progress = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[AutomaticMask]:
    """As :func:`generate`, of a picture that is embedded already. ValueError for crops: they need the pixels."""
    if config.crop_n_layers:
        raise ValueError("crops are not in the embedding of the whole picture")
    return _everything(model, embedding.size, lambda box: embedding, config, progress, cancelled)


def _everything(
    model: Model,
    size: Size,
    look: Callable[[CropBox], Embedding],
    config: AutomaskConfig,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> list[AutomaticMask]:
    boxes, layers = crop_boxes(size, config.crop_n_layers, config.crop_overlap_ratio)
    sides = layer_sides(config.points_per_side, config.crop_n_layers, config.crop_n_points_downscale_factor)
    views = [
        (box, sides[layer]) for box, layer in zip(boxes, layers, strict=True) if box[2] > box[0] and box[3] > box[1]
    ]
    total, done = sum(side * side for _, side in views), 0
    kept: list[AutomaticMask] = []

    def stop() -> None:
        if cancelled():
            raise Cancelled

    def report(points: int) -> None:
        progress(done + points, total)

    report(0)
    for box, side in views:
        stop()
        view = _View(model, prepare(model, look(box)), config, box, size, stop)
        kept += _crop_masks(view, side, report)
        done += side * side
        report(0)
    if len(boxes) > 1:
        # Prefers what was seen from nearest.
        nearness = [1 / ((mask.crop[2] - mask.crop[0]) * (mask.crop[3] - mask.crop[1])) for mask in kept]
        kept = _suppressed(kept, nearness, config.crop_nms_thresh, config)
    return _cleaned(kept, config, stop) if config.min_mask_region_area > 0 else kept


def from_boxes(
    model: Model, embedding: Embedding, boxes: Sequence[ScoredBox], config: AutomaskConfig
) -> list[AutomaticMask]:
    """One mask for each box of a detector, the best of the model's three answers to it, by predicted IoU.

    Boxes lie inside the picture. Filters, suppression (the better predicted IoU stays) and cleaning are those of
    ``config``; its grid and crops count for nothing.
    """
    view = _whole(model, embedding, config)
    labels = np.array([[BOX_TOP_LEFT, BOX_BOTTOM_RIGHT]], np.float32)
    found: list[AutomaticMask] = []
    for box in boxes:
        corners = np.array(box.corners, np.float64).reshape(1, 2, 2)
        answers = [mask for mask, _ in _drawn(view, corners, labels, corners.mean(1), slice(1, 4))]
        if answers:
            found.append(replace(max(answers, key=lambda mask: mask.predicted_iou), box=box))
    kept = _best(found, config)
    return _cleaned(kept, config, view.stop) if config.min_mask_region_area > 0 else kept


def survivors(
    model: Model, rgb: NDArray[np.uint8], config: AutomaskConfig
) -> list[tuple[AutomaticMask, NDArray[np.float32]]]:
    """The masks of one grid over the whole picture that filters and suppression leave, each with its logits LxL.

    Nothing else of ``config`` is done. All logits are held at once: 200 MiB for 768 masks of an official model.
    """
    view = _whole(model, embed(model, rgb), config)
    points = point_grid(config.points_per_side) * np.array(view.size[::-1], np.float64)
    found = {id(mask): (mask, logits) for mask, logits in _asked(view, points, lambda done: None)}
    return [found[id(mask)] for mask in _best([mask for mask, _ in found.values()], config)]


def _whole(model: Model, embedding: Embedding, config: AutomaskConfig) -> _View:
    """The whole picture as one view, which nobody stops."""
    height, width = embedding.size
    return _View(model, prepare(model, embedding), config, (0, 0, width, height), embedding.size, lambda: None)


def record(mask: AutomaticMask, config: AutomaskConfig) -> dict[str, Any]:
    """The reference's fields of one mask; ``segmentation`` in COCO's compressed form, boxes x, y, width, height."""
    x0, y0, x1, y1 = mask.corners
    return {
        "segmentation": {"size": list(mask.size), "counts": mask.counts},
        "area": mask.area,
        "bbox": [x0, y0, x1 - x0, y1 - y0] if config.reference_boxes else list(mask.bbox),
        "predicted_iou": mask.predicted_iou,
        "point_coords": [list(mask.point)],
        "stability_score": mask.stability,
        "crop_box": [mask.crop[0], mask.crop[1], mask.crop[2] - mask.crop[0], mask.crop[3] - mask.crop[1]],
    }


def stability(inner: int, outer: int) -> np.float32:
    """IoU of a mask at a higher and a lower threshold, from their pixel counts; nan where both are empty."""
    with np.errstate(invalid="ignore"):
        return np.float32(np.float32(inner) / np.float32(outer))


def _crop_masks(view: _View, side: int, progress: Callable[[int], None]) -> list[AutomaticMask]:
    config, scale = view.config, np.array(view.size[::-1], np.float64)
    logits_side = view.model.config.logits
    covered = np.zeros((logits_side, logits_side), np.bool_)
    kept: list[AutomaticMask] = []
    if config.hierarchical and side >= COARSER:
        for mask, logits in _asked(view, point_grid(side // COARSER) * scale, lambda done: None):
            kept.append(mask)
            covered |= logits > config.hierarchical_logit
    points = point_grid(side) * scale
    if config.hierarchical:
        points = points[~_at(covered, points, view)]
    kept += [mask for mask, _ in _asked(view, points, progress)]
    kept = _best(kept, config)
    if config.refine:
        kept = [_refined(view, mask) for mask in kept]
        kept = _best(kept, config)
    return kept


def _at(covered: NDArray[np.bool_], points: Points, view: _View) -> NDArray[np.bool_]:
    """Whether the cell of logits under each point, in pixels of the crop, is covered."""
    frame = view.model.config.frame
    cells = (to_frame(points, view.size, frame) * (len(covered) / frame)).astype(np.int64)
    x, y = np.minimum(cells, len(covered) - 1).T
    under: NDArray[np.bool_] = covered[y, x]
    return under


def _asked(
    view: _View, points: Points, progress: Callable[[int], None]
) -> Iterator[tuple[AutomaticMask, NDArray[np.float32]]]:
    """What stays of the three masks of each point (N x 2, pixels of the crop), with its logits LxL."""
    for start in range(0, len(points), view.config.points_per_batch):
        view.stop()
        batch = points[start : start + view.config.points_per_batch]
        rows = np.stack([batch, np.zeros_like(batch)], 1)
        labels = np.tile(np.array([POSITIVE, PADDING], np.float32), (len(batch), 1))
        yield from _drawn(view, rows, labels, batch, slice(1, 4))
        progress(start + len(batch))


def _drawn(
    view: _View, rows: Points, labels: NDArray[np.float32], points: Points, tokens: slice
) -> Iterator[tuple[AutomaticMask, NDArray[np.float32]]]:
    """The masks that pass the filters, of prompts in pixels of the crop: ``rows`` BxNx2, ``points`` Bx2."""
    frame, threshold = view.model.config.frame, view.config.pred_iou_thresh
    coords = to_frame(rows, view.size, frame).astype(np.float32)
    scored = score(view.model, view.prepared, torch.from_numpy(coords), torch.from_numpy(labels))
    predicted = scored.predicted_iou.float().numpy()[:, tokens]
    good = predicted > np.float32(threshold) if threshold > 0 else np.ones_like(predicted, np.bool_)
    wanted = np.flatnonzero(good.any(1))
    if not wanted.size:
        return
    logits = masks(view.model, scored, torch.from_numpy(wanted)).float().numpy()[:, tokens]
    for drawn, row in zip(logits, wanted, strict=True):
        for token in np.flatnonzero(good[row]):
            mask = _finished(view, drawn[token], float(predicted[row, token]), points[row], tokens.start + int(token))
            if mask is not None:
                yield mask, drawn[token]


def _finished(
    view: _View, logits: NDArray[np.float32], predicted_iou: float, point: NDArray[np.float64], candidate: int
) -> AutomaticMask | None:
    """One mask at full size, as long as it passes the filters that need it."""
    config, (x0, y0, _, _) = view.config, view.crop
    full = full_size(logits, view.size, view.model.config.frame, MASK_THRESHOLD, config.stability_score_offset)
    score = stability(full.above_high, full.above_low)
    if config.stability_score_thresh > 0 and not score >= np.float32(config.stability_score_thresh):
        return None
    runs = full.runs
    area = rle.area(runs)
    if not _fits(area, view.image, config):
        return None
    left, top, width, height = rle.bbox(runs, view.size)
    corners = (left + x0, top + y0, left + x0 + max(width - 1, 0), top + y0 + max(height - 1, 0))
    if near_crop_edge(np.array(corners, np.float32), view.crop, view.image)[0]:
        return None
    return AutomaticMask(
        view.image,
        rle.compress(placed(runs, view.crop, view.image)),
        area,
        corners,
        predicted_iou,
        float(score),
        (float(point[0] + x0), float(point[1] + y0)),
        view.crop,
        candidate,
    )


def _fits(area: int, image: Size, config: AutomaskConfig) -> bool:
    share = config.max_mask_share
    return area >= config.min_mask_area and (share is None or area < share * image[0] * image[1])


def _refined(view: _View, mask: AutomaticMask) -> AutomaticMask:
    """The mask, or the model's answer to its point and its box together where that is predicted to be better."""
    view.stop()
    x0, y0 = view.crop[:2]
    point = np.array([[mask.point[0] - x0, mask.point[1] - y0]])
    box = np.array(mask.corners, np.float64).reshape(2, 2) - (x0, y0) + [[0, 0], [1, 1]]
    labels = np.array([[POSITIVE, BOX_TOP_LEFT, BOX_BOTTOM_RIGHT]], np.float32)
    for better, _ in _drawn(view, np.concatenate([point, box])[None], labels, point, slice(0, 1)):
        if better.predicted_iou > mask.predicted_iou:
            return better
    return mask


def _best(found: list[AutomaticMask], config: AutomaskConfig) -> list[AutomaticMask]:
    """Of masks whose boxes are nearly one the one of the highest predicted IoU."""
    return _suppressed(found, [mask.predicted_iou for mask in found], config.box_nms_thresh, config)


def _suppressed(
    found: list[AutomaticMask], scores: Sequence[float], threshold: float, config: AutomaskConfig
) -> list[AutomaticMask]:
    boxes = np.array([mask.corners for mask in found], np.float32).reshape(-1, 4)
    ranks = np.array(scores, np.float32)
    if config.nms == "box":
        return [found[index] for index in box_nms(boxes, ranks, threshold)]
    return [found[index] for index in mask_nms([mask.runs for mask in found], boxes, ranks, threshold)]


def _cleaned(found: list[AutomaticMask], config: AutomaskConfig, stop: Callable[[], None]) -> list[AutomaticMask]:
    """Without small holes and islands; where cleaning made two masks alike, the one it did not change stays."""
    kept: list[AutomaticMask] = []
    unchanged: list[float] = []
    for mask in found:
        stop()
        clean = _clean(mask, config)
        if _fits(clean.area, clean.size, config) and (clean.area or config.cleaning == "reference"):
            kept.append(clean)
            unchanged.append(float(clean is mask))
    return _suppressed(kept, unchanged, max(config.box_nms_thresh, config.crop_nms_thresh), config)


def _clean(mask: AutomaticMask, config: AutomaskConfig) -> AutomaticMask:
    pixels = rle.pixels_of(mask.runs, mask.size)
    filled = without_holes(pixels, config.min_mask_region_area)
    single = without_islands(
        pixels if filled is None else filled, config.min_mask_region_area, config.cleaning == "reference"
    )
    clean = filled if single is None else single
    if clean is None:
        return mask
    runs = rle.runs_of(clean)
    left, top, width, height = rle.bbox(runs, mask.size)
    corners = (left, top, left + max(width - 1, 0), top + max(height - 1, 0))
    return replace(mask, counts=rle.compress(runs), area=rle.area(runs), corners=corners)
