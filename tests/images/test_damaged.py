"""Damage that decoders know of: images are read whole or refused, in every way."""

from __future__ import annotations

import io
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from spectral_sched.analysis.chunk import AnalysisSettings, Task, analyse_chunk
from spectral_sched.errors import ImageError
from spectral_sched.images import decode as decode_module
from spectral_sched.images import inflate
from spectral_sched.images.beside import ADAM7, PNG_MARK
from spectral_sched.images.decode import decode
from spectral_sched.images.formats import jpeg, quiet, tiff_strips
from spectral_sched.images.noted import noted_lines
from spectral_sched.images.pixels import load_pixels
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.images.raster import array_of
from spectral_sched.sources.item import Item
from tests.support.helpers import SHARED, needs_shared
from tests.support.picture_files import png_chunk, writable

WHOLE = make_preprocessing()
SCALED = make_preprocessing(40, fast=True)
END = b"\xff\xd9"

JPEGS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("RGB", {}),
    "grey": ("L", {}),
    "with EXIF": ("RGB", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"}),
    "progressive": ("RGB", {"progressive": True}),
    "stored as RGB": ("RGB", {"keep_rgb": True}),
    "inks": ("CMYK", {}),
    "several": ("RGB", {"save_all": True}),
    "restarts": ("RGB", {"restart_marker_rows": 1}),
}


