"""What torch makes of the prompts that a saved annotation carries: the same mask, or the page is not truthful."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image, ImageOps

from segmenter.build import Model
from segmenter.checkpoint import load_release
from segmenter.export import session
from segmenter.manifest import DECODER, read_manifest
from segmenter.predict import Candidates, Embedding, choose, decode, embed
from segmenter.prompts import Bitmap, Box, Point, Prompt, prompt_rows
from segmenter.transforms import Size, resized_size, to_frame

RELEASE = Path(__file__).parents[2] / "segmenter" / "weights" / "starter"
SURE = 10.0  # the logits that the page gives the decoder for a mask that was saved before

Logits = NDArray[np.float32]
# Answers a prompt, given the logits of the mask that was shown before it.
Decode = Callable[[Prompt, Logits | None], Candidates]


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
        embedding = self.embeddings[path]

        def answer(prompt: Prompt, previous: Logits | None) -> Candidates:
            return decode(self.model, embedding, [prompt], None if previous is None else previous[None])[0]

        begun = None if replaced is None else as_logits(replaced, self.model.config.logits)
        return replay(answer, annotation["prompts"], begun).mask(annotation["chosen_candidate"])


@dataclass(frozen=True)
class Exported:
    """The decoder of a release folder in ONNX Runtime, as any program would run it."""

    manifest: dict[str, Any]
    run: onnxruntime.InferenceSession

    @classmethod
    def load(cls, folder: Path) -> "Exported":
        return cls(dict(read_manifest(folder)), session(folder / DECODER))

    def mask(self, embedding: dict[str, Logits], size: Size, annotation: dict[str, Any]) -> Bitmap:
        """The mask that the prompts of `annotation` lead to on tensors CxHxW, on an image of (h, w)."""

        def answer(prompt: Prompt, previous: Logits | None) -> Candidates:
            return self._answer(embedding, size, prompt, previous)

        return replay(answer, annotation["prompts"], None).mask(annotation["chosen_candidate"])

    def _answer(self, embedding: dict[str, Logits], size: Size, prompt: Prompt, previous: Logits | None) -> Candidates:
        frame, side = self.manifest["frame"], self.manifest["logits"]
        points, labels = prompt_rows(prompt)
        shown = np.zeros((side, side), np.float32) if previous is None else previous
        feeds = {name: embedding[name][None].astype(np.float32) for name in self.manifest["embedding"]} | {
            "point_coords": to_frame(points, size, frame).astype(np.float32)[None],
            "point_labels": labels[None],
            "mask_input": shown[None, None],
            "has_mask_input": np.array([previous is not None], np.float32),
        }
        logits, scores = self.run.run(["low_res_masks", "iou_predictions"], feeds)
        chosen = choose(scores[0], prompt.count + (previous is not None))
        return Candidates(logits[0], scores[0], chosen, size, frame)


def replay(decode: Decode, prompts: Sequence[dict[str, Any]], begun: Logits | None) -> Candidates:
    """Prompt by prompt, each with the candidate shown after the one before; `begun` is what a *mask* prompt gives."""
    points: list[Point] = []
    box: Box | None = None
    previous: Logits | None = None
    answer: Candidates | None = None
    for prompt in prompts:
        if prompt["kind"] == "mask":
            assert begun is not None, "a mask prompt without a mask that it stands for"
            previous = begun
            continue
        if prompt["kind"] == "point":
            points.append(Point(prompt["x"], prompt["y"], prompt["label"]))
        else:
            box = Box(prompt["x0"], prompt["y0"], prompt["x1"], prompt["y1"])
        answer = decode(Prompt(tuple(points), box), previous)
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
