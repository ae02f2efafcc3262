"""Text, profiles and EXIF, damaged or too long, beside pixels that are whole."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from spectral_sched.errors import ImageError
from spectral_sched.images.beside import without
from spectral_sched.images.decode import EXIF_ORIENTATION
from spectral_sched.images.pixels import load_pixels
from spectral_sched.images.preprocessing import make_preprocessing
from tests.support.picture_files import encoded_picture, png_chunk, png_file

SETTINGS = make_preprocessing()
PICTURE = np.random.default_rng(3).integers(0, 256, (12, 20, 3), np.uint8)
LONG = zlib.compress(b'{"node":1}' * 150_000)


def tags(orientation: int = 6) -> bytes:
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    return exif.tobytes()


GARBAGE = (
    b"Exif\0\0",
    b"Exif\0\0II*\0",
    b"Exif\0\0II*\0\xff\xff\xff\xff",
    b"Exif\0\0II*\0\x08\0\0\0\xff\xff",
    b"Exif\0\0no TIFF at all",
    tags()[:-20],
    b"\0" * 7,
)


def with_crc(chunk: bytes, wrong: bool) -> bytes:
    return chunk[:-4] + bytes(4) if wrong else chunk


def stored(data: bytes) -> np.ndarray:
    return load_pixels(data, "x", SETTINGS).values.transpose(1, 2, 0)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("wrong", [False, True])
@pytest.mark.parametrize(
    "chunk",
    [
        (b"zTXt", b"workflow\0\0" + LONG),
        (b"iTXt", b"workflow\0\1\0\0\0" + LONG),
        (b"iCCP", b"profile\0\0" + LONG),
        (b"iCCP", b"profile\0\7nothing"),
        (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n9\nxyz")),
        (b"tEXt", b"Raw profile type exif\0\nexif\n9\nxyz"),
        (b"zTXt", b"a\0\0not deflated"),
        (b"zTXt", b"a\0\7"),
        (b"pHYs", b"1"),
        (b"gAMA", b""),
        (b"cHRM", b"12345"),
        (b"sRGB", b""),
        (b"acTL", b"1"),
        (b"fcTL", b"1"),
        *((b"eXIf", exif[6:]) for exif in GARBAGE),
    ],
)
def test_a_png_is_read_whatever_is_beside_its_pixels(
    chunk: tuple[bytes, bytes], wrong: bool, late: bool
) -> None:
    data = png_file(PICTURE)
    place = -12 if late else 33
    data = data[:place] + with_crc(png_chunk(*chunk), wrong) + data[place:]
    assert np.array_equal(stored(data), PICTURE)


def test_long_text_leaves_the_orientation() -> None:
    chunks = [(b"zTXt", b"workflow\0\0" + LONG), (b"eXIf", tags()[6:])]
    assert np.array_equal(stored(png_file(PICTURE, chunks)), np.rot90(PICTURE, -1))


@pytest.mark.parametrize("kind", [b"IHDR", b"IDAT", b"tRNS", b"IEND"])
def test_a_png_with_damaged_pixels_is_refused(kind: bytes) -> None:
    text = (b"zTXt", b"workflow\0\0" + LONG)
    data = png_file(PICTURE, [text, (b"tRNS", bytes(6))])
    place = data.find(kind)
    end = place + 4 + int.from_bytes(data[place - 4 : place])
    wrong = data[:end] + bytes(4) + data[end + 4 :]
    for damaged in (wrong, data[: end + 2]):
        with pytest.raises(ImageError, match="x is damaged: broken PNG file") as caught:
            stored(damaged)
        assert caught.value.reason == "damaged"


def segment(marker: int, content: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


@pytest.mark.parametrize(
    "wrong",
    [
        segment(0xE0, b"JFIF\0"),
        segment(0xE2, b"MPF\0" + b"\xff" * 40),
        segment(0xE2, b"MPF\0II*\0\x08\0\0\0\1\0" + b"\7" * 12),
        segment(0xE2, b"ICC_PROFILE\0"),
        segment(0xE2, b"ICC_PROFILE\0\x05\x02" + b"x" * 40),
        segment(0xED, b"Photoshop 3.0\0" + b"8BIM\x03\xed"),
        segment(0xED, b"Photoshop 3.0\0" + b"8BIM\x03\xed\xff"),
        segment(0xEE, b"Adobe"),
        segment(0xFE, b"\xff\xfe"),
        *(segment(0xE1, exif) for exif in GARBAGE),
    ],
)
def test_a_jpeg_is_read_whatever_is_beside_its_pixels(wrong: bytes) -> None:
    data = encoded_picture(PICTURE, "jpeg")
    assert np.array_equal(stored(data[:2] + wrong + data[2:]), stored(data))
    assert np.array_equal(stored(data[:20] + wrong + data[20:]), stored(data))


def test_damage_beside_leaves_the_orientation_of_a_jpeg() -> None:
    plain = encoded_picture(PICTURE, "jpeg")
    turned = encoded_picture(PICTURE, "jpeg", exif=tags())
    wrong = segment(0xED, b"Photoshop 3.0\0" + b"8BIM\x03\xed")
    found = stored(turned[:2] + wrong + turned[2:])
    assert np.array_equal(found, np.rot90(stored(plain), -1))


def webp_chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<L", len(content)) + content + bytes(len(content) % 2)


@pytest.mark.parametrize("exif", GARBAGE)
def test_a_webp_is_read_whatever_is_beside_its_pixels(exif: bytes) -> None:
    data = encoded_picture(PICTURE, "webp", lossless=True, exif=exif, icc_profile=exif)
    assert np.array_equal(stored(data), PICTURE)


def test_a_webp_with_a_cut_chunk_at_its_end_is_read() -> None:
    data = encoded_picture(PICTURE, "webp", lossless=True, exif=tags(), xmp=b"x" * 99)
    expected = np.rot90(PICTURE, -1)
    assert np.array_equal(stored(data), expected)
    for cut in (1, 50, 99):
        assert np.array_equal(stored(data[:-cut]), expected)
    place = data.find(b"EXIF", 30)
    for end in (place + 4, place + 20):
        assert np.array_equal(stored(data[:end]), PICTURE)
    longer = data[: place + 4] + b"\xff\xff\xff\x7f" + data[place + 8 :]
    assert np.array_equal(stored(longer), PICTURE)


def test_a_webp_with_damaged_pixels_is_refused() -> None:
    data = encoded_picture(PICTURE, "webp", lossless=True, exif=tags())
    place = data.find(b"EXIF", 30)
    for cut in (data[: place - 40], data[: place - 200]):
        with pytest.raises(ImageError):
            stored(cut)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif"])
def test_pictures_with_nothing_beside_their_pixels_stay(kind: str) -> None:
    file = io.BytesIO()
    Image.fromarray(PICTURE).save(file, kind)
    assert without(file.getvalue(), exif_too=True) == file.getvalue()
