"""TIFF files of every layout: the numbers that come out are those that went in."""

from __future__ import annotations

import io
import sys
from typing import Any, Literal

import numpy as np
import pytest

from spectral_sched.errors import ImageError
from spectral_sched.images.formats.tiff_pages import pages_left
from spectral_sched.images.pixels import load_pixels
from spectral_sched.images.preprocessing import make_preprocessing
from tests.support.picture_files import tiff_layout

RNG = np.random.default_rng(6)
Order = Literal["<", ">"]
ORDERS: tuple[Order, ...] = ("<", ">")
SHAPE = (9, 14)
WHITE_IS_ZERO = 0


def drawn(kind: str, channels: int = 1) -> np.ndarray[Any, np.dtype[Any]]:
    """Return numbers over the whole range of a type."""
    dtype, shape = np.dtype(kind), (*SHAPE, channels)
    if dtype.kind == "f":
        return RNG.random(shape).astype(dtype)
    limits = np.iinfo(dtype)
    return RNG.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def limits(kind: str) -> tuple[float, float]:
    """Return the least and the greatest number of a type; 0 and 1 for floats."""
    dtype = np.dtype(kind)
    if dtype.kind == "f":
        return 0.0, 1.0
    return float(np.iinfo(dtype).min), float(np.iinfo(dtype).max)


def photometric(colors: int) -> dict[int, tuple[str, list[int]]]:
    return {262: ("H", [colors])}


def beside(kind: int) -> dict[int, tuple[str, list[int]]]:
    """Return the tag of what lies beside colours."""
    return {338: ("H", [kind])}


def stored(data: bytes, **settings: Any) -> np.ndarray[Any, np.dtype[Any]]:
    pixels = load_pixels(data, "x.tif", make_preprocessing(**settings))
    return pixels.values.transpose(1, 2, 0)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("kind", ["i1", "i2", "u4", "i4", "f4", "f8"])
def test_numbers_of_one_channel(kind: str, deflate: bool, order: Order) -> None:
    pytest.importorskip("tifffile")
    picture = drawn(kind)
    data = tiff_layout(picture, order, deflate=deflate)
    with pytest.raises(ImageError, match=r"x.tif holds numbers without a black"):
        stored(data)
    assert np.array_equal(stored(data, data_range=limits(kind)), picture)


@pytest.mark.parametrize("kind", ["i2", "u4", "i4", "f4"])
def test_numbers_have_the_digest_of_an_array(kind: str) -> None:
    picture = drawn(kind)
    settings = make_preprocessing(data_range=limits(kind))
    file = load_pixels(tiff_layout(picture, "<"), "x.tif", settings)
    assert file.key() == load_pixels(picture, "x", settings).key()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_white_at_zero(kind: str, order: Order) -> None:
    if (kind, order) == ("u2", ">"):
        pytest.importorskip("tifffile")
    picture = drawn(kind)
    turned = np.iinfo(kind).max - picture
    inverted = tiff_layout(turned, order, tags=photometric(WHITE_IS_ZERO))
    values = stored(inverted)
    assert np.array_equal(values, picture)
    assert values.dtype == kind


def test_white_at_zero_in_a_stated_range() -> None:
    # Of 12 bits in 16, white is 0 and black 4095.
    picture = RNG.integers(0, 4096, (*SHAPE, 1), np.uint16)
    tags = photometric(WHITE_IS_ZERO)
    data = tiff_layout(4095 - picture, "<", tags=tags)
    assert np.array_equal(stored(data, data_range=(0.0, 4095.0)), picture)
    floats = drawn("f4")
    data = tiff_layout(1 - floats, "<", tags=tags)
    values = stored(data, data_range=(0.0, 1.0))
    np.testing.assert_allclose(values, floats, atol=1e-7)


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("order", ORDERS)
def test_twelve_bits_have_their_own_white(deflate: bool, order: Order) -> None:
    if deflate or order == ">":
        pytest.importorskip("tifffile")
    packed = np.frombuffer(bytes.fromhex("fff000800010"), np.uint8)  # 4095 0 2048 16
    tags = {256: ("L", [4]), 258: ("H", [12])}
    rows = packed.reshape(1, 6, 1)
    data = tiff_layout(rows, order, deflate=deflate, tags=tags)
    pixels = load_pixels(data, "x.tif", make_preprocessing())
    assert pixels.values.ravel().tolist() == [4095, 0, 2048, 16]
    assert pixels.scaled().ravel()[:2].tolist() == [1, -1]


