"""Numbers with their uncertainty: Wilson's interval of a share, Student's of a mean, that of a ratio over images, and
the t-test. Standard library only, so the rules of the engine and the pages' reports need no numerics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev
from typing import Final, Literal

LEVEL: Final = 0.95
_TINY: Final = 1e-300
Bounds = tuple[float, float]
Unit = Literal["share", "seconds", "hours", "count", "score"]


@dataclass(frozen=True)
class Figure:
    """A number as a report shows it: from `n` observations, with the bounds of its interval where one can be had.

    `paper` says, as published, what the Segment Anything paper reports under the same name.
    """

    name: str
    value: float | None
    n: int
    unit: Unit
    low: float | None = None
    high: float | None = None
    paper: str | None = None


def wilson(hits: int, total: int, level: float = LEVEL) -> Bounds:
    """Wilson's score interval of a share (Wilson 1927); (0, 1) of nothing. ValueError unless 0 <= hits <= total."""
    if not 0 <= hits <= total:
        raise ValueError(f"{hits} of {total} is no share")
    if not total:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, scale = hits / total, 1 + z * z / total
    middle = (share + z * z / (2 * total)) / scale
    reach = z / scale * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    # At the ends the formula gives exactly 0 and 1, but for rounding.
    low = 0.0 if hits == 0 else max(0.0, middle - reach)
    return low, 1.0 if hits == total else min(1.0, middle + reach)


def share(name: str, hits: int, total: int, paper: str | None = None) -> Figure:
    """A share with Wilson's interval; without a value when there is nothing to count."""
    if not total:
        return Figure(name, None, 0, "share", paper=paper)
    low, high = wilson(hits, total)
    return Figure(name, hits / total, total, "share", low, high, paper)


def mean(name: str, values: Sequence[float], unit: Unit, paper: str | None = None) -> Figure:
    """A mean with Student's interval; bounds need two values."""
    if not values:
        return Figure(name, None, 0, unit, paper=paper)
    middle = fmean(values)
    if len(values) < 2:
        return Figure(name, middle, 1, unit, paper=paper)
    reach = t_quantile(len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Figure(name, middle, len(values), unit, middle - reach, middle + reach, paper)


def ratio(name: str, groups: Sequence[tuple[float, float]], unit: Unit, paper: str | None = None) -> Figure:
    """Sum over sum, e.g. seconds per mask from (seconds, masks) of each image; `n` is the sum below.

    The observations of one image are not independent, so the interval is over images: linearisation of the ratio
    estimator (Cochran, Sampling Techniques, section 6.3) with Student's factor. Never below 0.
    """
    above, below = math.fsum(one for one, _ in groups), math.fsum(other for _, other in groups)
    if not below:
        return Figure(name, None, 0, unit, paper=paper)
    value, count = above / below, len(groups)
    if count < 2:
        return Figure(name, value, round(below), unit, paper=paper)
    squares = math.fsum((one - value * other) ** 2 for one, other in groups)
    reach = t_quantile(count - 1) * math.sqrt(count / (count - 1) * squares) / below
    return Figure(name, value, round(below), unit, max(0.0, value - reach), value + reach, paper)


@dataclass(frozen=True)
class Difference:
    """Mean of `n` differences, Student's 95 % interval, and the two-sided p-value that their mean is zero."""

    value: float
    low: float
    high: float
    n: int
    p_value: float


def paired(differences: Sequence[float]) -> Difference | None:
    """The paired t-test; None for fewer than two pairs."""
    count = len(differences)
    if count < 2:
        return None
    middle, error = fmean(differences), stdev(differences) / math.sqrt(count)
    reach = t_quantile(count - 1) * error
    return Difference(middle, middle - reach, middle + reach, count, _p_value(middle, error, count - 1))


def _p_value(middle: float, error: float, freedom: float) -> float:
    if not error:
        return 1.0 if not middle else 0.0
    return t_two_sided(middle / error, freedom)


def t_two_sided(t: float, freedom: float) -> float:
    """P(|T| >= |t|) of Student's distribution."""
    whole = freedom + t * t
    return _incomplete_beta(freedom / 2, 0.5, freedom / whole, t * t / whole)


def t_quantile(freedom: float, level: float = LEVEL) -> float:
    """The t with P(|T| <= t) = level, to nine digits."""
    low, high = 0.0, 1.0
    while t_two_sided(high, freedom) > 1 - level:
        high *= 2
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        if t_two_sided(middle, freedom) > 1 - level:
            low = middle
        else:
            high = middle
    return high


def _incomplete_beta(a: float, b: float, x: float, rest: float) -> float:
    """The regularised incomplete beta function I_x(a, b); ``rest`` is 1 - x, which x near 1 cannot say exactly."""
    if x <= 0 or rest <= 0:
        return 0.0 if x <= 0 else 1.0
    scale = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(rest))
    if x < (a + 1) / (a + b + 2):
        return scale * _fraction(a, b, x) / a
    return 1 - scale * _fraction(b, a, rest) / b


def _fraction(a: float, b: float, x: float) -> float:
    """Its continued fraction by Lentz's method (Abramowitz and Stegun 26.5.8)."""
    above, below = 1.0, 1 - (a + b) * x / (a + 1)
    below = 1 / (below or _TINY)
    product = below
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            below = 1 / ((1 + term * below) or _TINY)
            above = (1 + term / above) or _TINY
            step = above * below
            product *= step
        if abs(step - 1) < 1e-15:
            break
    return product
