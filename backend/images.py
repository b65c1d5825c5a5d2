"""Pictures as pixels: what is read, how it becomes upright 8-bit RGB, its digest, its thumbnail. Pure; only Pillow.

One picture has one form in this program: upright, three channels of 8 bits. Prompts, masks, embeddings and exports all
live in its pixels. The rules, in this order:

* JPEG, PNG, WebP and TIFF, told by their first bytes, never by their names; of several pages or frames the first.
* The size in the header is checked before any pixel is decoded.
* 16 bits become 8: when the largest value is in the upper half of the range (>= 32768), the range 0..65535 is mapped
  to 0..255; otherwise (12-bit cameras, microscopes) the values from smallest to largest are. One scale for all
  channels. Wider integers and floats always go from smallest to largest; values that are not finite count as smallest.
* An embedded colour profile other than sRGB is converted to sRGB; one that cannot be read is ignored.
* Transparent pixels are laid over white; palette, grey, CMYK and YCbCr become RGB.
* The EXIF (or TIFF) orientation is applied.
"""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from backend.image_bytes import BrokenImage, bare_jpeg, bare_png
from segmenter.pixels import Pixels
from segmenter.pixels import pixel_digest as pixel_digest

THUMBNAIL_SIDE = 320
JPEG_QUALITY = 95
JPEG_MAX_SIDE = 65_500
PNG_LEVEL = 4  # photographs take a third of the time of the default level and 3 % more space
ORIENTATION_TAG = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIXTEEN_BIT_COLOUR = {f"{mode};16{order}" for mode in ("RGB", "RGBX", "RGBA") for order in "LBN"}
UPPER_HALF = 32_768
MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "TIFF": "image/tiff"}
SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
)
# What people try besides, so that the refusal can call it by its name.
FOREIGN = (
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"%PDF", "PDF"),
    (b"%!PS", "PostScript"),
    (b"8BPS", "Photoshop"),
    (b"SIMPLE  =", "FITS"),
    (b"<svg", "SVG"),
    (b"<?xml", "XML or SVG"),
    (b"<!DOCTYPE", "HTML"),
    (b"PK\x03\x04", "ZIP"),
)
# Our own limit is checked as soon as the header is read; Pillow's is set beyond any that may be configured.
Image.MAX_IMAGE_PIXELS = 1 << 31


class RefusedImage(ValueError):
    """The file is not taken; `reason` is for people, `code` for programs."""

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


@dataclass(frozen=True)
class Limits:
    """The largest image that is decoded."""

    max_pixels: int = 100_000_000
    max_side: int = 32_768


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Header:
    """What the header says, before any pixel is decoded; (height, width) as stored, not yet upright."""

    format: str
    media_type: str
    height: int
    width: int
    lossless: bool


@dataclass(frozen=True)
class Picture:
    """A decoded image: upright RGB pixels (height, width, 3), and the file that shows them.

    `shown` are the bytes for browsers and exports, `suffix` is "jpg" or "png".
    """

    rgb: Pixels
    shown: bytes
    suffix: str


def inspect(path: Path, limits: Limits = DEFAULT_LIMITS) -> Header:
    """Read the header only. Raises RefusedImage: empty, unsupported_format, broken, too_many_pixels."""
    with path.open("rb") as file:
        head = file.read(64)
    kind = _kind(head)
    lossless = kind in ("PNG", "TIFF") or (kind == "WEBP" and b"VP8L" in head)
    with _open(path) as image:
        _check_size(image, limits)
        return Header(kind, MEDIA_TYPES[kind], image.height, image.width, lossless)


def read(path: Path, limits: Limits = DEFAULT_LIMITS) -> Picture:
    """Decode a file. Raises RefusedImage for everything that cannot be read to its end."""
    header = inspect(path, limits)
    rgb, untouched = _upright_rgb(path)
    if untouched:
        content = path.read_bytes()
        try:
            if header.format == "JPEG":
                return Picture(rgb, bare_jpeg(content), "jpg")
            return Picture(rgb, bare_png(content), "png")
        except BrokenImage:  # more liberal readers than ours can show it: store what was decoded
            return Picture(rgb, *_encoded(rgb, lossless=header.format == "PNG"))
    return Picture(rgb, *_encoded(rgb, lossless=header.lossless))


