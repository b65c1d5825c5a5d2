"""The click protocol and its figures, on pictures whose answers are known."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from segmenter.checkpoint import save_weights
from segmenter.evaluate.baselines import BASELINES, RegionMethod
from segmenter.evaluate.clicks import evaluate_clicks
from segmenter.evaluate.protocol import MOST_MASKS, Answer, interact, iou, read, tasks
from segmenter.modeling.starter import Starter
from segmenter.prompts import Point
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_starter import TINY


class Brush:
    """Answers with discs around the clicks: every click mends a little, as the protocol promises."""

    def open(self, rgb: np.ndarray) -> Callable[[Sequence[Sequence[Point]]], list[Answer]]:
        rows, columns = np.mgrid[: rgb.shape[0], : rgb.shape[1]]

        def draw(points: Sequence[Point]) -> Answer:
            mask = np.zeros(rgb.shape[:2], bool)
            for point in points:
                mask[(rows - point.y) ** 2 + (columns - point.x) ** 2 < 36] = bool(point.label)
            return Answer(mask)

        return lambda clicks: [draw(points) for points in clicks]


def test_every_click_goes_where_the_answer_is_wrong() -> None:
    truth = np.zeros((60, 80), bool)
    truth[10:50, 20:60] = True
    (row,) = interact(Brush(), np.zeros((60, 80, 3), np.uint8), [truth], 9)
    values = [row[f"iou@{count}"] for count in range(1, 10)]
    assert values == sorted(values) and values[-1] > 4 * values[0]


def test_a_perfect_answer_stays_perfect() -> None:
    truth = np.zeros((40, 40), bool)
    truth[5:20, 5:30] = True

    class Perfect:
        def open(self, rgb: np.ndarray) -> Callable[[Sequence[Sequence[Point]]], list[Answer]]:
            return lambda clicks: [Answer(truth, (truth, ~truth), (0.2, 0.9)) for _ in clicks]

    (row,) = interact(Perfect(), np.zeros((40, 40, 3), np.uint8), [truth], 5)
    assert row["iou@5"] == row["oracle@1"] == 1 and row["best_chosen@1"] == 0
    assert row["iou_error@1"] == pytest.approx((0.8 + 0.9) / 2)


def test_iou_of_bitmaps() -> None:
    empty, full = np.zeros((2, 2), bool), np.ones((2, 2), bool)
    assert (iou(empty, empty), iou(empty, full), iou(full, full)) == (1, 0, 1)


def test_tasks_are_the_same_in_every_run_and_of_one_annotator(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "x", images=3, annotators=3)
    first, second = (list(tasks(folder, None)) for _ in range(2))
    assert first == second and len(first) == 3
    for task in first:
        assert len({annotation["annotator"] for annotation in task.annotations}) == 1
        assert len(task.annotations) <= MOST_MASKS and all(truth.any() for truth in read(task)[1])
    assert len(list(tasks(folder, None, limit=2))) == 2


def test_tiny_masks_are_not_asked_for(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "x", images=1)
    content = json.loads((folder / "annotations.json").read_text())
    content["annotations"][0]["area"] = 10
    (folder / "annotations.json").write_text(json.dumps(content))
    (task,) = tasks(folder, None)
    assert [annotation["id"] for annotation in task.annotations] == [2]


@pytest.mark.parametrize("name", BASELINES)
def test_classical_methods_find_an_obvious_object(name: str) -> None:
    rgb = np.full((120, 160, 3), 40, np.uint8)
    truth = np.zeros((120, 160), bool)
    truth[40:80, 50:110] = True
    rgb[truth] = (220, 120, 60)
    found = BASELINES[name]().open(rgb)([[Point(80, 60, 1)]])[0].mask
    # Superpixels of fifty to a picture are smaller than this object: they give a part of it, and nothing else.
    assert found[60, 80] and (found & ~truth).mean() < 0.02 and iou(found, truth) > (0.1 if name == "slic" else 0.8)


def test_a_region_clicked_as_both_is_dropped() -> None:
    halves = np.repeat(np.array([[1, 2]], np.int32), 4, 0).repeat(4, 1)
    answer = RegionMethod(lambda rgb: halves).open(np.zeros((4, 8, 3), np.uint8))
    (both,) = answer([[Point(1, 1, 1), Point(6, 1, 1), Point(2, 2, 0)]])
    assert both.mask[:, 4:].all() and not both.mask[:, :4].any()


def test_metrics_are_written_per_set_with_their_mean(tmp_path: Path) -> None:
    write_coco(tmp_path / "a", images=2, name="one"), write_coco(tmp_path / "b", images=3, name="two")
    torch.manual_seed(0)
    save_weights(tmp_path / "w.safetensors", Starter(TINY).state_dict(), TINY)
    seen: list[tuple[int, int]] = []
    folders = [tmp_path / "a", tmp_path / "b"]
    evaluate_clicks(
        folders,
        str(tmp_path / "w.safetensors"),
        tmp_path / "out",
        limit=2,
        baselines=["slic"],
        report=lambda *at: seen.append(at),
    )
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert list(metrics["datasets"]) == ["one/dev", "two/dev"] and seen[-1] == (4, 4)
    for row in metrics["datasets"].values():
        assert row["images"] == 2 and row["masks"] == 4
        assert {f"miou@{count}" for count in (1, 2, 3, 5, 9)} | {"oracle@1"} <= row.keys()
        assert row["oracle@1"] >= row["miou@1"] and set(row["baselines"]["slic"]) == {
            f"miou@{count}" for count in (1, 2, 3, 5)
        }
    mean = np.mean([row["miou@3"] for row in metrics["datasets"].values()])
    assert metrics["macro"]["miou@3"] == pytest.approx(mean, abs=1e-3)
