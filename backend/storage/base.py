"""The storage port and its factory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from backend.errors import Invalid


class Storage(Protocol):
    """Objects by key. An object appears whole or not at all, and the first writer of a key wins.

    Unknown keys raise NotFound, unsafe keys Invalid, an unreachable store Unavailable.
    """

    def put(self, key: str, content: bytes) -> bool:
        """Store bytes durably. False: the key was there already, and what it holds was left alone."""
        ...

    def put_file(self, key: str, path: Path) -> bool:
        """Store a copy of a file durably; as `put`."""
        ...

    def get(self, key: str) -> bytes: ...

    def open(self, key: str) -> BinaryIO:
        """A seekable reader; close it."""
        ...

    def as_file(self, key: str) -> AbstractContextManager[Path]:
        """A local file to read from while the block runs; do not change it."""
        ...

    def exists(self, key: str) -> bool: ...

    def size(self, key: str) -> int:
        """Bytes."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; a missing one is fine."""
        ...

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Keys that start with `prefix` (a folder ends with `/`), in no particular order."""
        ...


def storage_from_url(url: str) -> Storage:
    """`file:///directory` or `s3://bucket/prefix?endpoint=http://host:port&region=...`."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        from backend.storage.local import LocalStorage

        return LocalStorage(Path(unquote(parts.path)))
    if parts.scheme == "s3":
        from backend.storage.s3 import S3Storage

        return S3Storage.from_url(url)
    raise Invalid(f"storage addresses start with file:// or s3://, not {parts.scheme!r}", code="bad_storage_url")
