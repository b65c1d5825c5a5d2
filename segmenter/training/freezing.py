"""Making snapshots: what is held out, images found in COCO folders, packing into shards, and erasing."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from segmenter import masks, polygons
from segmenter.data import coco_records, read_picture
from segmenter.pixels import pixel_digest
from segmenter.training.entries import (
    Entry,
    Erased,
    InvalidSnapshot,
    Place,
    SnapshotImage,
    SnapshotMask,
    decoded,
    line_of,
    read_entry,
)
from segmenter.training.shards import SHARDS, ShardWriter, read_shard, rewrite_shard
from segmenter.training.snapshot import HEADER, LINES, Snapshot, header_of, open_snapshot, write_header

HELD_OUT_SHARE = 0.1
GROUP_FIELDS = ("group_key", "sequence")  # of a COCO image, the first that is there


def place_of(group_key: str) -> float:
    """The place of a group from 0 to 1, by a hash of its key alone: groups below a share are held out."""
    number = int.from_bytes(hashlib.sha256(f"maskmill-held-out/1\0{group_key}".encode()).digest()[:8], "big")
    return number / 2**64


def is_held_out(group_key: str, share: float) -> bool:
    """Whether a group belongs to the ``share`` (0..1) that is never trained on.

    The same in every snapshot, however many images there will be.
    """
    return place_of(group_key) < share


@dataclass(frozen=True)
class _Key:
    """What decides about an image's part and place in the order, and where its line lies in the spool."""

    pixel_digest: str
    group_key: str
    dataset: str
    offset: int


def freeze_snapshot(
    found: Iterable[tuple[SnapshotImage, Path]], folder: Path, share: float, before: Snapshot | None = None
) -> Snapshot:
    """Writes the snapshot of these images into ``folder``; their pictures stay where they are.

    Held out are the ``share`` of all groups by :func:`is_held_out`, what ``before`` held out, and whatever has the
    same pixels as one of these. Memory grows by a few hundred bytes an image, whatever masks it has. Raises ValueError
    without images, for a share outside 0..1, and where ``folder`` holds a snapshot already.
    """
    if not 0 <= share < 1:
        raise ValueError(f"the share that is held out lies from 0 to below 1, not at {share}")
    if (folder / HEADER).exists():
        raise ValueError(f"{folder} is a snapshot already, and a snapshot never changes")
    folder.mkdir(parents=True, exist_ok=True)
    kept = _held_out_before(before)
    with tempfile.TemporaryFile(dir=folder) as spool:
        keys = list(_spooled(found, folder, spool))
        if not keys:
            raise ValueError("there is no image to freeze")
        groups = {key.group_key for key in keys if key.group_key in kept or is_held_out(key.group_key, share)}
        pixels = {key.pixel_digest for key in keys if key.group_key in groups} | kept
        out = {key for key in keys if key.group_key in groups or key.pixel_digest in pixels}
        keys.sort(key=lambda key: (key in out, key.pixel_digest, key.dataset, key.offset))
        with _replaced(folder / LINES) as lines:
            header = header_of(_written(spool, keys, out, lines), share)
    write_header(folder, header)
    return open_snapshot(folder)


def _held_out_before(before: Snapshot | None) -> set[str]:
    """Groups and pixel digests that an earlier snapshot held out; of an erased image the digest."""
    kept: set[str] = set()
    for entry, _ in before.entries() if before is not None else ():
        if entry.held_out:
            kept.add(entry.pixel_digest)
            if isinstance(entry, SnapshotImage):
                kept.add(entry.group_key)
    return kept


def _spooled(found: Iterable[tuple[SnapshotImage, Path]], folder: Path, spool: IO[bytes]) -> Iterator[_Key]:
    for image, file in found:
        yield _Key(image.pixel_digest, image.group_key, image.dataset, spool.tell())
        spool.write(line_of(image, os.path.relpath(file, folder)).encode() + b"\n")


def _written(spool: IO[bytes], keys: Sequence[_Key], out: set[_Key], lines: IO[str]) -> Iterator[Entry]:
    """Copies the spooled lines in the order of their keys, now that their part is known."""
    for key in keys:
        spool.seek(key.offset)
        entry, file = read_entry(spool.readline(), "spool")
        assert isinstance(entry, SnapshotImage)
        image = replace(entry, held_out=key in out)
        lines.write(line_of(image, file) + "\n")
        yield image


class _replaced:
    """A text file that takes its name only when it was written to its end."""

    def __init__(self, file: Path) -> None:
        self.file, self.partial = file, file.with_name(f"{file.name}.partial")

    def __enter__(self) -> IO[str]:
        self.stream = self.partial.open("w", encoding="utf-8")
        return self.stream

    def __exit__(self, kind: object, *_: object) -> None:
        self.stream.close()
        if kind is None:
            self.partial.replace(self.file)
        else:
            self.partial.unlink()


