"""Pictures without masks: what is found, how it is seen, and in which order."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from segmenter.training.augment import PAD_COLOUR
from segmenter.training.entries import decoded
from segmenter.training.pictures import Pictures, folder_readers, random_crop, snapshot_readers, whole
from segmenter.transforms import resize_image
from tests.segmenter.test_data import write_coco
from tests.segmenter.test_snapshot import frozen


def numbered(count: int) -> list[partial[np.ndarray]]:
    return [partial(np.full, (10, 12, 3), number, np.uint8) for number in range(count)]


def seen(source: Pictures, images: int) -> list[int]:
    return source.batch(images, 1, 8).pictures[:, 0, 0, 0].tolist()


def test_a_whole_picture_lies_top_left_as_at_inference() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (30, 60, 3), np.uint8)
    framed = whole(picture, 40, random.Random(0))
    assert framed.shape == (40, 40, 3)
    assert np.array_equal(framed[:20], resize_image(picture, 40)) and (framed[20:] == PAD_COLOUR).all()


def test_crops_show_a_part_large_enough_and_mirror_half() -> None:
    columns = np.broadcast_to(np.arange(120, dtype=np.uint8)[None, :, None], (90, 120, 3))
    rng, mirrored, spans = random.Random(1), 0, []
    for _ in range(200):
        view = random_crop(columns, 40, rng, 0.2)
        assert view.shape == (40, 40, 3)
        left, right = int(view[20, 0, 0]), int(view[20, -1, 0])
        mirrored += left > right
        spans.append(abs(right - left) + 1)
    assert 75 < mirrored < 125
    # At least .2 of the area at a ratio of 3:4 or wider: no crop is narrower than sqrt(.2 * 10800 * 3/4) = 40 columns.
    assert 36 <= min(spans) < 60 and max(spans) > 100


def test_a_picture_too_narrow_for_any_such_crop_is_seen_whole() -> None:
    strip = np.arange(200, dtype=np.uint8)[None, :, None] * np.ones((4, 1, 3), np.uint8)
    view = random_crop(strip, 32, random.Random(0), 1.0)
    assert view.shape == (32, 32, 3) and np.ptp(view) > 150


def test_every_picture_is_seen_once_before_any_is_seen_again() -> None:
    source = Pictures(numbered(7), whole, random.Random(0))
    first, second = seen(source, 7), seen(source, 7)
    assert sorted(first) == sorted(second) == list(range(7)) and first != second
    batch = source.batch(2, 3, 16)
    assert batch.pictures.shape == (2, 16, 16, 3) and batch.masks.shape == (0, 16, 16) and not len(batch.image_index)


def test_its_state_is_its_place() -> None:
    rng = random.Random(3)
    source = Pictures(numbered(5), whole, rng)
    seen(source, 3)
    place, chance = source.state_dict(), rng.getstate()
    expected = seen(source, 9)
    other_rng = random.Random(99)
    other = Pictures(numbered(5), whole, other_rng)
    other.load_state_dict(place)
    other_rng.setstate(chance)
    assert seen(other, 9) == expected


def test_a_larger_side_may_be_fixed() -> None:
    source = Pictures(numbered(2), whole, random.Random(0), least_side=24)
    assert source.batch(1, 1, 16).pictures.shape == (1, 24, 24, 3)
    assert source.batch(1, 1, 32).pictures.shape == (1, 32, 32, 3)


def test_pictures_of_coco_folders_and_of_plain_folders(tmp_path: Path) -> None:
    write_coco(tmp_path / "x", images=3)
    (tmp_path / "plain" / "deep").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "plain" / "deep" / "one.PNG"), np.full((5, 6, 3), 9, np.uint8))
    (tmp_path / "plain" / "notes.txt").write_text("no picture")
    readers = folder_readers([tmp_path], None)
    assert len(readers) == 4 and {reader().shape for reader in readers} == {(72, 96, 3), (5, 6, 3)}
    only = folder_readers([tmp_path], {"shapes/dev": {"002.png"}})
    assert len(only) == 1, "a split names everything that may be used"
    with pytest.raises(ValueError, match="no picture to train on"):
        folder_readers([tmp_path], {"shapes/dev": set()})


def test_pictures_of_a_snapshot_are_those_to_train_on(tmp_path: Path) -> None:
    write_coco(tmp_path / "x", images=12)
    snapshot = frozen(tmp_path / "x", tmp_path / "frozen")
    readers = snapshot_readers(snapshot)
    assert 0 < len(readers) == snapshot.count("train") < 12
    seen_here = sorted(reader().tobytes() for reader in readers)
    assert seen_here == sorted(decoded(place.read(), image).tobytes() for image, place in snapshot.images("train"))
    everything_held_out = frozen(tmp_path / "x", tmp_path / "none", share=0.9999)
    with pytest.raises(ValueError, match="no picture to train on"):
        snapshot_readers(everything_held_out)
