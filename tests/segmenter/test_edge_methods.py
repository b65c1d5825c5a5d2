"""Edges of classical methods and of a model's masks, on pictures whose edges are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from segmenter.automask import survivors
from segmenter.evaluate.edge_methods import DETECTORS, thinned
from segmenter.evaluate.edge_model import GRID, model_edges, outline, stretched
from segmenter.modeling.starter import Starter
from tests.segmenter.test_starter import TINY


def square() -> np.ndarray:
    """A grey square on a darker ground with its upper left corner at 30, 30 and the lower right at 89, 69."""
    picture = np.full((100, 120, 3), 60, np.uint8)
    picture[30:70, 30:90] = 150
    return picture


def rim(width: int) -> np.ndarray:
    """The pixels at most ``width`` from the square's outline."""
    inside = (square()[..., 0] == 150).astype(np.uint8)
    kernel = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    return (cv2.dilate(inside, kernel) > 0) & (cv2.erode(inside, kernel) == 0)


@pytest.mark.parametrize(("name", "level"), [("sobel", 0.2), ("canny", 0.2), ("felzenszwalb", 1000)])
def test_classical_methods_find_the_outline_and_nothing_else(name: str, level: float) -> None:
    edges = DETECTORS[name].open(square())(level)
    assert edges.shape == (100, 120) and edges.dtype == bool
    assert not (edges & ~rim(3)).any()
    assert np.count_nonzero(edges[45:55]) >= 20, "both sides of the square"


@pytest.mark.parametrize("name", DETECTORS)
def test_levels_go_from_many_edges_to_few(name: str) -> None:
    generator = np.random.default_rng(3)
    noise = cv2.GaussianBlur(generator.integers(0, 255, (80, 90, 3), np.uint8), (0, 0), 3)
    picture = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX)
    detector = DETECTORS[name]
    at = detector.open(picture)
    first, last = (np.count_nonzero(at(detector.levels[place])) for place in (0, -1))
    assert first > 2 * last


def test_canny_keeps_weak_edges_that_hang_on_strong_ones() -> None:
    steps = np.full((60, 80, 3), 100, np.uint8)
    steps[:30, 40:] = 160
    steps[30:, 40:] = 135  # the lower half of the edge is weaker
    alone = np.full((60, 80, 3), 100, np.uint8)
    alone[:, 40:] = 135
    level = next(
        level for level in reversed(DETECTORS["canny"].levels) if DETECTORS["canny"].open(steps)(level)[10].any()
    )
    assert DETECTORS["canny"].open(steps)(level)[50].any()
    assert not DETECTORS["canny"].open(alone)(level).any()


def test_only_the_ridge_of_a_blurred_line_stays_whatever_its_direction() -> None:
    for angle in range(0, 180, 15):
        canvas = np.zeros((101, 101), np.float32)
        along = 60 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
        ends = [tuple(round(50 + way * step) for step in along.tolist()) for way in (-1, 1)]
        cv2.line(canvas, *ends, 1.0)
        ridge = thinned(cv2.GaussianBlur(canvas, (0, 0), 2))[20:-20, 20:-20] > 0.01
        apart = cv2.distanceTransform((canvas == 0).astype(np.uint8), cv2.DIST_L2, 5)[20:-20, 20:-20]
        assert apart[ridge].max() < 1.6
        assert np.count_nonzero(ridge) >= 61


def disc(radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:64, :64] + 0.5
    return (radius - np.hypot(rows - 32, columns - 32)).astype(np.float32)


def test_an_outline_lies_just_outside_the_mask_and_nowhere_else() -> None:
    strength = outline(disc(20), (128, 128), 128)
    rows, columns = np.mgrid[:128, :128] + 0.5
    outside = np.hypot(rows - 64, columns - 64) - 40
    assert not strength[(outside < -0.5) | (outside > 2)].any()
    assert (strength[(outside > 0.5) & (outside < 1)] > 0).all()
    sharp = outline(4 * disc(20), (128, 128), 128)
    assert sharp.max() > 2 * strength.max(), "a decided border is a strong edge"


def test_a_mask_that_fills_the_picture_has_no_outline() -> None:
    assert not outline(np.full((64, 64), 5, np.float32), (128, 128), 128).any()


def test_a_map_is_stretched_to_0_and_1_unless_it_is_flat() -> None:
    assert stretched(np.array([[2, 3, 6]], np.float32)).tolist() == [[0, 0.25, 1]]
    assert not stretched(np.full((2, 2), 7, np.float32)).any()


def test_the_model_is_asked_on_a_grid_of_16_by_16_without_filters() -> None:
    torch.manual_seed(4)
    model, picture = Starter(TINY), square()
    kept = survivors(model, picture, GRID)
    assert kept and all((mask.point[0] * 32 / 120) % 2 == pytest.approx(1) for mask, _ in kept)
    assert [mask.predicted_iou for mask, _ in kept] == sorted((m.predicted_iou for m, _ in kept), reverse=True)
    for mask, logits in kept[:3]:
        assert logits.shape == (TINY.logits, TINY.logits) and mask.area > 0
    edges = model_edges(model, picture)
    assert edges.shape == (100, 120) and edges.dtype == np.float32
    assert edges.min() == 0 and 0 < edges.max() <= 1
