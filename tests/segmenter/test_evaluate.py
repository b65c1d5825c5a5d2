"""The click protocol and its figures, on pictures whose answers are known."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from segmenter.checkpoint import load_model, save_weights
from segmenter.evaluate.baselines import BASELINES, RegionMethod
from segmenter.evaluate.clicks import ClickSettings, ModelMethod, evaluate_clicks
from segmenter.evaluate.protocol import Answer, Clicking, Clicks, clicks_needed, interact, iou
from segmenter.evaluate.rows import read_rows
from segmenter.evaluate.selection import SELECTIONS, Selection, read, tasks
from segmenter.modeling.starter import Starter
from segmenter.predict import decode, embed
from segmenter.prompts import NEGATIVE, POSITIVE, Point, Prompt, deepest_error_click
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_starter import TINY

STARTER = SELECTIONS["starter"]


class Brush:
    """Answers with discs around the clicks: every click mends a little, as the protocol promises."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def open(self, rgb: np.ndarray) -> Callable[[Clicks], dict[int, Answer]]:
        rows, columns = np.mgrid[: rgb.shape[0], : rgb.shape[1]]

        def draw(points: Sequence[Point]) -> Answer:
            mask = np.zeros(rgb.shape[:2], bool)
            for point in points:
                mask[(rows - point.y) ** 2 + (columns - point.x) ** 2 < 36] = bool(point.label)
            return Answer(mask)

        def answer(clicks: Clicks) -> dict[int, Answer]:
            self.asked.append(list(clicks))
            return {index: draw(points) for index, points in clicks.items()}

        return answer


@pytest.mark.parametrize("following", ["largest", "deepest"])
def test_every_click_goes_where_the_answer_is_wrong(following: str) -> None:
    truth = np.zeros((60, 80), bool)
    truth[10:50, 20:60] = True
    clicking = Clicking(following=following, least=9, most=9)
    (row,) = interact(Brush(), np.zeros((60, 80, 3), np.uint8), [truth], clicking)
    values = [row[f"iou@{count}"] for count in range(1, 10)]
    assert values == sorted(values) and values[-1] > 4 * values[0]


def test_a_perfect_answer_stays_perfect() -> None:
    truth = np.zeros((40, 40), bool)
    truth[5:20, 5:30] = True

    class Perfect:
        def open(self, rgb: np.ndarray) -> Callable[[Clicks], dict[int, Answer]]:
            return lambda clicks: {index: Answer(truth, (truth, ~truth), (0.2, 0.9)) for index in clicks}

    (row,) = interact(Perfect(), np.zeros((40, 40, 3), np.uint8), [truth], Clicking())
    assert row["iou@9"] == row["oracle@1"] == 1 and row["best_chosen@1"] == 0 and row["chosen"] == 1
    assert row["iou_error@1"] == pytest.approx((0.8 + 0.9) / 2)
    assert row["noc@85"] == row["noc@90"] == 1 and "iou@10" not in row
    assert row["boundary_iou@1"] == 1 and (row["parts@1"], row["holes@1"], row["truth_parts"]) == (1, 0, 1)


def test_only_masks_that_are_not_good_yet_are_clicked_further() -> None:
    disc, bar = np.zeros((60, 80), bool), np.zeros((60, 80), bool)
    rows, columns = np.mgrid[:60, :80]
    disc[(rows - 30) ** 2 + (columns - 20) ** 2 < 36] = True
    bar[28:32, 35:79] = True  # discs of six pixels never fit into it
    brush = Brush()
    easy, hard = interact(brush, np.zeros((60, 80, 3), np.uint8), [disc, bar], Clicking())
    assert brush.asked == [[0, 1]] * 9 + [[1]] * 11
    assert easy["noc@90"] == 1 and hard["noc@90"] == 20 and "iou@20" in hard


def test_clicks_needed_counts_to_the_first_that_reaches_the_target() -> None:
    row = {f"iou@{k}": value for k, value in enumerate((0.2, 0.85, 0.7, 0.9), 1)}
    assert clicks_needed(row, Clicking(least=1)) == {"noc@85": 2, "noc@90": 4}
    assert clicks_needed({"iou@1": 0.5}, Clicking(least=1, most=12)) == {"noc@85": 12, "noc@90": 12}
    assert clicks_needed(row, Clicking(least=4, most=4)) == {}


def test_the_random_protocol_clicks_somewhere_inside_and_the_same_again() -> None:
    truth = np.zeros((60, 80), bool)
    truth[10:50, 20:60] = True
    seen: list[Point] = []

    class Watch:
        def open(self, rgb: np.ndarray) -> Callable[[Clicks], dict[int, Answer]]:
            def answer(clicks: Clicks) -> dict[int, Answer]:
                seen.extend(points[0] for points in clicks.values())
                return {index: Answer(truth) for index in clicks}

            return answer

    once = Clicking("random", least=1, most=1)
    for names in (["a/1", "a/2", "a/3"], ["a/1", "a/2", "a/3"]):
        interact(Watch(), np.zeros((60, 80, 3), np.uint8), [truth] * 3, once, names)
    assert seen[:3] == seen[3:] and len(set(seen[:3])) == 3
    assert all(truth[int(point.y), int(point.x)] for point in seen)


