"""A snapshot: frozen, ordered images with their masks, and the part of them that no training ever sees.

A folder with ``snapshot.json``, which is written last, and either ``images.jsonl``, one image a line beside pictures
that stay where they are, or ``shards/``, tar files that hold lines and pictures (:mod:`segmenter.training.shards`).
Both forms of the same images have the same digest: what an image *is* (its pixels' name, size, group, masks) is hashed
line by line, where its bytes lie is not.

Order: images to train on, then images held out, each by pixel digest. That is a random order which does not depend on
files, so a shard is a fair sample of the whole.

An erased image leaves its line's digest behind, and with it the snapshot keeps its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from segmenter import masks
from segmenter.pixels import pixel_digest
from segmenter.training import shards
from segmenter.training.entries import (
    PARTS,
    Entry,
    Erased,
    InvalidSnapshot,
    Part,
    Place,
    SnapshotImage,
    decoded,
    read_entry,
)

FORMAT: Final = "maskmill-snapshot/1"
HEADER: Final = "snapshot.json"
LINES: Final = "images.jsonl"


class Digest:
    """The digest of a whole snapshot, from its entries in their order."""

    def __init__(self, held_out_share: float) -> None:
        self._hash = hashlib.sha256(f"{FORMAT}\0{held_out_share!r}".encode())

    def add(self, entry: Entry) -> None:
        self._hash.update(bytes.fromhex(entry.digest))

    def hex(self) -> str:
        return self._hash.hexdigest()


@dataclass(frozen=True)
class Snapshot:
    """An opened snapshot; entries are read from the disk as they are asked for, so its size does not matter."""

    folder: Path
    header: Mapping[str, Any]

    @property
    def digest(self) -> str:
        return str(self.header["digest"])

    def count(self, part: Part) -> int:
        """Images of a part, erased ones among them."""
        return int(self.header["images"][part])

    def entries(self) -> Iterator[tuple[Entry, Place | None]]:
        """All entries in their order. Raises InvalidSnapshot at the end unless they are those that were frozen."""
        digest = Digest(self.header["held_out_share"])
        for entry, place in self._shards() if "shards" in self.header else self._lines():
            digest.add(entry)
            yield entry, place
        if digest.hex() != self.digest:
            raise InvalidSnapshot(f"{self.folder} does not hold the images that were frozen")

    def images(self, part: Part) -> Iterator[tuple[SnapshotImage, Place]]:
        """The images of a part in their order, without those that were erased."""
        for entry, place in self.entries():
            if isinstance(entry, SnapshotImage) and place is not None and entry.part == part:
                yield entry, place

    def _shards(self) -> Iterator[tuple[Entry, Place | None]]:
        for name, images in self.header["shards"].items():
            yield from shards.read_shard(self.folder / name, images)

    def _lines(self) -> Iterator[tuple[Entry, Place | None]]:
        file = self.folder / LINES
        try:
            with file.open(encoding="utf-8") as lines:
                for number, line in enumerate(lines, 1):
                    entry, name = read_entry(line, f"{file}, line {number}")
                    yield entry, None if name is None else Place(self.folder / name)
        except UnicodeDecodeError as error:
            raise InvalidSnapshot(f"{file} is no text: {error}") from None


def open_snapshot(folder: Path) -> Snapshot:
    """Reads a snapshot's header. Raises InvalidSnapshot for a folder that is none, or whose freezing did not end."""
    file = folder / HEADER
    try:
        header = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidSnapshot(f"{folder} is no snapshot: it has no {HEADER}") from None
    except ValueError as error:
        raise InvalidSnapshot(f"{file} is not JSON: {error}") from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InvalidSnapshot(f"{file} is not of the format {FORMAT}")
    return Snapshot(folder, header)


def header_of(entries: Iterable[Entry], held_out_share: float) -> dict[str, Any]:
    """The header of a snapshot, from its entries in their order: digest and counts."""
    digest = Digest(held_out_share)
    images, found, sets = dict.fromkeys(PARTS, 0), dict.fromkeys(PARTS, 0), dict[str, int]()
    for entry in entries:
        digest.add(entry)
        images[entry.part] += 1
        if isinstance(entry, SnapshotImage):
            found[entry.part] += len(entry.masks)
            sets[entry.dataset] = sets.get(entry.dataset, 0) + 1
    counts = {"images": images, "masks": found, "sets": dict(sorted(sets.items()))}
    return {"format": FORMAT, "digest": digest.hex(), "held_out_share": held_out_share, **counts}


def write_header(folder: Path, header: Mapping[str, Any]) -> None:
    """Writes ``snapshot.json`` whole or not at all."""
    partial = folder / f"{HEADER}.partial"
    partial.write_text(json.dumps(header, indent=1), encoding="utf-8")
    partial.replace(folder / HEADER)


def check(snapshot: Snapshot) -> int:
    """Reads everything: every line, every mask, every picture's pixels. Returns the number of images.

    Raises InvalidSnapshot for the first that is not what was frozen.
    """
    whole = 0
    for entry, place in snapshot.entries():
        if isinstance(entry, Erased) or place is None:
            continue
        try:
            for mask in entry.masks:
                masks.parse(list(entry.size), mask.counts, entry.size)
            if pixel_digest(decoded(place.read(), entry)) != entry.pixel_digest:
                raise ValueError(f"the picture of image {entry.pixel_digest[:12]} has other pixels now")
        except (ValueError, OSError) as error:
            raise InvalidSnapshot(f"{place.file}: {error}") from None
        whole += 1
    return whole
