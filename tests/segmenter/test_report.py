"""The report of an evaluation: every figure of the metrics is in it, with pictures where the images are at hand."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import torch

from segmenter.checkpoint import save_weights
from segmenter.evaluate.clicks import ClickSettings, evaluate_clicks
from segmenter.evaluate.examples import ANSWER, TRUTH, around, chosen_rows, drawn
from segmenter.evaluate.report import write_report
from segmenter.modeling.starter import Starter
from segmenter.prompts import Point
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_starter import TINY


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("evaluation")
    folders = [write_coco(root / "shapes", images=3), write_coco(root / "other", images=2, name=None)]
    torch.manual_seed(0)
    model = Starter(TINY)
    save_weights(root / "model.safetensors", model.state_dict(), model.config)
    settings = ClickSettings(most=9, baselines=("slic",))
    evaluate_clicks(folders, str(root / "model.safetensors"), root / "out", settings=settings)
    return root


def elements(report: Path) -> list[ElementTree.Element]:
    text = report.read_text(encoding="utf-8").removeprefix("<!doctype html>\n")
    return list(ElementTree.fromstring(text).iter())  # noqa: S314 our own output


def test_every_mean_of_the_metrics_is_in_the_tables(evaluation: Path) -> None:
    metrics = json.loads((evaluation / "out" / "metrics.json").read_text())
    cells = [element.text for element in elements(write_report(evaluation / "out")) if element.tag == "td"]
    for found in metrics["protocols"].values():
        for row in [*found["datasets"].values(), found["macro"]]:
            for count in (1, 2, 3, 5, 9):
                assert f"{row[f'miou@{count}']:.3f}" in cells
    assert {"shapes/dev", "other", "mean over the sets"} <= set(cells)
    assert {one["title"] for one in metrics["absent"]} <= set(cells)


def test_a_report_does_not_say_where_things_lie_on_this_machine(evaluation: Path) -> None:
    assert str(evaluation) not in write_report(evaluation / "out").read_text(encoding="utf-8")


def test_pictures_are_in_the_file_and_say_their_iou(evaluation: Path) -> None:
    found = elements(write_report(evaluation / "out"))
    pictures = [element.attrib for element in found if element.tag == "img"]
    assert all(one["src"].startswith("data:image/jpeg;base64,") for one in pictures)
    names = [one["alt"].split(",")[0] for one in pictures]
    assert [names.count(name) for name in ("best", "median", "worst")] == [4, 2, 4]  # 10 masks, of 5 images
    values = [float(one["alt"].split("IoU ")[1].split(":")[0]) for one in pictures]
    assert values[0] == max(values) and min(values) == values[6]
    rows = [json.loads(line) for line in (evaluation / "out" / "masks.jsonl").read_text().splitlines()]
    own = [row["iou@1"] for row in rows if row["method"] == "model" and row["protocol"] == "center"]
    assert values[0] == round(max(own), 2) and values[6] == round(min(own), 2)  # drawn again, it is the same mask


def test_without_the_images_the_report_says_so(evaluation: Path, tmp_path: Path) -> None:
    shutil.copytree(evaluation / "out", tmp_path / "out")
    file = tmp_path / "out" / "metrics.json"
    metrics = json.loads(file.read_text())
    metrics["folders"]["other"] = str(tmp_path / "gone")
    file.write_text(json.dumps(metrics))
    texts = [element.text or "" for element in elements(write_report(tmp_path / "out"))]
    assert f"No pictures: {tmp_path / 'gone'} cannot be found here." in texts


def test_a_folder_without_metrics_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no metrics\.json"):
        write_report(tmp_path)


def test_examples_are_of_other_images_and_none_twice() -> None:
    rows = [
        {"dataset": "x", "image": f"{image}.jpg", "annotation": mask, "iou@1": (10 * image + mask) / 100}
        for image in range(8)
        for mask in range(3)
    ]
    found = chosen_rows(rows, "iou@1", 2)
    assert [row["iou@1"] for row in found["best"]] == [0.72, 0.62]
    assert [row["iou@1"] for row in found["worst"]] == [0.0, 0.1]
    assert {row["image"] for row in found["median"]} == {"3.jpg", "4.jpg"}
    few = chosen_rows(rows[:2], "iou@1", 4)
    assert (len(few["best"]), len(few["worst"]), len(few["median"])) == (1, 1, 0)


def test_a_drawn_example_shows_answer_truth_and_click() -> None:
    rgb = np.full((60, 120, 3), 128, np.uint8)
    mask, truth = np.zeros((60, 120), bool), np.zeros((60, 120), bool)
    mask[10:30, 10:50], truth[10:30, 70:110] = True, True
    shown = drawn(rgb, mask, truth, Point(90.0, 20.0)).astype(int)
    assert shown.shape == (240, 480, 3)
    assert np.abs(shown[80, 120] - (128 * 0.55 + np.array(ANSWER) * 0.45)).max() <= 1
    assert np.abs(shown[80, 280] - TRUTH).max() < 60 and shown[82, 362].max() < 60
    assert (shown[200, 240] == 128).all()


@pytest.mark.parametrize(("left", "top"), [(0, 0), (188, 92), (100, 40)])
def test_a_small_object_is_shown_large_and_whole(left: int, top: int) -> None:
    mask = np.zeros((100, 200), bool)
    mask[top : top + 8, left : left + 12] = True
    x, y, window = around(mask)
    assert mask[window].sum() == mask.sum() and mask[window].shape == (96, 96)
    assert (window[1].start, window[0].start) == (x, y)
    mask[:, ::2] = True
    assert mask[around(mask)[2]].shape == (100, 200)  # an object as large as the picture: all of it