def test_palettes_of_eight_bits_are_not_black() -> None:
    indices = RNG.integers(0, 256, (*SHAPE, 1), np.uint8)
    colors = RNG.integers(0, 256, (3, 256), np.uint8)
    for scale in (1, 257):
        levels = (colors.astype(int) * scale).ravel().tolist()
        tags = {**photometric(3), 320: ("H", levels)}
        data = tiff_layout(indices, "<", tags=tags)
        assert np.array_equal(stored(data), colors.T[indices[..., 0]])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("kind", ["u1", "u2", "i2", "u4", "f2", "f4", "f8"])
def test_colour(kind: str, apart: bool, deflate: bool, order: Order) -> None:
    pytest.importorskip("tifffile")
    picture = drawn(kind, 3)
    data = tiff_layout(picture, order, deflate=deflate, apart=apart)
    known = kind in ("u1", "u2")
    settings = {} if known else {"data_range": limits(kind)}
    assert np.array_equal(stored(data, **settings), picture)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("channels", [2, 4])
def test_opacity_beside_sixteen_bits(channels: int, apart: bool) -> None:
    pytest.importorskip("tifffile")
    picture = drawn("u2", channels)
    expected = np.rint(picture[..., :-1] * (picture[..., -1:] / 65535))
    assert np.array_equal(stored(tiff_layout(picture, "<", apart=apart)), expected)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("kind", ["u2", "f4"])
def test_colours_that_are_times_their_opacity(
    kind: str, channels: int, apart: bool
) -> None:
    pytest.importorskip("tifffile")
    picture, high = drawn(kind, channels), limits(kind)[1]
    opacity = picture[..., -1:] / high
    picture[..., :-1] = picture[..., :-1] * opacity
    data = tiff_layout(picture, "<", apart=apart, tags=beside(1))
    settings = {} if kind == "u2" else {"data_range": limits(kind)}
    assert np.array_equal(stored(data, **settings), picture[..., :-1])
    white = picture[..., :-1] + high * (1 - opacity)
    values = stored(data, background="white", **settings)
    np.testing.assert_allclose(values, white, atol=high * 1e-5)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_what_is_beside_a_colour_is_left_out(kind: str, apart: bool) -> None:
    pytest.importorskip("tifffile")
    picture = drawn(kind, 4)
    data = tiff_layout(picture, "<", apart=apart, tags=beside(0))
    assert np.array_equal(stored(data), picture[..., :3])


@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_inks(kind: str) -> None:
    pytest.importorskip("tifffile")
    picture, high = drawn(kind, 4), limits(kind)[1]
    data = tiff_layout(picture, "<", tags={**photometric(5), 338: ("H", [])})
    light = 1 - picture / high
    expected = high * light[..., :3] * light[..., 3:]
    assert np.abs(stored(data) - expected).max() <= 1


def test_channels_of_no_known_colour_are_refused() -> None:
    pytest.importorskip("tifffile")
    tags: dict[int, tuple[str, list[int]]] = {**photometric(1), 338: ("H", [0, 0])}
    for kind in ("u1", "u2", "f4"):
        data = tiff_layout(drawn(kind, 3), "<", tags=tags)
        with pytest.raises(ImageError, match=r"x.tif has 3 channels of no known col"):
            stored(data, data_range=(0.0, 1.0))


def test_planes_have_the_digest_of_pixels() -> None:
    pytest.importorskip("tifffile")
    picture = drawn("u2", 3)
    keys = {
        load_pixels(
            tiff_layout(picture, "<", apart=apart), "x", make_preprocessing()
        ).key()
        for apart in (False, True)
    }
    assert len(keys) == 1


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_all_layouts_are_turned(kind: str, apart: bool) -> None:
    pytest.importorskip("tifffile")
    picture = drawn(kind, 3)
    data = tiff_layout(picture, "<", apart=apart, tags={274: ("H", [6])})
    assert np.array_equal(stored(data), np.rot90(picture, -1))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("planes", [False, True])
