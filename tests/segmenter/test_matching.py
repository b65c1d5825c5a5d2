"""AP and AR against pycocotools on random pictures full of masks, and by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segmenter import masks
from segmenter.evaluate.instance_figures import ap_figures, ap_intervals
from segmenter.evaluate.matching import AREAS, NONE, average_precision, judge, mask_ious, matched

SIZE = (130, 150)
# In a child: pycocotools prints, and native code that breaks fails its test and nothing else.
ORACLE = """
import json, sys
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
truth, found, most = COCO(sys.argv[1]), sys.argv[2], int(sys.argv[3])
judge = COCOeval(truth, truth.loadRes(found), "segm")
judge.params.maxDets = [1, 2, most]
judge.params.useCats = int(sys.argv[4])
judge.evaluate(); judge.accumulate()
precision, recall = judge.eval["precision"], judge.eval["recall"]
mean = lambda values: float(values[values > -1].mean())
print(json.dumps({
    **{f"ap{size}": mean(precision[..., at, 2]) for at, size in enumerate(("", "_small", "_medium", "_large"))},
    "ap50": mean(precision[0, :, :, 0, 2]), "ap75": mean(precision[5, :, :, 0, 2]),
    **{f"ar{size}": mean(recall[:, :, at, 2]) for at, size in enumerate(("", "_small", "_medium", "_large"))},
}))
"""


def blob(rng: np.random.Generator, near: np.ndarray | None = None) -> np.ndarray:
    """A random box or disc; ``near`` a mask: a moved copy of it, so that overlaps of every kind occur."""
    if near is not None:
        return np.roll(near, rng.integers(-6, 7, 2), (0, 1)) & (rng.random(SIZE) > rng.choice([0, 0.1, 0.3]))
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    y, x, r = rng.integers(0, SIZE[0]), rng.integers(0, SIZE[1]), rng.integers(3, 60)
    return (
        ((rows - y) ** 2 + (columns - x) ** 2 < r * r)
        if rng.random() < 0.5
        else (abs(rows - y) < r) & (abs(columns - x) < r)
    )


def fixture(seed: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Truths with groups, two categories and all sizes; detections with equal scores, misses and doubles."""
    rng = np.random.default_rng(seed)
    content: dict[str, Any] = {"info": {}, "images": [], "annotations": [], "categories": [{"id": 1}, {"id": 2}]}
    found: list[dict[str, Any]] = []
    for image in range(1, 9):
        content["images"].append({"id": image, "height": SIZE[0], "width": SIZE[1]})
        drawn = [blob(rng) for _ in range(rng.integers(0, 9))]
        for mask in drawn:
            entry = {"id": len(content["annotations"]) + 1, "image_id": image, "iscrowd": int(rng.random() < 0.1)}
            entry |= {
                "category_id": int(rng.integers(1, 3)),
                "segmentation": masks.encode(mask),
                "area": int(mask.sum()),
            }
            content["annotations"].append(entry | {"bbox": list(masks.bbox(masks.runs_of(mask), SIZE))})
        for mask in [*(blob(rng, one) for one in drawn for _ in range(2)), *(blob(rng) for _ in range(4))]:
            if mask.any():
                score = float(round(rng.random(), 1))  # ties on purpose
                entry = {"image_id": image, "category_id": int(rng.integers(1, 3)), "score": score}
                found.append(entry | {"segmentation": masks.encode(mask)})
    return content, found


def oracle(folder: Path, content: dict[str, Any], found: list[dict[str, Any]], most: int, classes: bool = True) -> dict:
    """COCOeval's figures."""
    (folder / "truth.json").write_text(json.dumps(content)), (folder / "found.json").write_text(json.dumps(found))
    files = [str(folder / "truth.json"), str(folder / "found.json")]
    command = [sys.executable, "-c", ORACLE, *files, str(most), str(int(classes))]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])


def runs(entry: dict[str, Any]) -> masks.Runs:
    return masks.parse(entry["segmentation"]["size"], entry["segmentation"]["counts"], SIZE)


