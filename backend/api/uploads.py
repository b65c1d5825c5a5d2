"""Receiving many files in one request: each part goes to disk as it arrives, hashed on the way, never into memory.

Starlette's own form parser keeps up to a megabyte of every file in memory until the last one has come; with a folder
of a thousand photographs that is a gigabyte.
"""

import hashlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from fastapi import Request
from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool

from backend.api.deps import AtRuntime
from backend.errors import Invalid
from backend.runtime import Runtime
from backend.services import projects

if TYPE_CHECKING:  # the name only exists for type checkers
    from python_multipart.multipart import MultipartCallbacks

MAX_FILES = 5000
BATCH_BYTES = 1024 * 1024
MAX_HEADER_BYTES = 16 * 1024


@dataclass
class Received:
    """One file of the request, on disk until the request ends. `too_large`: its rest was read but not kept."""

    file_name: str
    path: Path
    byte_size: int = 0
    file_digest: str = ""
    too_large: bool = False


async def received_files(request: Request, runtime: AtRuntime, project_id: str) -> AsyncIterator[list[Received]]:
    """Dependency: the files of the `files` parts. Raises Invalid for a malformed body, NotFound for no project."""
    await run_in_threadpool(_require_project, runtime, project_id)
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 1 <= len(boundary) <= 200:
        raise Invalid("Send the files as multipart/form-data.", code="unsupported_media_type", status=415)
    limit = runtime.settings.max_request_bytes
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    incoming = runtime.settings.data_dir / "incoming"
    incoming.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=incoming) as folder:
        intake = Intake(Path(folder), runtime.settings.max_upload_bytes)
        try:
            await _read_all(request, intake, MultipartParser(boundary, intake.callbacks()), limit)
        finally:
            intake.close()
        yield intake.files


def _require_project(runtime: Runtime, project_id: str) -> None:
    with runtime.read() as session:
        projects.find(session, project_id)


def _too_large(limit: int) -> Invalid:
    told = f"{limit / 1024**2:,.0f} MiB" if limit >= 1024**2 else f"{limit} bytes"
    return Invalid(f"Send at most {told} in one upload, in several smaller ones.", code="request_too_large", status=413)


async def _read_all(request: Request, intake: "Intake", parser: MultipartParser, limit: int) -> None:
    """Raises Invalid, with status 413 as soon as more than `limit` bytes have come."""
    batch, received = bytearray(), 0
    try:
        async for chunk in request.stream():
            received += len(chunk)
            if received > limit:
                raise _too_large(limit)
            batch += chunk
            if len(batch) >= BATCH_BYTES:
                await run_in_threadpool(parser.write, bytes(batch))
                batch.clear()
        await run_in_threadpool(parser.write, bytes(batch))
        parser.finalize()
    except MultipartParseError as error:
        raise Invalid("The upload is malformed.", code="bad_upload") from error
    if not intake.ended:
        raise Invalid("The upload ended too early.", code="bad_upload")


class Intake:
    """Callbacks of the parser: names from the part's header, bytes to one file after the other."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self.files: list[Received] = []
        self.ended = False
        self._field = bytearray()
        self._value = bytearray()
        self._disposition = b""
        self._out: BinaryIO | None = None
        self._hash = hashlib.sha256()

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._part_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def close(self) -> None:
        if self._out is not None:
            self._out.close()
            self._out = None

    def _part_begin(self) -> None:
        self._disposition = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]
        self._check_header()

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._check_header()

    def _check_header(self) -> None:
        if len(self._field) + len(self._value) > MAX_HEADER_BYTES:
            raise Invalid("A file's header in the upload is too long.", code="bad_upload")

    def _header_end(self) -> None:
        if bytes(self._field).lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        if options.get(b"name") != b"files" or b"filename" not in options:
            return
        if len(self.files) >= MAX_FILES:
            raise Invalid(f"Send at most {MAX_FILES} files at a time.", code="too_many_files", status=413)
        name = options[b"filename"].decode("utf-8", "replace")
        received = Received(name, self.folder / str(len(self.files)))
        self.files.append(received)
        self._hash = hashlib.sha256()
        self._out = received.path.open("wb")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._out is None:
            return
        received = self.files[-1]
        received.byte_size += end - start
        if received.byte_size > self.max_bytes:
            received.too_large = True
            self._out.truncate(0)
            return
        piece = data[start:end]
        self._hash.update(piece)
        self._out.write(piece)

    def _part_end(self) -> None:
        if self._out is not None:
            self.close()
            self.files[-1].file_digest = self._hash.hexdigest()

    def _end(self) -> None:
        self.ended = True
