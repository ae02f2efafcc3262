"""Damaged, forged, turned and hostile files."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from spectral_sched.errors import ImageError
from spectral_sched.images import decode as decode_module
from spectral_sched.images import limits
from spectral_sched.images.decode import EXIF_ORIENTATION, decode
from spectral_sched.images.formats import jpeg
from spectral_sched.images.limits import MAX_PIXELS, check_size
from spectral_sched.images.pixels import load_pixels
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.images.raster import array_of, orient
from spectral_sched.spectra.periodogram import ring_powers
from tests.support.helpers import ROOT, SHARED, needs_shared
from tests.support.picture_files import encoded_picture, png_chunk, png_file, writable

RNG = np.random.default_rng(1)
PICTURE = RNG.integers(0, 256, (12, 20, 3), np.uint8)
SETTINGS = make_preprocessing()


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[EXIF_ORIENTATION] = orientation
    return tags.tobytes()


def jpeg_file(picture: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, "jpeg", **options)
    return file.getvalue()


def lying(picture: np.ndarray, orientation: int) -> np.ndarray:
    """Return the stored image that an orientation turns upright."""
    inverse = {6: 8, 8: 6}.get(orientation, orientation)
    return np.ascontiguousarray(orient(picture, inverse))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_pictures_have_the_upright_spectrum(orientation: int) -> None:
    upright = load_pixels(encoded_picture(PICTURE), "x", SETTINGS)
    stored = lying(PICTURE, orientation)
    assert (stored.shape[0] == 20) == (orientation >= 5)
    expected = ring_powers(upright.scaled(), precision="float64")
    for kind in writable("png", "webp", "tiff", "avif"):
        options: dict[str, Any] = {"lossless": True} if kind == "webp" else {}
        if kind == "avif":
            options = {"quality": 100, "subsampling": "4:4:4"}
        data = encoded_picture(stored, kind, exif=exif(orientation), **options)
        pixels = load_pixels(data, "x", SETTINGS)
        if kind == "avif":
            difference = pixels.values.astype(int) - upright.values
            assert np.abs(difference).max() <= 3
            continue
        assert pixels.key() == upright.key()
        powers = ring_powers(pixels.scaled(), precision="float64")
        np.testing.assert_allclose(powers.power, expected.power, rtol=1e-12)


def test_orientation_after_the_pixels_of_a_png() -> None:
    data = png_file(lying(PICTURE, 6))
    late = data[:-12] + png_chunk(b"eXIf", exif(6)[6:]) + data[-12:]
    pixels = load_pixels(late, "x", SETTINGS)
    assert np.array_equal(pixels.values.transpose(1, 2, 0), PICTURE)


def test_deep_and_transparent_pictures_are_turned_too() -> None:
    deep = RNG.integers(0, 65536, (6, 9, 4), np.uint16)
    data = png_file(lying(deep, 8), [(b"eXIf", exif(8)[6:])])
    pixels = load_pixels(data, "x", SETTINGS)
    assert pixels.key() == load_pixels(png_file(deep), "x", SETTINGS).key()


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_meaningless_orientations_are_ignored(orientation: int) -> None:
    data = encoded_picture(PICTURE, exif=exif(orientation))
    assert load_pixels(data, "x", SETTINGS).values.shape == (3, 12, 20)


@needs_shared
def test_shared_exif_pictures_are_upright() -> None:
    folder = SHARED / "exif"
    upright = load_pixels(folder / "Landscape_1.jpg", "1", SETTINGS).values.astype(int)
    for path in folder.glob("*.jpg"):
        stored = load_pixels(path, path.name, SETTINGS).values
        assert stored.shape == upright.shape
        assert np.abs(stored - upright).mean() < 4


def kind_of(name: str) -> tuple[int, int]:
    """Return the channels and the bits of a file of PngSuite, as its name tells."""
    return 1 if name[4] in "04" else 3, int(name[6:8])


@needs_shared
def test_png_suite() -> None:
    damaged, sizes = {}, {}
    for path in sorted((SHARED / "pngsuite").glob("*.png")):
        try:
            pixels = load_pixels(path, path.name, SETTINGS)
        except ImageError as error:
            damaged[path.name] = str(error)
            continue
        channels, bits = kind_of(path.name)
        assert len(pixels.values) == channels, path.name
        assert pixels.high == (65535 if bits == 16 else 255), path.name
        scaled = pixels.scaled()
        assert -1 <= scaled.min() <= scaled.max() <= 1
        sizes[path.name] = pixels.values.shape[:0:-1]
    assert len(sizes) == 161
    for name, size in sizes.items():
        if name.startswith("s") and name[1:3].isdigit():
            assert size == (int(name[1:3]),) * 2
        elif name.startswith("cd"):
            sides = {"cdfn": (8, 32), "cdhn": (32, 8), "cdsn": (8, 8)}
            assert size == sides.get(name[:4], (32, 32))
        else:
            assert size == (32, 32)
    assert len(damaged) == 14
    assert all(name.startswith("x") for name in damaged)
    assert all(message.startswith(name) for name, message in damaged.items())


@needs_shared
def test_pixels_of_the_png_suite_are_those_of_pillow() -> None:
    compared = 0
    for path in sorted((SHARED / "pngsuite").glob("bas[in]*08.png")):
        with Image.open(path) as image:
            if image.mode not in ("L", "RGB", "P"):
                continue
            expected = np.asarray(image.convert("RGB"))
        stored = load_pixels(path, "x", make_preprocessing(color="rgb")).values
        assert np.array_equal(stored.transpose(1, 2, 0), expected)
        compared += 1
    assert compared == 6


def test_a_wrong_checksum_is_damage() -> None:
    data = bytearray(png_file(PICTURE))
    data[data.find(b"IDAT") + 20] ^= 1
    with pytest.raises(ImageError, match="x is damaged: broken PNG") as caught:
        decode(bytes(data), "x")
    assert caught.value.reason == "damaged"


def test_colours_of_a_palette_that_is_not_there_are_damage() -> None:
    file = io.BytesIO()
    Image.new("P", (4, 4), 3).save(file, "png")
    data = file.getvalue()
    start = data.find(b"PLTE") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4])
    for settings in (SETTINGS, make_preprocessing(color="luma", resolution=2)):
        with pytest.raises(ImageError, match="x is damaged: it has no palette") as told:
            load_pixels(data[:start] + data[end:], "x", settings)
        assert told.value.reason == "damaged"


@pytest.mark.parametrize(
    "kind", ["png", "jpeg", "gif", "bmp", "tiff", "webp", "ppm", "tga", "jpeg2000"]
)
def test_cut_files_are_refused(kind: str) -> None:
    data = encoded_picture(np.tile(PICTURE, (8, 8, 1)), kind)
    for share in (0.05, 0.5, 0.9):
        with pytest.raises(ImageError, match="x is damaged"):
            decode(data[: int(len(data) * share)], "x")


@pytest.mark.parametrize("side", [1 << 14, 1 << 20, (1 << 31) - 1])
def test_forged_sizes_are_refused_before_anything_is_allocated(side: int) -> None:
    data = png_file(PICTURE, size=(side, side))
    with pytest.raises(ImageError, match=r"x (has|claims|is)"):
        decode(data, "x")


def test_limits_are_those_stated() -> None:
    check_size(1 << 12, 1 << 12, 10, "small")
    check_size(1 << 13, 1 << 13, 1 << 14, "blank page")
    with pytest.raises(ImageError, match="forged or a decompression bomb"):
        check_size(1 << 13, 1 << 13, (1 << 14) - 1, "bomb")
    with pytest.raises(ImageError, match=f"more than {MAX_PIXELS}") as caught:
        check_size(MAX_PIXELS + 1, 1, 1 << 27, "large")
    assert caught.value.reason == "too large"


@pytest.mark.parametrize(
    ("side", "match"),
    [
        (1 << 13, r"claims 8192x8192 pixels in \d{4} bytes"),
        (12_000, "has 12000x12000 pixels, more than"),
        (1 << 15, "too large to decode"),
    ],
)
def test_a_bomb_is_refused(side: int, match: str) -> None:
    # Black pixels of 1 bit deflate to a thousandth.
    squeezer = zlib.compressobj(9)
    row = b"\0" * (1 + side // 8)
    content = b"".join(squeezer.compress(row) for _ in range(side)) + squeezer.flush()
    header = struct.pack(">2L5B", side, side, 1, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header)
    data += png_chunk(b"IDAT", content) + png_chunk(b"IEND", b"")
    assert len(data) < 200_000
    with pytest.raises(ImageError, match=match):
        decode(data, "x")


def test_programs_are_not_run(tmp_path: Path) -> None:
    # Pillow would hand PostScript to Ghostscript, whatever the file is called.
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshow\n"
    path = tmp_path / "innocent.png"
    path.write_bytes(script)
    with pytest.raises(ImageError, match="not an image") as caught:
        load_pixels(path, path.name, SETTINGS)
    assert caught.value.reason == "not an image"


def test_warnings_of_pillow_do_not_reach_the_user() -> None:
    data = encoded_picture(PICTURE, "jpeg", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        decode(data, "x")
    assert not caught


@pytest.mark.parametrize("subsampling", [0, 1, 2, "4:1:1"])
@pytest.mark.parametrize("progressive", [False, True])
def test_both_jpeg_decoders_agree(
    subsampling: int | str, progressive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    smooth = Image.fromarray(PICTURE).resize((133, 77), Image.Resampling.BICUBIC)
    pictures = (smooth, smooth.convert("L"), smooth.resize((1, 3)))
    for quality, picture in product((5, 60, 95), pictures):
        data = jpeg_file(
            picture, quality=quality, subsampling=subsampling, progressive=progressive
        )
        # The whole, and a half, a quarter and an eighth of its sides.
        for resolution in (None, 19, 9, 4):
            settings = make_preprocessing(resolution, fast=resolution is not None)
            strict = load_pixels(data, "x", settings)
            with monkeypatch.context() as patch:
                patch.setattr(jpeg, "strict_values", lambda *_: None)
                patch.setattr(decode_module, "plain_jpeg", lambda _: None)
                lenient = load_pixels(data, "x", settings)
            assert lenient.key() == strict.key()
            assert lenient.unchecked > strict.unchecked


@pytest.mark.parametrize("mode", ["CMYK", "RGB"])
def test_colors_that_are_stored_as_they_are(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    smooth = Image.fromarray(PICTURE).resize((133, 77), Image.Resampling.BICUBIC)
    options = {"keep_rgb": True} if mode == "RGB" else {}
    stored = jpeg_file(smooth.convert(mode), **options)
    # Adobe's segment says how colours are stored, and may be missing.
    place = stored.index(b"\xff\xee")
    for data in (stored, stored[:place] + stored[place + 16 :]):
        strict = decode(data, "x")
        assert not strict.unchecked
        monkeypatch.setattr(jpeg, "strict_values", lambda *_: None)
        lenient = decode(data, "x")
        monkeypatch.undo()
        assert np.array_equal(array_of(strict.values), array_of(lenient.values))


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_plain_jpegs_are_read_without_pillow(
    subsampling: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encoded_picture(PICTURE, "jpeg", subsampling=subsampling)
    slow = decode(data, "x", jpeg.Scaling(50, fast=True))
    monkeypatch.setattr("spectral_sched.images.decode.open_image", None)
    fast = decode(data, "x")
    assert np.array_equal(array_of(fast.values), array_of(slow.values))
    assert fast.subsampled == slow.subsampled == (subsampling > 0)


def test_headers_that_are_not_plain_are_left_to_pillow() -> None:
    data = encoded_picture(PICTURE, "jpeg")
    oriented = encoded_picture(PICTURE, "jpeg", exif=exif(6))
    short = data[:2] + b"\xff\xe0\0\x08JFIF\0\x01" + data[20:]
    assert jpeg.plain_jpeg(data) == (20, 12, "RGB", True)
    for other in (oriented, short, data[:300], data[:2], b"\xff\xd8\xff", b""):
        assert jpeg.plain_jpeg(other) is None
    assert decode(short, "x").size == decode(data, "x").size


def huge(monkeypatch: pytest.MonkeyPatch, most: int = 2000) -> None:
    """Make the limits those of small images."""
    monkeypatch.setattr(jpeg, "MAX_PIXELS", most)
    monkeypatch.setattr(decode_module, "MAX_PLAIN_PIXELS", most)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most // 2)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize(("side", "divisor"), [(65, 2), (150, 4)])
def test_huge_jpegs_are_decoded_at_a_fraction(
    mode: str, side: int, divisor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    smooth = Image.fromarray(PICTURE).resize((side + 6, side)).convert(mode)
    file = io.BytesIO()
    smooth.save(file, "jpeg", quality=95, exif=exif(6))
    huge(monkeypatch)
    resolution = side // divisor // 2
    settings = make_preprocessing(resolution, "none", "box")
    found = load_pixels(file.getvalue(), "x", settings).values
    with monkeypatch.context() as patch:
        patch.setattr(Image, "MAX_IMAGE_PIXELS", None)
        image = Image.open(file)
        image.draft(None, (side // divisor, side // divisor))
        assert image.size == (-(-(side + 6) // divisor), -(-side // divisor))
        turned = image.transpose(Image.Transpose.ROTATE_270)
    expected = turned.convert("L" if mode == "L" else "RGB").resize(
        found.shape[:0:-1], Image.Resampling.BOX
    )
    difference = found.transpose(1, 2, 0).squeeze().astype(int) - np.asarray(expected)
    assert np.abs(difference).max() <= 1
    assert found.std() > 10
    fast = make_preprocessing(resolution, "none", "box", fast=True)
    assert load_pixels(file.getvalue(), "x", fast).values.shape == found.shape


def test_huge_jpegs_that_cannot_be_scaled_so_far_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = encoded_picture(np.tile(PICTURE, (8, 8, 1)), "jpeg")
    huge(monkeypatch)
    match = r"x has 160x96 pixels, more than 2000; choose a --resolution of at most 12,"
    for resolution in (None, 13):
        with pytest.raises(ImageError, match=match) as caught:
            load_pixels(data, "x", make_preprocessing(resolution))
        assert caught.value.reason == "too large"
    assert load_pixels(data, "x", make_preprocessing(12)).values.shape == (3, 12, 12)


def test_huge_jpegs_in_passes_take_what_they_keep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    picture = np.tile(PICTURE, (8, 8, 1))
    settings = make_preprocessing(12)
    huge(monkeypatch)
    # Two bytes for each of 160x96 pixels and for a quarter of them, twice.
    monkeypatch.setattr(jpeg, "MAX_KEPT_BYTES", 46_079)
    plain = encoded_picture(picture, "jpeg", exif=exif(1))
    load_pixels(plain, "x", settings)
    passes = encoded_picture(picture, "jpeg", progressive=True)
    with pytest.raises(ImageError, match=r"x has 160x96 pixels in several passes"):
        load_pixels(passes, "x", settings)
    monkeypatch.setattr(jpeg, "MAX_KEPT_BYTES", 46_080)
    assert load_pixels(passes, "x", settings).values.std() > 1


def test_jpegs_in_passes_take_what_they_keep_at_full_size_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passes = encoded_picture(
        np.tile(PICTURE, (8, 8, 1)), "jpeg", progressive=True, subsampling=0
    )
    # Two bytes for each of 160x96 pixels, three times.
    kept = 160 * 96 * 6
    assert decode(passes, "x").size == (160, 96)
    for most, settings in product((kept - 1, kept), (None, 12)):
        monkeypatch.setattr(jpeg, "MAX_KEPT_BYTES", most)
        monkeypatch.setattr(decode_module, "MAX_PLAIN_PIXELS", most // 6)
        if most == kept:
            assert load_pixels(passes, "x", make_preprocessing(settings)).shape
            continue
        with pytest.raises(ImageError, match=r"x has 160x96 pixels in several passes"):
            load_pixels(passes, "x", make_preprocessing(settings))


@pytest.mark.parametrize("kind", writable("avif", "jpeg2000", "qoi", "webp"))
def test_formats_whose_decoders_take_much_have_fewer_pixels(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encoded_picture(PICTURE, kind)
    monkeypatch.setattr(decode_module, "MAX_HEAVY_PIXELS", 12 * 20)
    assert decode(data, "x").size == (20, 12)
    monkeypatch.setattr(decode_module, "MAX_HEAVY_PIXELS", 12 * 20 - 1)
    with pytest.raises(ImageError, match=r"x has 20x12 pixels, more than 239 of this"):
        decode(data, "x")


def test_mutated_files_end_no_process() -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "fuzz_images.py"), "--count", "300"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    result = json.loads(run.stdout)
    assert run.returncode == 0, result["failures"]
    assert sum(result["outcomes"].values()) == 300
    assert result["outcomes"]["damaged"] > 30
    assert result["most_memory_mb"] < 1000


def in_one_strip(**options: Any) -> bytes:
    return encoded_picture(LARGER, "tiff", strip_size=1 << 30, **options)


def deflated_tiff(values: np.ndarray, **options: Any) -> bytes:
    tifffile = pytest.importorskip("tifffile")
    file = io.BytesIO()
    tifffile.imwrite(file, values, compression="zlib", **options)
    return file.getvalue()


LARGER = np.tile(PICTURE, (8, 8, 1))
ROOM: dict[str, tuple[Callable[[], bytes], int]] = {
    # Bytes of a pixel, then of the largest strip, by the kinds of the file.
    "RGB;16": (lambda: png_file(LARGER.astype(np.uint16) * 257), 6 + 4),
    "LA;16": (lambda: png_file(LARGER[..., :2].astype(np.uint16)), 4 + 4),
    "one strip": (lambda: in_one_strip(compression="tiff_lzw"), 4 + 3),
    "one JPEG": (lambda: in_one_strip(compression="jpeg"), 4 + 3),
    "unpacked": (lambda: encoded_picture(LARGER, "tiff"), 4),
    "CMYK;16": (
        lambda: deflated_tiff(
            np.zeros((*LARGER.shape[:2], 4), np.uint16), photometric="separated"
        ),
        8 + 8,
    ),
}


@pytest.mark.parametrize("kind", ROOM)
def test_pictures_that_take_too_much_with_their_file_are_refused(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, per_pixel = ROOM[kind]
    data, num_pixels = make(), LARGER.shape[0] * LARGER.shape[1]
    needed = len(data) + per_pixel * num_pixels
    monkeypatch.setattr(limits, "MAX_AT_ONCE", needed + len(data))
    decode(data, "x")
    monkeypatch.setattr(limits, "MAX_AT_ONCE", needed - 1)
    with pytest.raises(ImageError, match=r"x takes \d+ MB to decode with its f") as no:
        decode(data, "x")
    assert no.value.reason == "too large"
    assert str(no.value).endswith("make it smaller first")
