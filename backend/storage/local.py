"""Objects as files below one directory: written beside, synced, renamed, so a crash leaves no half of one."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO

from backend.errors import NotFound
from backend.storage.keys import check_key

_UNFINISHED = ".unfinished"  # a folder below the root, on the same file system, so that a finished file can be linked
_ABANDONED_SECONDS = 3600.0


class LocalStorage:
    """See `Storage`. Keys are relative paths; hidden names are refused, so no key reaches unfinished files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def path(self, key: str) -> Path:
        return self.root / check_key(key)

    def put(self, key: str, content: bytes) -> bool:
        return self._write(key, lambda file: file.write(content))

    def put_file(self, key: str, path: Path) -> bool:
        with path.open("rb") as source:
            return self._write(key, lambda file: shutil.copyfileobj(source, file, 1 << 20))

    def get(self, key: str) -> bytes:
        with self.open(key) as file:
            return file.read()

    def open(self, key: str) -> BinaryIO:
        try:
            return self.path(key).open("rb")
        except (FileNotFoundError, IsADirectoryError):
            raise NotFound(f"nothing is stored as {key}") from None

    @contextmanager
    def as_file(self, key: str) -> Iterator[Path]:
        self.size(key)
        yield self.path(key)

    def exists(self, key: str) -> bool:
        return self.path(key).is_file()

    def size(self, key: str) -> int:
        try:
            return self.path(key).stat().st_size
        except FileNotFoundError:
            raise NotFound(f"nothing is stored as {key}") from None

    def delete(self, key: str) -> None:
        self.path(key).unlink(missing_ok=True)

    def keys(self, prefix: str = "") -> Iterator[str]:
        folder = self.root / prefix.rpartition("/")[0]
        for directory, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if name != _UNFINISHED]
            for name in names:
                key = (Path(directory) / name).relative_to(self.root).as_posix()
                if key.startswith(prefix):
                    yield key

    def forget_unfinished(self) -> None:
        """Remove what writers that were killed left, not what somebody writes right now."""
        for path in (self.root / _UNFINISHED).glob("*"):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                    path.unlink()

    def _write(self, key: str, fill: Callable[[IO[bytes]], object]) -> bool:
        target = self.path(key)
        if target.is_file():
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        (self.root / _UNFINISHED).mkdir(exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self.root / _UNFINISHED)
        try:
            with os.fdopen(descriptor, "wb") as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(name, target)  # Unlike a rename, a link never replaces what another writer just finished.
            except FileExistsError:
                return False
            except OSError:
                os.replace(name, target)  # No hard links on this file system: both writers hold the same content.
            sync_directory(target.parent)
            return True
        finally:
            Path(name).unlink(missing_ok=True)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory last through a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
