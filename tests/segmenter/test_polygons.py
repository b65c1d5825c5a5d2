"""Polygons, boxes and merged masks against pycocotools, which they must equal to the pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segmenter import masks, polygons
from tests.segmenter import oracle

SIDES = st.integers(1, 60)
PLACES = st.floats(-80, 140, width=32) | st.integers(-20, 80).map(float)
CORNERS = st.lists(st.tuples(PLACES, PLACES), min_size=3, max_size=9)


@settings(deadline=None)
@given(CORNERS, SIDES, SIDES)
def test_polygons_are_the_oracles(corners: list[tuple[float, float]], height: int, width: int) -> None:
    flat = [value for corner in corners for value in corner]
    theirs = oracle.frPyObjects([flat], height, width)[0]["counts"].decode()
    assert masks.compress(polygons.polygon_runs(np.array(corners), (height, width))) == theirs


@settings(deadline=None)
@given(st.tuples(*[st.floats(-20, 70, width=32)] * 2, *[st.floats(0, 50, width=32)] * 2), SIDES, SIDES)
def test_boxes_are_the_oracles(box: tuple[float, float, float, float], height: int, width: int) -> None:
    theirs = oracle.frPyObjects(np.array([box]), height, width)[0]["counts"].decode()
    assert masks.compress(polygons.box_runs(*box, (height, width))) == theirs


@settings(deadline=None)
@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 4), SIDES, SIDES)), st.booleans())
def test_merging_is_the_oracles(stack: np.ndarray, intersect: bool) -> None:
    theirs = oracle.merge([oracle.encode(np.asfortranarray(one.astype(np.uint8))) for one in stack], intersect)
    ours = polygons.merged([masks.runs_of(one) for one in stack], intersect)
    assert masks.compress(ours) == theirs["counts"].decode()


def test_what_cannot_be_drawn_is_refused() -> None:
    square = np.array([(0, 0), (0, 1), (1, 1)], np.float64)
    for size in [(0, 5), (1 << 20, 1 << 20)]:
        with pytest.raises(masks.InvalidMask, match="pixels"):
            polygons.polygon_runs(square, size)
    with pytest.raises(masks.InvalidMask, match="longer than"):
        polygons.polygon_runs(square * 1e7, (5, 5))
    with pytest.raises(masks.InvalidMask, match="different sizes"):
        polygons.merged([np.array([4]), np.array([5])])
