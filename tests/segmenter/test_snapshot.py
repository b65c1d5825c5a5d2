"""Snapshots: what is frozen, what is held out for ever, what a digest notices, and what erasing leaves behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.images import read as read_image
from segmenter.data import annotation_mask, find_coco_folders, read_picture, read_split
from segmenter.pixels import pixel_digest
from segmenter.training.entries import Erased, InvalidSnapshot, SnapshotImage, SnapshotMask, decoded
from segmenter.training.freezing import erase, find_images, freeze_snapshot, is_held_out
from segmenter.training.snapshot import HEADER, LINES, Snapshot, check, open_snapshot
from tests.segmenter.test_data import write_coco


def frozen(root: Path, out: Path, share: float = 0.3, **options: object) -> Snapshot:
    return freeze_snapshot(find_images(find_coco_folders([root]), None, **options), out, share)  # type: ignore[arg-type]


def made_up(number: int, group: str | None = None) -> tuple[SnapshotImage, Path]:
    digest = f"{number:064x}"
    return SnapshotImage(digest, "set", group or digest, (4, 5), (SnapshotMask("1", "click", "a", "d0"),)), Path(
        "x.png"
    )


def test_what_is_frozen_is_what_the_folders_hold(tmp_path: Path) -> None:
    root = write_coco(tmp_path / "data", images=6, annotators=2)
    snapshot = frozen(root, tmp_path / "snapshot")
    assert snapshot.header["sets"] == {"shapes/dev": 6} and sum(snapshot.header["masks"].values()) == 24
    content = json.loads((root / "annotations.json").read_text())
    expected = {a["segmentation"]["counts"] for a in content["annotations"]}
    found = [image for part in ("train", "held_out") for image, _ in snapshot.images(part)]
    assert {mask.counts for image in found for mask in image.masks} == expected
    assert {mask.annotator for image in found for mask in image.masks} == {"0", "1"}
    for image, place in snapshot.images("train"):
        assert np.array_equal(decoded(place.read(), image), read_picture(place.file))
        of_file = [a for a in content["annotations"] if f"{a['image_id']:03}" == place.file.stem]
        for (_, bitmap), annotation in zip(image.bitmaps(), of_file, strict=True):
            assert np.array_equal(bitmap, annotation_mask(annotation))
    assert check(open_snapshot(tmp_path / "snapshot")) == 6


def test_pixels_have_the_name_that_the_platform_gives_them(tmp_path: Path) -> None:
    root = write_coco(tmp_path / "data", images=1)
    picture = cv2.imread(str(root / "images" / "001.png"))
    cv2.imwrite(str(root / "images" / "001.jpg"), picture)
    text = (root / "annotations.json").read_text().replace("001.png", "001.jpg")
    (root / "annotations.json").write_text(text)
    ((image, file),) = find_images([root], None)
    assert image.pixel_digest == pixel_digest(read_image(file).rgb)


def test_order_and_digest_depend_on_content_alone(tmp_path: Path) -> None:
    first = write_coco(tmp_path / "data", images=8)
    content = json.loads((first / "annotations.json").read_text())
    shutil.copytree(first, tmp_path / "elsewhere" / "other")
    other = tmp_path / "elsewhere" / "other" / "annotations.json"
    other.write_text(json.dumps(content | {"images": content["images"][::-1]}))
    snapshot, again = frozen(first, tmp_path / "a"), frozen(tmp_path / "elsewhere", tmp_path / "b")
    assert snapshot.digest == again.digest
    content["annotations"][0]["segmentation"] = content["annotations"][1]["segmentation"]
    other.write_text(json.dumps(content))
    assert frozen(tmp_path / "elsewhere", tmp_path / "c").digest != snapshot.digest


def test_the_order_is_training_first_then_held_out_each_by_digest(tmp_path: Path) -> None:
    snapshot = freeze_snapshot((made_up(number) for number in range(60, 0, -1)), tmp_path / "s", 0.4)
    entries = [entry for entry, _ in snapshot.entries()]
    assert entries == sorted(entries, key=lambda entry: (entry.held_out, entry.pixel_digest))
    assert 10 < snapshot.count("held_out") < 40


def test_held_out_groups_stay_so_however_the_data_grows() -> None:
    keys = [f"group {number}" for number in range(4000)]
    few, more = ({key for key in keys if is_held_out(key, share)} for share in (0.1, 0.2))
    assert 0.08 < len(few) / len(keys) < 0.12 and few < more
    # Written down once: another rule would train on what earlier rounds were judged by.
    assert [number for number in range(20) if is_held_out(f"group {number}", 0.2)] == [4, 11, 17]


def test_images_of_a_group_never_cross_the_split(tmp_path: Path) -> None:
    root = write_coco(tmp_path / "data", images=30)
    content = json.loads((root / "annotations.json").read_text())
    for number, image in enumerate(content["images"]):
        image |= {"sequence": number % 10, "patient": number % 3}
    (root / "annotations.json").write_text(json.dumps(content))
    for options, groups in (({}, 10), ({"group_by": "patient"}, 3)):
        snapshot = frozen(root, tmp_path / f"{groups}", 0.4, **options)
        parts = [{image.group_key for image, _ in snapshot.images(part)} for part in ("train", "held_out")]
        assert len(parts[0] | parts[1]) == groups and not parts[0] & parts[1]


def test_the_same_pixels_never_cross_the_split(tmp_path: Path) -> None:
    out = next(f"g{number}" for number in range(100) if is_held_out(f"g{number}", 0.2))
    kept = next(f"g{number}" for number in range(100) if not is_held_out(f"g{number}", 0.2))
    snapshot = freeze_snapshot([made_up(1, out), made_up(1, kept), made_up(2, kept)], tmp_path / "s", 0.2)
    assert [image.pixel_digest[-1] for image, _ in snapshot.images("train")] == ["2"]
    # A later round in which the held-out copy is gone still does not train on these pixels, nor on their group.
    later = freeze_snapshot([made_up(1, kept), made_up(3, out), made_up(4, kept)], tmp_path / "t", 0.2, snapshot)
    assert {image.pixel_digest[-1] for image, _ in later.images("held_out")} == {"1", "3", "4"}


def test_a_split_file_and_unreadable_things_leave_images_out(tmp_path: Path) -> None:
    root = write_coco(tmp_path / "data", images=5)
    content = json.loads((root / "annotations.json").read_text())
    (root / "images" / "002.png").write_bytes(b"no picture")
    content["annotations"][0]["segmentation"] = {"size": [1, 1], "counts": "0"}
    content["annotations"][1]["iscrowd"] = 1
    (root / "annotations.json").write_text(json.dumps(content))
    split = tmp_path / "splits.json"
    split.write_text(json.dumps({"train": {"shapes/dev": ["001.png", "002.png", "003.png"]}}))
    reasons: list[str] = []
    found = list(find_images([root], read_split(split, "train"), leave_out=reasons.append))
    assert [len(image.masks) for image, _ in found] == [0, 2]
    assert len(reasons) == 2 and "mask 1" in reasons[0] and "002.png" in reasons[1]


def test_a_changed_line_a_missing_line_and_a_changed_picture_are_noticed(tmp_path: Path) -> None:
    root = write_coco(tmp_path / "data", images=3)
    snapshot = frozen(root, tmp_path / "s", 0.0)
    file = tmp_path / "s" / LINES
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines).replace("shapes/dev", "shapes/DEV", 1))
    with pytest.raises(InvalidSnapshot, match=r"line 1: the image .* is not what was frozen"):
        list(snapshot.entries())
    file.write_text("".join(lines[1:]))
    with pytest.raises(InvalidSnapshot, match="does not hold the images"):
        list(snapshot.entries())
    file.write_text("".join(lines))
    picture = cv2.imread(str(root / "images" / "002.png"))
    cv2.imwrite(str(root / "images" / "002.png"), picture + 1)
    with pytest.raises(InvalidSnapshot, match="other pixels"):
        check(snapshot)
    cv2.imwrite(str(root / "images" / "002.png"), picture[1:])
    with pytest.raises(InvalidSnapshot, match="not of its size"):
        check(snapshot)


def test_nothing_is_frozen_twice_or_from_nothing(tmp_path: Path) -> None:
    root = write_coco(tmp_path / "data", images=2)
    frozen(root, tmp_path / "s")
    with pytest.raises(ValueError, match="never changes"):
        frozen(root, tmp_path / "s")
    with pytest.raises(ValueError, match="no image to freeze"):
        freeze_snapshot([], tmp_path / "t", 0.1)
    with pytest.raises(ValueError, match=r"not at 1\.5"):
        frozen(root, tmp_path / "t", 1.5)
    with pytest.raises(InvalidSnapshot, match="is no snapshot"):
        open_snapshot(tmp_path / "t")
    (tmp_path / "t" / HEADER).write_text('{"format": "else"}')
    with pytest.raises(InvalidSnapshot, match="not of the format"):
        open_snapshot(tmp_path / "t")


def test_erasing_keeps_the_digest_and_nothing_of_the_image(tmp_path: Path) -> None:
    root = write_coco(tmp_path / "data", images=4)
    snapshot = frozen(root, tmp_path / "s", 0.0)
    gone = next(snapshot.images("train"))[0]
    assert erase(snapshot, gone.pixel_digest) == 1
    again = open_snapshot(tmp_path / "s")
    assert again.digest == snapshot.digest and check(again) == 3
    assert [entry for entry, _ in again.entries() if isinstance(entry, Erased)] == [
        Erased(gone.pixel_digest, False, gone.digest)
    ]
    assert gone.masks[0].counts not in (tmp_path / "s" / LINES).read_text()
    with pytest.raises(InvalidSnapshot, match="has no image"):
        erase(again, gone.pixel_digest)
