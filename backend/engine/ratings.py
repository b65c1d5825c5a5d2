"""Blind ratings of masks from 1 to 10: what raters are told, what they see, and what their scores say.

Source: Segment Anything, appendices E and G (the human study; sam.md section 6.6).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, stdev
from typing import Final, Literal

from backend.engine import intervals
from backend.engine.intervals import Figure

GUIDELINES_VERSION: Final = "1"  # another text needs another version: each task keeps the one it was rated by
SCORES: Final = range(1, 11)
SMALLEST_AREA: Final = 24 * 24  # pixels; smaller masks cannot be judged and are left out
ZOOM: Final = 1.5  # the zoomed views show the mask's box this many times as large
SMALLEST_ZOOM: Final = 64  # pixels

SCALE: Final[tuple[tuple[int, int, str], ...]] = (
    (1, 1, "No recognisable object."),
    (2, 4, "The object can be recognised, but the mask is extremely poor."),
    (5, 6, "Mostly right, with a major error."),
    (7, 9, "Small or rare errors."),
    (10, 10, "No error that you can find."),
)
QUESTIONS: Final = (
    "Is it a real object, or a part of one that has a name?",
    "Does the boundary follow the object?",
    "Does the mask belong to the prompt, where one is drawn?",
)
ERRORS: Final = (
    "Parts of other objects are in the mask.",
    "Parts of the object are missing.",
    "A point in a collection of things gave an arbitrary subset of them.",
    "There are stray pixels.",
    "There are holes where the object has none.",
)
NO_ERRORS: Final = (
    "A small mask looks pixelated.",
    "Something in front of the object is left out, or taken in, consistently.",
    "The mask reaches a little beyond a box that was drawn too small.",
)

MaskStyle = Literal["none", "red_overlay", "yellow_on_purple"]


@dataclass(frozen=True)
class View:
    """One of the pictures beside each other: what is drawn of image, mask and prompt, and which part (x, y, w, h)."""

    name: str
    picture: bool
    mask: MaskStyle
    prompt: bool
    crop: tuple[int, int, int, int]


def views(size: tuple[int, int], box: tuple[int, int, int, int]) -> tuple[View, ...]:
    """The five views of a mask with this box (x, y, w, h) in an image of (height, width)."""
    whole, close = (0, 0, size[1], size[0]), zoomed(size, box)
    return (
        View("Image", True, "none", True, whole),
        View("Mask on the image", True, "red_overlay", True, whole),
        View("Mask alone", False, "yellow_on_purple", True, whole),
        View("Closer", True, "none", True, close),
        View("Closer, with the mask", True, "red_overlay", True, close),
    )


def zoomed(size: tuple[int, int], box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """The window (x, y, w, h) around a box: 1.5 times its sides, at least 64 pixels, inside of the image.

    The whole image around the box of an empty mask.
    """
    if not box[2] or not box[3]:
        return 0, 0, size[1], size[0]
    left, width = _window(box[0], box[2], size[1])
    top, height = _window(box[1], box[3], size[0])
    return left, top, width, height


def _window(start: int, length: int, limit: int) -> tuple[int, int]:
    wanted = min(limit, max(SMALLEST_ZOOM, round(ZOOM * length), length))
    return min(max(0, start + (length - wanted) // 2), limit - wanted), wanted


@dataclass(frozen=True)
class Scored:
    """One rating: the mask rated, where it came from, and the object it shows if several sources segmented that one."""

    rated_id: str
    source: str
    object_key: str | None
    score: int
    seconds: float


# Means of appendix E on LVIS v0.5, in the words of the paper; other images and raters, so no goal to reach.
PAPER_MEANS: Final = "LVIS v0.5: ground truth 8.5, SAM 8.1, SAM single output 7.7, RITM 6.5"
PAPER_DIFFERENCE: Final = "SAM minus RITM, LVIS v0.5: 1.40 to 1.84 (99 %)"
PAPER_AGREEMENT: Final = "pilot of 5 raters: mean standard deviation 0.83"
PAPER_SECONDS: Final = "about 90 s (goal 30 s)"


def means(scores: Iterable[Scored]) -> dict[str, Figure]:
    """The mean of each source over its masks, a mask rated several times counting once."""
    by_source: dict[str, list[float]] = defaultdict(list)
    for (source, _), values in sorted(_of_masks(scores).items()):
        by_source[source].append(fmean(values))
    return {name: intervals.mean(name, values, "score", PAPER_MEANS) for name, values in by_source.items()}


def agreement(scores: Iterable[Scored]) -> Figure:
    """The standard deviation of the ratings of one mask, averaged over the masks that several people rated."""
    spreads = [stdev(values) for values in _of_masks(scores).values() if len(values) > 1]
    return intervals.mean("Standard deviation between raters", spreads, "score", PAPER_AGREEMENT)


def effort(scores: Iterable[Scored]) -> Figure:
    """Seconds for each rating."""
    return intervals.mean("Seconds per rating", [one.seconds for one in scores], "seconds", PAPER_SECONDS)


def _of_masks(scores: Iterable[Scored]) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in scores:
        found[one.source, one.rated_id].append(one.score)
    return found


def differences(scores: Sequence[Scored]) -> dict[tuple[str, str], list[float]]:
    """For each pair of sources, first minus second on each object that both segmented, in the order of the objects."""
    of_objects: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for one in scores:
        if one.object_key is not None:
            of_objects[one.object_key][one.source].append(one.score)
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for key in sorted(of_objects):
        for first, second in combinations(sorted(of_objects[key]), 2):
            found[first, second].append(fmean(of_objects[key][first]) - fmean(of_objects[key][second]))
    return dict(found)


def histogram(scores: Iterable[Scored]) -> dict[str, list[int]]:
    """How often each source got 1, 2, ... 10."""
    found: dict[str, list[int]] = defaultdict(lambda: [0] * len(SCORES))
    for one in scores:
        found[one.source][one.score - 1] += 1
    return dict(found)
