"""The built page: one index.html for every address of the page, hashed assets for ever, all precompressed."""

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from backend.api import blobs
from backend.api.policy import Policy, PolicyRoute, allow
from backend.errors import NotFound

router = APIRouter(route_class=PolicyRoute, include_in_schema=False)

STATIC = Path(__file__).parent.parent / "static"
ASSETS = "assets"
PLAIN_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}")
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Maskmill</title>
<h1>The page has not been built yet</h1><p>Run <code>./run setup</code> once, then load this page again.</p></html>"""


@router.api_route("/", methods=["GET", "HEAD"])
@allow(Policy.PUBLIC)
def home(request: Request) -> Response:
    return _index(request)


@router.api_route("/projects/{rest:path}", methods=["GET", "HEAD"])
@allow(Policy.PUBLIC)
def page(request: Request, rest: str) -> Response:
    return _index(request)


@router.api_route("/assets/{name}", methods=["GET", "HEAD"])
@allow(Policy.PUBLIC)
def asset(request: Request, name: str) -> Response:
    """Its name holds its digest, so it may be kept for ever."""
    return _file(request, STATIC / ASSETS, name, "public, max-age=31536000, immutable")


@router.api_route("/{name}", methods=["GET", "HEAD"])
@allow(Policy.PUBLIC)
def root_file(request: Request, name: str) -> Response:
    return _file(request, STATIC, name, "no-cache")


def nothing_here(request: Request) -> Response:
    """The page itself with status 404: it says so in its own words and shows the way back."""
    return _index(request, 404)


def link_refused(request: Request) -> Response:
    """The page itself with status 403: at /login it says that the link no longer works and how to get a new one."""
    return _index(request, 403)


def _index(request: Request, status: int = 200) -> Response:
    if not (STATIC / "index.html").is_file():
        return HTMLResponse(NOT_BUILT, status_code=503)
    return _file(request, STATIC, "index.html", "no-cache", status)


def _file(request: Request, folder: Path, name: str, cache_control: str, status: int = 200) -> Response:
    path = folder / name
    media_type = MEDIA_TYPES.get(path.suffix)
    if media_type is None or not PLAIN_NAME.fullmatch(name) or not path.is_file():
        raise NotFound("There is nothing at this address.")
    encoding, served = _smallest(path, request.headers.get("accept-encoding", ""))
    stat = served.stat()
    etag = f'"{_digest(served, stat.st_mtime_ns, stat.st_size)}"'
    headers = {"ETag": etag, "Cache-Control": cache_control, "Vary": "Accept-Encoding"}
    if status == 200 and etag in blobs.held(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    if encoding:
        headers["Content-Encoding"] = encoding
    return FileResponse(served, status, headers, media_type)


def _smallest(path: Path, accept_encoding: str) -> tuple[str, Path]:
    """The precompressed neighbour that the caller takes, else the file itself."""
    taken = accepted_encodings(accept_encoding)
    for encoding, suffix in ENCODINGS:
        neighbour = path.with_name(path.name + suffix)
        if encoding in taken and neighbour.is_file():
            return encoding, neighbour
    return "", path


def accepted_encodings(header: str) -> set[str]:
    """Names in an Accept-Encoding header that are not refused by q=0."""
    taken = set()
    for part in header.lower().split(","):
        name, _, parameters = part.strip().partition(";")
        if not re.fullmatch(r"\s*q=0(\.0*)?\s*", parameters):
            taken.add(name.strip())
    return taken


@lru_cache(maxsize=512)
def _digest(path: Path, changed_ns: int, size: int) -> str:
    """SHA-256 of a file, computed once for each of its states."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]
