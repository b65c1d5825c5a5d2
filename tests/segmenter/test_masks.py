"""The strict codec against pycocotools (the oracle) and against input that must be refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segmenter import masks
from tests.segmenter import golden, oracle

SIDES = st.integers(1, 24)
ARRAYS = st.tuples(SIDES, SIDES).flatmap(lambda size: hnp.arrays(np.bool_, size))
PAIRS = st.tuples(SIDES, SIDES).flatmap(lambda size: st.tuples(hnp.arrays(np.bool_, size), hnp.arrays(np.bool_, size)))


def oracle_rle(mask: np.ndarray) -> dict[str, Any]:
    return oracle.encode(np.asfortranarray(mask.astype(np.uint8)))


@settings(deadline=None)
@given(ARRAYS)
@example(np.zeros((1, 1), bool))
@example(np.ones((3, 5), bool))
@example(np.zeros((5, 3), bool))
def test_encode_decode_area_and_box_agree_with_pycocotools(mask: np.ndarray) -> None:
    theirs = oracle_rle(mask)
    ours = masks.encode(mask)
    assert ours["counts"] == theirs["counts"].decode()
    assert ours["size"] == theirs["size"]
    assert (masks.decode(ours, mask.shape) == mask).all()
    runs = masks.parse(ours["size"], ours["counts"], mask.shape)
    assert masks.area(runs) == int(oracle.area(theirs)) == int(mask.sum())
    assert masks.bbox(runs, mask.shape) == tuple(oracle.toBbox(theirs))


@settings(deadline=None)
@given(ARRAYS, st.integers(1, 9), st.integers(1, 5))
def test_the_layout_in_memory_does_not_matter(mask: np.ndarray, rows: int, columns: int) -> None:
    grown = mask.repeat(rows, axis=0).repeat(columns, axis=1)
    expected = oracle_rle(grown)["counts"].decode()
    apart = np.zeros((2 * grown.shape[0], 3 * grown.shape[1]), bool)[::2, ::3]
    apart[:] = grown
    for laid_out in (grown, np.asfortranarray(grown), apart):
        assert masks.encode(laid_out)["counts"] == expected


@settings(deadline=None)
@given(PAIRS)
def test_iou_and_intersection_agree_with_pycocotools(pair: tuple[np.ndarray, np.ndarray]) -> None:
    first, second = pair
    ours = masks.iou(masks.runs_of(first), masks.runs_of(second))
    assert ours == pytest.approx(float(oracle.iou([oracle_rle(first)], [oracle_rle(second)], [0])[0, 0]), abs=1e-12)
    assert masks.intersection(masks.runs_of(first), masks.runs_of(second)) == int((first & second).sum())


@settings(deadline=None)
@given(ARRAYS)
def test_runs_given_as_a_list_mean_the_same(mask: np.ndarray) -> None:
    runs = masks.runs_of(mask)
    assert (masks.parse(list(mask.shape), runs.tolist(), mask.shape) == runs).all()


def test_every_mask_of_the_reference_is_reproduced() -> None:
    golden_masks = golden.read("sam/rle.json")["masks"]
    assert len(golden_masks) == 64
    for entry in golden_masks:
        size = (entry["size"][0], entry["size"][1])
        runs = masks.parse(entry["size"], entry["coco_counts"], size)
        assert runs.tolist() == entry["counts"], entry["name"]
        assert masks.compress(runs) == entry["coco_counts"]
        assert masks.area(runs) == entry["area"]
        assert list(masks.bbox(runs, size)) == entry["bbox_xywh"]
        assert masks.encode(masks.pixels_of(runs, size))["counts"] == entry["coco_counts"]


def test_every_iou_of_the_reference_is_reproduced() -> None:
    reference = golden.read("sam/rle.json")
    all_runs = [np.array(entry["counts"]) for entry in reference["masks"]]
    for group in reference["pairwise"]:
        runs = [all_runs[index] for index in group["indices"]]
        ours = [[masks.iou(first, second) for second in runs] for first in runs]
        np.testing.assert_allclose(ours, group["iou"], atol=1e-9)


def test_shared_masks_of_browser_and_server() -> None:
    for entry in golden.read("rle.json")["masks"]:
        size = (entry["size"][0], entry["size"][1])
        runs = masks.parse(entry["size"], entry["counts"], size)
        assert runs.tolist() == entry["runs"], entry["name"]
        assert masks.compress(runs) == entry["counts"], entry["name"]
        assert masks.area(runs) == entry["area"], entry["name"]
        assert list(masks.bbox(runs, size)) == entry["bbox"], entry["name"]


@pytest.mark.parametrize("entry", golden.read("rle.json")["rejected"], ids=lambda entry: entry["name"])
def test_what_is_not_canonical_is_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(masks.InvalidMask):
        masks.parse(entry["size"], entry["counts"], tuple(entry["expected"]))


@pytest.mark.parametrize("entry", golden.read("rle.json")["accepted_lists"], ids=lambda entry: entry["name"])
def test_lists_of_runs_are_accepted(entry: dict[str, Any]) -> None:
    runs = masks.parse(entry["size"], entry["runs"], tuple(entry["size"]))
    assert masks.compress(runs) == entry["counts"]


@settings(deadline=None)
@given(st.text(st.characters(min_codepoint=47, max_codepoint=112), max_size=12), SIDES, SIDES)
@example("Ph0", 24, 32)
def test_whatever_is_accepted_is_canonical_and_right(counts: str, height: int, width: int) -> None:
    try:
        mask = masks.decode({"size": [height, width], "counts": counts}, (height, width))
    except masks.InvalidMask:
        return
    assert masks.encode(mask)["counts"] == counts
    assert (oracle.decode({"size": [height, width], "counts": counts.encode()}) == mask).all()


@settings(deadline=None)
@given(ARRAYS, st.data())
def test_a_damaged_encoding_is_refused_or_means_something_else(mask: np.ndarray, data: st.DataObject) -> None:
    counts = masks.encode(mask)["counts"]
    place = data.draw(st.integers(0, len(counts) - 1))
    other = data.draw(st.characters(min_codepoint=48, max_codepoint=111))
    damaged = counts[:place] + other + counts[place + 1 :]
    try:
        read = masks.decode({"size": list(mask.shape), "counts": damaged}, mask.shape)
    except masks.InvalidMask:
        return
    assert (damaged == counts) == bool((read == mask).all())
    assert (oracle.decode({"size": list(mask.shape), "counts": damaged.encode()}) == read).all()


@pytest.mark.parametrize(
    ("size", "counts"),
    [
        ([10**5, 10**5], "0"),
        ([4, 4], "o" * 100_000),
        ([4, 4], b"@0"),
        ([4, 4], None),
        ([True, 16], "`0"),
        ([4.0, 4], "`0"),
        ("44", "`0"),
        ([4, 4], [16.0]),
        ([4, 4], [True, 15]),
        ([4, 4], [-1, 17]),
        ([4, 4], [2**70, 0]),
        ([4, 4], ["16"]),
        ([2**20, 2**20], "0"),
    ],
)
def test_hostile_values_are_refused(size: Any, counts: Any) -> None:
    expected = (4, 4) if size != [2**20, 2**20] else (2**20, 2**20)
    with pytest.raises(masks.InvalidMask):
        masks.parse(size, counts, expected)


def test_a_mask_value_is_checked_and_compares_by_content() -> None:
    mask = masks.Mask((2, 3), masks.encode(np.eye(2, 3, dtype=bool))["counts"])
    assert mask == masks.Mask((2, 3), mask.counts)
    assert masks.decode(mask, (2, 3)).sum() == 2
    with pytest.raises(masks.InvalidMask, match="not the image's size"):
        masks.decode(mask, (3, 2))
    with pytest.raises(masks.InvalidMask, match="do not cover"):
        masks.Mask((3, 3), mask.counts)


def test_only_boolean_planes_are_encoded() -> None:
    numbers: Any = np.ones((2, 2), np.uint8)
    with pytest.raises(masks.InvalidMask):
        masks.encode(numbers)
    with pytest.raises(masks.InvalidMask):
        masks.encode(np.ones((1, 2, 2), bool))
    with pytest.raises(masks.InvalidMask, match="same size"):
        masks.iou(np.array([4]), np.array([5]))


def test_a_large_mask_takes_work_by_runs_not_by_pixels() -> None:
    size = (20_000, 25_000)
    runs = masks.parse(list(size), masks.compress(np.array([0, 499_999_999, 1])), size)
    assert masks.area(runs) == 499_999_999
    assert masks.bbox(runs, size) == (0, 0, 25_000, 20_000)
    assert masks.iou(runs, np.array([1, 499_999_999])) == pytest.approx(499_999_998 / 500_000_000)
