"""Image files made on the spot, of every kind that people upload, and of kinds that nobody should."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HEIGHT, WIDTH = 40, 60


def scene(height: int = HEIGHT, width: int = WIDTH, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth colours with a bright square near the top left, so that turning shows; uint8 RGB."""
    rows, columns = np.mgrid[0:height, 0:width]
    rgb = np.stack([rows * 255 // height, columns * 255 // width, np.full_like(rows, 40 + seed)], 2).astype(np.uint8)
    rgb[2 : height // 3, 3 : width // 3] = (250, 240, 20)
    return rgb


def encoded(pixels: Any, kind: str, mode: str | None = None, **options: Any) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(np.asarray(pixels))
    out = io.BytesIO()
    (image.convert(mode) if mode else image).save(out, kind, **options)
    return out.getvalue()


def png(seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> bytes:
    return encoded(scene(height, width, seed), "PNG")


def jpeg(seed: int = 0, **options: Any) -> bytes:
    return encoded(scene(seed=seed), "JPEG", quality=92, **options)


def turned_exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x9286] = "taken at 48.8584 N 2.2945 E"
    return exif.tobytes()


def stored_turned(rgb: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """How a camera stores an upright picture so that `orientation` makes it upright again."""
    undo = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }
    return np.ascontiguousarray(undo[orientation](rgb))


def png_of_16_bits(values: NDArray[np.uint16]) -> bytes:
    """PNG by hand, grey (H x W) or colour (H x W x 3 or 4), since Pillow writes no 16-bit colour."""
    height, width = values.shape[:2]
    colour = {1: 0, 3: 2, 4: 6}[1 if values.ndim == 2 else values.shape[2]]
    rows = values.reshape(height, -1).astype(">u2")
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(data)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_that_claims(width: int, height: int) -> bytes:
    """A header of any size with hardly any data behind it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def tiff_of_16_bits(values: NDArray[np.uint16], big_endian: bool = False) -> bytes:
    """Uncompressed colour TIFF (H x W x 3) by hand, in either byte order."""
    order = ">" if big_endian else "<"
    height, width, channels = values.shape
    data = values.astype(f"{order}u2").tobytes()
    extra = 8 + len(data)
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, channels, extra),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 8),
        (277, 3, 1, channels),
        (278, 4, 1, height),
        (279, 4, 1, len(data)),
    ]
    bits = struct.pack(f"{order}{channels}H", *[16] * channels)
    directory = struct.pack(f"{order}H", len(tags))
    for tag, kind, count, value in tags:
        short = kind == 3 and count == 1
        directory += struct.pack(f"{order}HHI", tag, kind, count)
        directory += struct.pack(f"{order}HH" if short else f"{order}I", *((value, 0) if short else (value,)))
    magic = b"MM\0*" if big_endian else b"II*\0"
    return magic + struct.pack(f"{order}I", extra + len(bits)) + data + bits + directory + struct.pack(f"{order}I", 0)
