"""What a snapshot holds: images with masks, each as a line of JSON that carries its own digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from segmenter import masks
from segmenter.pixels import Pixels

Part = Literal["train", "held_out"]
PARTS: Final[tuple[Part, Part]] = ("train", "held_out")


class InvalidSnapshot(ValueError):
    """The folder is no snapshot, or not the one that was frozen; the text says which file and what is wrong."""


@dataclass(frozen=True)
class SnapshotMask:
    """One mask: the id of its annotation, how it came about, whose it is, and its compressed COCO counts."""

    id: str
    source: str
    annotator: str
    counts: str


@dataclass(frozen=True)
class Place:
    """Where the encoded picture lies: ``size`` bytes of a file from ``offset`` on; a size of ``None`` is all of it."""

    file: Path
    offset: int = 0
    size: int | None = None

    def read(self) -> bytes:
        """The bytes of the encoded picture."""
        with self.file.open("rb") as stream:
            stream.seek(self.offset)
            return stream.read(-1 if self.size is None else self.size)


@dataclass(frozen=True)
class SnapshotImage:
    """One image: what a snapshot promises about it. Images of one group are never on both sides of the split."""

    pixel_digest: str
    dataset: str
    group_key: str
    size: tuple[int, int]  # height, width
    masks: tuple[SnapshotMask, ...]
    held_out: bool = False

    @property
    def digest(self) -> str:
        """SHA-256 in hex over everything that is promised."""
        return hashlib.sha256(_canonical(asdict(self)).encode("utf-8")).hexdigest()

    @property
    def part(self) -> Part:
        return "held_out" if self.held_out else "train"

    def bitmaps(self) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """The masks at full size with the name of their annotator."""
        for mask in self.masks:
            yield mask.annotator, masks.decode({"size": list(self.size), "counts": mask.counts}, self.size)


@dataclass(frozen=True)
class Erased:
    """What is left of an image that had to go: the name of its pixels, its part, and the digest that it had."""

    pixel_digest: str
    held_out: bool
    digest: str

    @property
    def part(self) -> Part:
        return "held_out" if self.held_out else "train"


Entry = SnapshotImage | Erased


def _canonical(content: Any) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def line_of(entry: Entry, file: str | None = None) -> str:
    """An entry as a line of JSON; ``file`` says where the picture lies, relative to the snapshot's folder."""
    if isinstance(entry, Erased):
        return _canonical({"erased": asdict(entry)})
    return _canonical({"image": asdict(entry), "digest": entry.digest} | ({} if file is None else {"file": file}))


def entry_of(line: str | bytes) -> tuple[Entry, str | None]:
    """Reads what :func:`line_of` wrote: the entry and its file. Raises ValueError unless it is whole and unchanged."""
    values = json.loads(line)
    if "erased" in values:
        return Erased(**values["erased"]), None
    content = values["image"]
    found = [SnapshotMask(**mask) for mask in content.pop("masks")]
    height, width = content.pop("size")
    image = SnapshotImage(**content, size=(height, width), masks=tuple(found))
    if image.digest != values["digest"]:
        raise ValueError(f"the image {image.pixel_digest[:12]} is not what was frozen")
    return image, values.get("file")


def decoded(encoded: bytes, image: SnapshotImage) -> Pixels:
    """An image file's bytes as upright RGB of the promised size; raises ValueError for anything else."""
    bgr = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR) if encoded else None
    if bgr is None or bgr.shape[:2] != image.size:
        raise ValueError(f"the picture of image {image.pixel_digest[:12]} is not readable, or not of its size")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def read_entry(line: str | bytes, where: str) -> tuple[Entry, str | None]:
    """:func:`entry_of` with InvalidSnapshot that says where the line stands."""
    try:
        return entry_of(line)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidSnapshot(f"{where}: {error}") from None
