"""Tar shards of a snapshot: read from front to back, a few large files instead of millions of small ones.

For each image ``NNNNNNNNN.json``, its line, then ``NNNNNNNNN.jpg`` (or ``.png`` ...), the file's bytes as they were; so
WebDataset and ``tar`` read shards, too. An erased image keeps its line only. No shard mixes the two parts.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from segmenter.training.entries import Entry, InvalidSnapshot, Part, Place, SnapshotImage, line_of, read_entry

SHARDS: Final = "shards"
_KINDS: Final = {b"\xff\xd8": "jpg", b"\x89P": "png", b"RI": "webp", b"II": "tif", b"MM": "tif", b"BM": "bmp"}


def read_shard(file: Path, images: int) -> Iterator[tuple[Entry, Place | None]]:
    """The entries of one shard in their order, with the places of their pictures (``None`` where erased).

    Raises InvalidSnapshot for a file that is damaged or does not hold exactly so many ``images``.
    """
    found = 0
    image: SnapshotImage | None = None  # whose picture is to come
    try:
        with tarfile.open(file, "r:") as shard:
            for member in shard:
                if image is not None:
                    yield image, Place(file, member.offset_data, member.size)
                    image = None
                    continue
                found += 1
                stream = shard.extractfile(member)
                entry, _ = read_entry(b"" if stream is None else stream.read(), f"{file}, {member.name}")
                if isinstance(entry, SnapshotImage):
                    image = entry
                else:
                    yield entry, None
    except (tarfile.TarError, EOFError) as error:
        raise InvalidSnapshot(f"{file} is damaged: {error}") from None
    if image is not None:
        raise InvalidSnapshot(f"{file} is damaged: it ends before a picture")
    if found != images:
        raise InvalidSnapshot(f"{file} holds {found} images instead of {images}")


class ShardWriter:
    """Writes entries into shards of about ``shard_bytes``, a new one as well where the other part begins."""

    def __init__(self, folder: Path, shard_bytes: int) -> None:
        self.folder, self.shard_bytes = folder, shard_bytes
        self.images: dict[str, int] = {}  # of each shard, by its name within the snapshot
        self._shard: tarfile.TarFile | None = None
        self._part: Part | None = None
        (folder / SHARDS).mkdir(parents=True)

    def add(self, entry: Entry, picture: bytes | None) -> None:
        """Appends an entry with the bytes of its picture."""
        if self._shard is None or entry.part != self._part or self._shard.offset > self.shard_bytes:
            self.close()
            self._part = entry.part
            name = f"{SHARDS}/{entry.part}-{len(self.images):06}.tar"
            self.images[name] = 0
            self._shard = tarfile.open(self.folder / name, "w:", format=tarfile.USTAR_FORMAT)  # noqa: SIM115 open from call to call
        name = list(self.images)[-1]
        _append(self._shard, self.images[name], entry, picture)
        self.images[name] += 1

    def close(self) -> None:
        """Ends the shard that is being written."""
        if self._shard is not None:
            self._shard.close()
            self._shard = None


def _append(shard: tarfile.TarFile, number: int, entry: Entry, picture: bytes | None) -> None:
    members = [("json", line_of(entry).encode())]
    if picture is not None:
        members.append((_KINDS.get(picture[:2], "image"), picture))
    for suffix, content in members:
        member = tarfile.TarInfo(f"{number:09}.{suffix}")  # without times and owners: equal content, equal shard
        member.size = len(content)
        shard.addfile(member, io.BytesIO(content))


def rewrite_shard(file: Path, entries: Iterator[tuple[Entry, Place | None]]) -> None:
    """Replaces a shard by one with these entries, whole or not at all; they may be read from the shard itself."""
    partial = file.with_suffix(".partial")
    try:
        with tarfile.open(partial, "w:", format=tarfile.USTAR_FORMAT) as shard:
            for number, (entry, place) in enumerate(entries):
                _append(shard, number, entry, None if place is None else place.read())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
