"""Pictures without masks: what distillation and masked autoencoding learn from."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from segmenter.data import coco_images, read_picture
from segmenter.training.augment import PAD_COLOUR, Picture
from segmenter.training.batches import Batch
from segmenter.training.entries import Place, SnapshotImage, decoded
from segmenter.training.snapshot import Snapshot
from segmenter.transforms import resize_image

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
LEAST_RATIO, LARGEST_RATIO = 3 / 4, 4 / 3  # of a random crop's sides
TRIES = 10
Reader = Callable[[], Picture]
View = Callable[[Picture, int, random.Random], Picture]


def whole(picture: Picture, side: int, rng: random.Random) -> Picture:
    """All of a picture in the top left of a ``side`` x ``side`` frame, as the encoder sees it at inference."""
    resized = resize_image(picture, side)
    framed = np.full((side, side, 3), PAD_COLOUR, np.uint8)
    framed[: resized.shape[0], : resized.shape[1]] = resized
    return framed


def random_crop(picture: Picture, side: int, rng: random.Random, least_area: float) -> Picture:
    """A part of at least ``least_area`` of a picture, stretched a little, or not, to ``side`` x ``side``; every other
    one mirrored: all the augmentation that masked autoencoding wants (arXiv 2111.06377, section 4.1).
    """
    height, width = picture.shape[:2]
    rows, columns = height, width
    for _ in range(TRIES):
        area = height * width * rng.uniform(least_area, 1)
        ratio = math.exp(rng.uniform(math.log(LEAST_RATIO), math.log(LARGEST_RATIO)))
        tall, wide = round(math.sqrt(area / ratio)), round(math.sqrt(area * ratio))
        if 0 < tall <= height and 0 < wide <= width:
            rows, columns = tall, wide
            break
    y, x = rng.randint(0, height - rows), rng.randint(0, width - columns)
    part = picture[y : y + rows, x : x + columns]
    method = cv2.INTER_AREA if min(rows, columns) > side else cv2.INTER_CUBIC
    seen = np.asarray(cv2.resize(part, (side, side), interpolation=method), np.uint8)
    return np.ascontiguousarray(seen[:, ::-1]) if rng.random() < 0.5 else seen


class Pictures:
    """Batches of views of pictures, without masks. Each is seen once before any is seen again.

    Pictures are read from the disk as they come, so memory does not grow with them. Views are no smaller than
    ``least_side``: for a teacher whose frame is larger than its student's.
    """

    def __init__(self, readers: Sequence[Reader], view: View, rng: random.Random, least_side: int = 0) -> None:
        self.readers, self.view, self.rng, self.least_side = readers, view, rng, least_side
        self._turn(rng.getrandbits(63), 0)

    def _turn(self, seed: int, position: int) -> None:
        self.seed, self.position = seed, position
        self.order = list(range(len(self.readers)))
        random.Random(seed).shuffle(self.order)

    def batch(self, images: int, masks_per_image: int, side: int) -> Batch:
        """``images`` views of ``side`` pixels, or of the least side where that is more."""
        side, views = max(side, self.least_side), list[Picture]()
        while len(views) < images:
            if self.position == len(self.order):
                self._turn(self.rng.getrandbits(63), 0)
            views.append(self.view(self.readers[self.order[self.position]](), side, self.rng))
            self.position += 1
        return Batch(np.stack(views), np.zeros((0, side, side), np.bool_), np.zeros(0, np.int64))

    def state_dict(self) -> dict[str, Any]:
        return {"seed": self.seed, "position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._turn(state["seed"], state["position"])


def folder_readers(roots: Sequence[Path], split: dict[str, set[str]] | None) -> list[Reader]:
    """The pictures of COCO folders that a split admits; without a split also those of folders without annotations.

    ValueError where there is none.
    """
    annotated = {file.parent for root in roots for file in root.rglob("annotations.json")}
    found = {path for folder in annotated for _, path, _ in coco_images(folder, split)}
    if split is None:
        below = (file for root in roots for file in root.rglob("*") if file.suffix.lower() in SUFFIXES)
        found |= {file for file in below if file.is_file() and not annotated & {*file.parents}}
    if not found:
        raise ValueError(f"no picture to train on under {', '.join(map(str, roots))}")
    return [partial(read_picture, path) for path in sorted(found)]


def snapshot_readers(snapshot: Snapshot) -> list[Reader]:
    """The pictures of a snapshot's training part, without those that were erased; ValueError where there is none."""

    def read(place: Place, image: SnapshotImage) -> Picture:
        return decoded(place.read(), image)

    readers = [partial(read, place, image) for image, place in snapshot.images("train")]
    if not readers:
        raise ValueError(f"{snapshot.folder} holds no picture to train on")
    return list(readers)
