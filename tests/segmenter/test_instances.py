"""Instance masks from boxes: COCO's and LVIS's rules, and what is asked of the model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segmenter import masks
from segmenter.checkpoint import load_model
from segmenter.evaluate.boxes import GivenBox, boxed, read_boxes
from segmenter.evaluate.instance_figures import ap_figures
from segmenter.evaluate.instances import FoundMask, answers, evaluate_instances, judged_image
from segmenter.evaluate.protocol import Task
from segmenter.evaluate.rows import read_rows
from segmenter.evaluate.selection import SELECTIONS, tasks
from segmenter.predict import decode, embed
from segmenter.prompts import Box, Prompt
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_evaluate import tiny_model
from tests.segmenter.test_proposals import square

SIZE = (60, 200)


def found(entry: dict, score: float) -> FoundMask:
    runs = masks.parse(entry["segmentation"]["size"], entry["segmentation"]["counts"], SIZE)
    return FoundMask(runs, entry["category_id"], score, 0.5)


def task(*truths: dict, **more: object) -> Task:
    return Task("x", Path("data/images/a.png"), truths, record={"id": 1, "height": 60, "width": 200, **more})


def test_masks_are_judged_by_category_with_a_row_for_each_true_mask() -> None:
    first, second = square(0, 20, 1, 1), square(50, 40, 2, 2)
    wrong = {**first, "category_id": 2}  # the place of the first under the name of the second
    by_category, rows = judged_image(
        task(first, second), [found(first, 0.9), found(second, 0.4), found(wrong, 0.8)], "m"
    )
    assert [(row["annotation"], row["iou"], row["predicted_iou"]) for row in rows] == [(1, 1.0, 0.5), (2, 1.0, 0.5)]
    assert ap_figures([by_category])["ap"] == pytest.approx((1 + 0.5) / 2)
    missed = judged_image(task(first), [], "m")[1]
    assert [(row["iou"], row["predicted_iou"]) for row in missed] == [(0.0, None)]


def test_lvis_judges_only_what_was_looked_for() -> None:
    truth, extra, doubtful = square(0, 20, 1, 1), square(50, 40, 2, 2), square(120, 10, 1, 3)
    detections = [found(doubtful, 0.9), found(extra, 0.9), found(truth, 0.5)]

    def ap(**more: object) -> float:
        return ap_figures([judged_image(task(truth, **more), detections, "m")[0]])["ap"]

    strict = ap(neg_category_ids=[2])
    assert strict == ap() == pytest.approx(0.5)  # the wrong mask of category 1 comes first
    assert ap(neg_category_ids=[], not_exhaustive_category_ids=[1]) == pytest.approx(1)
    assert set(judged_image(task(truth, neg_category_ids=[]), detections, "m")[0]) == {1}


def test_boxes_are_the_best_of_a_file_or_those_of_the_masks(tmp_path: Path) -> None:
    truth, group = square(0, 20, 1, 1), {**square(50, 40, 2, 2), "iscrowd": 1}
    one = task(truth, group)
    assert boxed(one, None, 9).boxes == (GivenBox((0, 10, 20, 30), 1),)
    entries = [
        {"image_id": 1, "category_id": 3, "bbox": [-5, 50, 20, 40], "score": 0.2},
        {"image_id": 1, "category_id": 4, "bbox": [250, 0, 5, 5], "score": 0.9},  # beside the image
        {"image_id": 1, "category_id": 5, "bbox": [1, 1, 5, 5], "score": 0.5},
        {"image_id": 2, "category_id": 5, "bbox": [1, 1, 5, 5], "score": 0.5},
    ]
    (tmp_path / "boxes.json").write_text(json.dumps(entries))
    given = read_boxes(tmp_path / "boxes.json")
    assert boxed(one, given, 9).boxes == (GivenBox((1, 1, 6, 6), 5, 0.5), GivenBox((0, 50, 15, 60), 3, 0.2))
    assert boxed(one, given, 2).boxes == (GivenBox((1, 1, 6, 6), 5, 0.5),)


@pytest.mark.parametrize(
    "entry", [{"image_id": 1}, [], {"image_id": 1, "category_id": 1, "bbox": [1, 2, None, 4], "score": 1}]
)
def test_files_without_boxes_are_refused(tmp_path: Path, entry: object) -> None:
    file = tmp_path / "boxes.json"
    file.write_text(json.dumps([entry]))
    with pytest.raises(ValueError, match="entry 0: a detection has"):
        read_boxes(file)
    file.write_text("{}")
    with pytest.raises(ValueError, match="not a list of detections"):
        read_boxes(file)


def test_every_box_is_asked_again_with_its_most_confident_mask(tmp_path: Path) -> None:
    model = load_model(Path(tiny_model(tmp_path)))
    embedding = embed(model, np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8))
    boxes = [GivenBox((3.0 * i, 4, 3.0 * i + 12, 30), 1) for i in range(17)]  # more than one batch
    pairs = list(answers(model, embedding, boxes))
    assert len(pairs) == 17
    for given, (refined, first) in zip(boxes[::8], pairs[::8], strict=True):
        prompt = [Prompt(box=Box(*given.box))]
        (plain,) = decode(model, embedding, prompt)
        assert first.chosen == 1 + int(plain.predicted_iou[1:].argmax()) and refined.chosen == 0
        (again,) = decode(model, embedding, prompt, [plain.logits[plain.chosen]])
        assert np.allclose(refined.logits, again.logits, atol=1e-4)


def test_instances_are_measured_with_and_without_the_second_pass(tmp_path: Path) -> None:
    write_coco(tmp_path / "a", images=2, name="one"), write_coco(tmp_path / "b", images=1, name="two")
    model = tiny_model(tmp_path)
    metrics = evaluate_instances([tmp_path / "a", tmp_path / "b"], model, tmp_path / "out")
    one = metrics["datasets"]["one/dev"]
    assert (one["images"], one["masks"], one["boxes"]) == (2, 4, 4) and {"ap", "ap50", "miou", "ci"} <= one.keys()
    assert one["baselines"]["first_pass"].keys() == {
        key for key in one if key not in ("images", "masks", "boxes", "baselines")
    }
    rows = read_rows(tmp_path / "out" / "masks.jsonl")
    assert len(rows) == 12 and json.loads((tmp_path / "out" / "metrics.json").read_text()) == metrics
    assert one["miou"] == pytest.approx(
        np.mean([r["iou"] for r in rows if (r["dataset"], r["method"]) == ("one/dev", "model")]), abs=1e-4
    )


def test_a_detectors_boxes_are_for_one_set_and_must_fit_it(tmp_path: Path) -> None:
    folders = [write_coco(tmp_path / name, images=1, name=name) for name in ("a", "b")]
    (tmp_path / "boxes.json").write_text(
        json.dumps([{"image_id": 5, "category_id": 1, "bbox": [1, 1, 9, 9], "score": 1}])
    )
    model = tiny_model(tmp_path)
    with pytest.raises(ValueError, match="one file of boxes is for one data set, and there are 2 folders"):
        evaluate_instances(folders, model, tmp_path / "out", boxes=tmp_path / "boxes.json")
    with pytest.raises(ValueError, match="has no box for these images"):
        evaluate_instances(folders[:1], model, tmp_path / "out", boxes=tmp_path / "boxes.json")


def test_groups_and_pictures_without_masks_count_for_precision(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "a", images=2)
    content = json.loads((folder / "annotations.json").read_text())
    content["annotations"] = [{**content["annotations"][0], "iscrowd": 1}]
    (folder / "annotations.json").write_text(json.dumps(content))
    assert [len(one.annotations) for one in tasks(folder, None, None, SELECTIONS["complete"])] == [1, 0]
    assert not list(tasks(folder, None, None, SELECTIONS["paper"]))
