"""Training scenes: COCO folders read into memory, and the batches of crops and masks that are drawn from them."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segmenter.config import TrainConfig
from segmenter.data import annotation_mask, coco_images, read_picture
from segmenter.training import augment
from segmenter.training.augment import Labels, Picture
from segmenter.training.batches import Batch
from segmenter.training.entries import InvalidSnapshot, SnapshotImage, decoded
from segmenter.training.snapshot import Snapshot
from segmenter.training.watch import Example

LONG_SIDE = TrainConfig.long_side
LEAST_TEXTURE = 128  # pixels of the shorter side
LEAST_PIXELS = 12
FRUITLESS = 1000  # crops without a mask after which a batch is given up


@dataclass(frozen=True)
class Scene:
    """A picture HxWx3 and, for each of its annotators, label maps CxHxW: 0 is nothing, k the k-th mask of that layer.

    Masks that overlap lie in different layers of the same annotator.
    """

    picture: Picture
    annotators: tuple[Labels, ...]


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


def scene_of(
    picture: Picture, masks: Iterable[tuple[Hashable, NDArray[np.bool_]]], long_side: int = LONG_SIDE
) -> Scene | None:
    """One training scene, shrunk to ``long_side``, of a picture and its masks, each with the name of its annotator.

    ``None`` where no mask is left.
    """
    picture = _shrunk(picture, long_side)
    height, width = picture.shape[:2]
    by_annotator: dict[Hashable, list[NDArray[np.bool_]]] = defaultdict(list)
    for annotator, bitmap in masks:
        # Columns first, as decoded masks lie in memory: a seventh of the time.
        turned = np.ascontiguousarray(bitmap.T).view(np.uint8)
        turned = np.asarray(cv2.resize(turned, (height, width), interpolation=cv2.INTER_NEAREST))
        small = np.ascontiguousarray(turned.T) > 0
        if np.count_nonzero(small) >= LEAST_PIXELS:
            by_annotator[annotator].append(small)
    if not by_annotator:
        return None
    return Scene(picture, tuple(_layers(bitmaps, (height, width)) for bitmaps in by_annotator.values()))


def read_scene(path: Path, annotations: Sequence[Mapping[str, Any]], long_side: int = LONG_SIDE) -> Scene | None:
    """:func:`scene_of` for an image file and its COCO annotations."""
    masks = ((annotation.get("annotator", 0), annotation_mask(annotation)) for annotation in annotations)
    return scene_of(read_picture(path), masks, long_side)


def read_scenes(
    folders: Sequence[Path], split: dict[str, set[str]] | None, long_side: int = LONG_SIDE
) -> dict[str, list[Scene]]:
    """All training scenes by set; an empty result is an error."""
    scenes: dict[str, list[Scene]] = defaultdict(list)
    for folder in folders:
        for name, path, labelled in coco_images(folder, split):
            scene = read_scene(path, labelled, long_side)
            if scene is not None:
                scenes[name].append(scene)
    if not scenes:
        raise ValueError("the split leaves no image with a mask to train on")
    return dict(scenes)


def read_textures(folder: Path, long_side: int = LONG_SIDE) -> list[Picture]:
    """The photographs of a folder, shrunk to ``long_side``: its PNG and JPEG files, but for icons.

    ValueError where there is none, or for a file that cannot be read.
    """
    files = sorted(file for file in folder.glob("*") if file.suffix.lower() in (".png", ".jpg", ".jpeg"))
    pictures = [picture for picture in map(read_picture, files) if min(picture.shape[:2]) >= LEAST_TEXTURE]
    if not pictures:
        raise ValueError(f"{folder} holds no PNG or JPEG picture of at least {LEAST_TEXTURE} pixels a side")
    return [_shrunk(picture, long_side) for picture in pictures]


def _shrunk(picture: Picture, long_side: int) -> Picture:
    scale = min(1.0, long_side / max(picture.shape[:2]))
    height, width = (round(side * scale) for side in picture.shape[:2])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def stored_scene(image: SnapshotImage, picture: bytes, long_side: int) -> Scene | None:
    """The scene of a snapshot's image; InvalidSnapshot where its picture is not what was frozen."""
    try:
        return scene_of(decoded(picture, image), image.bitmaps(), long_side)
    except ValueError as error:
        raise InvalidSnapshot(f"image {image.pixel_digest}: {error}") from None


def snapshot_scenes(snapshot: Snapshot, long_side: int = LONG_SIDE, most: int | None = None) -> dict[str, list[Scene]]:
    """The training part of a snapshot by set, or the first ``most`` scenes of it.

    ValueError where it holds no mask, InvalidSnapshot where it is not what was frozen.
    """
    found = ((image.dataset, stored_scene(image, place.read(), long_side)) for image, place in snapshot.images("train"))
    scenes: dict[str, list[Scene]] = defaultdict(list)
    for name, scene in islice(((name, scene) for name, scene in found if scene is not None), most):
        scenes[name].append(scene)
    if not scenes:
        raise ValueError(f"{snapshot.folder} holds no image with a mask to train on")
    return dict(sorted(scenes.items()))