def test_pages_that_are_not_read_are_counted(
    planes: bool, big: bool, order: Order
) -> None:
    tifffile = pytest.importorskip("tifffile")
    picture = drawn("u2", 3)
    held = np.moveaxis(picture, 2, 0) if planes else picture
    settings = {
        "photometric": "rgb",
        "planarconfig": "separate" if planes else "contig",
        "metadata": None,
    }
    file = io.BytesIO()
    with tifffile.TiffWriter(file, bigtiff=big, byteorder=order) as writer:
        # The second is a smaller copy of the first, and the last another image.
        for kind in (0, 1, 0, 0):
            writer.write(held, subfiletype=kind, **settings)
        writer.write(drawn("f2")[..., 0], metadata=None)
    pixels = load_pixels(file.getvalue(), "x.tif", make_preprocessing())
    assert np.array_equal(pixels.values.transpose(1, 2, 0), picture)
    assert pixels.pages_left == 3
    assert pages_left(file.getvalue()[:-300]) <= 3
    alone = tiff_layout(picture, order, apart=planes)
    assert load_pixels(alone, "x.tif", make_preprocessing()).pages_left == 0


def test_cut_planes_are_not_read_as_zeros() -> None:
    pytest.importorskip("tifffile")
    data = tiff_layout(drawn("f4", 3), "<")
    stored(data, data_range=(0.0, 1.0))
    with pytest.raises(ImageError, match=r"x.tif is damaged: its values are cut"):
        stored(data[:-1], data_range=(0.0, 1.0))


def test_tiffs_packed_as_webp() -> None:
    """GDAL writes them, and the libtiff that Pillow comes with cannot unpack them."""
    tifffile = pytest.importorskip("tifffile")
    values, file = drawn("u1", 3), io.BytesIO()
    packing = {"compression": "webp", "compressionargs": {"lossless": True}}
    tifffile.imwrite(file, values, photometric="rgb", **packing)
    np.testing.assert_array_equal(stored(file.getvalue()), values)
    with pytest.raises(ImageError, match=r"x.tif is damaged: its values are cut"):
        stored(file.getvalue()[:-9])


@pytest.mark.parametrize("apart", [False, True])
def test_damaged_packings_are_refused(apart: bool) -> None:
    pytest.importorskip("tifffile")
    data = tiff_layout(drawn("u4", 3), "<", apart=apart, deflate=True)
    stored(data, data_range=(0.0, 2.0**32))
    middle = len(data) // 2
    for damaged in (data[:-9], data[:middle] + bytes(30) + data[middle + 30 :]):
        with pytest.raises(ImageError, match=r"x.tif is damaged") as caught:
            stored(damaged, data_range=(0.0, 2.0**32))
        assert caught.value.reason == "damaged"


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_decoders_do_not_write_to_the_terminal(
    kind: str, apart: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tifffile")
    data = tiff_layout(drawn(kind, 3), "<", apart=apart, deflate=True)
    middle = len(data) // 2
    with pytest.raises(ImageError, match=r"x.tif is damaged"):
        stored(data[:middle] + bytes(30) + data[middle + 30 :])
    many = tiff_layout(drawn(kind, 3), "<", tags={277: ("H", [60000])})
    with pytest.raises(ImageError, match=r"x.tif"):
        stored(many)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (tiff_layout(drawn("u2", 3), "<", apart=True), True),
        (tiff_layout(drawn("u2", 4), "<", tags=beside(1)), True),
        (tiff_layout(drawn("i1"), "<"), True),
        (tiff_layout(drawn("i2"), ">", deflate=True), True),
        (tiff_layout(drawn("f4", 3), "<"), False),
        (tiff_layout(drawn("u2", 4), "<", tags=photometric(5)), False),
        (tiff_layout(drawn("u2"), ">", tags=photometric(WHITE_IS_ZERO)), False),
    ],
)
def test_the_package_for_other_layouts_is_named(
    data: bytes, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tifffile", None)
    match = r"x.tif is .*a TIFF that .* pip install 'spectral-sched\[tiff\]'"
    with pytest.raises(ImageError, match=match) as caught:
        stored(data)
    assert ("damaged" in str(caught.value)) != whole
    reason = "package not installed" if whole else "not an image"
    assert caught.value.reason == reason
