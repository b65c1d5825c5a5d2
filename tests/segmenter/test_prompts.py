"""What a prompt may be, and simulated annotators on hand-made masks."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmenter.prompts import (
    BOX_BOTTOM_RIGHT,
    BOX_TOP_LEFT,
    PADDING,
    Box,
    InvalidPrompt,
    Point,
    Prompt,
    alike,
    check_inside,
    error_region,
    first_click,
    loose_box,
    mask_alone,
    mask_prompt,
    next_click,
    one_by_one,
    prompt_rows,
    tight_box,
)
from segmenter.transforms import resized_size


def square(top: int, left: int, side: int, size: tuple[int, int] = (40, 60)) -> np.ndarray:
    bitmap = np.zeros(size, bool)
    bitmap[top : top + side, left : left + side] = True
    return bitmap


def test_rows_are_points_then_box_corners_or_one_padding_point() -> None:
    coords, labels = prompt_rows(Prompt((Point(3, 4), Point(5, 6, 0))))
    assert coords.tolist() == [[3, 4], [5, 6], [0, 0]] and labels.tolist() == [1, 0, PADDING]
    coords, labels = prompt_rows(Prompt((Point(3, 4),), Box(1, 2, 7, 8)))
    assert coords.tolist() == [[3, 4], [1, 2], [7, 8]] and labels.tolist() == [1, BOX_TOP_LEFT, BOX_BOTTOM_RIGHT]


def test_every_label_is_a_point_and_corners_or_padding_end_the_rows() -> None:
    corners = Prompt((Point(3, 4), Point(1, 2, BOX_TOP_LEFT), Point(7, 8, BOX_BOTTOM_RIGHT)))
    coords, labels = prompt_rows(corners)
    assert coords.tolist() == [[3, 4], [1, 2], [7, 8]] and labels.tolist() == [1, 2, 3] and corners.count == 2
    padded = Prompt((Point(3, 4, 0), Point(5, 5, PADDING)))
    coords, labels = prompt_rows(padded)
    assert coords.tolist() == [[3, 4], [0, 0]] and labels.tolist() == [0, PADDING] and padded.count == 1
    assert Prompt((Point(3, 4),), Box(1, 2, 7, 8), np.zeros(4, np.float32)).count == 3


def test_a_prompt_grows_box_first_then_click_by_click() -> None:
    a, b, box = Point(1, 1), Point(2, 2, 0), Box(0, 0, 3, 3)
    assert [step.points for step in one_by_one(Prompt((a, b)))] == [(a,), (a, b)]
    assert [step.points for step in one_by_one(Prompt((a,), box))] == [(), (a,)]
    corners = (Point(0, 0, 2), Point(3, 3, 3))
    assert [step.points for step in one_by_one(Prompt((*corners, a, Point(0, 0, -1))))] == [
        corners,
        (*corners, a),
        (*corners, a, Point(0, 0, -1)),
    ]
    assert [step.points for step in one_by_one(Prompt((), box))] == [()]


@pytest.mark.parametrize("points", [(), (Point(1, 1, PADDING),)])
def test_a_prompt_is_never_empty(points: tuple[Point, ...]) -> None:
    with pytest.raises(InvalidPrompt, match="at least one"):
        Prompt(points)


@given(st.floats(), st.floats(), st.integers(-3, 5))
def test_a_point_is_finite_and_of_a_known_label(x: float, y: float, label: int) -> None:
    if np.isfinite([x, y]).all() and -1 <= label <= 3:
        assert Point(x, y, label).label == label
    else:
        with pytest.raises(InvalidPrompt):
            Point(x, y, label)


@given(st.lists(st.floats() | st.floats(0, 100), min_size=4, max_size=4))
def test_a_box_is_finite_and_has_an_inside(corners: list[float]) -> None:
    x0, y0, x1, y1 = corners
    if np.isfinite(corners).all() and x0 < x1 and y0 < y1:
        prompt = Prompt((), Box(x0, y0, x1, y1))
        if x0 >= 0 and y0 >= 0 and x1 <= 50 and y1 <= 40:
            check_inside(prompt, (40, 50))
        else:
            with pytest.raises(InvalidPrompt, match="outside"):
                check_inside(prompt, (40, 50))
    else:
        with pytest.raises(InvalidPrompt, match=r"finite|empty or inverted"):
            Box(x0, y0, x1, y1)


def test_groups_hold_prompts_of_one_shape_in_their_order() -> None:
    click, text = Point(1, 1), np.zeros(3, np.float32)
    prompts = [
        Prompt((click,)),
        Prompt((click, click)),
        Prompt((click,)),
        Prompt((), Box(0, 0, 1, 1)),
        Prompt((click,)),
    ]
    assert alike(prompts, [False] * 5) == [[0, 2, 3, 4], [1]]
    assert alike(prompts, [False, False, True, False, True]) == [[0, 3], [1], [2, 4]]
    assert alike([Prompt((click,)), Prompt((click,), None, text)], [False, False]) == [[0], [1]]


@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_a_mask_prompt_says_which_pixels_the_mask_covers(height: int, width: int, data: st.DataObject) -> None:
    y, x = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    bottom, right = data.draw(st.integers(y + 1, height)), data.draw(st.integers(x + 1, width))
    bitmap = np.zeros((height, width), bool)
    bitmap[y:bottom, x:right] = True
    logits = mask_prompt(bitmap, 64)
    assert logits.shape == (64, 64) and logits.dtype == np.float32 and set(np.unique(logits)) <= {-10, 10}
    inside, kept = logits > 0, resized_size(height, width, 64)
    assert inside.any() and not inside[kept[0] :].any() and not inside[:, kept[1] :].any()
    if max(height, width) < 64:
        return  # enlarged: interpolated, not counted
    covered = np.outer(share(y, bottom, kept[0], height), share(x, right, kept[1], width))
    threshold = min(0.5, covered.max())
    clear = np.abs(covered - threshold) > 1e-4
    assert (inside[: kept[0], : kept[1]] == (covered >= threshold))[clear].all()


def share(start: int, end: int, cells: int, length: int) -> np.ndarray:
    """How much of each of the cells along an axis lies between start and end."""
    edges = np.arange(cells + 1) * length / cells
    return np.diff(np.clip(edges, start, end)) * cells / length


def test_a_mask_prompt_is_at_least_half_covered_pixels_or_the_best_there_are() -> None:
    bitmap = np.zeros((128, 128), bool)
    bitmap[:, :33] = True  # two pixels make one of the prompt; the last one is half covered
    assert (mask_prompt(bitmap, 64)[0] > 0).nonzero()[0].tolist() == list(range(17))
    hair = np.zeros((640, 640), bool)
    hair[:, 300] = True
    assert (mask_prompt(hair, 64)[0] > 0).nonzero()[0].tolist() == [30]


@pytest.mark.parametrize(
    ("bitmap", "said"),
    [
        (np.zeros((5, 5), bool), "empty"),
        (np.ones((5, 5, 1), bool), "H x W"),
        (np.ones((5, 5), np.uint8), "booleans"),
        (np.zeros((0, 5), bool), "empty"),
    ],
)
def test_what_is_no_mask_is_refused(bitmap: np.ndarray, said: str) -> None:
    for use in (mask_alone, lambda mask: mask_prompt(mask, 64)):
        with pytest.raises(InvalidPrompt, match=said):
            use(bitmap)


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