def test_the_deepest_error_is_clicked_by_exact_distance_with_the_border_as_an_edge() -> None:
    truth, shown = np.zeros((30, 40), bool), np.zeros((30, 40), bool)
    truth[0:5, 0:40] = True  # missing: large, but only 5 rows up to the border, so 3 deep
    shown[10:17, 10:17] = True  # surplus: small, but 4 deep
    assert deepest_error_click(shown, truth, []) == Point(13, 13, NEGATIVE)
    shown[:] = False
    assert deepest_error_click(shown, truth, []) == Point(2, 2, POSITIVE)  # of equals the first in rows
    assert deepest_error_click(shown, truth, [Point(2, 2)]) == Point(3, 2, POSITIVE)
    assert deepest_error_click(truth, truth, []) is None


def test_a_tie_of_depths_is_taken_for_surplus() -> None:
    truth, shown = np.zeros((9, 20), bool), np.zeros((9, 20), bool)
    truth[2:7, 2:7], shown[2:7, 12:17] = True, True
    assert deepest_error_click(shown, truth, []) == Point(14, 4, NEGATIVE)


def test_iou_of_bitmaps() -> None:
    empty, full = np.zeros((2, 2), bool), np.ones((2, 2), bool)
    assert (iou(empty, empty), iou(empty, full), iou(full, full)) == (1, 0, 1)


def test_tasks_are_the_same_in_every_run_and_of_one_annotator(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "x", images=3, annotators=3)
    first, second = (list(tasks(folder, None, None, replace(STARTER, most_masks=1))) for _ in range(2))
    assert first == second and len(first) == 3
    for task in first:
        assert len(task.annotations) == 1 and all(truth.any() for truth in read(task)[2])
    for task in tasks(folder, None, None, STARTER):
        assert len({annotation["annotator"] for annotation in task.annotations}) == 1
    assert len(list(tasks(folder, None, 2, STARTER))) == 2


def test_tiny_masks_and_groups_are_not_asked_for(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "x", images=2)
    content = json.loads((folder / "annotations.json").read_text())
    content["annotations"][0]["area"] = 10
    content["annotations"][3]["iscrowd"] = 1
    (folder / "annotations.json").write_text(json.dumps(content))
    asked = [[annotation["id"] for annotation in task.annotations] for task in tasks(folder, None, None, STARTER)]
    assert asked == [[2], [3]]
    everything = [task.annotations for task in tasks(folder, None, None, Selection())]
    assert {annotation["id"] for annotation in everything[0]} == {1, 2}


def test_large_sets_are_cut_to_whole_pictures(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "x", images=6)
    cut = [list(tasks(folder, None, None, Selection(many=11, few=5))) for _ in range(2)]
    assert cut[0] == cut[1] and [len(task.annotations) for task in cut[0]] == [2, 2, 2]
    assert len(list(tasks(folder, None, None, Selection(many=12, few=5)))) == 6


def test_a_long_side_shrinks_picture_and_masks_together(tmp_path: Path) -> None:
    (task,) = tasks(write_coco(tmp_path / "x", images=1), None, None, Selection(long_side=48))
    _, rgb, truths = read(task)
    assert rgb.shape == (36, 48, 3) and all(truth.shape == (36, 48) for truth in truths)
    assert [rgb[truth].mean() > rgb[~(truths[0] | truths[1])].mean() + 50 for truth in truths] == [True, True]


@pytest.mark.parametrize("name", BASELINES)
def test_classical_methods_find_an_obvious_object(name: str) -> None:
    rgb = np.full((120, 160, 3), 40, np.uint8)
    truth = np.zeros((120, 160), bool)
    truth[40:80, 50:110] = True
    rgb[truth] = (220, 120, 60)
    found = BASELINES[name]().open(rgb)({0: [Point(80, 60, 1)]})[0].mask
    # Superpixels of fifty to a picture are smaller than this object: they give a part of it, and nothing else.
    assert found[60, 80] and (found & ~truth).mean() < 0.02 and iou(found, truth) > (0.1 if name == "slic" else 0.8)


def test_a_region_clicked_as_both_is_dropped() -> None:
    halves = np.repeat(np.array([[1, 2]], np.int32), 4, 0).repeat(4, 1)
    answer = RegionMethod(lambda rgb: halves).open(np.zeros((4, 8, 3), np.uint8))
    both = answer({7: [Point(1, 1, 1), Point(6, 1, 1), Point(2, 2, 0)]})[7]
    assert both.mask[:, 4:].all() and not both.mask[:, :4].any()


def tiny_model(folder: Path) -> str:
    torch.manual_seed(0)
    save_weights(folder / "w.safetensors", Starter(TINY).state_dict(), TINY)
    return str(folder / "w.safetensors")


