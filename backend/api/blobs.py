"""Answers made of stored objects: length, ETag, 304, and the caching that fits what the address promises."""

from collections.abc import Iterator
from typing import BinaryIO

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from backend.api import schemas
from backend.storage.base import Storage

IMMUTABLE = "private, max-age=31536000, immutable"
REVALIDATE = "private, no-cache"
CHUNK = 256 * 1024
BINARY = "application/octet-stream"


def stored(
    request: Request,
    storage: Storage,
    key: str,
    media_type: str,
    digest: str,
    immutable: bool = True,
    headers: dict[str, str] | None = None,
) -> Response:
    """The object `key` as a response; 304 when the caller holds it. `digest` names the content, for the ETag.

    Raises NotFound when the storage has no such object.
    """
    etag = f'"{digest}"'
    told = {"ETag": etag, "Cache-Control": IMMUTABLE if immutable else REVALIDATE} | (headers or {})
    if etag in held(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=told)
    told["Content-Length"] = str(storage.size(key))
    return StreamingResponse(_chunks(storage.open(key)), headers=told, media_type=media_type)


def held(if_none_match: str) -> set[str]:
    """The entity tags of an If-None-Match header; weak ones count, since equal digests mean equal bytes."""
    return {tag.strip().removeprefix("W/") for tag in if_none_match.split(",") if tag.strip()}


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    with source:
        while chunk := source.read(CHUNK):
            yield chunk


def documented(media_type: str, description: str) -> schemas.Responses:
    """The `responses` entry of an endpoint that answers bytes."""
    schema = {"type": "string", "format": "binary"}
    return {
        200: {"description": description, "content": {media_type: {"schema": schema}}},
        304: {"description": "The caller already has these bytes."},
    }
