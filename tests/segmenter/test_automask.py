"""The automatic mask generator as a whole: pictures of every kind, options, order to stop, memory."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmenter import masks
from segmenter.automask import Cancelled, generate, record
from segmenter.automask_config import AUTOMASK_PRESETS, AutomaskConfig
from segmenter.checkpoint import load_model
from segmenter.crops import crop_boxes
from segmenter.manifest import find_weights
from segmenter.modeling.segmenter import Sam
from segmenter.modeling.starter import Starter
from tests.segmenter import golden

FEW = replace(AUTOMASK_PRESETS["starter"], points_per_side=4, min_mask_region_area=0)
LOOSE = AutomaskConfig(points_per_side=8, pred_iou_thresh=0.75, stability_score_thresh=0.15, box_nms_thresh=0.9)


@pytest.fixture(scope="module")
def starter() -> Starter:
    model = load_model(find_weights("starter"))
    assert isinstance(model, Starter)
    return model


@pytest.fixture(scope="module")
def coins() -> np.ndarray:
    from skimage.data import coins

    return np.repeat(coins()[:, :, None], 3, 2)


def scores(found: list[Any]) -> list[float]:
    return [mask.predicted_iou for mask in found]


def test_things_in_a_photograph_are_found_the_same_way_twice(starter: Starter, coins: np.ndarray) -> None:
    config = replace(FEW, points_per_side=8)
    found = generate(starter, coins, config)
    assert len(found) >= 10 and found == generate(starter, coins, config)
    larger = generate(starter, coins, replace(config, points_per_batch=64))
    assert [mask.point for mask in larger] == [mask.point for mask in found]
    assert scores(found) == sorted(scores(found), reverse=True)
    for mask in found:
        assert mask.predicted_iou > 0.3 and mask.stability >= 0.6
        left, top, width, height = record(mask, config)["bbox"]
        assert (left, top, width, height) == masks.bbox(mask.runs, mask.size)
        assert (left, top, width - 1, height - 1) == tuple(record(mask, AUTOMASK_PRESETS["reference"])["bbox"])
        assert mask.area == masks.area(mask.runs) and mask.size == coins.shape[:2]


def test_a_picture_of_one_colour_gives_a_whole_answer_with_crops(starter: Starter) -> None:
    for colour in (0, 255):
        blank = np.full((60, 90, 3), colour, np.uint8)
        assert all(mask.size == (60, 90) for mask in generate(starter, blank, replace(FEW, crop_n_layers=1)))


@pytest.mark.parametrize("nms", ["box", "mask"])
@pytest.mark.parametrize("region", [0, 50])
def test_nothing_found_is_an_empty_list(starter: Starter, nms: Any, region: int) -> None:
    config = replace(FEW, pred_iou_thresh=100, crop_n_layers=1, nms=nms, min_mask_region_area=region, refine=True)
    assert generate(starter, golden.synthetic(), config) == []


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (32_768, 1), (40, 32_768)], ids=str)
def test_pictures_of_extreme_shapes(starter: Starter, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    rgb = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    config = AutomaskConfig(2, 4, 0, 0, crop_n_layers=1, min_mask_region_area=4, refine=True)
    for mask in generate(starter, rgb, config):
        assert mask.size == size and 1 <= mask.area == masks.area(mask.runs) <= size[0] * size[1]


@pytest.mark.parametrize(
    "rgb",
    [np.zeros((0, 5, 3), np.uint8), np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3))],
    ids=["empty", "grey", "float"],
)
def test_what_is_no_picture_is_refused(starter: Starter, rgb: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        generate(starter, rgb, FEW)


def test_progress_is_told_and_a_run_can_be_stopped(starter: Starter) -> None:
    config = replace(FEW, points_per_batch=4, crop_n_layers=1)
    heard: list[tuple[int, int]] = []
    generate(starter, golden.synthetic(), config, lambda done, total: heard.append((done, total)))
    assert heard[0] == (0, 80) and heard[-1] == (80, 80)
    assert heard == sorted(heard) and {done for done, _ in heard} == set(range(0, 81, 4))
    batches: list[int] = []
    with pytest.raises(Cancelled):
        generate(starter, golden.synthetic(), config, lambda done, _: batches.append(done), lambda: len(batches) > 3)
    assert batches == [0, 4, 8, 12]


def test_limits_of_area(small: Sam) -> None:
    everything = generate(small, golden.synthetic(), LOOSE)
    areas = [mask.area for mask in everything]
    pixels = 180 * 240
    limited = generate(small, golden.synthetic(), replace(LOOSE, min_mask_area=500, max_mask_share=0.5))
    assert min(areas) < 500 and max(areas) >= 0.5 * pixels
    assert limited and all(500 <= mask.area < 0.5 * pixels for mask in limited)


def test_the_paper_drops_masks_of_small_islands_that_the_reference_keeps(small: Sam) -> None:
    config = replace(LOOSE, min_mask_region_area=3000, box_nms_thresh=1.0, crop_nms_thresh=1.0, min_mask_area=0)
    reference = generate(small, golden.synthetic(), config)
    paper = generate(small, golden.synthetic(), replace(config, cleaning="paper"))
    assert 0 < len(paper) < len(reference)
    assert [mask for mask in reference if mask.area >= 3000] == paper


def test_mask_suppression_looks_at_masks_not_boxes(small: Sam) -> None:
    by_box = generate(small, golden.synthetic(), LOOSE)
    by_mask = generate(small, golden.synthetic(), replace(LOOSE, nms="mask"))
    assert len(by_mask) > len(by_box)
    for index, mask in enumerate(by_mask):
        assert all(masks.iou(mask.runs, other.runs) <= LOOSE.box_nms_thresh for other in by_mask[:index])


def test_refinement_only_ever_raises_predicted_quality(starter: Starter, coins: np.ndarray) -> None:
    config = replace(FEW, points_per_side=6, box_nms_thresh=1.0)  # nothing is suppressed: points stay comparable
    plain = {mask.point: mask.predicted_iou for mask in reversed(generate(starter, coins, config))}
    refined = generate(starter, coins, replace(config, refine=True))
    assert {mask.point for mask in refined} == set(plain)
    best = {mask.point: mask.predicted_iou for mask in reversed(refined)}
    assert all(best[point] >= plain[point] for point in plain) and best != plain


def test_the_coarse_grid_spares_points_on_what_was_found(starter: Starter, coins: np.ndarray) -> None:
    config = replace(FEW, points_per_side=16, hierarchical=True, hierarchical_logit=0)
    heard: list[int] = []
    found = generate(starter, coins, config, lambda done, _: heard.append(done))
    asked = heard[-2]
    assert found and 128 < asked < 256 == heard[-1]


def test_crops_are_asked_and_their_masks_lie_in_them(starter: Starter, coins: np.ndarray) -> None:
    found = generate(starter, coins, replace(FEW, crop_n_layers=1))
    boxes = crop_boxes(coins.shape[:2], 1, FEW.crop_overlap_ratio)[0]
    assert {mask.crop for mask in found} <= set(boxes) and len({mask.crop for mask in found}) > 1
    for mask in found:
        x0, y0, x1, y1 = mask.crop
        left, top, width, height = record(mask, FEW)["bbox"]
        assert x0 <= left and y0 <= top and left + width <= x1 and top + height <= y1
        assert x0 <= mask.point[0] < x1 and y0 <= mask.point[1] < y1


MEASURE = """
import resource, numpy as np, sys
from dataclasses import replace
from segmenter.automask import generate
from segmenter.automask_config import AutomaskConfig
from segmenter.checkpoint import load_model
from segmenter.manifest import find_weights
model = load_model(find_weights("starter"))
config = AutomaskConfig(3, 64, 0, 0)
generate(model, np.zeros((40, 60, 3), np.uint8), config)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rgb = np.random.default_rng(1).integers(0, 255, (1500, 2250, 3), dtype=np.uint8)
generate(model, rgb, config)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.slow
def test_a_large_picture_takes_the_memory_of_one_mask_not_of_a_batch() -> None:
    """27 masks of 1500 x 2250 as float32 are 350 MiB; one at a time they stay far below."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        cwd=Path(__file__).parents[2],
    )
    assert int(done.stdout) < 130
