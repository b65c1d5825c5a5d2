"""Pictures as pixels: every kind of file that is taken, against pixels that are known."""

import io
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from backend import images
from backend.images import Limits, Picture
from tests import pictures

DEFAULT = Limits()


def read(tmp_path: Path, content: bytes, limits: Limits = DEFAULT) -> Picture:
    path = tmp_path / "picture"
    path.write_bytes(content)
    return images.read(path, limits)


def shown_pixels(picture: Picture) -> NDArray[np.uint8]:
    """What a browser gets to see."""
    with Image.open(io.BytesIO(picture.shown)) as image:
        assert image.format == {"jpg": "JPEG", "png": "PNG"}[picture.suffix]
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("PNG", {"interlace": 1}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("WEBP", {"lossless": True}),
    ],
)
def test_lossless_colour_keeps_every_pixel(tmp_path: Path, kind: str, options: dict[str, object]) -> None:
    picture = read(tmp_path, pictures.encoded(pictures.scene(), kind, **options))
    np.testing.assert_array_equal(picture.rgb, pictures.scene())
    np.testing.assert_array_equal(shown_pixels(picture), pictures.scene())


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_colour_is_close_and_shown_as_decoded(tmp_path: Path, kind: str) -> None:
    picture = read(tmp_path, pictures.encoded(pictures.scene(), kind, quality=95))
    assert np.abs(picture.rgb.astype(int) - pictures.scene()).mean() < 4
    assert picture.suffix == "jpg"
    assert np.abs(picture.rgb.astype(int) - shown_pixels(picture)).mean() < 2


@pytest.mark.parametrize("mode", ["L", "1", "P"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_grey_bilevel_and_palette_become_rgb(tmp_path: Path, kind: str, mode: str) -> None:
    image = Image.fromarray(pictures.scene()).convert(mode)
    picture = read(tmp_path, pictures.encoded(image, kind))
    np.testing.assert_array_equal(picture.rgb, np.asarray(image.convert("RGB")))
    np.testing.assert_array_equal(shown_pixels(picture), picture.rgb)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_of_jpeg_is_applied(tmp_path: Path, orientation: int) -> None:
    stored = pictures.stored_turned(pictures.scene(), orientation)
    content = pictures.encoded(stored, "JPEG", quality=98, exif=pictures.turned_exif(orientation), subsampling=0)
    picture = read(tmp_path, content)
    assert picture.rgb.shape == (pictures.HEIGHT, pictures.WIDTH, 3)
    assert np.abs(picture.rgb.astype(int) - pictures.scene()).mean() < 3
    assert shown_pixels(picture).shape == picture.rgb.shape


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_tiff_is_applied_once(tmp_path: Path, orientation: int) -> None:
    stored = pictures.stored_turned(pictures.scene(), orientation)
    picture = read(tmp_path, pictures.encoded(stored, "TIFF", tiffinfo={274: orientation}))
    np.testing.assert_array_equal(picture.rgb, pictures.scene())


@pytest.mark.parametrize("orientation", [3, 6])
def test_orientation_of_png_and_webp_is_applied(tmp_path: Path, orientation: int) -> None:
    stored = pictures.stored_turned(pictures.scene(), orientation)
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True})):
        content = pictures.encoded(stored, kind, exif=pictures.turned_exif(orientation), **options)
        np.testing.assert_array_equal(read(tmp_path, content).rgb, pictures.scene())


def test_16_bit_grey_that_uses_its_range_keeps_its_scale(tmp_path: Path) -> None:
    values = np.linspace(0, 40_000, 40 * 60).reshape(40, 60).astype(np.uint16)
    expected = values.astype(float) * 255 / 65_535
    picture = read(tmp_path, pictures.png_of_16_bits(values))
    np.testing.assert_allclose(picture.rgb[..., 0], expected, atol=0.51)
    assert picture.rgb[..., 0].max() == 156
    np.testing.assert_array_equal(picture.rgb, read(tmp_path, pictures.encoded(values, "TIFF")).rgb)


