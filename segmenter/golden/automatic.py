"""Golden files of automatic masks: complete records, and the parts they are made with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmenter import masks
from segmenter.automask import generate, record, stability
from segmenter.automask_config import AUTOMASK_PRESETS
from segmenter.cleaning import without_holes, without_islands
from segmenter.crops import EDGE_TOLERANCE, crop_boxes, layer_sides, near_crop_edge, placed, point_grid
from segmenter.golden.judge import Check, Differs, Golden, near, same
from segmenter.golden.models import IOU, config_of, rebuilt
from segmenter.masks import Runs
from segmenter.modeling.segmenter import Sam
from segmenter.nms import box_nms

STABILITY, MASK_IOU = 1e-3, 0.999
GRID = 1e-12
Bitmap = NDArray[np.bool_]


def automask_checks(golden: Golden) -> Iterator[Check]:
    """amg.json: every run of the generator, record by record, in the order of the output."""
    table = golden.table("amg")
    model = cache(lambda: rebuilt(config_of(golden, table["model"])))
    for run in table["runs"]:
        yield f"{run['image']}/{run['name']}", partial(_run, golden, model, run)


def _run(golden: Golden, model: Callable[[], Sam], run: dict[str, Any]) -> str:
    params = {name: value for name, value in run["params"].items() if name != "output_mode"}
    config = replace(AUTOMASK_PRESETS["reference"], **params)
    found = [record(mask, config) for mask in generate(model(), golden.picture(run["image"]), config)]
    if len(found) != len(run["records"]):
        raise Differs(f"{len(found)} records instead of {len(run['records'])}; margins: {run.get('info')}")
    worst = min((_record(*pair) for pair in zip(found, run["records"], strict=True)), default=1.0)
    return f"{len(found)} records, least IoU {worst:.4f}"


def _record(ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    """IoU of the two masks; Differs where they are not the same record."""
    same(sorted(ours), sorted(theirs), "fields")
    for name in ("bbox", "point_coords", "crop_box"):
        same(ours[name], theirs[name], name)
    near(ours["predicted_iou"], theirs["predicted_iou"], IOU)
    near(ours["stability_score"], _number(theirs["stability_score"]), STABILITY)
    mine, reference = _runs(ours["segmentation"]), _runs(theirs["segmentation"])
    same(ours["area"], masks.area(mine), "area")
    overlap = masks.iou(mine, reference) if ours["area"] or theirs["area"] else 1.0
    if overlap < MASK_IOU:
        raise Differs(f"IoU {overlap:.5f}, at least {MASK_IOU} is asked for")
    return overlap


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _runs(segmentation: dict[str, Any]) -> Runs:
    size = (segmentation["size"][0], segmentation["size"][1])
    return masks.parse(list(size), segmentation["counts"], size)


def _bitmap(rows: list[str]) -> Bitmap:
    return np.array([[pixel == "1" for pixel in row] for row in rows])


def parts_checks(golden: Golden) -> Iterator[Check]:
    """amg_utils.json: grids, crops, stability, boxes, cleaning, suppression."""
    table = golden.table("amg_utils")
    for side, grid in table["build_point_grid"].items():
        yield f"build_point_grid/{side}", partial(_grid, int(side), grid)
    yield "build_point_grid_32_first_last", partial(_grid_ends, table["build_point_grid_32_first_last"])
    cases: dict[str, tuple[Callable[[dict[str, Any]], str], list[dict[str, Any]]]] = {
        "build_all_layer_point_grids": (_layers, table["build_all_layer_point_grids"]),
        "generate_crop_boxes": (_crops, table["generate_crop_boxes"]),
        "stability_score": (_stability, table["stability_score"]["cases"]),
        "mask_to_box_and_rle": (_box_and_runs, table["mask_to_box_and_rle"]),
        "remove_small_regions": (_cleaned, table["remove_small_regions"]),
        "is_box_near_crop_edge": (_near_edge, table["is_box_near_crop_edge"]),
        "uncrop_masks": (_uncropped, table["uncrop_masks"]),
        "box_nms": (_suppressed, table["box_nms"]["cases"]),
    }
    for name, (look, entries) in cases.items():
        for index, case in enumerate(entries):
            yield f"{name}/{index}", partial(look, case)


def _grid(side: int, grid: list[list[float]]) -> str:
    return near(point_grid(side), grid, GRID)


def _grid_ends(ends: list[list[float]]) -> str:
    return near(point_grid(32)[[0, 31, -1]], ends, GRID)


def _layers(case: dict[str, Any]) -> str:
    sides = layer_sides(*case["args"])
    same([side * side for side in sides], case["sizes"], "sizes")
    for side, grid in zip(sides, case["grids"] or [], strict=False):
        near(point_grid(side), grid, GRID)
    return ""


def _crops(case: dict[str, Any]) -> str:
    boxes, layers = crop_boxes((case["im_size"][0], case["im_size"][1]), case["n_layers"], case["overlap_ratio"])
    same([list(box) for box in boxes], case["crop_boxes"], "boxes")
    return same(layers, case["layer_idxs"], "layers")


def _stability(case: dict[str, Any]) -> str:
    low, high = (np.float32(case["mask_threshold"] + sign * case["offset"]) for sign in (-1, 1))
    for logits, expected in zip(np.array(case["logits"], np.float32), case["score"], strict=True):
        near(stability(int((logits > high).sum()), int((logits > low).sum())), _number(expected), 1e-7)
    return ""


def _box_and_runs(case: dict[str, Any]) -> str:
    mask = _bitmap(case["rows"])
    runs = masks.runs_of(mask)
    left, top, width, height = masks.bbox(runs, (mask.shape[0], mask.shape[1]))
    same([left, top, left + max(width - 1, 0), top + max(height - 1, 0)], case["box_xyxy"], "box")
    same(runs.tolist(), case["rle"]["counts"], "runs")
    same(masks.encode(mask), case["coco_rle"], "counts")
    return same(masks.area(runs), case["area"], "area")


def _cleaned(case: dict[str, Any]) -> str:
    mask, area = _bitmap(case["rows"]), case["area_thresh"]
    clean = without_holes(mask, area) if case["mode"] == "holes" else without_islands(mask, area, True)
    same(clean is not None, case["changed"], "changed")
    return same(bool(((mask if clean is None else clean) == _bitmap(case["out"])).all()), True, "equal:")


def _near_edge(case: dict[str, Any]) -> str:
    x0, y0, x1, y1 = case["crop_box"]
    same(EDGE_TOLERANCE, case["atol"], "tolerance")
    corners = np.array(case["boxes_in_crop"]).reshape(-1, 4) + np.array([x0, y0, x0, y0])
    same(corners.tolist(), case["uncropped"], "boxes")
    size = (case["orig_box"][3], case["orig_box"][2])
    return same(near_crop_edge(corners.astype(np.float32), (x0, y0, x1, y1), size).tolist(), case["near"], "near")


def _uncropped(case: dict[str, Any]) -> str:
    size, (x0, y0, x1, y1) = (case["orig_h"], case["orig_w"]), case["crop_box"]
    whole = placed(masks.runs_of(_bitmap(case["rows"])), (x0, y0, x1, y1), size)
    return same(bool((masks.pixels_of(whole, size) == _bitmap(case["out"])).all()), True, "equal:")


def _suppressed(case: dict[str, Any]) -> str:
    boxes, scores = np.array(case["boxes"], np.float32), np.array(case["scores"], np.float32)
    return same(box_nms(boxes, scores, case["iou_threshold"]), case["keep"], "kept")
