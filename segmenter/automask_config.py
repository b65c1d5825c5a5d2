"""Every setting of automatic mask generation, with the reference's names, and the named presets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from segmenter.config import Family

MAX_POINTS_PER_SIDE = 512
MAX_CROP_LAYERS = 5


@dataclass(frozen=True)
class AutomaskConfig:
    """Settings of one run; the defaults are the reference's (sam.md section 4.1). A bad value is a ``ValueError``.

    points_per_side: points of the full image's grid, per side; ``points_per_batch`` of them go through the model at a
        time, which costs memory and changes nothing else. The reference takes 64; on a processor four are as fast, and
        their tensors fit into memory that is kept between batches. A GPU wants more.
    pred_iou_thresh, stability_score_thresh: a mask stays if its predicted IoU is above the one and its stability score
        (IoU of the masks at logits +-``stability_score_offset``) at least the other; 0 switches a filter off.
    box_nms_thresh, crop_nms_thresh: of two masks that overlap more, within a crop or across crops, one goes. ``nms``
        says whether boxes are compared (reference) or the masks themselves, which spares a part as large as its whole.
    crop_n_layers: layer i adds (2^i)^2 crops that overlap by ``crop_overlap_ratio`` of the short side in layer 1, less
        below; its grid has points_per_side / crop_n_points_downscale_factor^i points per side.
    min_mask_region_area: holes and islands below it, in pixels, are removed. ``cleaning`` "reference" keeps the largest
        island of a mask that has only small ones, "paper" drops the mask.
    min_mask_area, max_mask_share: masks of fewer pixels, or of at least this share of the image, go; None: no limit.
    refine: masks are asked for again by point and box, and replaced where the model thinks better of the answer.
    hierarchical: a grid of a quarter of the points per side first; then only points where no mask that stayed has
        logits above ``hierarchical_logit`` (TinySAM).
    reference_boxes: bbox one pixel short in width and height, as the reference writes it; else COCO's.
    """

    points_per_side: int = 32
    points_per_batch: int = 4
    pred_iou_thresh: float = 0.88
    stability_score_thresh: float = 0.95
    stability_score_offset: float = 1.0
    box_nms_thresh: float = 0.7
    crop_n_layers: int = 0
    crop_nms_thresh: float = 0.7
    crop_overlap_ratio: float = 512 / 1500
    crop_n_points_downscale_factor: int = 1
    min_mask_region_area: int = 0
    cleaning: Literal["reference", "paper"] = "reference"
    nms: Literal["box", "mask"] = "box"
    min_mask_area: int = 1
    max_mask_share: float | None = None
    refine: bool = False
    hierarchical: bool = False
    hierarchical_logit: float = 8.5
    reference_boxes: bool = False

    def __post_init__(self) -> None:
        self._within("points_per_side", 1, MAX_POINTS_PER_SIDE)
        self._within("points_per_batch", 1, MAX_POINTS_PER_SIDE**2)
        self._within("crop_n_layers", 0, MAX_CROP_LAYERS)
        self._within("crop_n_points_downscale_factor", 1, self.points_per_side)
        for name in ("pred_iou_thresh", "stability_score_thresh", "stability_score_offset", "hierarchical_logit"):
            self._within(name, 0, 1000)
        for name in ("box_nms_thresh", "crop_nms_thresh", "crop_overlap_ratio"):
            self._within(name, 0, 1)
        for name in ("min_mask_region_area", "min_mask_area"):
            self._within(name, 0, 1 << 30)
        if self.max_mask_share is not None:
            self._within("max_mask_share", 0, 1)
        if self.points_per_side < self.crop_n_points_downscale_factor**self.crop_n_layers:
            raise ValueError(
                f"points_per_side {self.points_per_side} leaves no point in crop layer {self.crop_n_layers} "
                f"at crop_n_points_downscale_factor {self.crop_n_points_downscale_factor}"
            )
        if self.cleaning not in ("reference", "paper") or self.nms not in ("box", "mask"):
            raise ValueError(f"cleaning is reference or paper, nms is box or mask; not {self.cleaning} and {self.nms}")

    def _within(self, name: str, least: float, most: float) -> None:
        value = getattr(self, name)
        if not math.isfinite(value) or not least <= value <= most:
            raise ValueError(f"{name} must lie between {least} and {most}, not {value}")


AUTOMASK_PRESETS: dict[str, AutomaskConfig] = {
    "default": AutomaskConfig(),
    # Its outcome to the letter, with its quirks: empty masks where the filters are off, boxes one pixel short.
    "reference": AutomaskConfig(min_mask_area=0, reference_boxes=True),
    # The paper's appendix B: 32 x 32 points on the image, 16 x 16 on 4 crops, 8 x 8 on 16 more.
    "sa1b": AutomaskConfig(
        crop_n_layers=2,
        crop_n_points_downscale_factor=2,
        min_mask_region_area=100,
        cleaning="paper",
        max_mask_share=0.95,
    ),
    # The shipped starter judges itself soberly (its masks are predicted at 0.3 to 0.6) and its edges are soft: chosen
    # by eye on photographs, between patches that cover everything (0.3) and hardly a mask (0.45).
    "starter": AutomaskConfig(
        points_per_side=16,
        pred_iou_thresh=0.36,
        stability_score_thresh=0.7,
        box_nms_thresh=0.5,
        min_mask_region_area=50,
        cleaning="paper",
        max_mask_share=0.95,
    ),
}
FAMILY_PRESETS: dict[Family, str] = {"sam": "default", "starter": "starter"}
# Least predicted IoU and stability of a mask that one may show before anybody asked: stricter than the presets, since
# nobody should have to remove many. The starter's by the same photographs.
CONFIDENT: dict[Family, tuple[float, float]] = {"sam": (0.92, 0.96), "starter": (0.42, 0.8)}