def judged_images(content: dict[str, Any], found: list[dict[str, Any]], most: int) -> list[dict]:
    images = []
    for image in content["images"]:
        by_category = {}
        for category in (1, 2):
            here = [
                [one for one in group if (one["image_id"], one["category_id"]) == (image["id"], category)]
                for group in (found, content["annotations"])
            ]
            order = np.argsort([-one["score"] for one in here[0]], kind="stable")[:most]
            best, truths = [here[0][index] for index in order], here[1]
            crowd = np.array([bool(one["iscrowd"]) for one in truths], bool)
            areas = tuple(np.array([masks.area(runs(one)) for one in group], float) for group in (best, truths))
            ious = mask_ious([runs(one) for one in best], [runs(one) for one in truths], crowd.tolist(), SIZE)
            scores = np.array([one["score"] for one in best], float)
            by_category[category] = {name: judge(ious, scores, areas, crowd, span) for name, span in AREAS.items()}
        images.append(by_category)
    return images


@pytest.mark.parametrize(("seed", "most"), [(0, 100), (1, 100), (2, 5)])
def test_ap_and_ar_are_those_of_pycocotools(tmp_path: Path, seed: int, most: int) -> None:
    content, found = fixture(seed)
    theirs = oracle(tmp_path, content, found, most)
    ours = ap_figures(judged_images(content, found, most))
    assert 0.02 < theirs["ap"] < 0.9 and theirs["ap_small"] != theirs["ap_large"]
    assert ours == pytest.approx({key: theirs[key] for key in ours}, abs=1e-6) and len(ours) == 7


def test_a_perfect_detector_has_an_ap_of_one_and_intervals_hold_the_figure() -> None:
    content, found = fixture(3)
    for one in content["annotations"]:
        one["iscrowd"] = 0
    same = [{**one, "score": 0.5} for one in content["annotations"]]
    assert ap_figures(judged_images(content, same, 100))["ap"] == pytest.approx(1)
    images = judged_images(content, found, 100)
    figures, bounds = ap_figures(images), ap_intervals(images)
    assert set(bounds) == {"ap", "ap50", "ap75", "ar"}
    assert all(low <= figures[key] <= high for key, (low, high) in bounds.items())
    assert bounds["ap"][0] < bounds["ap"][1] and ap_intervals(images) == bounds


def test_each_true_mask_is_taken_once_and_by_the_best_score() -> None:
    ious = np.array([[0.6, 0.0], [0.9, 0.55], [0.8, 0.0]])
    no = np.zeros(2, bool)
    taken = matched(ious, no, no, np.array([0.5, 0.7]))
    assert taken.tolist() == [[0, 1, NONE], [NONE, 0, NONE]]
    group = np.array([True, False])  # a group may be taken again, but a free single one comes first
    assert matched(ious, group, group, np.array([0.5])).tolist() == [[0, 1, 0]]


def test_what_is_ignored_is_neither_right_nor_wrong() -> None:
    ious, scores = np.array([[0.9, 0.0], [0.0, 0.9], [0.0, 0.0]]), np.array([0.9, 0.8, 0.7])
    areas, crowd = (np.array([100.0, 5000.0, 100.0]), np.array([100.0, 5000.0])), np.zeros(2, bool)
    small = judge(ious, scores, areas, crowd, AREAS["small"])
    assert small.truths == 1 and small.hits[0].tolist() == [True, False, False]
    assert small.skipped[0].tolist() == [False, True, False]
    partial = judge(ious, scores, areas, crowd, AREAS["all"], exhaustive=False)
    assert partial.truths == 2 and partial.skipped[0].tolist() == [False, False, True]


def test_nothing_to_find_and_nothing_found() -> None:
    nothing = judge(np.zeros((0, 0)), np.zeros(0), (np.zeros(0), np.zeros(0)), np.zeros(0, bool), AREAS["all"])
    assert average_precision([nothing]) is None and ap_figures([{1: dict.fromkeys(AREAS, nothing)}]) == {}
    missed = judge(np.zeros((0, 1)), np.zeros(0), (np.zeros(0), np.array([50.0])), np.zeros(1, bool), AREAS["all"])
    found = average_precision([missed])
    assert found is not None and found[0].max() == found[1].max() == 0
    extra = judge(np.zeros((1, 0)), np.ones(1), (np.array([9.0]), np.zeros(0)), np.zeros(0, bool), AREAS["all"])
    assert extra.truths == 0 and not extra.hits.any() and not extra.skipped.any()
