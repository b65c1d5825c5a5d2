"""The parts of the automatic mask generator: properties that hold for any input."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segmenter import masks
from segmenter.automask_config import AUTOMASK_PRESETS, AutomaskConfig
from segmenter.cleaning import without_holes, without_islands
from segmenter.containment import depths, parents
from segmenter.crops import crop_boxes, layer_sides, placed, point_grid
from segmenter.nms import box_nms, mask_nms
from tests.segmenter import oracle

SIDE = st.integers(1, 40)


def bitmaps(height: int, width: int) -> st.SearchStrategy[np.ndarray]:
    return arrays(np.bool_, (height, width))


@st.composite
def rectangles(draw: st.DrawFn, side: int = 24) -> list[np.ndarray]:
    """Masks of one size, each one or two rectangles, so that they nest, touch and coincide often."""
    found = []
    for _ in range(draw(st.integers(0, 12))):
        mask = np.zeros((side, side), np.bool_)
        for _ in range(draw(st.integers(1, 2))):
            x, y = draw(st.integers(0, side - 1)), draw(st.integers(0, side - 1))
            mask[y : y + draw(st.integers(0, side)), x : x + draw(st.integers(0, side))] = True
        found.append(mask)
    return found


def corners(mask: np.ndarray) -> list[int]:
    x, y, width, height = masks.bbox(masks.runs_of(mask), mask.shape)
    return [x, y, x + max(width - 1, 0), y + max(height - 1, 0)]


def greedy(alike: np.ndarray, scores: list[float]) -> list[int]:
    """The definition: best first, whoever is like one that stays goes."""
    kept: list[int] = []
    for index in sorted(range(len(scores)), key=lambda one: -scores[one]):
        if not any(alike[index, other] for other in kept):
            kept.append(index)
    return kept


def float32_iou(a: list[float], b: list[float]) -> np.float32:
    one, other = np.array(a, np.float32), np.array(b, np.float32)
    sides = np.maximum(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), np.float32(0))
    common = sides[0] * sides[1]
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    with np.errstate(invalid="ignore"):
        return np.float32(common / (areas[0] + areas[1] - common))


SCORE = st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9])
BOX = st.tuples(*[st.integers(0, 12)] * 4).map(
    lambda c: [min(c[0], c[2]), min(c[1], c[3]), max(c[0], c[2]), max(c[1], c[3])]
)


@given(st.lists(st.tuples(BOX, SCORE), max_size=25), st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]))
def test_box_suppression_is_the_definition(entries: list[tuple[list[int], float]], threshold: float) -> None:
    boxes, scores = [box for box, _ in entries], [score for _, score in entries]
    alike = np.array([[float32_iou(a, b) > np.float32(threshold) for b in boxes] for a in boxes])
    assert box_nms(np.array(boxes, np.float32), np.array(scores), threshold) == greedy(alike, scores)


@given(rectangles(), st.data(), st.sampled_from([0.0, 0.25, 0.5, 0.7, 1.0]))
def test_mask_suppression_is_the_definition(found: list[np.ndarray], data: st.DataObject, threshold: float) -> None:
    scores = data.draw(st.lists(SCORE, min_size=len(found), max_size=len(found)))
    alike = np.array([[(a & b).sum() > threshold * (a | b).sum() for b in found] for a in found])
    runs = [masks.runs_of(mask) for mask in found]
    boxes = np.array([corners(mask) for mask in found], np.float32)
    assert mask_nms(runs, boxes, np.array(scores), threshold) == greedy(alike, scores)


def test_suppression_keeps_a_part_whose_box_is_that_of_its_whole_only_by_masks() -> None:
    whole = np.ones((20, 20), np.bool_)
    frame = whole.copy()
    frame[2:-2, 2:-2] = False
    boxes = np.array([corners(whole), corners(frame)], np.float32)
    assert box_nms(boxes, np.array([0.9, 0.8]), 0.7) == [0]
    assert mask_nms([masks.runs_of(whole), masks.runs_of(frame)], boxes, np.array([0.9, 0.8]), 0.7) == [0, 1]


def test_nothing_to_suppress_stays_nothing() -> None:
    assert box_nms(np.zeros((0, 4), np.float32), np.zeros(0), 0.7) == []
    assert mask_nms([], np.zeros((0, 4), np.float32), np.zeros(0), 0.7) == []


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(0, 3), st.floats(0, 0.6))
def test_crops_of_every_layer_cover_the_image(height: int, width: int, layers: int, overlap: float) -> None:
    boxes, levels = crop_boxes((height, width), layers, overlap)
    assert boxes[0] == (0, 0, width, height) and len(boxes) == sum(4**layer for layer in range(layers + 1))
    for layer in range(layers + 1):
        own = [box for box, level in zip(boxes, levels, strict=True) if level == layer]
        for axis, length in ((0, width), (1, height)):
            reached = 0
            for start, end in sorted(
                {(box[axis], box[axis + 2]) for box in own if box[0] < box[2] and box[1] < box[3]}
            ):
                assert start <= reached and end <= length
                reached = max(reached, end)
            assert reached == length


@given(st.integers(1, 64))
def test_grid_points_are_the_centres_of_equal_cells(side: int) -> None:
    grid = point_grid(side)
    assert grid.shape == (side * side, 2)
    cells = np.floor(grid * side).astype(int)
    assert sorted(map(tuple, cells)) == [(x, y) for x in range(side) for y in range(side)]
    np.testing.assert_allclose(grid * side - cells, 0.5, atol=1e-9)


@given(st.data(), SIDE, SIDE)
def test_masks_of_crops_land_where_they_were(data: st.DataObject, height: int, width: int) -> None:
    x0, y0 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    x1, y1 = data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height))
    mask = data.draw(bitmaps(y1 - y0, x1 - x0))
    whole = np.zeros((height, width), np.bool_)
    whole[y0:y1, x0:x1] = mask
    runs = placed(masks.runs_of(mask), (x0, y0, x1, y1), (height, width))
    np.testing.assert_array_equal(runs, masks.runs_of(whole))


def components(mask: np.ndarray) -> list[int]:
    """Sizes of the 8-connected regions, by plain flood fill."""
    left, sizes = {(int(y), int(x)) for y, x in np.argwhere(mask)}, []
    while left:
        waiting, size = [left.pop()], 0
        while waiting:
            y, x = waiting.pop()
            size += 1
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            waiting += near
        sizes.append(size)
    return sizes


@given(st.integers(1, 14).flatmap(lambda side: bitmaps(side, side + 3)), st.integers(1, 12))
def test_cleaned_masks_have_no_small_regions_and_encode_as_pycocotools_does(mask: np.ndarray, area: int) -> None:
    filled = without_holes(mask, area)
    assert (filled is None) == (min(components(~mask), default=area) >= area)
    whole = mask if filled is None else filled
    assert min(components(~whole), default=area) >= area and (whole | mask == whole).all()
    for keep_largest in (True, False):
        single = without_islands(whole, area, keep_largest)
        clean = whole if single is None else single
        small = [size for size in components(clean) if size < area]
        assert small == [] if not keep_largest else len(small) <= 1 and (not small or small == components(clean))
        assert not (keep_largest and whole.any() and not clean.any())
        assert masks.encode(clean)["counts"] == oracle.encode(np.asfortranarray(clean, np.uint8))["counts"].decode()


@given(rectangles())
@settings(max_examples=60)
def test_containment_is_a_forest_of_ever_larger_masks(found: list[np.ndarray]) -> None:
    runs = [masks.runs_of(mask) for mask in found]
    above = parents(runs, (24, 24))
    for part, whole in enumerate(above):
        inside = [
            other.sum()
            for other in found
            if found[part].any()
            and other.sum() * 0.9 >= found[part].sum()
            and (other & found[part]).sum() >= 0.9 * found[part].sum()
        ]
        assert (whole is None) == (not inside)
        if whole is not None:
            assert found[whole].sum() == min(inside)
    for index, depth in enumerate(depths(above)):
        steps, at = 0, above[index]
        while at is not None:
            steps, at = steps + 1, above[at]
            assert steps <= len(found)
        assert depth == steps


def test_whole_part_and_sub_part() -> None:
    person, shirt, button, other = (np.zeros((60, 60), np.bool_) for _ in range(4))
    squares = ((person, 5, 55), (shirt, 20, 40), (button, 28, 31), (other, 56, 60))
    for mask, start, end in squares:
        mask[start:end, start:end] = True
    above = parents([masks.runs_of(mask) for mask in (button, person, other, shirt)], (60, 60))
    assert above == [3, None, None, 1] and depths(above) == [2, 0, 0, 1]


@pytest.mark.parametrize(
    "bad",
    [
        {"points_per_side": 0},
        {"points_per_side": 513},
        {"points_per_batch": 0},
        {"pred_iou_thresh": math.nan},
        {"stability_score_offset": math.inf},
        {"box_nms_thresh": 1.5},
        {"crop_overlap_ratio": -0.1},
        {"crop_n_layers": 6},
        {"min_mask_region_area": -1},
        {"max_mask_share": 2.0},
        {"cleaning": "none"},
        {"nms": "soft"},
        {"points_per_side": 4, "crop_n_layers": 3, "crop_n_points_downscale_factor": 2},
    ],
    ids=str,
)
def test_settings_without_sense_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        dataclasses.replace(AutomaskConfig(), **bad)


def test_presets_are_those_of_the_reference_and_the_paper() -> None:
    paper = AUTOMASK_PRESETS["sa1b"]
    assert layer_sides(paper.points_per_side, paper.crop_n_layers, paper.crop_n_points_downscale_factor) == [32, 16, 8]
    assert len(crop_boxes((1500, 2250), paper.crop_n_layers, paper.crop_overlap_ratio)[0]) == 21
    default = AUTOMASK_PRESETS["default"]
    assert (default.pred_iou_thresh, default.stability_score_thresh, default.box_nms_thresh) == (0.88, 0.95, 0.7)
    assert default.points_per_side == 32 and default.crop_n_layers == 0 and default.min_mask_region_area == 0
