"""Large files from the web: goes on where an earlier attempt stopped, and keeps only what has the right digest."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from backend.errors import Invalid, Unavailable
from segmenter.manifest import file_digest

CHUNK = 1 << 20
SECONDS_OF_SILENCE = 30
ATTEMPTS = 5  # in a row that bring nothing new
Progress = Callable[[int, int], None]
_CUT = (http.client.HTTPException, ConnectionError, TimeoutError)


def download(url: str, target: Path, size: int, sha256: str, progress: Progress) -> None:
    """Fetches a file of known size and digest; what came of it before lies in ``target``.part.

    ``progress`` hears bytes there and in all. Raises Unavailable where the server cannot be reached or breaks off again
    and again (the next call goes on from there), Invalid for an address that is no web address, and where the file is
    not the right one; then nothing of it is kept.
    """
    if not url.startswith(("https://", "http://")):
        raise Invalid(f"{url} is no web address")
    part = target.with_name(f"{target.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    most = idle = 0
    while (there := part.stat().st_size if part.exists() else 0) < size:
        if idle == ATTEMPTS:
            raise Unavailable(f"{url} broke off at {there} of {size} bytes; ask again to go on from there")
        _fetch(url, part, size, progress)
        idle = 0 if part.stat().st_size > max(there, most) else idle + 1
        most = max(most, part.stat().st_size)
    if part.stat().st_size != size or file_digest(part) != sha256:
        part.unlink()
        raise Invalid(f"{url} is not the file that was expected: its digest differs; nothing of it is kept")
    part.replace(target)


def _fetch(url: str, part: Path, size: int, progress: Progress) -> None:
    """One request for what is missing; returns also when it broke off."""
    there = part.stat().st_size if part.exists() else 0
    # The digest decides what is kept, so neither scheme nor server has to be trusted.
    request = urllib.request.Request(url, headers={"User-Agent": "maskmill"})  # noqa: S310 only http and https get here
    if there:
        request.add_header("Range", f"bytes={there}-")
    try:
        with urllib.request.urlopen(request, timeout=SECONDS_OF_SILENCE) as answer:  # noqa: S310 as above
            goes_on = answer.status == 206 and (answer.headers["Content-Range"] or "").startswith(f"bytes {there}-")
            with part.open("ab" if goes_on else "wb") as file:
                _copy(answer, file, there if goes_on else 0, size, progress)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 416 or not there:  # 416: more is there than the server has, so it is another file
            raise Unavailable(f"{url} answers {error.code} {error.reason}") from error
        part.write_bytes(b"")
    except _CUT:
        part.touch()
    except urllib.error.URLError as error:
        raise Unavailable(f"{url} cannot be reached: {error.reason}") from error


def _copy(answer: http.client.HTTPResponse, file: BinaryIO, there: int, size: int, progress: Progress) -> None:
    while piece := answer.read(min(CHUNK, size + 1 - there)):
        file.write(piece)
        there += len(piece)
        progress(there, size)
        if there > size:
            return
