"""Intervals, calibration and the form of masks, on rows and masks made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segmenter.evaluate.bootstrap import interval, intervals
from segmenter.evaluate.calibration import calibration_figures
from segmenter.evaluate.click_figures import figures_of
from segmenter.evaluate.quality import boundary_iou, shape_figures, shares_above, wilson
from segmenter.evaluate.rows import read_rows, write_results


def test_the_interval_of_independent_values_is_that_of_the_normal_law() -> None:
    values = np.random.default_rng(1).normal(0.5, 0.1, 400)
    low, high = interval(values, list(range(400)))
    reach = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - reach, abs=0.002)
    assert high == pytest.approx(values.mean() + reach, abs=0.002)


def test_masks_of_one_image_count_as_one_piece_of_evidence() -> None:
    base = np.random.default_rng(2).uniform(0, 1, 50)
    alone = interval(base, list(range(50)))
    tenfold = interval(base.repeat(10), list(np.arange(50).repeat(10)))
    blind = interval(base.repeat(10), list(range(500)))
    assert tenfold == pytest.approx(alone) and blind[1] - blind[0] < 0.4 * (alone[1] - alone[0])


def test_the_macro_interval_weighs_sets_alike_and_draws_within_them() -> None:
    rng = np.random.default_rng(3)
    values = np.concatenate([np.full(300, 0.2), rng.uniform(0.7, 0.9, 10)])
    sets, images = ["large"] * 300 + ["small"] * 10, list(range(310))
    low, high = interval(values, images, sets)
    middle = (0.2 + values[300:].mean()) / 2
    assert low < middle < high and high - low < 0.1  # a pooled mean would lie near .22
    assert intervals(np.stack([values, 2 * values], 1), images, sets)[1] == pytest.approx((2 * low, 2 * high))


def test_lists_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="2 rows of values came with 1 images"):
        interval(np.zeros(2), ["a"])
    with pytest.raises(ValueError, match="0 rows"):
        interval(np.zeros(0), [])


def test_boundary_iou_sees_edges_that_iou_does_not() -> None:
    truth = np.zeros((200, 200), bool)
    truth[20:180, 20:180] = True
    assert boundary_iou(truth, truth) == 1 and boundary_iou(np.zeros_like(truth), truth) == 0
    shrunk = np.zeros_like(truth)
    shrunk[24:176, 24:176] = True
    band, inner = 160**2 - 148**2, 152**2 - 140**2  # bands of 6 pixels: 2 % of the diagonal of 283
    common = 152**2 - 148**2
    assert boundary_iou(shrunk, truth) == pytest.approx(common / (band + inner - common))
    full = np.ones((50, 50), bool)  # the border of the picture is an edge too
    assert boundary_iou(full, ~full) == 0 and boundary_iou(~full, ~full) == 1


def test_the_form_of_a_mask() -> None:
    mask = np.zeros((40, 60), bool)
    assert shape_figures(mask) == {"parts": 0, "holes": 0, "concavity": 0}
    mask[5:25, 5:25] = True
    assert shape_figures(mask) == {"parts": 1, "holes": 0, "concavity": 0}
    mask[10:20, 10:20] = False
    assert shape_figures(mask) == {"parts": 1, "holes": 1, "concavity": pytest.approx(100 / 400)}
    mask[0:40, 40:60] = True  # touches three borders; a second part
    assert (shape_figures(mask)["parts"], shape_figures(mask)["holes"]) == (2, 1)


def test_shares_above_the_bars_come_with_wilsons_interval() -> None:
    shares = shares_above(np.array([0.5, 0.75, 0.76, 0.95]))
    assert (shares["above_75"]["share"], shares["above_90"]["share"]) == (0.5, 0.25)
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)  # a textbook value
    assert wilson(0, 0) == (0, 1) and wilson(0, 20)[0] == 0


def test_calibration_of_three_candidates_each() -> None:
    rows = [
        {"candidates": [0.9, 0.5, 0.1], "predicted_iou": [0.95, 0.45, 0.05]},
        {"candidates": [0.2, 0.8, 0.4], "predicted_iou": [0.75, 0.55, 0.35]},
    ]
    figures = calibration_figures(rows)
    assert (figures["chosen"], figures["oracle"], figures["best_chosen"]) == (0.55, 0.85, 0.5)
    assert figures["chance"] == pytest.approx(2.9 / 6, abs=1e-4)
    errors = np.array([0.05, -0.05, -0.05, 0.55, -0.25, -0.05])
    assert figures["error"] == pytest.approx(np.abs(errors).mean(), abs=1e-4)
    assert figures["bias"] == pytest.approx(errors.mean(), abs=1e-4)
    assert figures["ece"] == pytest.approx(np.abs(errors).mean(), abs=1e-4)  # every bin holds one candidate
    assert [one["count"] for one in figures["bins"]] == [1] * 6 and figures["bins"][0]["low"] == 0
    assert figures["correlation"] == pytest.approx(
        np.corrcoef([0.95, 0.45, 0.05, 0.75, 0.55, 0.35], [0.9, 0.5, 0.1, 0.2, 0.8, 0.4])[0, 1], abs=1e-4
    )


def test_predictions_beyond_1_lie_in_the_last_bin_and_constants_have_no_correlation() -> None:
    figures = calibration_figures([{"candidates": [0.5, 0.5, 0.5], "predicted_iou": [1.2, 1.0, 0.95]}])
    assert figures["correlation"] is None
    assert [(one["low"], one["count"]) for one in figures["bins"]] == [(0.9, 3)]


def row(dataset: str, image: str, iou: float, **more: object) -> dict:
    known = {"dataset": dataset, "image": image, "method": "model", "protocol": "center", "area": 500, "share": 0.02}
    values = {f"iou@{k}": iou for k in (1, 2, 3, 5, 9)} | {"oracle@1": iou, "best_chosen@1": 1.0, "iou_error@1": 0.0}
    form = {f"{name}@{k}": 1 for name in ("boundary_iou", "parts", "holes", "concavity") for k in (1, 5)}
    truth = {"truth_parts": 1, "truth_holes": 0, "truth_concavity": 0.0}
    candidates = {"candidates": [iou, 0.1, 0.2], "predicted_iou": [0.9, 0.2, 0.1]}
    return {**known, **values, **form, **truth, **candidates, "noc@85": 3, "noc@90": 20, **more}


def test_figures_follow_from_rows() -> None:
    rows = [row("a", "1", 0.2), row("a", "1", 0.4), row("a", "2", 0.6, area=2000, share=0.2), row("b", "1", 0.8)]
    figures = figures_of(rows, 20)
    a, macro = figures["datasets"]["a"], figures["macro"]
    assert (a["images"], a["masks"], a["miou@1"], a["failures@85"], a["failures@90"]) == (2, 3, 0.4, 0, 3)
    assert a["by_size"] == {
        "small": {"masks": 2, **{k: v for k, v in a["by_size"]["small"].items() if k != "masks"}},
        "medium": a["by_size"]["medium"],
    }
    assert a["by_size"]["small"]["miou@1"] == 0.3 and a["by_share"]["10-30%"]["miou@1"] == 0.6
    assert (macro["miou@1"], macro["masks"], macro["failures@90"], macro["noc@85"]) == (0.6, 4, 4, 3)
    assert macro["ci"]["miou@1"][0] == pytest.approx((0.3 + 0.8) / 2) and macro["ci"]["miou@1"][1] == 0.7
    assert figures["datasets"]["b"]["ci"]["miou@1"] == [0.8, 0.8]


def test_rows_come_back_as_written_and_a_broken_line_is_named(tmp_path: Path) -> None:
    rows = [row("a", "1", 0.25), row("b", "2", 0.5)]
    write_results(tmp_path / "new", {"table": "clicks"}, rows)
    assert read_rows(tmp_path / "new" / "masks.jsonl") == rows
    with (tmp_path / "new" / "masks.jsonl").open("a") as stream:
        stream.write("[1]\n")
    with pytest.raises(ValueError, match="line 3 is not a row"):
        read_rows(tmp_path / "new" / "masks.jsonl")
