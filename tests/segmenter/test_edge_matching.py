"""The correspondence of edge pixels: what is near enough, what it costs, and that nothing costs less."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from segmenter.evaluate.edge_matching import OUTLIER_COST, UNITS, correspond


def dots(*places: tuple[int, int], size: tuple[int, int] = (12, 14)) -> np.ndarray:
    found = np.zeros(size, bool)
    for place in places:
        found[place] = True
    return found


def least_cost(first: np.ndarray, second: np.ndarray, radius: float) -> tuple[int, int]:
    """Total cost and number of pairs by a dense assignment in which every pixel has a stand-in of its own."""
    rows, columns = np.argwhere(first), np.argwhere(second)
    apart = np.hypot(*(rows[:, None] - columns[None]).transpose(2, 0, 1))
    alone, never = math.ceil(OUTLIER_COST * radius * UNITS), 10**9
    n, m = len(rows), len(columns)
    costs = np.full((n + m, m + n), never, np.int64)
    costs[:n, :m] = np.where(apart <= radius, np.rint(apart * UNITS), never)
    costs[:n, m:][np.eye(n, dtype=bool)] = alone
    costs[n:, :m][np.eye(m, dtype=bool)] = alone
    costs[n:, m:] = 0
    chosen = linear_sum_assignment(costs)
    pairs = int(((chosen[0] < n) & (chosen[1] < m)).sum())
    return int(costs[chosen].sum()), pairs


@pytest.mark.parametrize("density", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("seed", range(8))
def test_no_other_pairing_costs_less(seed: int, density: float) -> None:
    generator = np.random.default_rng(seed)
    first, second = generator.random((2, 13, 11)) < density
    second &= generator.random((13, 11)) < generator.choice([0.3, 1.0])
    radius = float(generator.choice([1.0, 2.3, 3.7]))
    matched, taken = correspond(first, second, radius)
    assert not (matched & ~first).any() and not (taken & ~second).any()
    total, pairs = least_cost(first, second, radius)
    assert matched.sum() == taken.sum() == pairs
    # The pixels that were chosen can be paired among themselves, at the cost that all pixels need at least.
    own, own_pairs = least_cost(matched, taken, radius)
    lonely = int(first.sum() + second.sum() - 2 * pairs) * math.ceil(OUTLIER_COST * radius * UNITS)
    assert (own + lonely, own_pairs) == (total, pairs)


def test_a_line_follows_a_shifted_line_as_far_as_the_radius_goes() -> None:
    line = np.zeros((30, 40), bool)
    line[10, 5:35] = True
    for shift, found in ((0, 30), (1, 30), (3, 30), (4, 0)):
        matched, taken = correspond(line, np.roll(line, shift, 0), 3.2)
        assert matched.sum() == taken.sum() == found


def test_a_pixel_has_one_partner() -> None:
    matched, taken = correspond(dots((5, 5)), dots((5, 4), (5, 7)), 4.0)
    assert matched[5, 5] and taken[5, 4] and not taken[5, 7]
    # The side that is in excess is the one that stays alone, whichever argument it is.
    matched, taken = correspond(dots((5, 4), (5, 7)), dots((5, 5)), 4.0)
    assert taken[5, 5] and matched[5, 4] and not matched[5, 7]


def test_more_pairs_are_better_than_nearer_ones() -> None:
    # The nearest partner of both is the same: one makes way, though that makes both pairs long.
    matched, taken = correspond(dots((5, 5), (5, 8)), dots((5, 6), (5, 2)), 3.0)
    assert matched.sum() == taken.sum() == 2


def test_the_reach_is_a_disc_with_its_rim() -> None:
    centre = dots((6, 6))
    assert correspond(centre, dots((6, 9)), 3.0)[0].any()
    assert not correspond(centre, dots((9, 9)), 3.0)[0].any()


def test_nothing_corresponds_to_nothing() -> None:
    empty, full = np.zeros((8, 9), bool), np.ones((8, 9), bool)
    for first, second in ((empty, empty), (empty, full), (full, empty)):
        matched, taken = correspond(first, second, 2.0)
        assert not matched.any() and not taken.any()


def test_maps_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(8, 9\) and \(9, 8\)"):
        correspond(np.zeros((8, 9), bool), np.zeros((9, 8), bool), 2.0)
