"""Simulated annotators on hand-made masks."""

from __future__ import annotations

import random

import numpy as np
import pytest

from segmenter.prompts import (
    BOX_BOTTOM_RIGHT,
    BOX_TOP_LEFT,
    PADDING,
    Box,
    Point,
    Prompt,
    error_region,
    first_click,
    loose_box,
    next_click,
    prompt_rows,
    tight_box,
)


def square(top: int, left: int, side: int, size: tuple[int, int] = (40, 60)) -> np.ndarray:
    bitmap = np.zeros(size, bool)
    bitmap[top : top + side, left : left + side] = True
    return bitmap


def test_rows_are_points_then_box_corners_or_one_padding_point() -> None:
    coords, labels = prompt_rows(Prompt((Point(3, 4), Point(5, 6, 0))))
    assert coords.tolist() == [[3, 4], [5, 6], [0, 0]] and labels.tolist() == [1, 0, PADDING]
    coords, labels = prompt_rows(Prompt((Point(3, 4),), Box(1, 2, 7, 8)))
    assert coords.tolist() == [[3, 4], [1, 2], [7, 8]] and labels.tolist() == [1, BOX_TOP_LEFT, BOX_BOTTOM_RIGHT]


def test_a_prompt_is_never_empty() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Prompt()


def test_first_click_is_the_deepest_pixel() -> None:
    assert first_click(square(10, 20, 9)) == Point(24, 14, 1)


def test_the_image_border_counts_as_outside() -> None:
    whole = np.ones((21, 41), bool)
    click = first_click(whole)
    assert click.y == 10 and 10 <= click.x <= 30


def test_next_click_mends_the_largest_error() -> None:
    truth = square(5, 5, 10)
    missing = truth.copy()
    missing[5:15, 12:15] = False
    surplus = truth | square(25, 40, 3)
    click = next_click(missing, truth)
    assert click is not None and (click.x, click.label) == (13, 1) and 6 <= click.y <= 13
    assert next_click(surplus, truth) == Point(41, 26, 0)
    assert next_click(truth, truth) is None


def test_missing_and_surplus_are_looked_at_apart() -> None:
    truth, shifted = square(10, 10, 8), square(10, 14, 8)
    region, label = error_region(shifted, truth) or (None, None)
    assert label == 1 and region is not None and region.sum() == 32 and not (region & shifted).any()


@pytest.mark.parametrize("seed", range(20))
def test_random_clicks_stay_inside_what_they_mend(seed: int) -> None:
    rng = random.Random(seed)
    truth, predicted = square(4, 4, 12), square(8, 8, 12)
    first = first_click(truth, rng)
    assert truth[int(first.y), int(first.x)]
    click = next_click(predicted, truth, rng)
    assert click is not None
    wanted = truth & ~predicted if click.label else predicted & ~truth
    assert wanted[int(click.y), int(click.x)]


@pytest.mark.parametrize("seed", range(20))
def test_loose_boxes_stay_near_and_never_collapse(seed: int) -> None:
    bitmap = square(10, 20, 16)
    tight, loose = tight_box(bitmap), loose_box(bitmap, random.Random(seed))
    assert tight == Box(20, 10, 36, 26)
    assert loose.x0 < loose.x1 <= 60 and loose.y0 < loose.y1 <= 40 and min(loose.x0, loose.y0) >= 0
    limit = max(1.0, 20 / 1024 * 60)
    for name in ("x0", "y0", "x1", "y1"):
        assert abs(getattr(loose, name) - getattr(tight, name)) <= limit + 1
