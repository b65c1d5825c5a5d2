"""Intervals against published values and against scipy."""

import math
import random

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from backend.engine import intervals
from segmenter.evaluate import quality


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3 (Wilson without continuity correction).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_values(hits: int, total: int, low: float, high: float) -> None:
    assert intervals.wilson(hits, total) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_is_symmetric(drawn: tuple[int, int]) -> None:
    hits, total = drawn
    low, high = intervals.wilson(hits, total)
    assert 0 <= low <= hits / total <= high <= 1
    assert intervals.wilson(total - hits, total) == pytest.approx((1 - high, 1 - low))
    assert (low, high) == pytest.approx(quality.wilson(hits, total), abs=1e-4)  # there with z rounded to 1.96
    wider = intervals.wilson(hits, total, 0.99)
    assert wider[0] <= low and wider[1] >= high


def test_wilson_of_nothing_and_of_nonsense() -> None:
    assert intervals.wilson(0, 0) == (0, 1)
    with pytest.raises(ValueError, match="no share"):
        intervals.wilson(3, 2)
    empty = intervals.share("x", 0, 0)
    assert (empty.value, empty.n, empty.low) == (None, 0, None)


@given(st.floats(-40, 40), st.integers(1, 3000))
def test_student_agrees_with_scipy(t: float, freedom: int) -> None:
    expected = 2 * float(scipy.stats.t.sf(abs(t), freedom))
    assert intervals.t_two_sided(t, freedom) == pytest.approx(expected, rel=1e-8, abs=1e-14)


@pytest.mark.parametrize(("freedom", "level", "t"), [(1, 0.95, 12.706), (9, 0.95, 2.262), (30, 0.99, 2.750)])
def test_quantiles_of_the_printed_table(freedom: int, level: float, t: float) -> None:
    assert intervals.t_quantile(freedom, level) == pytest.approx(t, abs=5e-4)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=30))
def test_mean_and_paired_test_agree_with_scipy(values: list[float]) -> None:
    if max(values) - min(values) < 1e-6:
        return
    figure = intervals.mean("seconds", values, "seconds")
    test = scipy.stats.ttest_1samp(values, 0)
    bounds = test.confidence_interval(0.95)
    assert (figure.low, figure.high) == pytest.approx((bounds.low, bounds.high), rel=1e-6, abs=1e-6)
    found = intervals.paired(values)
    assert found is not None
    assert found.p_value == pytest.approx(float(test.pvalue), rel=1e-6, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((figure.low, figure.high))
    assert found.n == len(values)


def test_differences_without_spread() -> None:
    assert intervals.paired([1.0]) is None
    same, other = intervals.paired([0.0, 0.0]), intervals.paired([2.0, 2.0])
    assert same is not None and same.p_value == 1
    assert other is not None and other.p_value == 0


def test_a_ratio_is_a_mean_where_every_group_counts_once() -> None:
    values = [3.0, 5.0, 4.0, 8.0]
    of_groups = intervals.ratio("x", [(value, 1) for value in values], "seconds")
    plain = intervals.mean("x", values, "seconds")
    assert (of_groups.value, of_groups.low, of_groups.high) == pytest.approx((plain.value, plain.low, plain.high))


def test_the_interval_of_a_ratio_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = random.Random(3)
    covered = 0
    for _ in range(400):
        groups = []
        for _ in range(40):
            speed, masks = rng.uniform(5, 15), rng.randint(1, 9)  # masks of one image are alike
            groups.append((speed * masks, float(masks)))
        found = intervals.ratio("seconds", groups, "seconds")
        assert found.low is not None and found.high is not None
        covered += found.low <= 10 <= found.high
    assert 0.91 < covered / 400 < 0.98


@given(st.lists(st.tuples(st.floats(0, 1e4), st.integers(0, 50)), max_size=20))
def test_a_ratio_is_the_sums_ratio_within_its_bounds(groups: list[tuple[float, int]]) -> None:
    found = intervals.ratio("x", groups, "count")
    below = sum(other for _, other in groups)
    assert found.n == below
    if not below:
        assert found.value is None and found.low is None
        return
    assert found.value == pytest.approx(math.fsum(one for one, _ in groups) / below)
    if len(groups) > 1:
        assert found.low is not None and found.high is not None
        assert 0 <= found.low <= found.value <= found.high