def test_16_bit_grey_that_uses_few_values_is_stretched(tmp_path: Path) -> None:
    values = np.linspace(1000, 4095, 40 * 60).reshape(40, 60).astype(np.uint16)
    expected = (values.astype(float) - 1000) * 255 / 3095
    for content in (pictures.png_of_16_bits(values), pictures.encoded(values, "TIFF")):
        rgb = read(tmp_path, content).rgb
        np.testing.assert_allclose(rgb[..., 1], expected, atol=0.51)


def test_16_bit_colour_is_stretched_with_one_scale_for_all_channels(tmp_path: Path) -> None:
    values = (pictures.scene().astype(np.uint16) * 12) + 100
    expected = (values.astype(float) - values.min()) * 255 / (values.max() - values.min())
    contents = [
        pictures.png_of_16_bits(values),
        pictures.tiff_of_16_bits(values),
        pictures.tiff_of_16_bits(values, big_endian=True),
    ]
    for content in contents:
        np.testing.assert_allclose(read(tmp_path, content).rgb, expected, atol=0.51)


def test_16_bit_colour_over_the_full_range_keeps_its_scale(tmp_path: Path) -> None:
    values = pictures.scene().astype(np.uint16) * 257
    np.testing.assert_array_equal(read(tmp_path, pictures.png_of_16_bits(values)).rgb, pictures.scene())


def test_16_bit_colour_with_alpha_is_laid_over_white(tmp_path: Path) -> None:
    values = np.dstack([pictures.scene().astype(np.uint16) * 257, np.full((40, 60), 65_535, np.uint16)])
    values[:5, :, 3] = 0
    rgb = read(tmp_path, pictures.png_of_16_bits(values)).rgb
    assert (rgb[:5] == 255).all()
    np.testing.assert_array_equal(rgb[5:], pictures.scene()[5:])


def test_float_tiff_goes_from_smallest_to_largest_and_ignores_what_is_not_finite(tmp_path: Path) -> None:
    values = np.linspace(-3, 5, 40 * 60).reshape(40, 60).astype(np.float32)
    values[0, 0], values[39, 59] = np.nan, np.inf
    rgb = read(tmp_path, pictures.encoded(values, "TIFF")).rgb
    assert rgb[0, 0, 0] == 0 and rgb[39, 59, 0] == 0
    assert rgb[0, 1, 0] == 0 and rgb[39, 58, 0] == 255


@pytest.mark.parametrize("value", [0, 7, 65_535])
def test_a_constant_picture_of_16_bits_is_no_division_by_zero(tmp_path: Path, value: int) -> None:
    rgb = read(tmp_path, pictures.png_of_16_bits(np.full((4, 5), value, np.uint16))).rgb
    assert set(np.unique(rgb)) == {255 if value == 65_535 else 0}


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_alpha_is_laid_over_white(tmp_path: Path, kind: str) -> None:
    rgba = np.dstack([pictures.scene(), np.full((40, 60), 255, np.uint8)])
    rgba[:10, :, 3] = 0
    rgba[10:20, :, 3] = 128
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    rgb = read(tmp_path, pictures.encoded(rgba, kind, **options)).rgb
    assert (rgb[:10] == 255).all()
    half = pictures.scene()[10:20] * (128 / 255) + 255 * (127 / 255)
    np.testing.assert_allclose(rgb[10:20], half, atol=1.5)
    np.testing.assert_array_equal(rgb[20:], pictures.scene()[20:])


def test_transparent_palette_and_colour_key_are_laid_over_white(tmp_path: Path) -> None:
    palette = Image.fromarray(pictures.scene()).convert("P", palette=Image.Palette.ADAPTIVE, colors=8)
    index = palette.getpixel((5, 5))
    rgb = read(tmp_path, pictures.encoded(palette, "PNG", transparency=index)).rgb
    assert (rgb[5, 5] == 255).all()
    key = tuple(int(value) for value in pictures.scene()[5, 5])
    keyed = read(tmp_path, pictures.encoded(pictures.scene(), "PNG", transparency=key)).rgb
    assert (keyed[5, 5] == 255).all()
    assert not (keyed[30, 30] == 255).all()


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    image = Image.fromarray(pictures.scene()).convert("CMYK")
    for kind, options in (("TIFF", {}), ("JPEG", {"quality": 98})):
        picture = read(tmp_path, pictures.encoded(image, kind, **options))
        assert np.abs(picture.rgb.astype(int) - pictures.scene()).mean() < 4
        assert np.asarray(Image.open(io.BytesIO(picture.shown))).shape[2] == 3


