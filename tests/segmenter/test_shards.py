"""Tar shards: the same snapshot in another form, whole or refused."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest

from segmenter.data import read_picture
from segmenter.training.entries import InvalidSnapshot, decoded
from segmenter.training.freezing import erase, find_images, freeze_snapshot, pack
from segmenter.training.shards import read_shard
from segmenter.training.snapshot import Snapshot, check, open_snapshot
from tests.segmenter.test_data import write_coco


@pytest.fixture
def both(tmp_path: Path) -> tuple[Snapshot, Snapshot]:
    """A snapshot of 12 images beside its pictures, and the same one in shards."""
    root = write_coco(tmp_path / "data", images=12)
    snapshot = freeze_snapshot(find_images([root], None), tmp_path / "s", 0.3)
    return snapshot, pack(snapshot, tmp_path / "packed", 60_000)


def test_shards_are_the_same_snapshot(both: tuple[Snapshot, Snapshot]) -> None:
    snapshot, packed = both
    assert packed.digest == snapshot.digest and len(packed.header["shards"]) > 3
    assert [entry for entry, _ in packed.entries()] == [entry for entry, _ in snapshot.entries()]
    assert check(open_snapshot(packed.folder)) == 12
    for name, images in packed.header["shards"].items():
        parts = {entry.part for entry, _ in read_shard(packed.folder / name, images)}
        assert len(parts) == 1 and parts.pop() in name
    for (image, place), (_, original) in zip(packed.images("train"), snapshot.images("train"), strict=True):
        assert np.array_equal(decoded(place.read(), image), read_picture(original.file))


def test_equal_snapshots_give_equal_shards(both: tuple[Snapshot, Snapshot], tmp_path: Path) -> None:
    snapshot, packed = both
    for again in (pack(snapshot, tmp_path / "again", 60_000), pack(packed, tmp_path / "repacked", 60_000)):
        assert again.header == packed.header
        for name in packed.header["shards"]:
            assert (again.folder / name).read_bytes() == (packed.folder / name).read_bytes()


def test_shards_are_plain_tar_files_with_pairs(both: tuple[Snapshot, Snapshot]) -> None:
    name = next(iter(both[1].header["shards"]))
    with tarfile.open(both[1].folder / name) as shard:
        names = shard.getnames()
    assert names[:4] == ["000000000.json", "000000000.png", "000000001.json", "000000001.png"]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5, 0.75, 0.99])
def test_a_shard_that_was_cut_is_refused(both: tuple[Snapshot, Snapshot], share: float) -> None:
    packed = both[1]
    name, images = next(iter(packed.header["shards"].items()))
    content = (packed.folder / name).read_bytes().rstrip(b"\0")
    for length in (int(share * len(content)), int(share * len(content)) // 512 * 512):
        (packed.folder / name).write_bytes(content[:length])
        with pytest.raises(InvalidSnapshot, match=r"train-000000\.tar"):
            check(packed)
        with pytest.raises(InvalidSnapshot, match=r"train-000000\.tar"):
            list(read_shard(packed.folder / name, images))


def test_erasing_takes_the_picture_out_of_its_shard(both: tuple[Snapshot, Snapshot]) -> None:
    snapshot, packed = both
    gone, place = next(iter(packed.images("train")))
    picture = place.read()
    assert erase(packed, gone.pixel_digest) == 1
    again = open_snapshot(packed.folder)
    assert again.digest == snapshot.digest and check(again) == 11
    assert gone.pixel_digest not in {image.pixel_digest for image, _ in again.images("train")}
    assert not any(picture in file.read_bytes() for file in packed.folder.rglob("*.tar"))
    assert not any(gone.masks[0].counts.encode() in file.read_bytes() for file in packed.folder.rglob("*.tar"))


def test_a_picture_that_changed_since_is_not_packed(both: tuple[Snapshot, Snapshot], tmp_path: Path) -> None:
    snapshot, packed = both
    _, place = next(snapshot.images("train"))
    _, other = next(snapshot.images("held_out"))
    place.file.write_bytes(other.read())
    with pytest.raises(InvalidSnapshot, match="not those that were frozen"):
        pack(snapshot, tmp_path / "new", 60_000)
    with pytest.raises(ValueError, match="holds shards already"):
        pack(snapshot, packed.folder, 60_000)
