"""Automatic masks of many pictures, each in a file of its own: SA-1B's JSON, and on request the picture with its masks.

Files appear whole or not at all, the JSON last: where it lies, its picture is done.
"""

from __future__ import annotations

import io
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from backend.errors import Invalid
from backend.formats import sa1b
from backend.images import read
from segmenter.automask import AutomaticMask, Progress, generate, record
from segmenter.automask_config import AutomaskConfig
from segmenter.build import Model
from segmenter.containment import depths, parents
from segmenter.overlay import overlay

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"}
OVERLAY = ".overlay.jpg"
OVERLAY_QUALITY = 90


@dataclass(frozen=True)
class Work:
    """One picture to do: where it is, what its file says of it, and where that file goes."""

    picture: Path
    file_name: str
    image_id: int
    target: Path

    @property
    def is_done(self) -> bool:
        """Whether a whole file for a picture of this name lies there already."""
        try:
            return self.target.is_file() and sa1b.read_image(self.target)[0].file_name == self.file_name
        except Invalid:
            return False


def listed(paths: Sequence[Path], out: Path) -> list[Work]:
    """The pictures among files and folders (with all folders below), and a JSON file below ``out`` for each.

    ``a/b.jpg`` becomes ``a/b.json``, or ``a/b.jpg.json`` where another picture would take that name. The number in a
    name like ``sa_123.jpg`` is the image's id, else its place in the list is.
    """
    found = [entry for path in paths for entry in _pictures(path)]
    short = Counter(Path(name).with_suffix("") for name, _ in found)
    twice = [name for name, count in Counter(name for name, _ in found).items() if count > 1]
    if twice:
        raise Invalid(f"two pictures are called {twice[0]}; their masks would go to the same file")

    def work(place: int, name: str, picture: Path) -> Work:
        stem = Path(name).with_suffix("")
        number = re.fullmatch(r"sa_(\d{1,15})", stem.name)
        target = out / (f"{stem}.json" if short[stem] == 1 else f"{name}.json")
        return Work(picture, name, int(number[1]) if number else place, target)

    return [work(place, name, picture) for place, (name, picture) in enumerate(found, 1)]


def _pictures(path: Path) -> Iterator[tuple[str, Path]]:
    if not path.exists():
        raise Invalid(f"there is no {path}")
    if not path.is_dir():
        yield path.name, path
        return
    files = sorted(file for file in path.rglob("*") if _is_picture(file.relative_to(path)) and file.is_file())
    if not files:
        raise Invalid(f"no pictures ({', '.join(sorted(SUFFIXES))}) in {path}")
    yield from ((file.relative_to(path).as_posix(), file) for file in files)


def _is_picture(name: Path) -> bool:
    """By its name; hidden files and what an earlier run laid beside the pictures are none."""
    hidden = any(part.startswith(".") for part in name.parts)
    return name.suffix.lower() in SUFFIXES and not hidden and not name.name.endswith(OVERLAY)


def segment(
    model: Model,
    work: Work,
    config: AutomaskConfig,
    with_overlay: bool,
    with_parts: bool,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> int:
    """Does one picture; returns how many masks were kept. Raises Cancelled, RefusedImage, Invalid, OSError."""
    rgb = read(work.picture).rgb
    found = generate(model, rgb, config, progress, cancelled)
    if with_overlay:
        shown = io.BytesIO()
        Image.fromarray(overlay(rgb, found)).save(shown, "JPEG", quality=OVERLAY_QUALITY)
        with _whole(work.target.with_suffix(OVERLAY)) as file:
            file.write(shown.getvalue())
    image = sa1b.Sa1bImage(work.image_id, rgb.shape[1], rgb.shape[0], work.file_name)
    with _whole(work.target) as file:
        return sa1b.write_image(file, image, _annotations(found, config, with_parts))


def _annotations(found: Sequence[AutomaticMask], config: AutomaskConfig, with_parts: bool) -> Iterator[dict[str, Any]]:
    above = parents([mask.runs for mask in found], found[0].size) if with_parts and found else [None] * len(found)
    for mask, parent, depth in zip(found, above, depths(above), strict=True):
        part = {"parent_id": None if parent is None else parent + 1, "depth": depth} if with_parts else {}
        # No pixel above either threshold is 0/0, which is no number in JSON; an empty mask is not stable.
        stability = {} if mask.area else {"stability_score": 0.0}
        yield record(mask, config) | stability | part


@contextmanager
def _whole(target: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name only when all of it is on the disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
