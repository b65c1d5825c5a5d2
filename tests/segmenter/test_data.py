"""Training scenes: what is read from COCO folders and what batches are drawn from them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import cv2
import numpy as np
import pytest

from segmenter import masks
from segmenter.config import TrainConfig
from segmenter.data import annotation_mask, coco_images, find_coco_folders, read_split
from segmenter.training import augment
from segmenter.training.scenes import Sampler, read_scenes


def write_coco(folder: Path, images: int = 4, name: str | None = "shapes", annotators: int = 1) -> Path:
    """A COCO folder of bright squares and discs on noise; ``annotator`` is written where there are several."""
    (folder / "images").mkdir(parents=True)
    generator = np.random.default_rng(7)
    rows, columns = np.mgrid[:72, :96]
    content: dict = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "object"}]}
    if name:
        content["info"] = {"dataset": name, "split": "dev"}
    for image_id in range(1, images + 1):
        picture = generator.integers(0, 80, (72, 96, 3), np.uint8)
        y, x, side = generator.integers(5, 30, 3)
        shapes = [
            (abs(rows - y - 10) < 9) & (abs(columns - x - 10) < 12),
            (rows - y - 30) ** 2 + (columns - x - 50) ** 2 < 144,
        ]
        for value, shape in zip((160, 230), shapes, strict=True):
            picture[shape] = value + side
        cv2.imwrite(str(folder / "images" / f"{image_id:03}.png"), picture)
        content["images"].append({"id": image_id, "file_name": f"{image_id:03}.png", "width": 96, "height": 72})
        for annotator in range(annotators):
            for shape in shapes:
                entry = {"id": len(content["annotations"]) + 1, "image_id": image_id, "category_id": 1, "iscrowd": 0}
                entry |= {"segmentation": masks.encode(shape), "area": int(shape.sum())}
                content["annotations"].append(entry | ({"annotator": annotator} if annotators > 1 else {}))
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def test_folders_are_found_below_a_root(tmp_path: Path) -> None:
    write_coco(tmp_path / "b" / "dev"), write_coco(tmp_path / "a")
    assert find_coco_folders([tmp_path]) == [tmp_path / "a", tmp_path / "b" / "dev"]
    with pytest.raises(FileNotFoundError, match="no COCO folder"):
        find_coco_folders([tmp_path / "a" / "images"])


def test_a_set_is_named_by_its_info_or_its_folder(tmp_path: Path) -> None:
    named, plain = write_coco(tmp_path / "x"), write_coco(tmp_path / "plain", name=None)
    assert {name for name, *_ in coco_images(named, None)} == {"shapes/dev"}
    assert {name for name, *_ in coco_images(plain, None)} == {"plain"}


def test_a_split_admits_only_what_it_names(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "x")
    split = tmp_path / "splits.json"
    split.write_text(json.dumps({"train": {"shapes/dev": ["001.png", "003.png"]}, "evaluate": {}}))
    names = [path.name for _, path, _ in coco_images(folder, read_split(split, "train"))]
    assert names == ["001.png", "003.png"]
    with pytest.raises(ValueError, match="no image with a mask"):
        read_scenes([folder], read_split(split, "evaluate"))
    with pytest.raises(ValueError, match="names no images"):
        read_split(split, "test")
    with pytest.raises(ValueError, match="no images under 'tune'"):
        read_split(split, "tune")


def test_scenes_keep_every_mask_of_every_annotator(tmp_path: Path) -> None:
    folder = write_coco(tmp_path / "x", images=1, annotators=2)
    (scene,) = read_scenes([folder], None)["shapes/dev"]
    labelled = next(coco_images(folder, None))[2]
    assert len(scene.annotators) == 2
    truth = {annotation_mask(annotation).tobytes() for annotation in labelled}
    for labels in scene.annotators:
        found = {(layer == value).tobytes() for layer in labels for value in np.unique(layer) if value}
        assert found == truth


def test_batches_hold_crops_masks_and_their_images(tmp_path: Path) -> None:
    scenes = read_scenes([write_coco(tmp_path / "x")], None)
    batch = Sampler(scenes, TrainConfig(synthetic_share=0.3, paste_share=0.5), random.Random(0)).batch(6, 3, 64)
    assert batch.pictures.shape == (6, 64, 64, 3) and batch.masks.shape[1:] == (64, 64)
    assert set(batch.image_index) == set(range(6)) and len(batch.image_index) == len(batch.masks) <= 18
    areas = batch.masks.mean((1, 2))
    assert (areas > 0.001).all() and (areas < 0.92).all()


def test_equal_seeds_draw_equal_batches(tmp_path: Path) -> None:
    scenes = read_scenes([write_coco(tmp_path / "x")], None)
    config = TrainConfig(synthetic_share=0.5, paste_share=0.5)
    first, second = (Sampler(scenes, config, random.Random(3)).batch(4, 2, 64) for _ in range(2))
    assert np.array_equal(first.pictures, second.pictures) and np.array_equal(first.masks, second.masks)


def test_warping_keeps_mask_and_picture_together() -> None:
    picture, labels = np.full((60, 90, 3), 20, np.uint8), np.zeros((1, 60, 90), np.int16)
    labels[0, 20:40, 30:60] = 1
    picture[20:40, 30:60] = 220
    for seed in range(10):
        seen, moved = augment.warp(picture, labels, 96, random.Random(seed))
        bright = seen.mean(2) > 170
        assert (bright != (moved[0] == 1)).mean() < 0.03


def test_pasted_objects_hide_what_lies_below() -> None:
    picture, labels = np.zeros((64, 64, 3), np.uint8), np.ones((1, 64, 64), np.int16)
    cut = np.full((10, 10, 3), 255, np.uint8), np.ones((10, 10), bool)
    seen, layers = augment.paste(picture, labels, [cut, cut], random.Random(1))
    assert layers.shape == (2, 64, 64) and layers[1].any() and (labels == 1).all()
    assert not layers[0][layers[1] > 0].any() and seen[layers[1] > 0].mean() > seen[layers[1] == 0].mean()
