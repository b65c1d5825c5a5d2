"""The simulated annotator: sees the human masks of an image, clicks towards them, and takes time (docs/simulation.md).

Every second counted here is an assumption that is written down, not a measurement of people.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from segmenter.build import Model
from segmenter.evaluate.protocol import iou
from segmenter.predict import Candidates, Embedding, decode
from segmenter.prompts import Bitmap, Point, Prompt, centre_point, error_region, mask_prompt

Verdict = Literal["accepted", "mended", "rejected"]


@dataclass(frozen=True)
class Manner:
    """How the annotator works.

    content: IoU with the mask in mind at which a mask is accepted; from the first stage's guidelines, "pixel-exact
        where it matters".
    mendable: IoU from which a proposal that is not good enough is mended by clicks; what is worse is rejected.
    doubt: standard deviation of the IoU as the annotator sees it.
    slip: standard deviation of a click's distance from where it was meant, as a share of the square root of the
        region's area. A click that would slip off the region stays where it was meant.
    patience_seconds: after that the mask is given up, as the paper's annotators were told to (appendix B).
    """

    content: float = 0.85
    mendable: float = 0.6
    doubt: float = 0.03
    slip: float = 0.08
    most_clicks: int = 8
    patience_seconds: float = 30.0
    open_seconds: float = 4.0  # an image: look at it
    find_seconds: float = 2.0  # the next object
    click_seconds: float = 1.6
    judge_seconds: float = 1.2  # a proposal: look at it and press a key
    brush_seconds: float = 4.0  # take the brush, and then for each per cent of IoU that is missing
    brush_seconds_a_point: float = 0.4


def overlap_with_truth(mask: Bitmap, truths: Sequence[Bitmap]) -> tuple[float, int]:
    """IoU with the human mask that fits best, and which one that is; (0, -1) without any."""
    overlaps = [iou(mask, truth) for truth in truths]
    return (max(overlaps), int(np.argmax(overlaps))) if overlaps else (0.0, -1)


@dataclass(frozen=True)
class Drawn:
    """A mask HxW as the annotator left it: clicks in their order with the second of each, and what the model said.

    ``chosen`` is the decoder's candidate, or None where the brush had the last word.
    """

    mask: Bitmap
    points: tuple[tuple[Point, float], ...]
    seconds: float
    brush_edits: int
    chosen: int | None
    predicted_iou: float


class Annotator:
    """One annotator in one model's version; ``rng`` is all the chance there is."""

    def __init__(self, model: Model, manner: Manner, rng: random.Random) -> None:
        self.model, self.manner, self.rng = model, manner, rng

    def draw(self, embedding: Embedding, truth: Bitmap, begun: Bitmap | None = None) -> Drawn | None:
        """Clicks until content; then, out of clicks, paints the rest. None: given up, it would take too long.

        ``begun`` is a mask HxW to start from, a proposal that lies selected; the model sees it as its last answer.
        """
        manner = self.manner
        seconds = manner.find_seconds if begun is None else 0.0
        points: list[tuple[Point, float]] = []
        shown: Candidates | None = None
        mask = np.zeros_like(truth) if begun is None else begun
        previous = None if begun is None else [mask_prompt(begun, self.model.config.logits)]
        while len(points) < manner.most_clicks:
            seconds += manner.click_seconds
            points.append((self._aimed(mask, truth), seconds))
            shown = decode(self.model, embedding, [Prompt(tuple(point for point, _ in points))], previous)[0]
            mask, previous = shown.mask(shown.chosen), [shown.logits[shown.chosen]]
            if self._seen(mask, truth) >= manner.content:
                return Drawn(mask, tuple(points), seconds, 0, shown.chosen, float(shown.predicted_iou[shown.chosen]))
        missing = 100 * (1 - iou(mask, truth))
        seconds += manner.brush_seconds + manner.brush_seconds_a_point * missing
        if seconds > manner.patience_seconds or shown is None:
            return None
        score = float(shown.predicted_iou[shown.chosen])
        return Drawn(self.painted(truth), tuple(points), seconds, max(1, round(missing / 5)), None, score)

    def judge(self, proposal: Bitmap, truths: Sequence[Bitmap]) -> tuple[Verdict, int]:
        """What becomes of a proposal, and which of the masks in mind it is meant for (-1 where it is rejected)."""
        overlap, best = overlap_with_truth(proposal, truths)
        seen = overlap + self.rng.gauss(0, self.manner.doubt)
        if not truths or seen < self.manner.mendable:
            return "rejected", -1
        return ("accepted" if seen >= self.manner.content else "mended"), best

    def painted(self, truth: Bitmap) -> Bitmap:
        """The mask as a hand paints it: its edge, as a whole, up to a pixel off."""
        reach = self.rng.choice((-1, 0, 1))
        pixels, kernel = truth.astype(np.uint8), np.ones((3, 3), np.uint8)
        moved = cv2.dilate(pixels, kernel) if reach > 0 else cv2.erode(pixels, kernel) if reach < 0 else pixels
        painted = np.asarray(moved, np.bool_)
        return painted if painted.any() else truth

    def _seen(self, mask: Bitmap, truth: Bitmap) -> float:
        return iou(mask, truth) + self.rng.gauss(0, self.manner.doubt)

    def _aimed(self, mask: Bitmap, truth: Bitmap) -> Point:
        """A click into the middle of the largest error, or beside it by chance but still into it."""
        found = error_region(mask, truth)
        region, label = found if found is not None else (truth, 1)
        x, y = centre_point(region)
        spread = self.manner.slip * float(np.sqrt(np.count_nonzero(region)))
        slipped = round(x + self.rng.gauss(0, spread)), round(y + self.rng.gauss(0, spread))
        inside = 0 <= slipped[0] < region.shape[1] and 0 <= slipped[1] < region.shape[0]
        if inside and region[slipped[1], slipped[0]]:
            x, y = slipped
        return Point(x, y, label)
