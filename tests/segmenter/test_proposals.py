"""Average recall of proposals: against pycocotools, by hand, and of a tiny model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segmenter import masks
from segmenter.evaluate.proposal_figures import figures_of
from segmenter.evaluate.proposals import Proposing, evaluate_proposals, frequencies, judged_proposals, regions
from segmenter.evaluate.protocol import Task
from segmenter.evaluate.rows import read_rows
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_evaluate import tiny_model
from tests.segmenter.test_matching import fixture, oracle, runs


def test_average_recall_is_that_of_pycocotools_without_classes(tmp_path: Path) -> None:
    content, found = fixture(5)
    for one in content["annotations"]:
        one["iscrowd"] = 0
    theirs = oracle(tmp_path, content, found, 1000, classes=False)
    rows = []
    for image in content["images"]:
        truths = tuple(one for one in content["annotations"] if one["image_id"] == image["id"] and one["area"])
        here = sorted((one for one in found if one["image_id"] == image["id"]), key=lambda one: -one["score"])
        if truths:
            task = Task("shapes", Path(f"{image['id']}.png"), truths, record=image)
            rows += judged_proposals(Proposing(task, 8, {}), [runs(one) for one in here], "model")
    figures = figures_of(rows)["datasets"]["shapes"]
    ours = {"ar": figures["ar@1000"]} | {f"ar_{name}": part["ar@1000"] for name, part in figures["by_size"].items()}
    assert 0.05 < theirs["ar"] < 0.95 and len({round(theirs[key], 3) for key in ours}) == 4
    exact = {"ar": np.mean([row["recall@1000"] for row in rows])}
    exact |= {
        f"ar_{n}": np.mean([r["recall_size"] for r in rows if r["size"] == n]) for n in ("small", "medium", "large")
    }
    assert exact == pytest.approx({key: theirs[key] for key in ours}, abs=1e-6)
    assert ours == pytest.approx(exact, abs=1e-4)  # written with four digits


def square(x: int, side: int, category: int, number: int) -> dict:
    mask = np.zeros((60, 200), bool)
    mask[10 : 10 + side, x : x + side] = True
    return {"id": number, "category_id": category, "area": side * side, "segmentation": masks.encode(mask)}


def test_rows_by_hand() -> None:
    truths = (square(0, 20, 1, 1), square(50, 40, 2, 2), square(120, 10, 2, 3))
    task = Task("x", Path("a.png"), truths, record={"height": 60, "width": 200})
    nearly = np.zeros((60, 200), bool)
    nearly[10:50, 50:82] = True  # 80 % of the second square
    found = [masks.runs_of(nearly), masks.parse([60, 200], truths[0]["segmentation"]["counts"], (60, 200))]
    rows = judged_proposals(Proposing(task, 8, {1: "rare", 2: "frequent"}), found, "model")
    assert [row["iou"] for row in rows] == [1, pytest.approx(0.8), 0]
    assert [row["recall@1000"] for row in rows] == [1, pytest.approx(0.7), 0]  # thresholds .5 to .8
    assert [row["size"] for row in rows] == ["small", "medium", "small"]
    assert [row["frequency"] for row in rows] == ["rare", "frequent", "frequent"]
    figures = figures_of([{**row, "method": name} for name in ("model", "other") for row in rows])
    a = figures["datasets"]["x"]
    assert (a["masks"], a["images"], a["proposals"]) == (3, 1, 2) and a["ar@1000"] == pytest.approx(1.7 / 3, abs=1e-4)
    assert a["by_size"]["small"] == {"masks": 2, "ar@1000": 0.5}
    assert a["by_frequency"] == {"frequent": {"masks": 2, "ar@1000": 0.35}, "rare": {"masks": 1, "ar@1000": 1}}
    assert figures["macro"]["baselines"]["other"]["ar@1000"] == a["ar@1000"]


def test_regions_are_many_sizes_with_the_largest_first() -> None:
    rgb = np.full((90, 120, 3), 30, np.uint8)
    rgb[20:60, 30:80] = (200, 90, 40)
    found = regions(rgb)
    areas = [masks.area(one) for one in found]
    truth = np.zeros((90, 120), bool)
    truth[20:60, 30:80] = True
    assert areas == sorted(areas, reverse=True)
    assert max(masks.iou(one, masks.runs_of(truth)) for one in found) > 0.8


def test_frequencies_are_read_where_the_labels_have_them(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "x", images=1)
    content = json.loads((folder / "annotations.json").read_text())
    assert frequencies(folder) == {}
    content["categories"] = [{"id": 7, "frequency": "r"}, {"id": 8, "frequency": "f"}, {"id": 9, "name": "plain"}]
    (folder / "annotations.json").write_text(json.dumps(content))
    assert frequencies(folder) == {7: "rare", 8: "frequent"}


def test_a_model_proposes_and_is_measured(tmp_path: Path) -> None:
    write_coco(tmp_path / "a", images=2, name="one")
    model, seen = tiny_model(tmp_path), []
    metrics = evaluate_proposals([tmp_path / "a"], model, tmp_path / "out", grid=3, report=lambda *at: seen.append(at))
    rows = read_rows(tmp_path / "out" / "masks.jsonl")
    assert len(rows) == 8 and {row["method"] for row in rows} == {"model", "felzenszwalb"} and seen == [(1, 2), (2, 2)]
    assert metrics["datasets"]["one/dev"]["masks"] == 4 and len(metrics["absent"]) == 23
    assert metrics["macro"]["baselines"]["felzenszwalb"]["ar@1000"] > 0.5  # bright shapes on noise
    assert all(row["proposals"] <= 27 for row in rows if row["method"] == "model")
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == metrics
    with pytest.raises(ValueError, match="points_per_side"):
        evaluate_proposals([tmp_path / "a"], model, tmp_path / "out", grid=0)
    with pytest.raises(ValueError, match="no picture with a mask to find"):
        evaluate_proposals([tmp_path / "a"], model, tmp_path / "out", {"one/dev": set()})