def smooth_picture(side: int) -> Image.Image:
    coarse = np.random.default_rng(side).integers(0, 256, (side // 8, side // 8, 3))
    image = Image.fromarray(coarse.astype(np.uint8))
    return image.resize((side, side), Image.Resampling.BICUBIC)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def jpeg_of(kind: str) -> bytes:
    mode, options = JPEGS[kind]
    image = smooth_picture(256).convert(mode)
    return saved(image, "mpo" if kind == "several" else "jpeg", **options)


def halves(content: bytes) -> Iterator[bytes]:
    """Yield a JPEG that ends in the middle, and with a piece gone, new or doubled."""
    middle = len(content) // 2
    yield content[:middle] + END
    yield content[:middle] + content[middle + 64 :]
    yield content[:middle] + content[middle - 640 :]


def refusal(content: bytes, settings: Any = WHOLE) -> str:
    with pytest.raises(ImageError) as caught:
        load_pixels(content, "x", settings)
    assert caught.value.reason == "damaged"
    return str(caught.value)


@pytest.mark.parametrize("settings", [WHOLE, SCALED])
@pytest.mark.parametrize("kind", JPEGS)
def test_half_read_jpegs_are_refused(kind: str, settings: Any) -> None:
    data = jpeg_of(kind)
    pixels = load_pixels(data, "x", settings)
    assert pixels.values.std() > 10
    assert not pixels.unchecked
    for half in halves(data):
        message = refusal(half, settings)
        assert message.startswith(("x is damaged: Corrupt JPEG", "x is damaged: Prem"))


def test_half_read_huge_jpegs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = jpeg_of("plain")
    monkeypatch.setattr(jpeg, "MAX_PIXELS", 20_000)
    monkeypatch.setattr(decode_module, "MAX_PLAIN_PIXELS", 20_000)
    assert load_pixels(data, "x", make_preprocessing(64)).values.shape == (3, 64, 64)
    for half in halves(data):
        assert "Corrupt JPEG" in refusal(half, make_preprocessing(64))


@needs_shared
def test_half_read_photos_are_refused_as_often_as_the_library_can_tell() -> None:
    refused = 0
    for path in sorted((SHARED / "photos").glob("*.jpg")):
        data = path.read_bytes()
        middle = len(data) // 2
        blank = data[:middle] + bytes(64) + data[middle + 64 :]
        for half in (data[:middle] + END, blank):
            for settings in (WHOLE, SCALED):
                try:
                    load_pixels(half, "x", settings)
                except ImageError:
                    refused += 1
    # In 13 of 60, as many blocks come out of the zeros as there were.
    assert refused == 2 * (60 + 47)


def junk_in_header(data: bytes) -> bytes:
    place = data.find(b"\xff\xdb")
    return data[:place] + b"\x11\x22" + data[place:]


def with_broken_profile(data: bytes) -> bytes:
    # The second of two pieces.
    return data[:2] + b"\xff\xe2\0\x11ICC_PROFILE\0\x02\x02a" + data[2:]


@pytest.mark.parametrize("change", [junk_in_header, with_broken_profile])
def test_what_is_odd_in_a_header_is_no_damage_and_hides_none(change: Any) -> None:
    data = jpeg_of("plain")
    odd = load_pixels(change(data), "x", WHOLE)
    assert odd.key() == load_pixels(data, "x", WHOLE).key()
    assert not odd.unchecked
    for half in halves(data):
        assert "Corrupt JPEG" in refusal(change(half))


@pytest.mark.parametrize("count", [1, 2])
def test_jpegs_that_cannot_be_checked_are_told(count: int) -> None:
    # Black ink is thinned out as the first one is not, which has no name.
    data = saved(smooth_picture(256).convert("CMYK"), "jpeg", subsampling=2)
    items = [Item(str(number), "", data) for number in range(count)]
    settings = AnalysisSettings(make_preprocessing(32), "float32")
    found = analyse_chunk(settings, Task(items, 0))
    other = analyse_chunk(settings, Task(items, 0))
    other.merge(found)
    assert (found.noted["unchecked"], other.noted["unchecked"]) == (count, 2 * count)
    (told,) = noted_lines({"unchecked": count}, "black")
    assert told.startswith(f"{count} image{'s' * (count > 1)} could not be checked")
    assert not list(noted_lines(Counter(), "black"))


PACKED = [
    *("tiff_deflate", "tiff_adobe_deflate", "jpeg", "packbits", "zstd", "lzma"),
]


def tiff(packing: str, **options: Any) -> bytes:
    # Few colours, so that there are runs.
    image = smooth_picture(256).quantize(16).convert("RGB")
    return saved(image, "tiff", compression=packing, **options)


@pytest.mark.parametrize("packing", PACKED)
def test_damaged_strips_are_refused(packing: str) -> None:
    data = tiff(packing)
    whole = load_pixels(data, "x", WHOLE)
    assert not whole.unchecked
    middle = len(data) // 2
    for change in (b"\xff" * 64, END * 32):
        refusal(data[:middle] + change + data[middle + 64 :])


def test_checksums_of_deflated_strips_are_looked_at() -> None:
    data = bytearray(tiff("tiff_adobe_deflate"))
    # Tags may lie behind the strips, but the last of these ends in its checksum.
    with Image.open(io.BytesIO(data)) as image:
        tags: Any = image.tag_v2  # type: ignore[attr-defined]
        end = tags[273][-1] + tags[279][-1]
    data[end - 1] ^= 1
    assert "piece" in refusal(bytes(data))


def test_errors_of_libtiff_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    image = smooth_picture(256).convert("1")
    data = saved(image, "tiff", compression="group4")
    middle = len(data) // 2
    noise = data[:middle] + b"\x55" * 64 + data[middle + 64 :]
    assert not load_pixels(data, "x", WHOLE).unchecked
    if quiet._libtiff_handler() is not None:
        assert "libtiff cannot read all of it" in refusal(noise)
    monkeypatch.setattr(quiet, "_libtiff_handler", lambda: None)
    assert load_pixels(data, "x", WHOLE).unchecked


def test_tiffs_that_cannot_be_checked_are_told() -> None:
    data = saved(smooth_picture(256).convert("1"), "tiff", compression="group3")
    assert load_pixels(data, "x", WHOLE).unchecked


def packed(runs: bytes, size: int) -> dict[int, Any]:
    """Return tags of one row of bytes that is packed as PackBits."""
    return {
        tiff_strips.COMPRESSION: tiff_strips.PACK_BITS,
        tiff_strips.WIDTH: size,
        tiff_strips.HEIGHT: 1,
        tiff_strips.BITS: (8,),
        tiff_strips.STRIP_PLACES: (0,),
        tiff_strips.STRIP_SIZES: (len(runs),),
    }


RUNS = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=128).map(lambda b: (bytes([len(b) - 1]) + b, b)),
        st.tuples(st.integers(2, 128), st.binary(min_size=1, max_size=1)).map(
            lambda run: (bytes([257 - run[0]]) + run[1], run[1] * run[0])
        ),
        st.just((b"\x80", b"")),
    ),
    min_size=1,
)


@given(RUNS, st.booleans())
def test_runs_have_to_fill_a_strip(runs: list[tuple[bytes, bytes]], pad: bool) -> None:
    content = b"".join(run for run, _ in runs) + b"\0" * pad
    size = sum(len(values) for _, values in runs)
    for wanted in range(max(size - 2, 1), size + 3):
        if wanted == size:
            assert tiff_strips.check_strips(packed(content, size), content, heard=False)
            continue
        with pytest.raises(tiff_strips.BrokenStripError, match="piece 0 does not"):
            tiff_strips.check_strips(packed(content, wanted), content, heard=False)


