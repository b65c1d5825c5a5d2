"""Boxes of objects in an embedded picture, their files, and how good they are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from segmenter.automask import ScoredBox
from segmenter.evaluate.matching import average_precision, judge
from segmenter.modeling.detector import Detector, DetectorConfig, box_iou
from segmenter.nms import box_nms
from segmenter.predict import Embedding
from segmenter.tensor_file import check_tensor_file
from segmenter.transforms import Size, resized_size

FORMAT = "maskmill-detector/1"
CONSIDERED = 400  # cells with the best scores
KEPT = 100
NMS = 0.6
FINEST_SIDE = 64  # cells a side of the finest map, at most
PIXELS_A_CELL = 8  # of the frame, on the finest map where it may be so fine

Boxes = NDArray[np.float64]


class InvalidDetector(ValueError):
    """The file holds no detector, or one for other embeddings."""


def fitting_config(shapes: Mapping[str, Sequence[int]], frame: int) -> DetectorConfig:
    """The detector for embeddings of these shapes (CxHxW by name) of a frame of so many pixels a side.

    Levels more than twice as fine as its finest map are left out: they would cost more and say little of objects.
    """
    grid = min(FINEST_SIDE, frame // PIXELS_A_CELL)
    wanted = {name: shape for name, shape in shapes.items() if shape[1] <= 2 * grid}
    return DetectorConfig(tuple(sorted((name, int(shape[0])) for name, shape in wanted.items())), grid)


def to_shares(boxes: Boxes, size: Size, frame: int) -> Boxes:
    """Corners N x 4 in pixels of an image of (height, width) as shares of the model's padded frame."""
    height, width = resized_size(size[0], size[1], frame)
    ratios = np.array([width / size[1], height / size[0]] * 2) / frame
    return np.asarray(boxes, np.float64).reshape(-1, 4) * ratios


@torch.inference_mode()
def find_boxes(detector: Detector, embedding: Embedding, least: float) -> list[ScoredBox]:
    """Boxes with a score of at least ``least``, best first, inside the image; at most ``KEPT``."""
    logits, shares = detector({name: embedding.tensors[name] for name, _ in detector.config.levels})
    scores = logits[0].sigmoid()
    best = torch.topk(scores, min(CONSIDERED, len(scores)))
    chosen = best.indices[best.values >= least]
    size, frame = embedding.size, embedding.frame
    height, width = resized_size(size[0], size[1], frame)
    pixels = shares[0, chosen].double().numpy() * frame * np.array([size[1] / width, size[0] / height] * 2)
    pixels = pixels.clip(0, np.array([size[1], size[0]] * 2, np.float64))
    whole = ((pixels[:, 2:] - pixels[:, :2]) >= 1).all(1)
    pixels, sure = pixels[whole], scores[chosen].numpy()[whole]
    kept = box_nms(pixels.astype(np.float32), sure, NMS)[:KEPT]
    return [ScoredBox(_corners(pixels[index]), float(sure[index])) for index in kept]


def _corners(box: Boxes) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(value) for value in box)
    return x0, y0, x1, y1


def box_figures(found: Sequence[Sequence[ScoredBox]], true: Sequence[Boxes]) -> dict[str, float | int | None]:
    """AP50, AP and recall at IoU 0.5 of boxes, over images; COCO's rules with one class. None: nothing to find."""
    judged = []
    for boxes, truths in zip(found, true, strict=True):
        ordered = sorted(boxes, key=lambda box: -box.score)
        mine = torch.tensor([box.corners for box in ordered], dtype=torch.float64).reshape(-1, 4)
        theirs = torch.from_numpy(np.asarray(truths, np.float64).reshape(-1, 4))
        ious = box_iou(mine[:, None], theirs[None])[0].numpy()
        areas = (_areas(mine), _areas(theirs))
        scores = np.array([box.score for box in ordered])
        judged.append(judge(ious, scores, areas, np.zeros(len(theirs), np.bool_), (0, np.inf)))
    measured = average_precision(judged)
    counts = {"images": len(true), "objects": sum(len(truths) for truths in true)}
    if measured is None:
        return {**counts, "ap50": None, "ap": None, "recall50": None}
    precision, recall = measured
    return {**counts, "ap50": float(precision[0]), "ap": float(precision.mean()), "recall50": float(recall[0])}


def _areas(boxes: Tensor) -> NDArray[np.float64]:
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).prod(1))


def save_detector(file: Path, detector: Detector, state: Mapping[str, Tensor] | None = None) -> None:
    """Writes the detector with its configuration as safetensors; ``state`` in the place of its own weights."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in (state or detector.state_dict()).items()}
    save_file(tensors, file, {"format": FORMAT, "config": json.dumps(asdict(detector.config))})


def load_detector(file: Path) -> Detector:
    """Reads what :func:`save_detector` wrote. Raises InvalidDetector for any other file."""
    try:
        header = check_tensor_file(file)
        if header.get("format") != FORMAT:
            raise InvalidDetector(f"{file} is not a {FORMAT} file")
        told = json.loads(header["config"])
        levels = tuple((str(name), int(channels)) for name, channels in told.pop("levels"))
        detector = Detector(DetectorConfig(levels, **told))
        detector.load_state_dict(load_file(file))
    except InvalidDetector:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InvalidDetector(f"{file} holds no detector: {error}") from error
    return detector.eval()
