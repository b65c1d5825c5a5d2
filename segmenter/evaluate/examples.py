"""Pictures for a report: the best, the median and the worst masks, drawn again by the model from their first prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segmenter.build import Model
from segmenter.checkpoint import load_model
from segmenter.data import coco_images
from segmenter.evaluate.boxes import GivenBox
from segmenter.evaluate.clicks import ModelMethod
from segmenter.evaluate.instances import answers
from segmenter.evaluate.page import gallery, picture, text
from segmenter.evaluate.protocol import Task, iou
from segmenter.evaluate.rows import Row
from segmenter.evaluate.selection import read
from segmenter.manifest import find_weights
from segmenter.predict import embed
from segmenter.prompts import Bitmap, Box, Point, first_click, tight_box

EACH = 4  # pictures of the best, of the median and of the worst masks
SIDE = 480  # pixels of the long side of a picture in the report
ANSWER, TRUTH, EDGE = (47, 111, 237), (255, 214, 10), (18, 22, 30)
OPACITY = 0.45
CONTEXT, LEAST_WINDOW = 2.5, 96
Picture = NDArray[np.uint8]
Asked = Callable[[Model, Picture, Bitmap], tuple[Bitmap, Point | Box]]


def chosen_rows(rows: Sequence[Row], figure: str, each: int = EACH) -> dict[str, list[Row]]:
    """The ``best``, ``median`` and ``worst`` rows by a figure: each of another image, none twice."""
    order = sorted(rows, key=lambda row: (-row[figure], row["dataset"], row["image"], str(row["annotation"])))
    middle = float(np.median([row[figure] for row in rows]))
    taken: set[int] = set()
    found = {}
    for name, ranked in (
        ("best", order),
        ("worst", order[::-1]),
        ("median", sorted(order, key=lambda row: abs(row[figure] - middle))),
    ):
        found[name] = _of_other_images((row for row in ranked if id(row) not in taken), each)
        taken |= {id(row) for row in found[name]}
    return {name: found[name] for name in ("best", "median", "worst")}


def _of_other_images(rows: Iterable[Row], each: int) -> list[Row]:
    first: dict[tuple[str, str], Row] = {}
    for row in rows:
        first.setdefault((row["dataset"], row["image"]), row)
    return list(first.values())[:each]


def after_click(model: Model, rgb: Picture, truth: Bitmap) -> tuple[Bitmap, Point]:
    """The answer to the first click of the ``center`` protocol, and that click."""
    click = first_click(truth)
    return ModelMethod(model).open(rgb)({0: [click]})[0].mask, click


def in_box(model: Model, rgb: Picture, truth: Bitmap) -> tuple[Bitmap, Box]:
    """The second answer to the box of the true mask, and that box."""
    box = tight_box(truth)
    (pair,) = answers(model, embed(model, rgb), [GivenBox((box.x0, box.y0, box.x1, box.y1), 1, None)])
    return pair[0].mask(pair[0].chosen), box


def example(model: Model, folder: Path, row: Row, long_side: int | None, asked: Asked) -> tuple[Picture, float]:
    """The picture of a row with the model's answer to a prompt, and its IoU.

    ``folder`` is the COCO folder of the row's set, ``long_side`` that of the evaluation, ``asked`` :func:`after_click`
    or :func:`in_box`. ValueError where the image or the annotation is no longer there.
    """
    found = list(coco_images(folder, {row["dataset"]: {row["image"]}}))
    entries = [one for _, _, members in found for one in members if one["id"] == row["annotation"]]
    if not entries:
        raise ValueError(f"{folder} no longer holds annotation {row['annotation']} of {row['image']}")
    _, rgb, truths = read(Task(row["dataset"], found[0][1], (entries[0],), long_side))
    mask, prompt = asked(model, rgb, truths[0])
    x, y, window = around(mask | truths[0])
    return drawn(rgb[window], mask[window], truths[0][window], _moved(prompt, x, y)), iou(mask, truths[0])


def _moved(prompt: Point | Box, x: int, y: int) -> Point | Box:
    if isinstance(prompt, Point):
        return Point(prompt.x - x, prompt.y - y)
    return Box(prompt.x0 - x, prompt.y0 - y, prompt.x1 - x, prompt.y1 - y)


def pictures(
    metrics: Mapping[str, Any], rows: Sequence[Row], figure: str, long_side: int | None, asked: Asked
) -> list[str]:
    """The HTML of the examples, where model and data are still at hand; else the sentence that says what is missing."""
    folders = {name: Path(folder) for name, folder in metrics["folders"].items()}
    gone = [str(folder) for folder in folders.values() if not folder.is_dir()]
    try:
        weights = find_weights(metrics["model"])
    except (ValueError, OSError):
        gone.append(metrics["model"])
    if gone:
        return [text(f"No pictures: {', '.join(gone)} cannot be found here.")]
    model = load_model(weights)
    prompt = "dot is the click" if asked is after_click else "thin rectangle is the given box"
    parts = [text(f"Blue: the model's mask. Yellow line: the true mask. The {prompt}.", quiet=True)]
    for name, chosen in chosen_rows(rows, figure).items():
        found = []
        for row in chosen:
            shown, value = example(model, folders[row["dataset"]], row, long_side, asked)
            found.append(picture(shown, f"{name}, IoU {value:.2f}: {row['dataset']} {row['image']}"))
        parts.append(gallery(found))
    return parts


def around(mask: Bitmap) -> tuple[int, int, tuple[slice, slice]]:
    """A window in which a mask that is not empty can be seen well: left, top, and the slices of rows and columns.

    It is ``CONTEXT`` times as long as the mask and at least ``LEAST_WINDOW`` pixels, within the picture.
    """
    box = tight_box(mask)
    half = max(LEAST_WINDOW, CONTEXT * max(box.x1 - box.x0, box.y1 - box.y0)) / 2
    spans = []
    for centre, length in (((box.y0 + box.y1) / 2, mask.shape[0]), ((box.x0 + box.x1) / 2, mask.shape[1])):
        low = int(max(0, min(centre - half, length - 2 * half)))
        spans.append(slice(low, min(length, low + int(np.ceil(2 * half)))))
    return spans[1].start, spans[0].start, (spans[0], spans[1])


def drawn(rgb: Picture, mask: Bitmap, truth: Bitmap, prompt: Point | Box) -> Picture:
    """The picture at ``SIDE`` pixels: the answer as a blue veil, the true outline in yellow, and the prompt."""
    scale = SIDE / max(rgb.shape[:2])
    size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
    shown = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8)
    veil = _resized(mask, size)
    shown[veil] = np.rint(shown[veil] * (1 - OPACITY) + np.array(ANSWER) * OPACITY).astype(np.uint8)
    outlines, _ = cv2.findContours(_resized(truth, size).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(shown, outlines, -1, EDGE, 3, cv2.LINE_AA)
    cv2.drawContours(shown, outlines, -1, TRUTH, 1, cv2.LINE_AA)
    if isinstance(prompt, Box):
        start, end = (
            (round(prompt.x0 * scale), round(prompt.y0 * scale)),
            (round(prompt.x1 * scale), round(prompt.y1 * scale)),
        )
        cv2.rectangle(shown, start, end, (255, 255, 255), 1)
        return shown
    place = (round((prompt.x + 0.5) * scale), round((prompt.y + 0.5) * scale))
    cv2.circle(shown, place, 6, (255, 255, 255), -1, cv2.LINE_AA)
    cv2.circle(shown, place, 4, EDGE, -1, cv2.LINE_AA)
    return shown


def _resized(mask: Bitmap, size: tuple[int, int]) -> Bitmap:
    resized: Bitmap = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return resized
