"""What an audit says: how near automatic masks are to what a person makes of them.

Source: Segment Anything, section 5, "mask quality": of pairs of an automatic and a corrected mask 94 % have an IoU
above 0.90 and 97 % above 0.75 (sam.md section 3.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from backend.engine import intervals
from backend.engine.intervals import Figure

Size = Literal["small", "medium", "large"]
# COCO's bounds, in pixels of area.
SMALL, LARGE = 32 * 32, 96 * 96
BARS: Final = ((0.90, 0.94, "94 %"), (0.75, 0.97, "97 %"))


@dataclass(frozen=True)
class Audited:
    """One corrected mask: IoU with the automatic one, that one's area in pixels, the seconds the correction took."""

    iou: float
    area: int
    seconds: float


@dataclass(frozen=True)
class Bar:
    """The share of masks above a bar, and whether this sample shows that it reaches the published share."""

    iou_above: float
    share: Figure
    published: float
    reaches_published: bool | None  # None: the interval holds the published share, so the sample decides nothing


def bars(audited: Sequence[Audited]) -> tuple[Bar, ...]:
    """The two shares of the paper."""
    return tuple(_bar(audited, *told) for told in BARS)


def _bar(audited: Sequence[Audited], bar: float, published: float, paper: str) -> Bar:
    hits = sum(one.iou > bar for one in audited)
    share = intervals.share(f"Masks with IoU > {bar:.2f}", hits, len(audited), paper)
    return Bar(bar, share, published, _reaches(share, published))


def _reaches(share: Figure, published: float) -> bool | None:
    if share.low is None or share.high is None or share.low < published <= share.high:
        return None
    return share.low >= published


def figures(audited: Sequence[Audited]) -> tuple[Figure, ...]:
    """Mean overlap and what the corrections took."""
    return (
        intervals.mean("Mean IoU", [one.iou for one in audited], "share", "people among themselves: 85 to 91 %"),
        intervals.mean("Seconds per correction", [one.seconds for one in audited], "seconds"),
    )


def size_of(area: int) -> Size:
    """COCO's three sizes."""
    return "small" if area < SMALL else "medium" if area < LARGE else "large"


def of_size(audited: Sequence[Audited], size: Size) -> Figure:
    """The share above 0.90 among masks of one size."""
    chosen = [one for one in audited if size_of(one.area) == size]
    hits = sum(one.iou > BARS[0][0] for one in chosen)
    return intervals.share(f"IoU > 0.90, {size} masks", hits, len(chosen))
