"""The automatic mask generator against the reference's records, and its parts against the reference's functions."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from segmenter import masks
from segmenter.automask import generate, record, stability
from segmenter.automask_config import AUTOMASK_PRESETS
from segmenter.cleaning import without_holes, without_islands
from segmenter.crops import crop_boxes, layer_sides, near_crop_edge, placed, point_grid
from segmenter.modeling.segmenter import Sam
from segmenter.nms import box_nms
from tests.segmenter import golden

RUNS = golden.read("sam/amg.json")["runs"]
PARTS = golden.read("sam/amg_utils.json")


def bitmap(rows: list[str]) -> np.ndarray:
    return np.array([[pixel == "1" for pixel in row] for row in rows])


def runs_of(segmentation: dict[str, Any]) -> masks.Runs:
    size = tuple(segmentation["size"])
    return masks.parse(list(size), segmentation["counts"], size)


@pytest.mark.parametrize("run", RUNS, ids=[f"{run['image']}-{run['name']}" for run in RUNS])
def test_records_of_the_reference(small: Sam, run: dict[str, Any]) -> None:
    params = {name: value for name, value in run["params"].items() if name != "output_mode"}
    config = dataclasses.replace(AUTOMASK_PRESETS["reference"], **params)
    found = [record(mask, config) for mask in generate(small, golden.picture(run["image"]), config)]
    assert len(found) == len(run["records"])
    for ours, theirs in zip(found, run["records"], strict=True):
        assert ours.keys() == theirs.keys()
        for exact in ("bbox", "point_coords", "crop_box"):
            assert ours[exact] == theirs[exact]
        assert ours["predicted_iou"] == pytest.approx(theirs["predicted_iou"], abs=1e-5)
        if theirs["stability_score"] is None:
            assert math.isnan(ours["stability_score"])
        else:
            assert ours["stability_score"] == pytest.approx(theirs["stability_score"], abs=1e-3)
        mine, reference = runs_of(ours["segmentation"]), runs_of(theirs["segmentation"])
        assert ours["area"] == masks.area(mine)
        if theirs["area"] or ours["area"]:
            assert masks.iou(mine, reference) >= 0.999


def test_point_grids() -> None:
    for side, grid in PARTS["build_point_grid"].items():
        np.testing.assert_allclose(point_grid(int(side)), grid, rtol=0, atol=1e-15)
    ends = point_grid(32)[[0, 31, -1]]
    np.testing.assert_allclose(ends, PARTS["build_point_grid_32_first_last"], rtol=0, atol=1e-15)
    for case in PARTS["build_all_layer_point_grids"]:
        sides = layer_sides(*case["args"])
        assert [side * side for side in sides] == case["sizes"]
        for side, grid in zip(sides, case["grids"] or [], strict=False):
            np.testing.assert_allclose(point_grid(side), grid, rtol=0, atol=1e-15)


@pytest.mark.parametrize("case", PARTS["generate_crop_boxes"], ids=str)
def test_crop_boxes(case: dict[str, Any]) -> None:
    boxes, layers = crop_boxes(tuple(case["im_size"]), case["n_layers"], case["overlap_ratio"])
    assert [list(box) for box in boxes] == case["crop_boxes"] and layers == case["layer_idxs"]


def test_stability_scores() -> None:
    for case in PARTS["stability_score"]["cases"]:
        logits = np.array(case["logits"], np.float32)
        for one, expected in zip(logits, case["score"], strict=True):
            low, high = (np.float32(case["mask_threshold"] + sign * case["offset"]) for sign in (-1, 1))
            score = stability(int((one > high).sum()), int((one > low).sum()))
            assert math.isnan(score) if expected is None else score == np.float32(expected)


def test_boxes_and_encodings_of_masks() -> None:
    for case in PARTS["mask_to_box_and_rle"]:
        mask = bitmap(case["rows"])
        runs = masks.runs_of(mask)
        left, top, width, height = masks.bbox(runs, mask.shape)
        assert [left, top, left + max(width - 1, 0), top + max(height - 1, 0)] == case["box_xyxy"]
        assert runs.tolist() == case["rle"]["counts"] and masks.encode(mask) == case["coco_rle"]
        assert masks.area(runs) == case["area"]


def test_cleaning_of_small_regions() -> None:
    for case in PARTS["remove_small_regions"]:
        mask, area = bitmap(case["rows"]), case["area_thresh"]
        clean = without_holes(mask, area) if case["mode"] == "holes" else without_islands(mask, area, True)
        assert (clean is not None) == case["changed"]
        np.testing.assert_array_equal(mask if clean is None else clean, bitmap(case["out"]))


def test_boxes_at_the_edge_of_a_crop() -> None:
    for case in PARTS["is_box_near_crop_edge"]:
        corners = np.array(case["boxes_in_crop"]) + np.tile(case["crop_box"][:2], 2)
        assert case["atol"] == 20 and corners.tolist() == case["uncropped"]
        size = (case["orig_box"][3], case["orig_box"][2])
        assert near_crop_edge(corners, tuple(case["crop_box"]), size).tolist() == case["near"]


def test_masks_of_crops_in_the_image() -> None:
    for case in PARTS["uncrop_masks"]:
        size = (case["orig_h"], case["orig_w"])
        whole = placed(masks.runs_of(bitmap(case["rows"])), tuple(case["crop_box"]), size)
        np.testing.assert_array_equal(masks.pixels_of(whole, size), bitmap(case["out"]))


def test_box_suppression() -> None:
    for case in PARTS["box_nms"]["cases"]:
        assert box_nms(np.array(case["boxes"]), np.array(case["scores"]), case["iou_threshold"]) == case["keep"]


def test_every_part_of_the_golden_file_is_looked_at() -> None:
    assert set(PARTS) == {
        *("build_point_grid", "build_point_grid_32_first_last", "build_all_layer_point_grids", "generate_crop_boxes"),
        *("stability_score", "mask_to_box_and_rle", "remove_small_regions", "is_box_near_crop_edge", "uncrop_masks"),
        "box_nms",
    }