def thumbnail(rgb: Pixels) -> bytes:
    """WebP whose longer side has at most THUMBNAIL_SIDE pixels."""
    image = Image.fromarray(rgb)
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BICUBIC, reducing_gap=2.0)
    out = io.BytesIO()
    image.save(out, "WEBP", quality=80, method=4)
    return out.getvalue()


def _kind(head: bytes) -> str:
    """The format by its first bytes."""
    if not head:
        raise RefusedImage("The file is empty.", "empty")
    for signature, kind in SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    taken = "JPEG, PNG, WebP and TIFF are taken."
    if head[4:8] == b"ftyp":
        kind = "HEIC or AVIF" if head[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"avif") else "a video"
        raise RefusedImage(f"This is {kind}; {taken}", "unsupported_format")
    for signature, name in FOREIGN:
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(signature):
            raise RefusedImage(f"This is a {name} file; {taken}", "unsupported_format")
    raise RefusedImage(f"This is not an image of a known kind; {taken}", "unsupported_format")


def _open(path: Path) -> ImageFile:
    """Raises RefusedImage, whatever it is that Pillow stumbles over."""
    try:
        opened = Image.open(path, formats=tuple(MEDIA_TYPES))
    except Image.DecompressionBombError as error:
        raise RefusedImage("The image has more pixels than can be read.", "too_many_pixels") from error
    except Exception as error:  # Pillow's parsers raise anything on made-up headers
        raise RefusedImage("The file is damaged: its header cannot be read.", "broken") from error
    assert isinstance(opened, ImageFile)
    return opened


def _loaded(image: ImageFile) -> ImageFile:
    """The image decoded to its last pixel, its file closed; raises RefusedImage."""
    try:
        with image:  # closes the file; the pixels stay
            image.load()
    except Exception as error:  # decoders raise anything on made-up data
        raise _undecodable(error) from error
    return image


def _check_size(image: Image.Image, limits: Limits) -> None:
    if min(image.size) < 1:
        raise RefusedImage("The image has no pixels.", "broken")
    if max(image.size) > limits.max_side:
        reason = f"A side of {max(image.size)} pixels is longer than {limits.max_side}, the most that is read."
        raise RefusedImage(reason, "too_many_pixels")
    if image.width * image.height > limits.max_pixels:
        size = f"{image.width} x {image.height}"
        reason = f"{size} pixels are more than {limits.max_pixels / 1e6:.0f} million, the most that is read."
        raise RefusedImage(reason, "too_many_pixels")


def _undecodable(error: Exception) -> RefusedImage:
    told = str(error).lower()
    if isinstance(error, MemoryError | OverflowError) or "out of memory" in told:
        return RefusedImage("The image needs more memory than there is.", "too_large")
    if isinstance(error, EOFError) or "truncat" in told or "not enough" in told or "incomplete" in told:
        return RefusedImage("The file is cut off: it ends before the picture does.", "truncated")
    return RefusedImage("The file is damaged: its pixels cannot be decoded.", "broken")


def _upright_rgb(path: Path) -> tuple[Pixels, bool]:
    """Pixels by the rules above, and whether the file's own bytes show just these to a browser."""
    opened = _open(path)
    raw_modes = {_raw_mode(tile) for tile in opened.tile}
    image: Image.Image = _loaded(opened)
    orientation = 1 if isinstance(image, TiffImageFile) else _orientation(image)  # Pillow turns TIFFs itself
    deep = raw_modes <= SIXTEEN_BIT_COLOUR and bool(raw_modes)
    plain = image.format in ("JPEG", "MPO", "PNG") and image.mode in ("RGB", "L", "P", "1") and orientation == 1
    plain = plain and not deep and "transparency" not in image.info
    profile = image.info.get("icc_profile")
    if deep:
        image = _reduced_colour(image, path)
    elif image.mode.startswith(("I", "F")):
        image = Image.fromarray(to_8_bits(np.asarray(image)))
    converted = _in_srgb(image, profile)
    plain = plain and converted is image
    upright = converted.transpose(TURNS[orientation]) if orientation in TURNS else converted
    return np.array(_over_white(upright).convert("RGB")), plain


