"""Objects in an S3-compatible bucket. Credentials come the usual AWS way or in the address's query."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Self, cast
from urllib.parse import parse_qs, urlsplit

import obstore
from obstore import exceptions
from obstore.store import S3Store

from backend.errors import Invalid, NotFound, Unavailable
from backend.storage.keys import check_key


class S3Storage:
    """See `Storage`."""

    def __init__(self, store: S3Store) -> None:
        self._store = store

    @classmethod
    def from_url(cls, url: str) -> Self:
        """`s3://bucket/prefix?endpoint=URL&region=R&access_key_id=...&secret_access_key=...`, options optional."""
        parts = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
        endpoint = options.pop("endpoint", None)
        region = options.pop("region", "us-east-1")
        known = {name: options.pop(name, None) for name in ("access_key_id", "secret_access_key")}
        if options or not parts.netloc:
            raise Invalid(f"the storage address has unknown parts: {', '.join(options) or 'no bucket'}")
        store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            region=region,
            endpoint=endpoint,
            access_key_id=known["access_key_id"],
            secret_access_key=known["secret_access_key"],
            client_options={"allow_http": bool(endpoint and endpoint.startswith("http://")), "timeout": "60s"},
            retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=30)},
        )
        return cls(store)

    def put(self, key: str, content: bytes) -> bool:
        with _translated(key):
            try:
                obstore.put(self._store, check_key(key), content, mode="create")
            except exceptions.AlreadyExistsError:
                return False
            return True

    def put_file(self, key: str, path: Path) -> bool:
        if self.exists(key):
            return False
        with _translated(key):
            # Large files go up in parts, which cannot be made conditional; equal keys hold equal content.
            obstore.put(self._store, key, path)
        return True

    def get(self, key: str) -> bytes:
        with _translated(key):
            return bytes(obstore.get(self._store, check_key(key)).bytes())

    def open(self, key: str) -> BinaryIO:
        with _translated(key):
            reader = _Reader(obstore.open_reader(self._store, check_key(key)))
        return cast(BinaryIO, io.BufferedReader(reader, 1 << 20))

    @contextmanager
    def as_file(self, key: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="maskmill-") as folder, self.open(key) as source:
            path = Path(folder) / "object"
            with path.open("wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
            yield path

    def exists(self, key: str) -> bool:
        try:
            self.size(key)
        except NotFound:
            return False
        return True

    def size(self, key: str) -> int:
        with _translated(key):
            return obstore.head(self._store, check_key(key))["size"]

    def delete(self, key: str) -> None:
        with _translated(key):
            obstore.delete(self._store, check_key(key))

    def keys(self, prefix: str = "") -> Iterator[str]:
        # The store compares whole path parts only, so the last part is compared here.
        folder = prefix.rpartition("/")[0]
        with _translated(prefix):
            for batch in obstore.list(self._store, folder or None):
                for entry in batch:
                    if entry["path"].startswith(prefix):
                        yield entry["path"]


class _Reader(io.RawIOBase):
    """A ranged reader as a Python file."""

    def __init__(self, reader: obstore.ReadableFile) -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # BufferedReader always hands a memoryview
        content = memoryview(self._reader.read(len(buffer)))
        buffer[: len(content)] = content
        return len(content)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._reader.seek(offset, whence)

    def tell(self) -> int:
        return self._reader.tell()


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, exceptions.NotFoundError):
        raise NotFound(f"nothing is stored as {key}") from None
    except exceptions.BaseError as error:
        raise Unavailable(
            f"the object store does not answer: {str(error)[:300]}", code="storage_unavailable"
        ) from error
