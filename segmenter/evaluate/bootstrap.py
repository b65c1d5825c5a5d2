"""Confidence intervals by the percentile bootstrap over images: masks of one image are not independent."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
LEVEL = 0.95
Interval = tuple[float, float]


def interval(
    values: NDArray[np.float64], images: Sequence[Hashable], sets: Sequence[Hashable] | None = None
) -> Interval:
    """The interval of one mean: see :func:`intervals`."""
    return intervals(np.asarray(values, np.float64)[:, None], images, sets)[0]


def intervals(
    values: NDArray[np.float64], images: Sequence[Hashable], sets: Sequence[Hashable] | None = None
) -> list[Interval]:
    """The 95 % intervals (low, high) of the means of the columns of ``values`` (one row a mask, one column a figure).

    Images are drawn again with all their masks (``images`` names that of each row). With ``sets``, which names the
    data set of each row, the figure is the mean over the sets, and images are drawn within their set. Equal input
    gives equal output. ValueError without rows, or where a list is not as long as ``values``.
    """
    names = [None] * len(values) if sets is None else sets
    if not len(values) or not len(values) == len(images) == len(names):
        raise ValueError(f"{len(values)} rows of values came with {len(images)} images and {len(names)} sets")
    rng = np.random.default_rng(0)
    members: dict[Hashable, list[int]] = {}
    for row, name in enumerate(names):
        members.setdefault(name, []).append(row)
    means = [_resampled(values[rows], [images[row] for row in rows], rng) for rows in members.values()]
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(np.mean(means, 0), [tail, 100 - tail], axis=0)
    return [(float(one), float(other)) for one, other in zip(low, high, strict=True)]


def draws(images: int, rng: np.random.Generator, resamples: int = RESAMPLES) -> NDArray[np.int64]:
    """How often each of the images is in each resample: resamples x images."""
    return rng.multinomial(images, np.full(images, 1 / images), resamples)


def _resampled(
    values: NDArray[np.float64], images: Sequence[Hashable], rng: np.random.Generator
) -> NDArray[np.float64]:
    """The means of one set's resamples: resamples x figures."""
    index = {image: number for number, image in enumerate(dict.fromkeys(images))}
    place = np.array([index[image] for image in images])
    sums = np.zeros((len(index), values.shape[1]))
    np.add.at(sums, place, values)
    counts = np.bincount(place, minlength=len(index))
    times = draws(len(index), rng)
    means: NDArray[np.float64] = (times @ sums) / (times @ counts)[:, None]
    return means
