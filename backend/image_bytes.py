"""The bytes of a picture without anything else: no EXIF (with its places), no profiles, no comments, nothing appended.

Pixels stay bit for bit what they were, since only the parts around the compressed data are left out. So a file that is
a picture and a web page at once, or that carries where it was taken, is served and exported as a picture only.
"""

from __future__ import annotations

import struct

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_NEEDED = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
JFIF_APP0, ADOBE_APP14 = 0xE0, 0xEE
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
STANDALONE = {0x01, *range(0xD0, 0xD8)}


class BrokenImage(ValueError):
    """The container is not what its format prescribes."""


def bare_png(content: bytes) -> bytes:
    """Header, palette, data and end; raises BrokenImage."""
    if not content.startswith(PNG_SIGNATURE):
        raise BrokenImage("no PNG signature")
    kept, place = [PNG_SIGNATURE], len(PNG_SIGNATURE)
    while place + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        end = place + 12 + length
        if end > len(content):
            break
        if kind in PNG_NEEDED:
            kept.append(content[place:end])
        if kind == b"IEND":
            return b"".join(kept)
        place = end
    raise BrokenImage("the PNG has no end")


def bare_jpeg(content: bytes) -> bytes:
    """Tables, frame and scans, JFIF and Adobe headers (they say how colours are coded); raises BrokenImage."""
    if content[:2] != b"\xff\xd8":
        raise BrokenImage("no JPEG signature")
    kept, place = [content[:2]], 2
    while place + 4 <= len(content):
        if content[place] != 0xFF:
            raise BrokenImage("no marker where one belongs")
        marker = content[place + 1]
        if marker == 0xFF:  # fill byte
            place += 1
            continue
        if marker == END_OF_IMAGE:
            break
        if marker in STANDALONE:
            place += 2
            continue
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        if end < place + 4 or end > len(content):
            raise BrokenImage("a segment is longer than the file")
        if marker == START_OF_SCAN:
            end = _end_of_scan(content, end)
        if _belongs_to_the_picture(marker, content[place + 4 : place + 9]):
            kept.append(content[place:end])
        place = end
    if content[place : place + 2] != b"\xff\xd9" or len(kept) < 2:
        raise BrokenImage("the JPEG has no end")
    return b"".join([*kept, b"\xff\xd9"])


def _belongs_to_the_picture(marker: int, start: bytes) -> bool:
    if 0xE0 <= marker <= 0xEF:
        return (marker == JFIF_APP0 and start == b"JFIF\0") or (marker == ADOBE_APP14 and start == b"Adobe")
    return marker != 0xFE  # comments


def _end_of_scan(content: bytes, place: int) -> int:
    """Where entropy-coded data ends: at the first marker that is neither a stuffed byte nor a restart."""
    while True:
        place = content.find(b"\xff", place)
        if place < 0 or place + 1 >= len(content):
            raise BrokenImage("a scan has no end")
        following = content[place + 1]
        if following == 0xFF:
            place += 1
        elif following == 0 or following in STANDALONE:
            place += 2
        else:
            return place