def find_images(
    folders: Sequence[Path],
    split: dict[str, set[str]] | None,
    group_by: str | None = None,
    leave_out: Callable[[str], None] = lambda reason: None,
) -> Iterator[tuple[SnapshotImage, Path]]:
    """The images of COCO folders that a split admits, with their files.

    An image's group is what its field ``group_by`` says (default: ``group_key`` or ``sequence``), within its set; an
    image without the field is a group of its own. Crowd regions and empty masks are passed over; pictures and masks
    that cannot be read are, too, after ``leave_out`` was told why.
    """
    fields = GROUP_FIELDS if group_by is None else (group_by,)
    for folder in folders:
        for dataset, record, file, labelled in coco_records(folder, split):
            try:
                picture = read_picture(file)
            except ValueError as error:
                leave_out(str(error))
                continue
            digest, size = pixel_digest(picture), (picture.shape[0], picture.shape[1])
            group = next((f"{dataset}/{record[field]}" for field in fields if field in record), digest)
            kept = tuple(_masks_of(labelled, size, file, leave_out))
            yield SnapshotImage(digest, dataset, group, size, kept), file


def _masks_of(
    labelled: Sequence[Mapping[str, Any]], size: tuple[int, int], file: Path, leave_out: Callable[[str], None]
) -> Iterator[SnapshotMask]:
    for annotation in labelled:
        try:
            counts = polygons.counts_of(annotation.get("segmentation"), size)
        except masks.InvalidMask as error:
            leave_out(f"mask {annotation.get('id')} of {file}: {error}")
            continue
        if not annotation.get("iscrowd") and masks.area(masks.parse(list(size), counts, size)):
            source, annotator = str(annotation.get("source", "import")), str(annotation.get("annotator", ""))
            yield SnapshotMask(str(annotation.get("id", "")), source, annotator, counts)


def pack(snapshot: Snapshot, folder: Path, shard_bytes: int) -> Snapshot:
    """The same snapshot as tar shards of about ``shard_bytes`` each, pictures included.

    Raises ValueError where ``folder`` holds a snapshot already, InvalidSnapshot for a picture that changed since.
    """
    if (folder / HEADER).exists() or (folder / SHARDS).exists():
        raise ValueError(f"{folder} holds shards already; choose an empty folder")
    writer = ShardWriter(folder, shard_bytes)
    for entry, place in snapshot.entries():
        if isinstance(entry, SnapshotImage) and place is not None:
            writer.add(entry, _unchanged(entry, place))
        else:
            writer.add(entry, None)
    writer.close()
    write_header(folder, {**snapshot.header, "shards": writer.images})
    return open_snapshot(folder)


def _unchanged(image: SnapshotImage, place: Place) -> bytes:
    try:
        picture = place.read()
        if pixel_digest(decoded(picture, image)) != image.pixel_digest:
            raise ValueError("its pixels are not those that were frozen")
        return picture
    except (OSError, ValueError) as error:
        raise InvalidSnapshot(f"{place.file}: {error}") from None


def erase(snapshot: Snapshot, digest: str) -> int:
    """Takes every image with this pixel digest out of a snapshot, whose own digest stays. Returns how many there were.

    From shards the picture goes, too. Beside a snapshot without shards it is a file of somebody else's, and is left.
    Raises InvalidSnapshot where there is no such image.
    """
    held = [
        (entry, place)
        for entry, place in snapshot.entries()
        if isinstance(entry, SnapshotImage) and entry.pixel_digest == digest
    ]
    if not held:
        raise InvalidSnapshot(f"{snapshot.folder} has no image {digest}")
    if "shards" in snapshot.header:
        for file in {place.file for _, place in held if place is not None}:
            images = snapshot.header["shards"][f"{SHARDS}/{file.name}"]
            rewrite_shard(file, _without(read_shard(file, images), digest))
    else:
        with _replaced(snapshot.folder / LINES) as lines:
            for entry, place in _without(snapshot.entries(), digest):
                name = None if place is None else os.path.relpath(place.file, snapshot.folder)
                lines.write(line_of(entry, name) + "\n")
    return len(held)


def _without(entries: Iterable[tuple[Entry, Place | None]], digest: str) -> Iterator[tuple[Entry, Place | None]]:
    for entry, place in entries:
        if isinstance(entry, SnapshotImage) and entry.pixel_digest == digest:
            yield Erased(digest, entry.held_out, entry.digest), None
        else:
            yield entry, place
