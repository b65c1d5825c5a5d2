"""What torch makes of the prompts that a saved annotation carries: the same mask, or the page is not truthful."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from segmenter.build import Model
from segmenter.checkpoint import load_release
from segmenter.predict import Candidates, Embedding, decode, embed
from segmenter.prompts import Bitmap, Box, Point, Prompt
from segmenter.transforms import resized_size

RELEASE = Path(__file__).parents[2] / "segmenter" / "weights" / "starter"
SURE = 10.0  # the logits that the page gives the decoder for a mask that was saved before


@dataclass
class Torch:
    """The shipped release in torch, with the embeddings of the pictures asked about."""

    model: Model
    embeddings: dict[Path, Embedding]

    @classmethod
    def start(cls) -> "Torch":
        return cls(load_release(RELEASE).model, {})

    def mask(self, path: Path, annotation: dict[str, Any], replaced: Bitmap | None = None) -> Bitmap:
        """The mask that the prompts of `annotation` lead to; `replaced` is the mask that a *mask* prompt stands for."""
        if path not in self.embeddings:
            self.embeddings[path] = embed(self.model, picture(path))
        answer = self._replay(self.embeddings[path], annotation["prompts"], replaced)
        return answer.mask(annotation["chosen_candidate"])

    def _replay(self, embedding: Embedding, prompts: Sequence[dict[str, Any]], replaced: Bitmap | None) -> Candidates:
        points: list[Point] = []
        box: Box | None = None
        previous: NDArray[np.float32] | None = None
        answer: Candidates | None = None
        for prompt in prompts:
            if prompt["kind"] == "mask":
                assert replaced is not None, "a mask prompt without a mask that it stands for"
                previous = as_logits(replaced, self.model.config.logits)
                continue
            if prompt["kind"] == "point":
                points.append(Point(prompt["x"], prompt["y"], prompt["label"]))
            else:
                box = Box(prompt["x0"], prompt["y0"], prompt["x1"], prompt["y1"])
            mask_inputs = None if previous is None else previous[None]
            answer = decode(self.model, embedding, [Prompt(tuple(points), box)], mask_inputs)[0]
            shown = prompt.get("candidate")
            previous = answer.logits[answer.chosen if shown is None else shown]
        assert answer is not None, "an annotation without prompts"
        return answer


def picture(path: Path) -> NDArray[np.uint8]:
    """The upright 8-bit pixels of a photograph."""
    return np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))


def as_logits(mask: Bitmap, side: int) -> NDArray[np.float32]:
    """A saved mask as the decoder's mask input: plus SURE in the cells that it covers by half, else minus SURE."""
    height, width = mask.shape
    (top, bottom), (left, right) = (
        _cells(cells, length) for cells, length in zip(resized_size(height, width, side), mask.shape, strict=True)
    )
    sums = np.pad(mask.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    covered = sums[bottom][:, right] - sums[top][:, right] - sums[bottom][:, left] + sums[top][:, left]
    inside = 2 * covered > np.outer(bottom - top, right - left)
    logits = np.full((side, side), -SURE, np.float32)
    logits[: len(top), : len(left)][inside] = SURE
    return logits


def _cells(cells: int, length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each of `cells` begins and ends among `length` pixels: whole pixels, at least one each."""
    begin = np.minimum(np.arange(cells) * length // cells, length - 1)
    return begin, np.maximum(begin + 1, np.arange(1, cells + 1) * length // cells)