def test_metrics_are_written_per_set_with_their_mean(tmp_path: Path) -> None:
    write_coco(tmp_path / "a", images=2, name="one"), write_coco(tmp_path / "b", images=3, name="two")
    model, seen = tiny_model(tmp_path), []
    settings = ClickSettings(baselines=("slic",), limit=2, most=10)
    folders = [tmp_path / "a", tmp_path / "b"]
    evaluate_clicks(folders, model, tmp_path / "out", None, settings, 1, lambda *at: seen.append(at))
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert list(metrics["datasets"]) == ["one/dev", "two/dev"] and seen[-1] == (4, 4)
    for row in metrics["datasets"].values():
        assert row["images"] == 2 and row["masks"] == 4
        assert {f"miou@{count}" for count in (1, 2, 3, 5, 9)} | {"oracle@1", "noc@85", "failures@90"} <= row.keys()
        assert row["oracle@1"] >= row["miou@1"] and {f"miou@{count}" for count in (1, 2, 3, 5)} | {"ci"} == set(
            row["baselines"]["slic"]
        )
        low, high = row["ci"]["miou@3"]
        assert low <= row["miou@3"] <= high
        assert sum(part["masks"] for part in row["by_share"].values()) == 4 and row["quality"].keys() == {
            "1",
            "5",
            "truth",
        }
        assert row["calibration"]["candidates"] == 12
    mean = np.mean([row["miou@3"] for row in metrics["datasets"].values()])
    assert metrics["macro"]["miou@3"] == pytest.approx(mean, abs=1e-3)
    assert metrics["protocols"]["center"] == {"datasets": metrics["datasets"], "macro": metrics["macro"]}
    assert "slic" not in metrics["protocols"]["random"]["macro"]["baselines"] and len(metrics["absent"]) == 23


def test_rows_hold_every_mask_and_the_figures_follow_from_them_with_any_number_of_processes(tmp_path: Path) -> None:
    folder, model = write_coco(tmp_path / "a", images=3, name="one"), tiny_model(tmp_path)
    settings = ClickSettings(("center",), baselines=("felzenszwalb",), most=9)
    texts = []
    for jobs in (1, 2):
        evaluate_clicks([folder], model, tmp_path / str(jobs), None, settings, jobs)
        texts.append([(tmp_path / str(jobs) / name).read_text() for name in ("masks.jsonl", "metrics.json")])
    assert texts[0] == texts[1]
    rows = read_rows(tmp_path / "1" / "masks.jsonl")
    of_model = [row for row in rows if row["method"] == "model"]
    assert len(rows) == 12 and {row["annotation"] for row in of_model} == set(range(1, 7))
    metrics = json.loads(texts[0][1])
    assert metrics["macro"]["miou@2"] == pytest.approx(np.mean([row["iou@2"] for row in of_model]), abs=1e-4)
    assert "noc@85" not in metrics["macro"] and all(0 < row["share"] < 1 for row in rows)


def test_nothing_to_ask_for_and_odd_settings_are_said(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "a", images=1)
    with pytest.raises(ValueError, match="no picture with a mask"):
        evaluate_clicks([folder], tiny_model(tmp_path), tmp_path / "out", {"shapes/dev": set()})
    (tmp_path / "file").write_text("here already")
    heard: list[tuple[int, int]] = []
    with pytest.raises(FileExistsError):
        evaluate_clicks([folder], tiny_model(tmp_path), tmp_path / "file", report=lambda *at: heard.append(at))
    assert not heard  # said before the work
    with pytest.raises(ValueError, match="starter or paper, not all"):
        ClickSettings(selection="all")
    with pytest.raises(ValueError, match="protocols are center and random"):
        ClickSettings(())
    with pytest.raises(ValueError, match="9 and at most 5"):
        Clicking(most=5)


def test_a_model_may_be_asked_for_one_mask_and_without_its_own(tmp_path: Path) -> None:
    model = load_model(Path(tiny_model(tmp_path)))
    rgb = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    clicks = {0: [Point(20, 20)], 1: [Point(40, 30)]}
    more = {index: [*points, Point(5, 5, NEGATIVE)] for index, points in clicks.items()}
    embedding = embed(model, rgb)
    three, one, blind = (ModelMethod(model, *how).open(rgb) for how in ((), (1,), (3, False)))
    first, single = three(clicks), one(clicks)
    plain = decode(model, embedding, [Prompt(tuple(points)) for points in clicks.values()])
    assert len(first[1].candidates) == 3 and single[1].candidates == ()
    assert (single[0].mask == plain[0].mask(0)).all() and (first[0].mask == plain[0].mask(plain[0].chosen)).all()
    blind(clicks)
    shown = [one.logits[one.chosen] for one in plain]
    prompts = [Prompt(tuple(points)) for points in more.values()]
    for answers, expected in (
        (three(more), decode(model, embedding, prompts, shown)),
        (blind(more), decode(model, embedding, prompts)),
    ):
        assert all((answers[index].mask == expected[index].mask(0)).all() for index in more)
