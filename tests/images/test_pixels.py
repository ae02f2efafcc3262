from __future__ import annotations

import io
import pickle
import struct
import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image

from spectral_sched.commands.shared import parse_range
from spectral_sched.errors import ImageError, InputError, UsageError
from spectral_sched.images.pixels import Pixels, load_pixels, wanted_size
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.spectra.periodogram import ring_powers
from tests.support.helpers import SHARED, needs_shared
from tests.support.picture_files import (
    encoded_picture,
    png_chunk,
    png_file,
    tiff_file,
    writable,
)

RNG = np.random.default_rng(0)
COLORS = RNG.integers(0, 256, (7, 5, 3), np.uint8)
GREYS = COLORS[..., 0]
DEEP = RNG.integers(0, 65536, (7, 5, 4), np.uint16)


def load(data: Any, **settings: Any) -> Pixels:
    return load_pixels(data, "x", make_preprocessing(**settings))


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def values(data: Any, **settings: Any) -> np.ndarray[Any, np.dtype[Any]]:
    """Return the stored values, (H, W, C)."""
    return load(data, **settings).values.transpose(1, 2, 0)


def test_eight_bits_are_kept() -> None:
    for kind in writable("png", "bmp", "tiff", "ppm", "tga", "qoi"):
        assert np.array_equal(values(encoded_picture(COLORS, kind)), COLORS)
    for kind in ("png", "bmp", "tiff", "ppm", "tga"):
        stored = values(encoded_picture(GREYS, kind))
        assert np.array_equal(stored, GREYS[..., None])
    lossless = encoded_picture(COLORS, "webp", lossless=True)
    assert np.array_equal(values(lossless), COLORS)


def test_black_and_white() -> None:
    bits = GREYS > 127
    for kind in ("png", "tiff", "bmp", "ppm"):
        stored = load(saved(Image.fromarray(bits), kind))
        assert np.array_equal(stored.values[0], 255 * bits)
        assert stored.high == 255
    assert np.array_equal(load(bits).values[0], 255 * bits)


def test_palettes_become_rgb() -> None:
    picture = Image.fromarray(COLORS).quantize(8)
    expected = np.asarray(picture.convert("RGB"))
    for kind in ("png", "gif", "bmp", "tiff"):
        assert np.array_equal(values(saved(picture, kind)), expected)


def test_transparent_palettes() -> None:
    picture = Image.fromarray(COLORS).quantize(8)
    data = saved(picture, "png", transparency=bytes([0, 255, 255]))
    clear = np.asarray(picture) == 0
    assert np.all(values(data, background="white")[clear] == 255)
    expected = np.asarray(picture.convert("RGB"))[~clear]
    assert np.array_equal(values(data)[~clear], expected)


@pytest.mark.parametrize(("background", "level"), [("black", 0), ("white", 1)])
def test_opacity_is_composited(background: str, level: float) -> None:
    opacity = RNG.integers(0, 256, (7, 5), np.uint8)
    share = opacity[..., None] / 255
    for grey in (False, True):
        color = COLORS[..., :1] if grey else COLORS
        picture = np.concatenate([color, opacity[..., None]], axis=2)
        expected = np.rint(color * share + 255 * level * (1 - share))
        data = png_file(picture)
        assert np.array_equal(values(data, background=background), expected)
        assert np.array_equal(values(picture, background=background), expected)


def test_grey_background_is_mid_grey() -> None:
    picture = np.zeros((2, 2, 4), np.uint8)
    assert np.all(values(picture, background="grey") == 128)
    assert np.all(values(picture.astype(np.uint16), background="grey") == 32768)


