"""Training scenes: COCO folders read into memory, and the batches of crops and masks that are drawn from them."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segmenter.data import annotation_mask, coco_images, read_picture
from segmenter.training import augment
from segmenter.training.augment import Labels, Picture

LONG_SIDE = 448  # pixels; crops are at most 256 of the frame, so more would only cost memory
LEAST_PIXELS = 12


@dataclass(frozen=True)
class Scene:
    """A picture HxWx3 and, for each of its annotators, label maps CxHxW: 0 is nothing, k the k-th mask of that layer.

    Masks that overlap lie in different layers of the same annotator.
    """

    picture: Picture
    annotators: tuple[Labels, ...]


@dataclass(frozen=True)
class Batch:
    """Crops BxSxSx3 uint8, masks MxSxS, and for each mask the index M of its crop."""

    pictures: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    image_index: NDArray[np.int64]


def _overlap(layer: NDArray[np.int16], bitmap: NDArray[np.bool_]) -> float:
    return np.count_nonzero(layer[bitmap]) / np.count_nonzero(bitmap)


def _layers(bitmaps: Sequence[NDArray[np.bool_]], size: tuple[int, int]) -> Labels:
    """Packs masks, largest first, into as few label maps as their overlaps allow (two per cent is no overlap)."""
    layers: list[NDArray[np.int16]] = []
    for number, bitmap in enumerate(sorted(bitmaps, key=np.count_nonzero, reverse=True), 1):
        free = next((layer for layer in layers if _overlap(layer, bitmap) < 0.02), None)
        if free is None:
            free = np.zeros(size, np.int16)
            layers.append(free)
        free[bitmap] = number
    return np.stack(layers[:6])


def read_scene(path: Path, annotations: Sequence[Mapping[str, Any]]) -> Scene | None:
    """One training scene, shrunk to ``LONG_SIDE``; ``None`` where no mask is left."""
    picture = read_picture(path)
    scale = min(1.0, LONG_SIDE / max(picture.shape[:2]))
    height, width = (round(side * scale) for side in picture.shape[:2])
    picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    by_annotator: dict[Any, list[NDArray[np.bool_]]] = defaultdict(list)
    for annotation in annotations:
        bitmap = annotation_mask(annotation).astype(np.uint8)
        small = cv2.resize(bitmap, (width, height), interpolation=cv2.INTER_NEAREST) > 0
        if np.count_nonzero(small) >= LEAST_PIXELS:
            by_annotator[annotation.get("annotator", 0)].append(small)
    if not by_annotator:
        return None
    return Scene(picture, tuple(_layers(bitmaps, (height, width)) for bitmaps in by_annotator.values()))


def read_scenes(folders: Sequence[Path], split: dict[str, set[str]] | None) -> dict[str, list[Scene]]:
    """All training scenes by set; an empty result is an error."""
    scenes: dict[str, list[Scene]] = defaultdict(list)
    for folder in folders:
        for name, path, labelled in coco_images(folder, split):
            scene = read_scene(path, labelled)
            if scene is not None:
                scenes[name].append(scene)
    if not scenes:
        raise ValueError("the split leaves no image with a mask to train on")
    return dict(scenes)


class Sampler:
    """Draws batches of augmented crops. Sets are drawn by the square root of their size, so small ones are heard."""

    def __init__(
        self,
        scenes: Mapping[str, Sequence[Scene]],
        synthetic_share: float,
        paste_share: float,
        rng: random.Random,
        whole_share: float = 0.25,
    ) -> None:
        self.sets = list(scenes.values())
        self.weights = [math.sqrt(len(members)) for members in self.sets]
        self.synthetic_share, self.paste_share, self.rng = synthetic_share, paste_share, rng
        self.whole_share = whole_share
        everything = [scene for members in self.sets for scene in members]
        self.textures = [scene.picture for scene in everything]
        self.objects = [cut for scene in everything for cut in _cuts(scene)]

    def _crop(self, side: int) -> tuple[Picture, Labels]:
        rng = self.rng
        if rng.random() < self.synthetic_share:
            picture, labels = augment.dead_leaves(side, self.textures, self._object_shape, rng)
        else:
            scene = rng.choice(rng.choices(self.sets, self.weights)[0])
            picture, labels = augment.warp(scene.picture, rng.choice(scene.annotators), side, rng, self.whole_share)
            if self.objects and rng.random() < self.paste_share:
                cuts = [rng.choice(self.objects) for _ in range(rng.choice((1, 1, 2, 3)))]
                picture, labels = augment.paste(picture, labels, cuts, rng)
        return augment.recolour(picture, rng), labels

    def _object_shape(self) -> NDArray[np.bool_]:
        return self.rng.choice(self.objects)[1]

    def batch(self, images: int, masks_per_image: int, side: int) -> Batch:
        """``images`` crops of ``side`` pixels with up to ``masks_per_image`` masks each, none tiny, none everything."""
        pictures: list[Picture] = []
        chosen: list[NDArray[np.bool_]] = []
        index: list[int] = []
        while len(pictures) < images:
            picture, labels = self._crop(side)
            candidates = [
                (layer, value)
                for layer in labels
                for value, count in enumerate(np.bincount(layer.ravel()))
                if value and max(40, 0.0012 * layer.size) <= count < 0.92 * layer.size
            ]
            if not candidates:
                continue
            self.rng.shuffle(candidates)
            for layer, value in candidates[:masks_per_image]:
                chosen.append(layer == value)
                index.append(len(pictures))
            pictures.append(picture)
        return Batch(np.stack(pictures), np.stack(chosen), np.array(index, np.int64))


def _cuts(scene: Scene) -> Iterator[augment.Cut]:
    """Objects of a scene's first annotator that are worth pasting elsewhere: between 1 and 50 % of the picture."""
    for layer in scene.annotators[0]:
        for value, count in enumerate(np.bincount(layer.ravel())):
            if value and 0.01 < count / layer.size < 0.5:
                bitmap = layer == value
                x, y, width, height = cv2.boundingRect(bitmap.astype(np.uint8))
                window = np.s_[y : y + height, x : x + width]
                yield scene.picture[window], bitmap[window]
