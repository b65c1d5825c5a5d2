"""Pictures for a report: the best, the median and the worst masks after the first click, drawn again by the model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from segmenter.build import Model
from segmenter.data import coco_images
from segmenter.evaluate.clicks import ModelMethod
from segmenter.evaluate.protocol import Task, iou
from segmenter.evaluate.rows import Row
from segmenter.evaluate.selection import read
from segmenter.prompts import Bitmap, Point, first_click, tight_box

EACH = 4  # pictures of the best, of the median and of the worst masks
SIDE = 480  # pixels of the long side of a picture in the report
ANSWER, TRUTH, EDGE = (47, 111, 237), (255, 214, 10), (18, 22, 30)
OPACITY = 0.45
CONTEXT, LEAST_WINDOW = 2.5, 96
Picture = NDArray[np.uint8]


def chosen_rows(rows: Sequence[Row], each: int = EACH) -> dict[str, list[Row]]:
    """The ``best``, ``median`` and ``worst`` rows by IoU after one click: each of another image, none twice."""
    order = sorted(rows, key=lambda row: (-row["iou@1"], row["dataset"], row["image"], str(row["annotation"])))
    middle = float(np.median([row["iou@1"] for row in rows]))
    taken: set[int] = set()
    found = {}
    for name, ranked in (
        ("best", order),
        ("worst", order[::-1]),
        ("median", sorted(order, key=lambda row: abs(row["iou@1"] - middle))),
    ):
        found[name] = _of_other_images((row for row in ranked if id(row) not in taken), each)
        taken |= {id(row) for row in found[name]}
    return {name: found[name] for name in ("best", "median", "worst")}


def _of_other_images(rows: Iterable[Row], each: int) -> list[Row]:
    first: dict[tuple[str, str], Row] = {}
    for row in rows:
        first.setdefault((row["dataset"], row["image"]), row)
    return list(first.values())[:each]


def example(model: Model, folder: Path, row: Row, long_side: int | None) -> tuple[Picture, float]:
    """The picture of a row with the model's answer to the first click of the ``center`` protocol, and its IoU.

    ``folder`` is the COCO folder of the row's set, ``long_side`` that of the evaluation. ValueError where the image or
    the annotation is no longer there.
    """
    found = list(coco_images(folder, {row["dataset"]: {row["image"]}}))
    entries = [one for _, _, members in found for one in members if one["id"] == row["annotation"]]
    if not entries:
        raise ValueError(f"{folder} no longer holds annotation {row['annotation']} of {row['image']}")
    _, rgb, truths = read(Task(row["dataset"], found[0][1], (entries[0],), long_side))
    click = first_click(truths[0])
    mask = ModelMethod(model).open(rgb)({0: [click]})[0].mask
    x, y, window = around(mask | truths[0])
    cut = Point(click.x - x, click.y - y)
    return drawn(rgb[window], mask[window], truths[0][window], cut), iou(mask, truths[0])


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


def drawn(rgb: Picture, mask: Bitmap, truth: Bitmap, click: Point) -> Picture:
    """The picture at ``SIDE`` pixels: the answer as a blue veil, the true outline in yellow, the click as a dot."""
    scale = SIDE / max(rgb.shape[:2])
    size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
    shown = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8)
    veil = _resized(mask, size)
    shown[veil] = np.rint(shown[veil] * (1 - OPACITY) + np.array(ANSWER) * OPACITY).astype(np.uint8)
    outlines, _ = cv2.findContours(_resized(truth, size).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(shown, outlines, -1, EDGE, 3, cv2.LINE_AA)
    cv2.drawContours(shown, outlines, -1, TRUTH, 1, cv2.LINE_AA)
    place = (round((click.x + 0.5) * scale), round((click.y + 0.5) * scale))
    cv2.circle(shown, place, 6, (255, 255, 255), -1, cv2.LINE_AA)
    cv2.circle(shown, place, 4, EDGE, -1, cv2.LINE_AA)
    return shown


def _resized(mask: Bitmap, size: tuple[int, int]) -> Bitmap:
    resized: Bitmap = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return resized