class Sampler:
    """Draws batches of augmented crops; see ``TrainConfig.augmentation`` and what follows it there.

    ``weights``, where given, say how often each set is drawn from, instead of ``config.set_power``. ``textures`` fill
    synthetic scenes beside the scenes' own pictures. ValueError where crop after crop holds no mask to ask for.
    """

    def __init__(
        self,
        scenes: Mapping[str, Sequence[Scene]],
        config: TrainConfig,
        rng: random.Random,
        weights: Mapping[str, float] | None = None,
        textures: Sequence[Picture] = (),
    ) -> None:
        self.sets = list(scenes.values())
        powers = {name: len(members) ** config.set_power for name, members in scenes.items()}
        self.weights = [(weights or powers)[name] for name in scenes]
        self.config, self.rng = config, rng
        everything = [scene for members in self.sets for scene in members]
        self.textures = [scene.picture for scene in everything] + list(textures)
        self.objects = [cut for scene in everything for cut in _cuts(scene)]

    def state_dict(self) -> dict[str, Any]:
        return {"rng": self.rng.getstate()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rng.setstate(state["rng"])

    def _crop(self, side: int) -> tuple[Picture, Labels]:
        rng, config = self.rng, self.config
        if config.synthetic_share and rng.random() < config.synthetic_share and self.objects:
            picture, labels = augment.dead_leaves(side, self.textures, self._object_shape, rng)
        else:
            picture, labels = self._view(self._drawn_scene(), side)
            if self.objects and config.paste_share and rng.random() < config.paste_share:
                cuts = [rng.choice(self.objects) for _ in range(rng.choice((1, 1, 2, 3)))]
                picture, labels = augment.paste(picture, labels, cuts, rng)
        return (augment.recolour(picture, rng) if config.augmentation == "strong" else picture), labels

    def _drawn_scene(self) -> Scene:
        return self.rng.choice(self.rng.choices(self.sets, self.weights)[0])

    def _view(self, scene: Scene, side: int) -> tuple[Picture, Labels]:
        labels = self.rng.choice(scene.annotators)
        if self.config.augmentation == "none":
            return augment.whole(scene.picture, labels, side)
        if self.config.augmentation == "jitter":
            return augment.jittered(scene.picture, labels, side, self.rng, self.config.jitter)
        return augment.warp(scene.picture, labels, side, self.rng, self.config.whole_share)

    def _object_shape(self) -> NDArray[np.bool_]:
        return self.rng.choice(self.objects)[1]

    def batch(self, images: int, masks_per_image: int, side: int) -> Batch:
        """``images`` crops of ``side`` pixels with up to ``masks_per_image`` masks each, none tiny, none everything."""
        pictures: list[Picture] = []
        chosen: list[NDArray[np.bool_]] = []
        index: list[int] = []
        fruitless = 0
        while len(pictures) < images:
            picture, labels = self._crop(side)
            found = candidates(labels, self.config.most_area)
            if not found:
                fruitless += 1
                if fruitless == FRUITLESS:
                    raise ValueError(
                        f"{FRUITLESS} crops in a row hold no mask to learn from: all are tiny or too large"
                    )
                continue
            fruitless = 0
            self.rng.shuffle(found)
            for layer, value in found[:masks_per_image]:
                chosen.append(layer == value)
                index.append(len(pictures))
            pictures.append(picture)
        return Batch(np.stack(pictures), np.stack(chosen), np.array(index, np.int64))


def candidates(labels: Labels, most_area: float) -> list[tuple[NDArray[np.int16], int]]:
    """The masks of label maps worth asking for, each as its map and its number: none tiny, none nearly everything."""
    return [
        (layer, value)
        for layer in labels
        for value, count in enumerate(np.bincount(layer.ravel()))
        if value and max(40, 0.0012 * layer.size) <= count < most_area * layer.size
    ]


def examples(scenes: Mapping[str, Sequence[Scene]], most: int = 6) -> list[Example]:
    """Fixed pictures to look at while training: of each set in turn the next scene, and its largest mask."""
    found: list[Example] = []
    deepest = max(map(len, scenes.values()))
    for scene in (members[place] for place in range(deepest) for members in scenes.values() if place < len(members)):
        if len(found) == most:
            break
        layer = scene.annotators[0][0]
        areas = np.bincount(layer.ravel())
        areas[0] = 0
        found.append(Example(scene.picture, layer == int(areas.argmax())))
    return found


def _cuts(scene: Scene) -> Iterator[augment.Cut]:
    """Objects of a scene's first annotator that are worth pasting elsewhere: between 1 and 50 % of the picture."""
    for layer in scene.annotators[0]:
        for value, count in enumerate(np.bincount(layer.ravel())):
            if value and 0.01 < count / layer.size < 0.5:
                bitmap = layer == value
                x, y, width, height = cv2.boundingRect(bitmap.astype(np.uint8))
                window = np.s_[y : y + height, x : x + width]
                yield scene.picture[window], bitmap[window]
