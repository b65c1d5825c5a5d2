"""The edge benchmark's counts and figures: on hand-made maps, and on published contours that they must reproduce."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from segmenter.evaluate.edge_files import read_boundaries, read_edge_maps, unpacked
from segmenter.evaluate.edge_run import evaluate_maps, stored
from segmenter.evaluate.edges import LEVELS, above, count, figures, rates
from segmenter.evaluate.pool import silent
from tests.segmenter.golden import COMMITTED

REGRESSION = Path(__file__).parents[3] / "shared" / "data" / "bsds500" / "edge_regression"
GOLDEN = np.load(COMMITTED / "edges" / "gpb_ucm_bsds500_test.npz")
FULL_COUNTS = GOLDEN["counts"].astype(np.int64)  # 200 pictures x 99 levels x 4, of the nightly test's run


def strip(*columns: int) -> np.ndarray:
    drawn = np.zeros((40, 60), bool)
    drawn[4:36, list(columns)] = True
    return drawn


def test_a_pixel_is_right_when_any_annotator_has_it_and_recall_is_summed_over_them() -> None:
    detected = strip(10, 30, 50)
    (row,) = count(lambda level: detected, [strip(10), strip(10, 30)], [0.5])
    assert row.tolist() == [96, 96, 64, 96]


def test_edges_are_thinned_before_they_are_compared() -> None:
    thick = strip(9, 10, 11)
    (row,) = count(lambda level: thick, [strip(10)], [0.5])
    assert row[3] <= 32  # one pixel wide, a little shorter
    assert row[0] >= 28


def test_a_map_is_cut_at_and_above_each_level() -> None:
    strength = np.where(strip(10), 0.5, 0) + np.where(strip(30), 0.8, 0)
    counts = count(above(strength), [strip(10, 30)], [0.5, 0.51, 0.81])
    assert counts[:, 0].tolist() == [64, 32, 0]


def hand_made(*rows: tuple[int, int, int, int]) -> np.ndarray:
    return np.array([rows], np.int64)


def test_rates_of_nothing_are_nothing() -> None:
    recall, precision = rates(np.array([[0, 0, 0, 0], [3, 6, 1, 4]]))
    assert recall.tolist() == [0, 0.5] and precision.tolist() == [0, 0.25]


def test_the_best_f_may_lie_between_two_levels() -> None:
    # Recall 1, precision 0.2 and the reverse: halfway both are 0.6.
    found = figures(hand_made((10, 10, 2, 10), (2, 10, 10, 10)), [0.2, 0.4])
    assert found["ods"] == pytest.approx(0.6, abs=1e-4)
    assert found["ods_level"] == pytest.approx(0.3, abs=2e-3)
    assert found["ods_recall"] == pytest.approx(found["ods_precision"], abs=0.01)


def test_each_picture_may_have_its_own_level() -> None:
    first, second = ((10, 10, 10, 10), (0, 10, 0, 10)), ((0, 10, 0, 10), (10, 10, 10, 10))
    found = figures(np.array([first, second]), [0.3, 0.6])
    assert found["ois"] == 1 and found["ods"] == 0.5


def test_the_area_is_read_at_every_hundredth_of_recall_and_0_outside_the_curve() -> None:
    # Precision 0.5 from recall 0.25 to 0.75: 51 places of 101.
    found = figures(hand_made((75, 100, 50, 100), (25, 100, 50, 100)), [0.3, 0.6])
    assert found["ap"] == pytest.approx(51 * 0.5 * 0.01)
    assert figures(hand_made((75, 100, 50, 100)), [0.3])["ap"] == 0


def test_recall_at_half_precision_is_interpolated() -> None:
    between = figures(hand_made((80, 100, 40, 100), (40, 100, 80, 100)), [0.3, 0.6])
    assert between["r50"] == pytest.approx(0.7)
    assert figures(hand_made((80, 100, 60, 100), (40, 100, 80, 100)), [0.3, 0.6])["r50"] == 0.8
    assert figures(hand_made((80, 100, 10, 100), (40, 100, 20, 100)), [0.3, 0.6])["r50"] == 0


def test_the_full_run_reproduces_gpb_ucm() -> None:
    """Arbelaez et al., TPAMI 2011: what the authors' own code wrote into ``eval_bdry.txt``."""
    found = figures(FULL_COUNTS)
    published = {"ods": 0.726253, "ois": 0.759505, "ap": 0.726626, "ods_level": 0.132121}
    published |= {"ods_recall": 0.726698, "ods_precision": 0.725808, "ois_recall": 0.768412, "ois_precision": 0.750802}
    tolerance = dict.fromkeys(published, 0.002) | {"ap": 0.004}
    assert {name: value for name, value in published.items() if abs(found[name] - value) > tolerance[name]} == {}


def test_the_full_run_follows_the_published_curve_at_every_level() -> None:
    for ours, theirs in zip(rates(FULL_COUNTS.sum(0)), GOLDEN["published_curve"].T[1:3], strict=True):
        assert np.abs(ours - theirs).max() < 0.001


def needs_maps() -> None:
    if not REGRESSION.is_dir():
        pytest.skip(f"no {REGRESSION}: the gPb-ucm maps are not part of the repository")


def test_ten_pictures_at_nine_levels_count_as_in_the_full_run() -> None:
    needs_maps()
    maps, truth = read_edge_maps(REGRESSION / "gpb_ucm_test.npz"), read_boundaries(REGRESSION / "boundaries_test.npz")
    assert maps.names == truth.names == tuple(GOLDEN["names"])
    some = range(9, 99, 10)
    for picture in range(0, 200, 20):
        counts = count(
            stored(maps.packed(picture)),
            unpacked(truth.rows(picture), truth.sizes[picture]),
            [LEVELS[level] for level in some],
        )
        assert np.array_equal(counts, FULL_COUNTS[picture, list(some)]), maps.names[picture]


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_all_pictures_at_all_levels_count_as_committed(tmp_path: Path) -> None:
    needs_maps()
    files = REGRESSION / "gpb_ucm_test.npz", REGRESSION / "boundaries_test.npz"
    evaluate_maps(*files, tmp_path, None, 2, False, silent)
    rows = [json.loads(line) for line in (tmp_path / "counts.jsonl").read_text().splitlines()]
    assert [row["image"] for row in rows] == GOLDEN["names"].tolist()
    assert np.array_equal([row["counts"] for row in rows], FULL_COUNTS)
