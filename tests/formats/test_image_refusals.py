"""Files that are not taken: each with a reason and a code, and never with anything but RefusedImage."""

import io
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend import images
from backend.image_bytes import BrokenImage, bare_jpeg, bare_png
from backend.images import Limits, RefusedImage
from tests import pictures

DEFAULT = Limits()


def refusal(tmp_path: Path, content: bytes, limits: Limits = DEFAULT) -> RefusedImage:
    path = tmp_path / "picture.jpg"
    path.write_bytes(content)
    with pytest.raises(RefusedImage) as caught:
        images.read(path, limits)
    assert len(caught.value.reason) > 10 and caught.value.reason.endswith(".")
    return caught.value


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("picture.jpg", pictures.jpeg())
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (pictures.encoded(pictures.scene(), "GIF"), "GIF"),
        (pictures.encoded(pictures.scene(), "BMP"), "BMP"),
        (pictures.encoded(pictures.scene(), "PDF"), "PDF"),
        (pictures.encoded(pictures.scene(), "EPS"), "PostScript"),
        (b"8BPS" + b"\0" * 60, "Photoshop"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "SVG"),
        (b'\xef\xbb\xbf  <?xml version="1.0"?><svg/>', "XML"),
        (b"<!DOCTYPE html><script>alert(1)</script>", "HTML"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 60, "HEIC"),
        (b"\0\0\0\x18ftypmp42" + b"\0" * 60, "video"),
        (zipped(), "ZIP"),
        (b"not an image at all", "known kind"),
        (b"\x7fELF" + b"\0" * 60, "known kind"),
    ],
)
def test_other_kinds_are_refused_by_their_name(tmp_path: Path, content: bytes, named: str) -> None:
    refused = refusal(tmp_path, content)
    assert refused.code == "unsupported_format"
    assert named in refused.reason


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, b"").code == "empty"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_files_that_are_cut_off_are_refused(tmp_path: Path, kind: str, kept: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    content = pictures.encoded(noise, kind)
    assert refusal(tmp_path, content[: int(len(content) * kept)]).code in ("truncated", "broken")


@pytest.mark.parametrize("head", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"RIFF\x10\0\0\0WEBP"])
def test_a_right_beginning_with_nothing_behind_is_broken(tmp_path: Path, head: bytes) -> None:
    assert refusal(tmp_path, head).code == "broken"
    assert refusal(tmp_path, head + b"\0" * 40).code == "broken"


def test_the_size_is_checked_before_pixels_are_decoded(tmp_path: Path) -> None:
    refused = refusal(tmp_path, pictures.png_that_claims(20_000, 20_000))
    assert refused.code == "too_many_pixels" and "100 million" in refused.reason
    assert refusal(tmp_path, pictures.png_that_claims(40_000, 10)).code == "too_many_pixels"
    assert refusal(tmp_path, pictures.png_that_claims(2**31 - 1, 2**31 - 1)).code == "too_many_pixels"
    limits = Limits(max_pixels=pictures.HEIGHT * pictures.WIDTH - 1)
    assert refusal(tmp_path, pictures.png(), limits).code == "too_many_pixels"
    path = tmp_path / "fits.png"
    path.write_bytes(pictures.png())
    assert images.read(path, Limits(max_pixels=pictures.HEIGHT * pictures.WIDTH)).rgb.shape == (40, 60, 3)


def test_a_header_is_read_without_decoding(tmp_path: Path) -> None:
    path = tmp_path / "claims.png"
    path.write_bytes(pictures.png_that_claims(5000, 4000))
    header = images.inspect(path)
    assert (header.format, header.media_type, header.height, header.width) == ("PNG", "image/png", 4000, 5000)


def test_a_picture_that_is_also_a_page_is_stored_as_a_picture_only(tmp_path: Path) -> None:
    """SEC-07: a comment, an EXIF block and a tail that would be HTML are gone from what is served."""
    script = b"<script>alert(1)</script>"
    out = io.BytesIO()
    Image.fromarray(pictures.scene()).save(out, "JPEG", comment=script, exif=pictures.turned_exif(1))
    path = tmp_path / "both.jpg"
    path.write_bytes(out.getvalue() + script)
    assert out.getvalue().count(script) == 1
    assert script not in images.read(path).shown


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_damaged_files_are_read_or_refused_but_nothing_else_happens(tmp_path: Path, kind: str) -> None:
    """Bytes flipped anywhere, 150 times a kind: no exception but RefusedImage, no picture beyond the limits."""
    whole = pictures.encoded(pictures.scene(24, 32), kind)
    dice = random.Random(kind)
    outcomes = {"read": 0, "refused": 0}
    path = tmp_path / "damaged"
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(dice.choice((1, 3, 10))):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        path.write_bytes(bytes(damaged))
        try:
            picture = images.read(path, Limits(max_pixels=200_000, max_side=4000))
        except RefusedImage:
            outcomes["refused"] += 1
        else:
            outcomes["read"] += 1
            assert picture.rgb.shape[0] * picture.rgb.shape[1] <= 200_000
    assert outcomes["refused"] > 0


def test_the_bare_readers_refuse_what_is_not_well_formed() -> None:
    jpeg, png = pictures.jpeg(), pictures.png()
    for broken in (b"", png, jpeg[:-2], jpeg[:20], b"\xff\xd8" + b"\0" * 20, b"\xff\xd8\xff\xd9"):
        with pytest.raises(BrokenImage):
            bare_jpeg(broken)
    for broken in (b"", jpeg, png[:-12], png[:20]):
        with pytest.raises(BrokenImage):
            bare_png(broken)
