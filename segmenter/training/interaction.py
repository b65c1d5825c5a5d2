"""Simulated annotators: when they prompt and what they see between, and where they click (sam.md section 2.3)."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from segmenter.config import TrainConfig
from segmenter.prompts import (
    BOX_BOTTOM_RIGHT,
    BOX_TOP_LEFT,
    PADDING,
    Bitmap,
    Point,
    first_click,
    loose_box,
    next_click,
    random_correction,
    random_point,
)

Correction = Callable[[Bitmap, Bitmap, random.Random], Point | None]


@dataclass(frozen=True)
class Turn:
    """One answer of the decoder: whether every annotator clicks before it, and whether the model learns from it."""

    clicks: bool
    learns: bool


def turns(config: TrainConfig, rng: random.Random) -> list[Turn]:
    """The turns of one step; the first prompt, a point or a box, comes before the first.

    "first_and_last": two to ``max_clicks`` prompts, few more often than many; the model learns from its first and its
    last answer, those between only choose the next clicks. "every_turn" is the paper's: ``max_clicks`` corrections and
    ``refinements`` turns that only show the mask again, of which one is the last and the others fall anywhere before a
    correction; the model learns from all of them.
    """
    if config.interaction == "first_and_last":
        counts = range(2, config.max_clicks + 1)
        count = rng.choices(counts, [1 / clicks for clicks in counts])[0]
        return [Turn(number > 0, number in (0, count - 1)) for number in range(count)]
    later = [True] * config.max_clicks
    for _ in range(config.refinements - 1):
        later.insert(rng.randrange(len(later)), False)
    later += [False] * (config.refinements > 0)
    return [Turn(False, True), *(Turn(clicks, True) for clicks in later)]


def truths_at(masks: NDArray[np.bool_], side: int) -> Tensor:
    """Masks MxSxS as shares of each logit's area, Mx1xLxL."""
    return F.avg_pool2d(torch.from_numpy(masks)[:, None].float(), masks.shape[-1] // side)


def clickable(truth: Tensor) -> NDArray[np.bool_]:
    """The pixels of Mx1xLxL shares that belong to a mask, MxLxL; of one too thin for that, whatever is left of it."""
    inside = truth > 0.5
    lost = inside.sum((1, 2, 3)) == 0
    bitmaps: NDArray[np.bool_] = (inside[:, 0] | ((truth[:, 0] > 0) & lost[:, None, None])).numpy()
    return bitmaps


class Annotators:
    """One simulated annotator per mask: their prompts so far, in pixels of the frame.

    "mixed" annotators click deep inside more often than near an edge, and mend the largest error; "uniform" ones are
    the paper's: any pixel of the mask, then any pixel in error. Those who begin with ``nothing`` prompt by text.
    """

    def __init__(
        self,
        truths: NDArray[np.bool_],
        frame: int,
        config: TrainConfig,
        rng: random.Random,
        nothing: bool = False,
    ) -> None:
        self.truths, self.rng, self.config = truths, rng, config
        self.scale = frame / truths.shape[-1]
        self.correction: Correction = next_click if config.annotators == "mixed" else random_correction
        self.rows = [[(0.0, 0.0, PADDING)] if nothing else self._first(truth) for truth in truths]

    def _first(self, truth: Bitmap) -> list[tuple[float, float, int]]:
        if self.rng.random() < self.config.box_share:
            box = loose_box(truth, self.rng)
            corners = [(box.x0, box.y0, BOX_TOP_LEFT), (box.x1, box.y1, BOX_BOTTOM_RIGHT)]
            # A box corner is an edge, not a pixel centre: the decoder adds half a frame pixel to every point.
            return [(x * self.scale - 0.5, y * self.scale - 0.5, label) for x, y, label in corners]
        if self.config.annotators == "uniform":
            point = Point(*random_point(truth, self.rng))
        else:
            point = first_click(truth, self.rng, self.config.deep_click_share)
        return [self._row(point), (0.0, 0.0, PADDING)]

    def _row(self, point: Point) -> tuple[float, float, int]:
        jitter = self.rng.uniform(-0.5, 0.5), self.rng.uniform(-0.5, 0.5)
        x, y = (point.x + 0.5 + jitter[0]) * self.scale - 0.5, (point.y + 0.5 + jitter[1]) * self.scale - 0.5
        return x, y, point.label

    def correct(self, predicted: NDArray[np.bool_]) -> None:
        """Each annotator clicks where the answer is wrong; one who has nothing to say adds padding."""
        for row, mask, truth in zip(self.rows, predicted, self.truths, strict=True):
            point = self.correction(mask, truth, self.rng)
            row.append((0.0, 0.0, PADDING) if point is None else self._row(point))

    def tensors(self) -> tuple[Tensor, Tensor]:
        """``point_coords`` MxNx2 and ``point_labels`` MxN."""
        rows = torch.tensor(self.rows)
        return rows[..., :2], rows[..., 2]
