"""Edges from a promptable model that never learned edges: the outlines of all its masks (Segment Anything, D.2)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from segmenter.automask import survivors
from segmenter.automask_config import AutomaskConfig
from segmenter.build import Model
from segmenter.evaluate.edge_methods import MARGIN, RIDGE_SIGMA, Picture, Strength, slopes, thinned
from segmenter.predict import MASK_THRESHOLD
from segmenter.transforms import Size, upsample_mask

GRID = AutomaskConfig(points_per_side=16, pred_iou_thresh=0, stability_score_thresh=0, box_nms_thresh=0.7)
# Pixels: masks of one object end a pixel or two apart, and their outlines are one edge. The paper says nothing of this
# step; the best of a search on training images (docs/evaluation.md).
MERGED_SIGMA = 2.0
SETTINGS = (GRID, MERGED_SIGMA, RIDGE_SIGMA, MARGIN)
NEIGHBOURS = np.ones((3, 3), np.uint8)


def model_edges(model: Model, rgb: Picture) -> Strength:
    """Edge strengths HxW in 0..1 of a picture HxWx3, thinned: 16 x 16 points, 768 masks, no filter but box NMS."""
    size: Size = (rgb.shape[0], rgb.shape[1])
    strength = np.zeros(size, np.float32)
    for _, logits in survivors(model, rgb, GRID):
        np.maximum(strength, outline(logits, size, model.config.frame), out=strength)
    merged = cv2.GaussianBlur(strength, (0, 0), MERGED_SIGMA, borderType=cv2.BORDER_REFLECT)
    return thinned(stretched(np.asarray(merged, np.float32)))


def outline(logits: NDArray[np.float32], size: Size, frame: int) -> Strength:
    """Sobel's slope of the mask probability, HxW per pixel, on the mask's outer boundary pixels; 0 elsewhere.

    Outer boundary pixels are those outside the mask that have a pixel of it beside them, diagonally too.
    """
    full = upsample_mask(logits, size, frame)
    mask = (full > MASK_THRESHOLD).astype(np.uint8)
    boundary = (cv2.dilate(mask, NEIGHBOURS) > 0) & (mask == 0)
    probability = (1 / (1 + np.exp(-np.clip(full, -60, 60)))).astype(np.float32)
    slope = np.hypot(*slopes(probability))
    return np.where(boundary, slope, np.float32(0))


def stretched(strength: Strength) -> Strength:
    """Linear to 0..1; a map without a difference is all 0."""
    low, high = strength.min(), strength.max()
    return (strength - low) / (high - low) if high > low else np.zeros_like(strength)