@pytest.mark.parametrize("depth", [2, 4])
def test_transparent_grey_of_few_bits(depth: int) -> None:
    # Pillow leaves the transparent level in the depth of the file.
    levels = 2**depth - 1
    grey = np.arange(2 * (levels + 1)).reshape(2, -1) % (levels + 1)
    picture = Image.fromarray((grey * (255 // levels)).astype(np.uint8))
    data = saved(picture.quantize(levels + 1), "png", bits=depth)
    assert data[24] == depth
    plain = bytearray(data)
    plain[25] = 0  # a grey image of the palette's indices
    header = plain[12:29]
    plain[29:33] = struct.pack(">L", zlib.crc32(header))
    start = plain.find(b"PLTE") - 4
    length = struct.unpack(">L", plain[start : start + 4])[0]
    indices = np.asarray(Image.open(io.BytesIO(data)))
    key = png_chunk(b"tRNS", struct.pack(">H", levels))
    bare = bytes(plain[:start] + key + plain[start + 12 + length :])
    stored = values(bare, background="white")[..., 0]
    opaque = values(bare)[..., 0]
    assert np.array_equal(stored == 255, indices == levels)
    assert np.all(opaque[indices == levels] == 0)
    kept = indices != levels
    assert np.array_equal(opaque[kept], indices[kept] * (255 // levels))


def test_sixteen_bits_are_kept() -> None:
    grey = DEEP[..., :1]
    for data in (
        png_file(grey),
        tiff_grey(grey, "<"),
        tiff_grey(grey, ">"),
        saved(Image.fromarray(grey[..., 0]), "ppm"),
    ):
        pixels = load(data)
        assert pixels.high == 65535
        assert np.array_equal(pixels.values[0], grey[..., 0])
        assert pixels.key() == load(grey).key()


def tiff_grey(grey: np.ndarray[Any, np.dtype[Any]], order: Literal["<", ">"]) -> bytes:
    mode = "I;16" if order == "<" else "I;16B"
    content = grey.astype(grey.dtype.newbyteorder(order)).tobytes()
    size = (grey.shape[1], grey.shape[0])
    return saved(Image.frombytes(mode, size, content), "tiff")


def test_sixteen_bit_colour_is_kept() -> None:
    color = DEEP[..., :3]
    for data in (
        png_file(color),
        *(tiff_file(color, "<", deflate=deflate) for deflate in (False, True)),
        *(tiff_file(color, ">", deflate=deflate) for deflate in (False, True)),
    ):
        pixels = load(data)
        assert pixels.high == 65535
        assert np.array_equal(pixels.values.transpose(1, 2, 0), color)
        assert pixels.key() == load(color).key()


def test_sixteen_bit_opacity() -> None:
    for picture in (DEEP[..., :2], DEEP):
        color, opacity = picture[..., :-1], picture[..., -1:] / 65535
        expected = np.rint(color * opacity)
        assert np.array_equal(values(png_file(picture)), expected)
    assert np.array_equal(values(tiff_file(DEEP, "<")), expected)


def test_sixteen_bit_colour_key() -> None:
    key = struct.pack(">3H", *DEEP[3, 2, :3].tolist())
    data = png_file(DEEP[..., :3], [(b"tRNS", key)])
    stored = values(data, background="white")
    assert stored[3, 2].tolist() == [65535] * 3
    assert np.array_equal(
        np.delete(stored.reshape(-1, 3), 17, 0),
        np.delete(DEEP[..., :3].reshape(-1, 3), 17, 0),
    )


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB"])
def test_other_colours_become_rgb(mode: str) -> None:
    smooth = np.full((16, 16, 3), (200, 120, 60), np.uint8)
    picture = Image.fromarray(smooth)
    if mode == "LAB":
        from PIL import ImageCms

        rgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        turned = ImageCms.profileToProfile(picture, rgb, lab, outputMode="LAB")
        assert turned is not None
        data = saved(turned, "tiff")
    else:
        data = saved(picture.convert(mode), "tiff" if mode == "CMYK" else "jpeg")
    # Two conversions of rounded values, and for JPEG a quantiser besides.
    assert np.abs(values(data).astype(int) - smooth).max() <= 6


def test_cmyk_jpeg() -> None:
    smooth = np.full((16, 16, 3), (200, 120, 60), np.uint8)
    data = saved(Image.fromarray(smooth).convert("CMYK"), "jpeg", quality=95)
    assert np.abs(values(data).astype(int) - smooth).max() <= 6


@pytest.mark.parametrize(
    "picture",
    [GREYS.astype(np.int32) * 1000, GREYS.astype(np.float32) / 255],
    ids=["integers", "floats"],
)
def test_32_bit_pictures_need_a_range(
    picture: np.ndarray[Any, np.dtype[Any]], tmp_path: Path
) -> None:
    path = tmp_path / "x.tif"
    Image.fromarray(picture).save(path)
    with pytest.raises(ImageError, match=r"without a black.*--data-range 0,1"):
        load(path)
    pixels = load(path, data_range=(0.0, float(picture.max())))
    assert np.array_equal(pixels.values[0], picture)
    assert pixels.scaled().max() == 1
    high = float(picture.max())
    smaller = load(path, data_range=(0.0, high), resolution=3)
    assert smaller.values.shape == (1, 3, 3)


def test_only_the_first_frame_counts() -> None:
    frames = [Image.fromarray(COLORS), Image.fromarray(255 - COLORS)]
    for kind, options in (("webp", {"lossless": True}), ("png", {}), ("tiff", {})):
        data = saved(
            frames[0], kind, save_all=True, append_images=frames[1:], **options
        )
        assert Image.open(io.BytesIO(data)).n_frames == 2  # type: ignore[attr-defined]
        assert np.array_equal(values(data), COLORS)
    grey = [frame.convert("L") for frame in frames]
    data = saved(grey[0], "gif", save_all=True, append_images=grey[1:])
    assert np.array_equal(values(data)[..., 0], np.asarray(grey[0]))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_narrow_pictures(shape: tuple[int, int]) -> None:
    picture = np.arange(shape[0] * shape[1], dtype=np.uint8).reshape(shape)
    pixels = load(encoded_picture(picture))
    assert np.array_equal(pixels.values[0], picture)
    assert len(ring_powers(pixels.scaled()).power) > 0
    assert load(encoded_picture(picture), resolution=4).values.shape == (1, 4, 4)


def test_colours_on_request() -> None:
    color, grey = encoded_picture(COLORS), encoded_picture(GREYS)
    assert np.array_equal(values(grey, color="rgb"), np.repeat(GREYS[..., None], 3, 2))
    luma = np.asarray(Image.fromarray(COLORS).convert("L"))
    assert np.array_equal(values(color, color="luma")[..., 0], luma)
    assert np.array_equal(values(COLORS, color="luma")[..., 0], luma)
    deep = DEEP[..., :3]
    expected = np.rint(deep @ np.array([0.299, 0.587, 0.114]))
    assert np.array_equal(values(png_file(deep), color="luma")[..., 0], expected)
    assert values(png_file(deep[..., :1]), color="rgb").shape == (7, 5, 3)


@pytest.mark.parametrize("filter", ["lanczos", "bicubic", "bilinear", "box", "nearest"])
def test_resizing_is_the_same_at_every_depth(filter: str) -> None:
    picture = RNG.integers(60, 190, (24, 32, 3), np.uint8)
    shallow = load(encoded_picture(picture), resolution=10, resize=filter)
    deep = load(picture.astype(np.uint16) * 257, resolution=10, resize=filter)
    floats = load(
        picture.astype(np.float32), resolution=10, resize=filter, data_range=(0, 255)
    )
    assert shallow.values.shape == deep.values.shape == floats.values.shape
    assert deep.values.dtype == np.uint16
    # Pillow resizes 8 bits in two passes and rounds after each.
    assert np.abs(shallow.scaled() - floats.scaled()).max() <= 1.01 / 127.5
    assert np.abs(deep.scaled() - floats.scaled()).max() <= 0.51 / 32767.5


def test_crop_and_resize_are_those_of_pillow() -> None:
    picture = RNG.integers(0, 256, (20, 33, 3), np.uint8)
    square = Image.fromarray(picture).crop((6, 0, 26, 20))
    expected = np.asarray(square.resize((8, 8), Image.Resampling.LANCZOS))
    data = encoded_picture(picture)
    assert np.array_equal(values(data, resolution=8), expected)
    whole = Image.fromarray(picture).resize((13, 8), Image.Resampling.BOX)
    stored = values(data, resolution=8, crop="none", resize="box")
    assert np.array_equal(stored, np.asarray(whole))


def test_a_long_strip_is_not_blown_up() -> None:
    with pytest.raises(ImageError, match=r"would have \d+x256 pixels.*--crop center"):
        wanted_size((100_000, 1), 256, "strip.png")


def test_float_arrays_need_a_range() -> None:
    stack = np.linspace(-1, 1, 12, dtype=np.float32).reshape(2, 2, 3)
    with pytest.raises(InputError, match=r"float32 numbers.*--data-range -1,1"):
        load(stack)
    pixels = load(stack, data_range=(-1.0, 1.0))
    assert np.allclose(pixels.scaled().transpose(1, 2, 0), stack, atol=1e-7)
    with pytest.raises(ImageError, match="not finite"):
        load(np.full((2, 2), np.nan), data_range=(-1.0, 1.0))


def test_a_range_is_used_for_integers_too() -> None:
    twelve_bits = np.array([[0, 4095]], np.uint16)
    pixels = load(twelve_bits, data_range=(0.0, 4095.0))
    assert pixels.scaled().tolist() == [[[-1.0, 1.0]]]


def test_float_opacity_counts_in_the_range() -> None:
    picture = np.full((1, 1, 4), (1.0, 1.0, 1.0, 0.0), np.float32)
    assert values(picture, data_range=(-1.0, 1.0)).ravel().tolist() == [0.0] * 3


def test_byte_order_does_not_change_the_key() -> None:
    grey = DEEP[..., 0]
    assert load(grey.astype(">u2")).key() == load(grey.astype("<u2")).key()


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"background": "gray"}, "--background grey"),
        ({"window": "han"}, "--window hann"),
        ({"resize": "lancos"}, "--resize lanczos"),
        ({"resolution": 0}, "--resolution must be at least 1"),
        ({"data_range": (1.0, 1.0)}, "LOW below HIGH"),
        ({"data_range": (0.0, np.inf)}, "LOW below HIGH"),
    ],
)
def test_unknown_settings(settings: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        make_preprocessing(**settings)


def test_ranges_are_parsed() -> None:
    assert parse_range(None, "--range") is None
    assert parse_range("0,255", "--range") == (0.0, 255.0)
    with pytest.raises(UsageError, match="two numbers as in 0,1, not '1'"):
        parse_range("1", "--range")


def test_missing_and_odd_files(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="does not exist") as missing:
        load(tmp_path / "no.png")
    assert missing.value.reason == "missing"
    with pytest.raises(ImageError, match="is not a file"):
        load(tmp_path)
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(ImageError, match="damaged or not an image") as text:
        load(tmp_path / "text.png")
    copy = pickle.loads(pickle.dumps(text.value))
    assert (str(copy), copy.reason) == (str(text.value), "not an image")


def test_subsampled_colour_is_noticed() -> None:
    picture = RNG.integers(0, 256, (64, 64, 3), np.uint8)
    thin = encoded_picture(picture, "jpeg", subsampling=2)
    full = encoded_picture(picture, "jpeg", subsampling=0)
    grey = encoded_picture(picture[..., 0], "jpeg")
    assert load(thin).subsampled
    assert not load(full).subsampled
    assert not load(grey).subsampled
    assert not load(thin, color="luma").subsampled
    assert not load(thin, resolution=32).subsampled
    assert load(thin, resolution=48).subsampled


@needs_shared
def test_fast_decoding_changes_what_is_documented() -> None:
    paths = sorted((SHARED / "photos").glob("*.jpg"))
    power = {fast: np.zeros(1) for fast in (False, True)}
    for fast in power:
        for path in paths:
            scaled = load(path, resolution=80, fast=fast).scaled()
            power[fast] = power[fast] + ring_powers(scaled).power
    ratio = power[True] / power[False]
    frequency = np.arange(len(ratio)) / 80
    assert np.abs(ratio[frequency <= 0.2] - 1).max() < 0.03
    top = ratio[(frequency > 0.45) & (frequency <= 0.5)].mean()
    assert 0.85 < top < 0.95


def test_fast_decoding_leaves_twice_the_side() -> None:
    picture = RNG.integers(0, 256, (64, 64), np.uint8)
    data = encoded_picture(picture, "jpeg")
    # 64 is not twice 33, so nothing may be left out.
    assert load(data, resolution=33, fast=True).key() == load(data, resolution=33).key()
    assert load(data, resolution=16, fast=True).key() != load(data, resolution=16).key()


def transparent(mode: str) -> bytes:
    """Return an image of over one strip with transparent pixels, turned by EXIF."""
    tags = Image.Exif()
    tags[0x0112] = 6
    rng = np.random.default_rng(5)
    if mode == "RGBA;16":
        deep = rng.integers(0, 65536, (37, 53, 4), np.uint16)
        return png_file(deep, [(b"eXIf", tags.tobytes()[6:])])
    picture = Image.fromarray(rng.integers(0, 256, (37, 53, 4), np.uint8))
    if mode == "P":
        palette = picture.convert("RGB").quantize(16)
        return saved(palette, "png", exif=tags, transparency=bytes(range(0, 240, 15)))
    if mode == "CMYK":
        return saved(picture.convert("RGB").convert(mode), "jpeg", exif=tags)
    return saved(picture.convert(mode), "png", exif=tags)


@pytest.mark.parametrize("mode", ["P", "RGBA", "LA", "RGBA;16", "CMYK", "L", "1"])
@pytest.mark.parametrize("filter", ["lanczos", "nearest"])
def test_strips_make_the_picture_that_a_whole_makes(
    mode: str, filter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = transparent(mode)
    for settings in ({}, {"resolution": 20}, {"resolution": 45, "crop": "none"}):
        whole = load(data, background="grey", resize=filter, **settings)
        assert whole.values.std() > 10
        with monkeypatch.context() as patch:
            patch.setattr("spectral_sched.images.strips.PIXELS_AT_ONCE", 200)
            strips = load(data, background="grey", resize=filter, **settings)
        assert strips.key() == whole.key()


def test_a_picture_beyond_memory_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    for place in ("pixels.decode", "pixels.prepared"):
        with monkeypatch.context() as patch:
            patch.setattr(f"spectral_sched.images.{place}", full)
            with pytest.raises(ImageError, match=r"x does not fit into.*--resol") as no:
                load(encoded_picture(COLORS))
            assert no.value.reason == "too large"
