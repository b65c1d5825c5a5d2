"""What the gates of a round ask of two evaluations of the same held-out masks: paired differences and slices."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from segmenter.evaluate.click_figures import SIZES
from segmenter.evaluate.compare import MACRO, Difference, compare
from segmenter.evaluate.rows import Row

OVERLAPS: Final = ("iou@1", "iou@3", "iou@5")
SliceKind = Literal["size", "source", "category"]
NAMES: Final = {"iou@1": "miou@1", "iou@3": "miou@3", "iou@5": "miou@5", "noc@85": "noc@85"}


@dataclass(frozen=True)
class SliceMeans:
    """Means of IoU (0..1) after 1, 3 and 5 clicks over one kind of masks; ``kind`` is size, source or category."""

    kind: SliceKind
    name: str
    masks: int
    candidate: float
    active: float


@dataclass(frozen=True)
class GateRows:
    """The differences are candidate minus active, by the gates' names; images and masks are those of both."""

    images: int
    masks: int
    compared: dict[str, Difference]
    slices: tuple[SliceMeans, ...]


def gate_rows(candidate: Sequence[Row], active: Sequence[Row]) -> GateRows:
    """Compares two evaluations, each one row a mask with its area and, where known, its source and category.

    ValueError unless both answered for exactly the same masks.
    """
    found = compare(candidate, active)
    if found.only_first or found.only_second:
        raise ValueError(f"{found.only_first + found.only_second} masks were asked of one version only")
    differences = {NAMES[key]: one for key, one in found.differences[MACRO].items() if key in NAMES}
    theirs = {_key(row): row for row in active}
    pairs = [(row, theirs[_key(row)]) for row in candidate]
    images = len({(row["dataset"], row["image"]) for row in candidate})
    return GateRows(images, found.pairs, differences, tuple(_slices(pairs)))


def leaked_images(rows: Sequence[Row], trained: Collection[str]) -> int:
    """How many pictures of an evaluation, by their ``pixel_digest``, are among those that were trained on."""
    return len({row["pixel_digest"] for row in rows} & set(trained))


def _key(row: Row) -> tuple[object, ...]:
    return row["dataset"], row["image"], row["annotation"]


def _slices(pairs: Sequence[tuple[Row, Row]]) -> list[SliceMeans]:
    kinds: Mapping[SliceKind, Callable[[Row], str | None]] = {
        "size": _size,
        "source": lambda row: row.get("source"),
        "category": lambda row: row.get("category"),
    }
    found = []
    for kind, name_of in kinds.items():
        members: dict[str, list[tuple[Row, Row]]] = {}
        for pair in pairs:
            name = name_of(pair[0])
            if name is not None:
                members.setdefault(name, []).append(pair)
        found += [SliceMeans(kind, name, len(some), *_means(some)) for name, some in sorted(members.items())]
    return found


def _size(row: Row) -> str:
    """Small, medium or large as COCO has it, by the area in pixels of the picture as it was asked for."""
    return next(
        name for name, (low, high) in SIZES.items() if row["area"] >= low and (high is None or row["area"] < high)
    )


def _means(pairs: Sequence[tuple[Row, Row]]) -> tuple[float, float]:
    values = np.array([[[row[figure] for figure in OVERLAPS] for row in pair] for pair in pairs], np.float64)
    candidate, active = values.mean((0, 2))
    return float(candidate), float(active)
