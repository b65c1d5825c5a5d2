"""Golden files without a model: sizes and coordinates, pixels, run lengths, polygons, boxes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmenter import masks, polygons, transforms
from segmenter.config import ModelConfig
from segmenter.golden.judge import Check, Differs, Golden, near, same
from segmenter.masks import Runs

COORDINATES, FLOAT32_COORDINATES = 1e-9, 2e-3  # pixels; the float32 path is approximate by nature
OVERLAP = 1e-9
NORMALISED = 1e-5
SUMS = 1e-6  # relative


def transforms_checks(golden: Golden) -> Iterator[Check]:
    """transforms.json: target sizes, points and boxes in the frame, pixels of the frame."""
    table = golden.table("transforms")
    for case in table["preprocess_shape"]:
        yield f"preprocess_shape/{case['h']}x{case['w']}@{case['long_side']}", partial(_target_size, case)
    for index, case in enumerate(table["coords"]):
        yield f"coords/{index}/{case['h']}x{case['w']}@{case['long_side']}", partial(_coordinates, case)
    for case in table["preprocess"]:
        yield f"preprocess/{case['image']}@{case['long_side']}", partial(_pixels, golden, case)


def _target_size(case: dict[str, Any]) -> str:
    ours = transforms.resized_size(case["h"], case["w"], case["long_side"])
    return same(list(ours), [max(1, side) for side in case["target"]])  # the reference's 0 cannot be used


def _coordinates(case: dict[str, Any]) -> str:
    size, frame = (case["h"], case["w"]), case["long_side"]
    points = transforms.to_frame(np.array(case["points"], np.float64).reshape(-1, 2), size, frame)
    near(points, np.array(case["points_out"]).reshape(-1, 2), COORDINATES)
    corners = transforms.to_frame(np.array(case["boxes"], np.float64).reshape(-1, 2), size, frame)
    near(corners, np.array(case["boxes_out"]).reshape(-1, 2), COORDINATES)
    if "points_out_float32_path" not in case:
        return ""
    return near(points, np.array(case["points_out_float32_path"]).reshape(-1, 2), FLOAT32_COORDINATES)


def _pixels(golden: Golden, case: dict[str, Any]) -> str:
    image, frame, usual = golden.picture(case["image"]), case["long_side"], ModelConfig()
    same(zlib.crc32(image.tobytes()), case["image_crc32"], "picture")
    resized = transforms.resize_image(image, frame)
    same(list(resized.shape), case["resized_shape"], "shape")
    same(zlib.crc32(resized.tobytes()), case["resized_uint8_crc32"], "resized picture")
    same(int(resized.sum()), case["resized_uint8_sum"], "sum of the resized picture")
    step = case["resized_uint8_slice_stride"]
    same(resized[::step, ::step].tolist(), case["resized_uint8_slice"], "part of the resized picture")
    pixels = transforms.frame_pixels(image, frame, usual.pixel_mean, usual.pixel_std)
    same([1, *pixels.shape], case["normalised_shape"], "shape")
    for name, total in (("sum", pixels.sum(dtype=np.float64)), ("abs_sum", np.abs(pixels).sum(dtype=np.float64))):
        near(total / case[f"normalised_{name}"], 1.0, SUMS)
    part = np.array(case["normalised_slice"])
    step = frame // part.shape[-1]
    return near(pixels[:, ::step, ::step], part, NORMALISED)


def rle_checks(golden: Golden) -> Iterator[Check]:
    """rle.json: encodings, overlaps, merged masks, polygons and boxes as masks, overlaps of boxes."""
    table = golden.table("rle")
    runs = [np.array(case["counts"], np.int64) for case in table["masks"]]
    for index, case in enumerate(table["masks"]):
        yield f"masks/{index}/{case['name']}", partial(_encoding, case)
    for case in table["pairwise"]:
        yield f"pairwise/{case['group']}", partial(_overlaps, case, [runs[index] for index in case["indices"]])
    for index, case in enumerate(table["merge"]):
        yield f"merge/{index}", partial(_merged, case, [runs[index] for index in case["indices"]], table["masks"])
    for case in table["polygons"]:
        yield f"polygons/{case['name']}", partial(_polygon, case)
    for index, case in enumerate(table["boxes_to_rle"]):
        yield f"boxes_to_rle/{index}", partial(_box, case)
    yield "box_iou", partial(_box_overlaps, table["box_iou"])


def _encoding(case: dict[str, Any]) -> str:
    size = (case["size"][0], case["size"][1])
    runs = masks.parse(case["size"], case["coco_counts"], size)
    same(runs.tolist(), case["counts"], "runs")
    same(masks.compress(runs), case["coco_counts"], "counts")
    same(masks.encode(masks.pixels_of(runs, size))["counts"], case["coco_counts"], "counts from pixels")
    return _measured(runs, size, case)


def _measured(runs: Runs, size: masks.Size, case: dict[str, Any]) -> str:
    same(masks.area(runs), case["area"], "area")
    return same(list(masks.bbox(runs, size)), case["bbox_xywh"], "box")


def _overlaps(case: dict[str, Any], runs: list[Runs]) -> str:
    near([[masks.iou(first, second) for second in runs] for first in runs], case["iou"], OVERLAP)
    # Against a crowd, what counts is the share of the first mask that the second covers.
    shares = [[masks.intersection(first, second) / max(1, masks.area(first)) for second in runs] for first in runs]
    return near(shares, case["iou_all_crowd"], OVERLAP)


def _merged(case: dict[str, Any], runs: list[Runs], table: list[dict[str, Any]]) -> str:
    merged = polygons.merged(runs, case["intersect"])
    same(masks.compress(merged), case["coco_counts"], "counts")
    size = table[case["indices"][0]]["size"]
    return _measured(merged, (size[0], size[1]), case)


def _polygon(case: dict[str, Any]) -> str:
    size = (case["size"][0], case["size"][1])
    parts = [polygons.polygon_runs(np.array(part, np.float64).reshape(-1, 2), size) for part in case["polygons"]]
    same([masks.compress(part) for part in parts], case["parts"], "parts")
    same([masks.area(part) for part in parts], case["part_areas"], "areas")
    merged = polygons.merged(parts)
    same(masks.compress(merged), case["merged"], "counts")
    return _measured(merged, size, case)


def _box(case: dict[str, Any]) -> str:
    x, y, width, height = case["bbox_xywh"]
    runs = polygons.box_runs(x, y, width, height, (case["size"][0], case["size"][1]))
    same(masks.compress(runs), case["coco_counts"], "counts")
    return same(masks.area(runs), case["area"], "area")


def _box_overlaps(case: dict[str, Any]) -> str:
    first, second = np.array(case["dt_xywh"], np.float64), np.array(case["gt_xywh"], np.float64)
    common = _common(first, second)
    areas, others = first[:, 2] * first[:, 3], second[:, 2] * second[:, 3]
    if (areas <= 0).any():
        raise Differs("a box without area has no overlap to compare")
    near(common / (areas[:, None] + others - common), case["iou"], OVERLAP)
    return near(common / areas[:, None], case["iou_crowd"], OVERLAP)


def _common(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Area that each box of the first kind shares with each of the second, x y width height."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum((first[:, :2] + first[:, 2:])[:, None], (second[:, :2] + second[:, 2:])[None])
    return np.asarray(np.clip(high - low, 0, None).prod(2))
