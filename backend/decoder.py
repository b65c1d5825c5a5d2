"""Strangers' pictures are decoded in a limited child process (segmenter/limited.py), never in the program itself.

A picture that exhausts or kills the child is refused with the reason; the next one gets a new child.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from backend import images
from backend.images import Limits, RefusedImage
from backend.settings import Settings
from segmenter import limited
from segmenter.pixels import Pixels

Wanted = Literal["stored", "pixels"]

ANSWER_BYTES_A_PIXEL = 4  # three of colour; the files that show them are smaller, but for their headers
ANSWER_BYTES_BESIDE = 16 * 1024 * 1024


@dataclass(frozen=True)
class Decoded:
    """What is stored of a picture: size and name of its upright pixels, the file that shows them, its thumbnail."""

    pixel_digest: str
    height: int
    width: int
    suffix: str
    shown: bytes
    thumbnail: bytes


class Decoder:
    """Reads pictures in one child, which is started when it is first needed. Thread-safe: one picture at a time."""

    def __init__(self, settings: Settings) -> None:
        self._limits = Limits(settings.max_image_pixels, settings.max_image_side)
        self._memory, self._seconds = settings.decode_memory_bytes, settings.decode_seconds
        answer = max(ANSWER_BYTES_A_PIXEL * settings.max_image_pixels, settings.max_upload_bytes) + ANSWER_BYTES_BESIDE
        limits = limited.Limits(self._memory, math.ceil(self._seconds), self._seconds, answer)
        self._child = limited.Child("backend.decoder:decode", limits)

    def read(self, path: Path) -> Decoded:
        """A file of anybody's. Raises RefusedImage."""
        told, (shown, thumbnail) = self._decoded(path, "stored")
        height, width = told["size"]
        return Decoded(told["pixel_digest"], height, width, told["suffix"], shown, thumbnail)

    def pixels(self, path: Path) -> Pixels:
        """Upright RGB (height, width, 3). Raises RefusedImage."""
        told, (content,) = self._decoded(path, "pixels")
        return np.frombuffer(bytearray(content), np.uint8).reshape(*told["size"], 3)

    def close(self) -> None:
        self._child.close()

    def _decoded(self, path: Path, wanted: Wanted) -> tuple[dict[str, Any], list[bytes]]:
        arguments = {"path": str(path), "wanted": wanted, **asdict(self._limits)}
        try:
            told, blobs = self._call_twice(arguments)
        except limited.Stopped as stopped:
            raise self._refusal(stopped.reason) from stopped
        except limited.Failed as failed:
            raise RefusedImage("The file is damaged: reading it goes wrong.", "broken") from failed
        if "refused" in told:
            raise RefusedImage(*told["refused"])
        return told, blobs

    def _call_twice(self, arguments: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        """A child that broke off may have been ended by somebody else: once more, with a new one."""
        try:
            return self._child.call(**arguments)
        except limited.Stopped as stopped:
            if stopped.reason != "died":
                raise
        return self._child.call(**arguments)

    def _refusal(self, reason: limited.Reason) -> RefusedImage:
        if reason == "memory":
            allowed = f"{self._memory / 1024**2:,.0f} MiB"
            return RefusedImage(f"Reading the image needs more memory than the {allowed} allowed for it.", "too_large")
        if reason == "time":
            return RefusedImage(
                f"Reading the image takes longer than the {self._seconds:g} s allowed for it.", "too_slow"
            )
        return RefusedImage("The file is damaged: the program that decodes images breaks off on it.", "broken")


def decode(path: str, wanted: Wanted, max_pixels: int, max_side: int) -> tuple[dict[str, Any], list[bytes]]:
    """In the child: one file, as `Decoder` wants it; MemoryError when there is too little."""
    try:
        picture = images.read(Path(path), Limits(max_pixels, max_side))
    except RefusedImage as refused:
        if refused.code == "too_large":
            raise MemoryError from refused
        return {"refused": [refused.reason, refused.code]}, []
    size = picture.rgb.shape[:2]
    if wanted == "pixels":
        return {"size": size}, [picture.rgb.tobytes()]
    told = {"pixel_digest": images.pixel_digest(picture.rgb), "size": size, "suffix": picture.suffix}
    return told, [picture.shown, images.thumbnail(picture.rgb)]
