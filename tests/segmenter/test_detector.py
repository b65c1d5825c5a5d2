"""The box detector: its rules against slow and plain ones, and that it learns where objects are."""

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segmenter.automask import ScoredBox
from segmenter.detection import (
    InvalidDetector,
    box_figures,
    find_boxes,
    fitting_config,
    load_detector,
    save_detector,
    to_shares,
)
from segmenter.modeling.detector import Detector, DetectorConfig, assign, box_iou, cells, detection_loss
from segmenter.predict import Embedding
from segmenter.training.detect import RECIPE, Sight, Sights, learn_boxes

TINY = DetectorConfig((("level", 3),), grid=16, dim=16)


def boxes(count: int, seed: int) -> torch.Tensor:
    corners = torch.rand(count, 2, 2, generator=torch.Generator().manual_seed(seed)).sort(1).values
    return torch.cat([corners[:, 0], corners[:, 1] + 0.01], 1).clamp(0, 1)


@given(st.integers(1, 12), st.integers(0, 1000))
@settings(max_examples=8, deadline=None)
def test_cells_belong_to_the_smallest_object_whose_middle_is_near(count: int, seed: int) -> None:
    true, at = boxes(count, seed), cells(16)
    owner = assign(true, 16).object
    sizes = (true[:, 2:] - true[:, :2]).prod(1)
    for cell in range(len(owner)):
        centre, side = at.centres[cell], at.sides[cell]
        near = []
        for index, box in enumerate(true):
            scale = int(min(3, max(0, torch.floor(torch.log2((sizes[index].sqrt() * 4).clamp(min=1))))))
            away = ((box[:2] + box[2:]) / 2 - centre).abs().max() / side
            inside = bool((centre > box[:2]).all() and (centre < box[2:]).all())
            if scale == at.scales[cell] and ((away <= 1.5 and inside) or away <= 0.5):
                near.append((float(sizes[index]), index))
        assert int(owner[cell]) == (min(near)[1] if near else -1)


def test_overlaps_of_boxes() -> None:
    first = torch.tensor([[0.0, 0.0, 2.0, 2.0]])
    iou, generalised = box_iou(first, torch.tensor([[1.0, 0.0, 3.0, 2.0]]))
    assert iou.item() == pytest.approx(1 / 3) and generalised.item() == pytest.approx(1 / 3)
    iou, generalised = box_iou(first, torch.tensor([[4.0, 0.0, 6.0, 2.0]]))
    assert iou.item() == 0 and generalised.item() == pytest.approx(-1 / 3)


def test_a_better_answer_has_a_smaller_loss() -> None:
    target = assign(torch.tensor([[0.2, 0.2, 0.6, 0.7]]), 16)
    logits, found = torch.full((1, len(target.object)), -5.0), torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    worse, _ = detection_loss(logits, found.expand(1, len(target.object), 4), [target])
    mine = target.object >= 0
    better, seen = detection_loss(torch.where(mine, 5.0, logits), target.boxes.expand(1, len(mine), 4), [target])
    assert better < 0.1 < worse and seen["iou"] == pytest.approx(1)
    nothing, _ = detection_loss(logits, found.expand(1, len(mine), 4), [assign(torch.zeros(0, 4), 16)])
    assert torch.isfinite(nothing)


def scene(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A map 1x3x16x16 with two bright rectangles, and their boxes in shares of the frame."""
    chance = random.Random(seed)
    level, found = torch.zeros(1, 3, 16, 16), []
    for left in (0, 8):
        x, y = left + chance.randrange(2), chance.randrange(6)
        wide, tall = chance.randrange(3, 6), chance.randrange(3, 9)
        level[0, :, y : y + tall, x : x + wide] = 1
        found.append([x / 16, y / 16, (x + wide) / 16, (y + tall) / 16])
    return level, torch.tensor(found)


def test_it_learns_where_objects_are_and_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    scenes = [scene(seed) for seed in range(80)]
    sights = [Sight(lambda level=level: {"level": level}, true) for level, true in scenes[:64]]  # type: ignore[misc]
    recipe = replace(RECIPE, steps=120, learning_rate=4e-3)
    asked: list[int] = []

    def tired() -> bool:
        asked.append(1)
        return len(asked) == 40

    with pytest.raises(InterruptedError):
        learn_boxes(sights, TINY, recipe, tmp_path, stop=tired)
    detector = learn_boxes(sights, TINY, recipe, tmp_path)
    steps = [json.loads(line)["step"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert steps[-1] == recipe.steps and steps == sorted(set(steps))
    found = [find_boxes(detector, Embedding({"level": level}, (64, 64), 64), 0.05) for level, _ in scenes[64:]]
    figures = box_figures(found, [true.double().numpy() * 64 for _, true in scenes[64:]])
    assert figures["objects"] == 32 and figures["ap50"] is not None and figures["ap50"] > 0.8
    for one in found:
        assert [box.score for box in one] == sorted((box.score for box in one), reverse=True)
        assert all(0 <= x0 < x1 <= 64 and 0 <= y0 < y1 <= 64 for x0, y0, x1, y1 in (box.corners for box in one))


def numbered(number: int) -> Sight:
    return Sight(lambda: {"level": torch.full((1, 1, 1, 1), float(number))}, boxes(1, 0))


def test_every_picture_is_shown_once_before_any_is_shown_again() -> None:
    source = Sights([numbered(number) for number in range(6)], random.Random(0))
    batches = [source.batch(2, 0, 0).embedding for _ in range(6)]
    seen = [int(value) for batch in batches if batch for value in batch["level"].flatten()]
    assert sorted(seen[:6]) == sorted(seen[6:]) == list(range(6)) and seen[:6] != seen[6:]
    with pytest.raises(ValueError, match="no picture"):
        Sights([], random.Random(0))


def test_figures_of_boxes() -> None:
    true = [np.array([[0, 0, 10, 10], [20, 20, 40, 40]], np.float64), np.zeros((0, 4))]
    exact = [[ScoredBox((0, 0, 10, 10), 0.9), ScoredBox((20, 20, 40, 40), 0.8)], []]
    assert box_figures(exact, true) == {"images": 2, "objects": 2, "ap50": 1.0, "ap": 1.0, "recall50": 1.0}
    half = box_figures([exact[0][:1], [ScoredBox((0, 0, 5, 5), 0.1)]], true)
    assert half["recall50"] == 0.5 and half["ap50"] == pytest.approx(51 / 101)
    assert box_figures([[]], [np.zeros((0, 4))])["ap50"] is None


def test_boxes_in_shares_of_the_padded_frame() -> None:
    shares = to_shares(np.array([[0, 0, 200, 100], [100, 50, 200, 100]], np.float64), (100, 200), 64)
    np.testing.assert_allclose(shares, [[0, 0, 1, 0.5], [0.5, 0.25, 1, 0.5]])


def test_it_fits_embeddings_of_either_family() -> None:
    starter = {"level_16": [128, 16, 16], "level_8": [64, 32, 32], "level_4": [32, 64, 64], "level_2": [16, 128, 128]}
    config = fitting_config(starter, 256)
    assert config.grid == 32 and [name for name, _ in config.levels] == ["level_16", "level_4", "level_8"]
    assert fitting_config({"image_embeddings": [256, 64, 64]}, 1024).grid == 64


def test_a_file_that_is_no_detector_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "detector.safetensors"
    save_detector(file, Detector(TINY))
    assert load_detector(file).config == TINY
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(InvalidDetector):
        load_detector(file)
    file.write_bytes(b"")
    with pytest.raises(InvalidDetector):
        load_detector(file)