def test_a_run_that_is_cut_is_damage() -> None:
    content = b"\x03abc"
    with pytest.raises(tiff_strips.BrokenStripError):
        tiff_strips.check_strips(packed(content, 4), content, heard=False)


def test_a_strip_that_inflates_without_end_is_left_soon() -> None:
    content = zlib.compress(bytes(1 << 24))
    tags = packed(content, 100) | {tiff_strips.COMPRESSION: tiff_strips.DEFLATE}
    with pytest.raises(tiff_strips.BrokenStripError, match="more than its 100 bytes"):
        tiff_strips.check_strips(tags, content, heard=False)
    reached = inflate.inflated_size([memoryview(content)], 100)
    assert 100 < reached <= inflate.UNPACKED_AT_ONCE


@pytest.mark.parametrize("more", [-1, 0, 38, 171, 600])
@pytest.mark.parametrize("checked", [True, False])
def test_all_that_inflates_is_counted(more: int, checked: bool) -> None:
    """Of 38 and 171 bytes more, the last came of bits that were taken already."""
    whole = inflate.UNPACKED_AT_ONCE + more
    packed = zlib.compress(bytes(whole))
    view = memoryview(packed if checked else packed[:-4])
    assert inflate.inflated_size([view], whole) == whole
    halves = view[: len(view) // 2], view[len(view) // 2 :]
    assert inflate.inflated_size(halves, whole) == whole
    assert inflate.inflated_size([view[:-20]], whole) < whole


def test_last_strips_may_be_filled_up() -> None:
    rows = [bytes(range(10 * row, 10 * row + 10)) for row in range(4)]
    strips = [zlib.compress(rows[0] + rows[1]), zlib.compress(rows[2] + rows[3])]
    content = b"".join(strips)
    tags = packed(content, 10) | {
        tiff_strips.COMPRESSION: tiff_strips.DEFLATE,
        tiff_strips.HEIGHT: 3,
        tiff_strips.STRIP_ROWS: 2,
        tiff_strips.STRIP_PLACES: (0, len(strips[0])),
        tiff_strips.STRIP_SIZES: tuple(map(len, strips)),
    }
    assert tiff_strips.check_strips(tags, content, heard=False)


def test_bits_in_the_other_order_are_not_checked() -> None:
    tags = packed(b"\0a", 1) | {tiff_strips.BIT_ORDER: 2}
    assert not tiff_strips.check_strips(tags, b"\0a", heard=True)


LAYOUTS = [
    {"tile": (64, 48)},
    {"rowsperstrip": 7},
    {"rowsperstrip": 7, "planarconfig": "separate"},
    {"tile": (64, 48), "byteorder": ">"},
    {"rowsperstrip": 1000, "bigtiff": True},
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("packing", ["zlib", "packbits", "lzw", "jpeg"])
def test_whole_strips_and_tiles_are_read(packing: str, layout: dict[str, Any]) -> None:
    tifffile = pytest.importorskip("tifffile")
    values = np.asarray(smooth_picture(150).convert("RGB"))
    apart = "planarconfig" in layout
    if packing == "jpeg" and (apart or "byteorder" in layout):
        pytest.skip("Pillow does not open it")
    file = io.BytesIO()
    stored = np.moveaxis(values, 2, 0) if apart else values
    tifffile.imwrite(file, stored, photometric="rgb", compression=packing, **layout)
    found = decode(file.getvalue(), "x")
    assert not found.unchecked
    difference = array_of(found.values).astype(int) - values
    assert np.abs(difference).mean() <= (3 if packing == "jpeg" else 0)


WHOLE_FILES: list[tuple[str, str, dict[str, Any]]] = [
    *(("png", mode, {}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
    *(("jpeg", "RGB", {"subsampling": thinned}) for thinned in (0, 1, 2, "4:1:1")),
    *(("gif", mode, {}) for mode in ("L", "P")),
    *(("bmp", mode, {}) for mode in ("1", "L", "P", "RGB")),
    *(("tiff", mode, {"compression": "packbits"}) for mode in ("1", "L", "P", "RGBA")),
    *(
        ("tiff", "I;16", {"compression": packing})
        for packing in PACKED
        if packing != "jpeg"
    ),
    *(("tiff", mode, {}) for mode in ("1", "L", "I;16", "CMYK", "LAB")),
    ("tiff", "1", {"compression": "group4"}),
    ("tiff", "L", {"compression": "jpeg"}),
    ("tiff", "CMYK", {"compression": "jpeg"}),
    *(("webp", "RGBA", {"lossless": choice}) for choice in (True, False)),
    *(("avif", mode, {}) for mode in ("RGB", "RGBA")),
    *(("jpeg2000", mode, {}) for mode in ("L", "RGB", "I;16")),
    *(("tga", "RGBA", {"compression": packing}) for packing in (None, "tga_rle")),
    *(("ppm", mode, {}) for mode in ("1", "L", "RGB")),
]


@pytest.mark.parametrize("side", [24, 200])
def test_nothing_whole_is_refused_or_left_unchecked(side: int) -> None:
    for kind, mode, options in WHOLE_FILES:
        if kind in writable(kind):
            image = smooth_picture(side).convert("L" if mode == "I;16" else mode)
            if mode == "I;16":
                image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
            pixels = load_pixels(saved(image, kind, **options), "x", WHOLE)
            assert not pixels.unchecked, (kind, mode, options)
            assert pixels.values.std() > 5, (kind, mode, options)


def test_pillow_alone_says_that_it_did_not_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jpeg, "strict_values", lambda *_: None)
    data = jpeg_of("with EXIF")
    assert load_pixels(data, "x", WHOLE).unchecked


def png_of(
    size: tuple[int, int], channels: int, passes: list[tuple[int, int]], cut: int
) -> bytes:
    """Return a PNG of passes, whose data end as they should, without the last bytes."""
    kind = {1: 0, 3: 2, 4: 6}[channels]
    header = struct.pack(">2L5B", *size, 8, kind, 0, 0, len(passes) > 1)
    rows = b"".join(
        (b"\0" + b"\x80" * columns * channels) * count
        for columns, count in passes
        if columns > 0
    )
    data = zlib.compress(rows[: len(rows) - cut])
    chunks = (b"IHDR", header), (b"IDAT", data), (b"IEND", b"")
    return PNG_MARK + b"".join(png_chunk(*chunk) for chunk in chunks)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (8, 8), (17, 9), (64, 40)])
@pytest.mark.parametrize("interlaced", [False, True])
def test_pngs_without_their_last_rows_are_refused(
    size: tuple[int, int], channels: int, interlaced: bool
) -> None:
    (width, height), passes = size, [size]
    if interlaced:
        passes = [
            (-(-(width - left) // right), -(-(height - top) // down))
            for left, top, right, down in ADAM7
        ]
    there = [(columns, rows) for columns, rows in passes if columns > 0 and rows > 0]
    # Every pixel is in one pass.
    assert sum(columns * rows for columns, rows in there) == width * height
    row = 1 + there[-1][0] * channels
    assert decode(png_of(size, channels, passes, 0), "x").size == size
    for cut in (1, row, row * there[-1][1]):
        with pytest.raises(ImageError, match=r"pixels are missing|truncated"):
            decode(png_of(size, channels, passes, cut), "x")


def test_black_rows_at_the_end_are_no_damage() -> None:
    image = Image.new("RGB", (40, 30))
    image.paste(smooth_picture(16), (0, 0))
    found = array_of(decode(saved(image, "png"), "x").values)
    assert np.array_equal(found, np.asarray(image))


@pytest.mark.parametrize("pieces", [{"rowsperstrip": 64}, {"tile": (32, 32)}])
def test_large_planes_of_jpegs_are_not_taken_for_forged(
    pieces: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A strip of one plane has as many pixels as values."""
    tifffile = pytest.importorskip("tifffile")
    pytest.importorskip("imagecodecs")
    file, planes = io.BytesIO(), np.full((3, 64, 48), 99, np.uint8)
    options = {"photometric": "rgb", "planarconfig": "separate", "compression": "jpeg"}
    tifffile.imwrite(file, planes, **options, **pieces)
    monkeypatch.setattr(tiff_strips, "LARGE_PIXELS", 0)
    assert np.ptp(array_of(decode(file.getvalue(), "x").values)) == 0


def test_a_jpeg_in_a_tiff_has_no_more_pixels_than_its_strip() -> None:
    data = tiff("jpeg")
    place = data.index(b"\xff\xc0") + 5
    assert struct.unpack_from(">2H", data, place)[1] == 256
    forged = data[:place] + struct.pack(">2H", 65500, 65500) + data[place + 4 :]
    with pytest.raises(ImageError, match="a JPEG in it claims 65500x65500 pixels"):
        decode(forged, "x")