def test_a_profile_other_than_srgb_is_converted(tmp_path: Path) -> None:
    """rocket.jpg is in Adobe RGB; the formulas of both standards are the oracle."""
    place = find_spec("skimage")
    assert place is not None and place.submodule_search_locations
    path = Path(place.submodule_search_locations[0], "data", "rocket.jpg")
    with Image.open(path) as image:
        stored = np.asarray(image).astype(float) / 255
    adobe = np.array(
        [[0.5767309, 0.1855540, 0.1881852], [0.2973769, 0.6273491, 0.0752741], [0.0270343, 0.0706872, 0.9911085]]
    )
    srgb = np.array(
        [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
    )
    linear = np.clip(stored**2.19921875 @ adobe.T @ srgb.T, 0, 1)
    expected = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    rgb = images.read(path).rgb
    assert np.abs(rgb - expected).mean() < 1.5
    assert np.abs(stored * 255 - expected).mean() > 2 * np.abs(rgb - expected).mean()


def test_of_several_pages_the_first_is_taken(tmp_path: Path) -> None:
    pages = [Image.fromarray(pictures.scene(seed=seed)) for seed in (0, 100)]
    out = io.BytesIO()
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:])
    np.testing.assert_array_equal(read(tmp_path, out.getvalue()).rgb, pictures.scene())


def test_shown_bytes_carry_no_metadata_and_nothing_appended(tmp_path: Path) -> None:
    page = b"<html><script>alert(1)</script></html>"
    for kind in ("JPEG", "PNG"):
        content = pictures.encoded(pictures.scene(), kind, exif=pictures.turned_exif(1)) + page
        picture = read(tmp_path, content)
        assert b"taken at" in content and b"taken at" not in picture.shown
        assert page not in picture.shown
        np.testing.assert_array_equal(shown_pixels(picture), picture.rgb)


def test_a_progressive_jpeg_with_restarts_is_kept_bit_for_bit(tmp_path: Path) -> None:
    content = pictures.jpeg(progressive=True, restart_marker_rows=1)
    picture = read(tmp_path, content)
    with Image.open(io.BytesIO(content)) as image:
        np.testing.assert_array_equal(shown_pixels(picture), np.asarray(image))


def test_pixel_digest_depends_on_pixels_and_shape_only(tmp_path: Path) -> None:
    rgb = pictures.scene()
    digest = images.pixel_digest(rgb)
    assert digest == images.pixel_digest(read(tmp_path, pictures.png()).rgb)
    assert digest == images.pixel_digest(read(tmp_path, pictures.encoded(rgb, "TIFF")).rgb)
    assert digest != images.pixel_digest(rgb.reshape(60, 40, 3))
    changed = rgb.copy()
    changed[0, 0, 0] ^= 1
    assert digest != images.pixel_digest(changed)
    # Written down once: a change of the rule would orphan every stored embedding.
    known = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert images.pixel_digest(known) == "6acde2b0e26952f6cfd909bad95dad5ad4e317434d1d21bf86245a400b83e0be"


def test_pixel_digest_takes_rgb_only() -> None:
    with pytest.raises(ValueError, match="uint8"):
        images.pixel_digest(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        images.pixel_digest(np.zeros((4, 4, 3), np.float32))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(1, 1), (10, 2000), (2000, 10), (400, 700)])
def test_thumbnails_fit_and_keep_the_shape(size: tuple[int, int]) -> None:
    height, width = size
    with Image.open(io.BytesIO(images.thumbnail(pictures.scene(height, width)))) as small:
        assert small.format == "WEBP"
        assert max(small.size) == min(320, max(size))
        assert min(small.size) >= 1
        if min(size) > 100:
            assert small.width / small.height == pytest.approx(width / height, rel=0.01)
