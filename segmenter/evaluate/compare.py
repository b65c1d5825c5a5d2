"""Two evaluations of the same masks against each other: paired differences with intervals by bootstrap over images.

A mask that is hard is hard for both sides, so differences of pairs say more than a comparison of two means; and masks
of one image fail together, so images are drawn again, not masks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmenter.evaluate.bootstrap import Interval, intervals
from segmenter.evaluate.rows import ROWS, Row, read_rows

MODEL, CENTER = "model", "center"
FIGURES = re.compile(r"iou|iou@(1|2|3|5|9)|oracle@1|noc@\d+|recall@\d+")
LESS_IS_BETTER = re.compile(r"noc@\d+")  # numbers of clicks
Key = tuple[str, str, Any]
MACRO = "macro"


@dataclass(frozen=True)
class Difference:
    """Means of both sides over the same masks, and the difference first minus second with its 95 % interval."""

    first: float
    second: float
    difference: float
    interval: Interval

    @property
    def sure(self) -> bool:
        """Whether the interval leaves zero out."""
        return not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class Comparison:
    """Differences by set (``macro``: the mean over the sets) and figure; ``pairs`` counts masks on both sides."""

    pairs: int
    only_first: int
    only_second: int
    differences: dict[str, dict[str, Difference]]

    def as_json(self) -> dict[str, Any]:
        """The comparison as JSON-ready values; ``low`` and ``high`` are the ends of the interval."""
        rounded = {
            name: {
                figure: {
                    "first": round(one.first, 4),
                    "second": round(one.second, 4),
                    "difference": round(one.difference, 4),
                    "low": round(one.interval[0], 4),
                    "high": round(one.interval[1], 4),
                }
                for figure, one in figures.items()
            }
            for name, figures in self.differences.items()
        }
        counts = {"pairs": self.pairs, "only_first": self.only_first, "only_second": self.only_second}
        return counts | {"differences": rounded}


def rows_of(folder: Path, method: str = MODEL, protocol: str = CENTER) -> list[Row]:
    """The rows of one method and protocol in an evaluation's folder; ValueError where there are none."""
    file = folder / ROWS
    if not file.is_file():
        raise ValueError(f"{folder} has no {ROWS}; it is not the folder of an evaluation of masks")
    rows = read_rows(file)
    found = [row for row in rows if row.get("method") == method and row.get("protocol", protocol) == protocol]
    if not found:
        present = sorted({f"{row.get('method')} {row.get('protocol', '')}".strip() for row in rows})
        raise ValueError(f"{file} has no row of {method} {protocol}, only of: {', '.join(present) or 'nothing'}")
    return found


def compare(first: Iterable[Row], second: Iterable[Row]) -> Comparison:
    """Pairs the rows of two evaluations by set, image and annotation.

    ValueError where no mask is on both sides, or where a mask has not the same area on both: other data.
    """
    ours, theirs = _by_key(first), _by_key(second)
    shared = [key for key in ours if key in theirs]
    if not shared:
        raise ValueError("the two evaluations have no mask in common")
    moved = next((key for key in shared if ours[key].get("area") != theirs[key].get("area")), None)
    if moved is not None:
        raise ValueError(f"annotation {moved[2]} of {moved[0]} {moved[1]} is not the same mask in both evaluations")
    pairs = [(ours[key], theirs[key]) for key in shared]
    by_set: dict[str, list[tuple[Row, Row]]] = {}
    for key, pair in zip(shared, pairs, strict=True):
        by_set.setdefault(key[0], []).append(pair)
    differences = {MACRO: _differences(pairs, [key[0] for key in shared])}
    differences |= {name: _differences(members, None) for name, members in by_set.items()}
    return Comparison(len(shared), len(ours) - len(shared), len(theirs) - len(shared), differences)


def _by_key(rows: Iterable[Row]) -> dict[Key, Row]:
    return {(row["dataset"], row["image"], row["annotation"]): row for row in rows}


def _differences(pairs: Sequence[tuple[Row, Row]], sets: Sequence[str] | None) -> dict[str, Difference]:
    figures = [
        key for key in pairs[0][0] if FIGURES.fullmatch(key) and all(key in row for pair in pairs for row in pair)
    ]
    if not figures:
        raise ValueError("the two evaluations have no figure in common")
    values = np.array([[[row[figure] for figure in figures] for row in pair] for pair in pairs], np.float64)
    images = [(ours["dataset"], ours["image"]) for ours, _ in pairs]
    found = intervals(values[:, 0] - values[:, 1], images, sets)
    means = values.mean(0) if sets is None else _macro(values, sets)
    return {
        figure: Difference(float(one), float(other), float(one - other), interval)
        for figure, one, other, interval in zip(figures, means[0], means[1], found, strict=True)
    }


def _macro(values: NDArray[np.float64], sets: Sequence[str]) -> NDArray[np.float64]:
    names = np.array(sets)
    means: NDArray[np.float64] = np.mean([values[names == name].mean(0) for name in dict.fromkeys(sets)], 0)
    return means


def figure_name(figure: str) -> str:
    """A figure's key as people say it."""
    name, _, count = figure.partition("@")
    if name == "noc":
        return f"clicks needed for {count} % IoU"
    if name == "recall":
        return f"recall with {count} proposals"
    after = {"iou": "IoU", "oracle": "best of three"}[name]
    return f"{after} after {count} click{'s' if count != '1' else ''}" if count else after


def in_words(name: str, figure: str, one: Difference, labels: tuple[str, str]) -> str:
    """One difference as a sentence."""
    low, high = one.interval
    means = f"{labels[0]} {one.first:.3f}, {labels[1]} {one.second:.3f}, difference {one.difference:+.3f}"
    start = f"{name[0].upper()}{name[1:]}, {figure_name(figure)}: {means}"
    if not one.sure:
        return f"{start} (95\u00a0%: {low:+.3f} to {high:+.3f}): no difference that these images could show"
    better = labels[(one.difference > 0) == bool(LESS_IS_BETTER.fullmatch(figure))]
    return f"{start} (95\u00a0%: {low:+.3f} to {high:+.3f}): {better} is better"


def sentences(comparison: Comparison, labels: tuple[str, str]) -> list[str]:
    """What a person reads: how many masks were paired, then every difference of the mean over the sets."""
    count = f"{comparison.pairs} masks on both sides"
    if comparison.only_first or comparison.only_second:
        count += f"; left out, because only one side has them: {comparison.only_first} and {comparison.only_second}"
    chosen = comparison.differences[MACRO]
    return [count, *(in_words("mean over the sets", figure, one, labels) for figure, one in chosen.items())]