def _orientation(image: Image.Image) -> int:
    """EXIF's 1 to 8; 1 where there is none that can be read."""
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # noqa: BLE001 - damaged metadata must not keep a good picture out
        return 1
    return value if isinstance(value, int) and value in TURNS else 1


def _raw_mode(tile: Any) -> str:
    arguments = tile[3]
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def _reduced_colour(high: Image.Image, path: Path) -> Image.Image:
    """16-bit colour as 8-bit. Pillow decodes the upper bytes only; read in the other byte order it gives the lower."""
    other = _open(path)
    other.tile = [tile._replace(args=_other_order(tile.args)) for tile in other.tile]
    try:
        with other:
            low = np.asarray(other)
    except Exception as error:  # decoders raise anything on made-up data
        raise _undecodable(error) from error
    upper = np.asarray(high)
    values = (upper[..., :3].astype(np.uint16) << 8) | low[..., :3]
    reduced = to_8_bits(values)
    if upper.shape[2] == 4 and high.mode == "RGBA":
        return Image.fromarray(np.dstack([reduced, upper[..., 3]]), "RGBA")
    return Image.fromarray(reduced)


def _other_order(arguments: Any) -> Any:
    """A decoder's arguments with the byte order of its raw mode exchanged; N is this machine's own."""
    if isinstance(arguments, tuple):
        return (_other_order(arguments[0]), *arguments[1:])
    little = arguments.endswith("L") or (arguments.endswith("N") and sys.byteorder == "little")
    return arguments[:-1] + ("B" if little else "L")


def to_8_bits(values: NDArray[Any]) -> Pixels:
    """Integers or floats as 8 bits by the rule in the head of this file; the shape stays."""
    if values.dtype.kind in "iu":
        low, high = int(values.min()), int(values.max())
        if low >= 0 and high <= 0xFFFF:
            steps = np.arange(0x10000, dtype=np.int64)
            if high >= UPPER_HALF:
                low, high = 0, 0xFFFF
            table = (np.clip(steps - low, 0, high - low) * 255 + (high - low) // 2) // max(high - low, 1)
            reduced: Pixels = table.astype(np.uint8)[values]
            return reduced
    finite = np.isfinite(values)
    known = values[finite].astype(np.float64)
    low_value, high_value = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    scaled = np.zeros(values.shape, np.uint8)
    if high_value > low_value:
        # Halved before subtracting, so that the widest floats do not overflow.
        share = (known / 2 - low_value / 2) / (high_value / 2 - low_value / 2)
        scaled[finite] = np.rint(share * 255).astype(np.uint8)
    return scaled


def _in_srgb(image: Image.Image, profile: object) -> Image.Image:
    """Converted from the embedded profile to sRGB, or the image itself where there is nothing to convert."""
    if not isinstance(profile, bytes) or image.mode not in ("RGB", "RGBA", "CMYK"):
        return image
    try:
        embedded = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(embedded).lower():
            return image
        colours = image.convert("RGB") if image.mode == "RGBA" else image
        converted = ImageCms.profileToProfile(colours, embedded, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    if converted is not None and image.mode == "RGBA":
        converted.putalpha(image.getchannel("A"))
    return converted or image


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode not in ("RGBA", "LA", "PA", "RGBa", "La") and "transparency" not in image.info:
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)


def _encoded(rgb: Pixels, lossless: bool) -> tuple[bytes, str]:
    """(bytes, suffix) of a file that shows these pixels: PNG from lossless sources, else JPEG that loses little."""
    image, out = Image.fromarray(rgb), io.BytesIO()
    if lossless or max(image.size) > JPEG_MAX_SIDE:
        image.save(out, "PNG", compress_level=PNG_LEVEL)
        return out.getvalue(), "png"
    image.save(out, "JPEG", quality=JPEG_QUALITY, subsampling="4:4:4")
    return out.getvalue(), "jpg"
