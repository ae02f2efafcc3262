"""Warnings about the images themselves, and the window."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from spectral_sched.analysis.measurement import measure
from spectral_sched.files.spectrum import read_spectrum, spectrum_document
from spectral_sched.images.pixels import load_pixels
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.sources import Item, items
from spectral_sched.spectra.gaussian_field import GaussianField
from spectral_sched.spectra.periodogram import hann_window, ring_powers
from spectral_sched.spectra.quality import steepest_fall
from tests.support.helpers import (
    ROOT,
    SHARED,
    needs_shared,
    power_law_field,
    write_pictures,
)
from tests.support.picture_files import encoded_picture

Change = Callable[[Image.Image], Image.Image]


def enlarged(factor: float, filter: Image.Resampling) -> Change:
    return lambda image: image.resize(
        (round(factor * image.width), round(factor * image.height)), filter
    )


def jpeg(quality: int, subsampling: int = 2) -> Change:
    def change(image: Image.Image) -> Image.Image:
        file = io.BytesIO()
        image.save(file, "jpeg", quality=quality, subsampling=subsampling)
        return Image.open(file)

    return change


def field_of(pictures: Iterable[Image.Image]) -> GaussianField:
    powers = []
    for picture in pictures:
        values = np.asarray(picture.convert("RGB")).transpose(2, 0, 1)
        powers.append(ring_powers(values / 127.5 - 1).cross_power)
    channels, height, width = values.shape
    cross_power = np.mean(powers, axis=0)
    return GaussianField((channels, height, width), np.zeros(3), cross_power)


def photographs(side: int = 160) -> list[Image.Image]:
    """Return photographs shrunk to half, which leaves no trace of their JPEG."""
    settings = make_preprocessing(side)
    paths = sorted((SHARED / "photos").glob("*.jpg"))
    pixels = [load_pixels(path, path.name, settings) for path in paths]
    return [Image.fromarray(p.values.transpose(1, 2, 0)) for p in pixels]


@needs_shared
@pytest.mark.parametrize(
    "change",
    [
        lambda image: image,
        enlarged(0.5, Image.Resampling.BICUBIC),
        enlarged(0.5, Image.Resampling.BOX),
        enlarged(0.5, Image.Resampling.BILINEAR),
        jpeg(90),
        jpeg(30),
    ],
    ids=["as it is", "bicubic", "box", "bilinear", "quality 90", "quality 30"],
)
def test_clean_photographs_are_not_blamed(change: Change) -> None:
    assert steepest_fall(field_of(map(change, photographs()))) is None


@needs_shared
@pytest.mark.parametrize(
    ("change", "least"),
    [
        (enlarged(2, Image.Resampling.BILINEAR), 4.5),
        (enlarged(2, Image.Resampling.BICUBIC), 5),
        (enlarged(2, Image.Resampling.LANCZOS), 5.5),
        (enlarged(1.5, Image.Resampling.LANCZOS), 5),
        (enlarged(1.25, Image.Resampling.BICUBIC), 4),
        (jpeg(20), 3.5),
        (jpeg(10), 3.5),
    ],
)
def test_missing_detail_is_noticed(change: Change, least: float) -> None:
    fall = steepest_fall(field_of(map(change, photographs())))
    assert fall is not None
    assert 0.3 < fall[0] <= 0.5
    assert fall[1] > least


@pytest.mark.parametrize("exponent", [0.0, 2.0, 4.0, 6.0])
def test_power_laws_are_not_blamed(exponent: float) -> None:
    rng = np.random.default_rng(0)
    powers = [
        ring_powers(power_law_field((1, 64, 64), exponent, rng), precision="float64")
        for _ in range(8)
    ]
    cross_power = np.mean([power.cross_power for power in powers], axis=0)
    assert steepest_fall(GaussianField((1, 64, 64), np.zeros(1), cross_power)) is None


def test_the_sample_images_are_not_blamed() -> None:
    measured = measure(items(ROOT / "sample_images"), make_preprocessing())
    assert measured.warnings == ()


def test_small_pictures_say_nothing() -> None:
    field = GaussianField((1, 16, 16), np.zeros(1), np.ones((12, 1, 1)))
    assert steepest_fall(field) is None


def test_a_set_without_detail_is_warned_of(tmp_path: Path) -> None:
    write_pictures(tmp_path / "a", 4, (32, 32))
    measured = measure(items(tmp_path / "a"), make_preprocessing(64, resize="bicubic"))
    (warning,) = measured.warnings
    assert warning.startswith("power falls by a factor of ")
    assert "upsampled, blurred or heavily compressed" in warning
    document = spectrum_document(measured, {})
    assert document["source"]["warnings"] == [warning]


def test_subsampled_colour_is_warned_of() -> None:
    rng = np.random.default_rng(3)
    fields = np.clip(128 + 40 * rng.normal(size=(4, 32, 32, 3)), 0, 255)
    pictures = fields.astype(np.uint8)
    kinds: tuple[dict[str, Any], ...] = ({"subsampling": 2}, {"subsampling": 0}) * 2
    stream = [
        Item(str(number), "", encoded_picture(picture, "jpeg", **kinds[number]))
        for number, picture in enumerate(pictures)
    ]
    measured = measure(stream, make_preprocessing())
    assert measured.warnings[0].startswith("2 of 4 images (50%) are JPEGs with subsamp")
    assert not measure(stream, make_preprocessing(color="luma")).warnings


@needs_shared
def test_subsampling_quarters_the_power_of_colour() -> None:
    power = {}
    for subsampling in (0, 2):
        sums = np.zeros(1)
        for image in map(jpeg(95, subsampling), photographs()):
            values = np.asarray(image.convert("YCbCr")).transpose(2, 0, 1)
            cross_power = ring_powers(values / 127.5 - 1).cross_power
            sums = sums + np.diagonal(cross_power, axis1=1, axis2=2)
        power[subsampling] = sums
    frequency = np.arange(len(sums)) / 160
    middle = (frequency > 0.18) & (frequency <= 0.25)
    luma, *chroma = power[2][middle].sum(0) / power[0][middle].sum(0)
    assert luma == pytest.approx(1, abs=0.01)
    assert all(0.2 < share < 0.35 for share in chroma)


def test_the_window_keeps_the_power_of_white_noise() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0.3, 0.5, (3, 96, 128))
    powers = ring_powers(noise, precision="float64", window="hann")
    plain = ring_powers(noise, precision="float64")
    # 3 x 12288 modes, which the window makes about half as many independent ones.
    assert np.mean(powers.power[5:60]) == pytest.approx(0.25, rel=0.03)
    np.testing.assert_allclose(powers.cross_power[0], plain.cross_power[0], rtol=1e-12)
    np.testing.assert_array_equal(powers.channel_mean, plain.channel_mean)


@pytest.mark.parametrize("shape", [(1, 1), (1, 8), (2, 3), (64, 48)])
def test_the_window_has_a_mean_square_of_one(shape: tuple[int, int]) -> None:
    window = hann_window(*shape)
    assert window.shape == shape
    assert np.mean(window**2) == pytest.approx(1, rel=1e-14)
    np.testing.assert_allclose(window, window[::-1, ::-1], rtol=1e-12)


def test_the_window_stops_leakage() -> None:
    # A slope jumps at the border, which leaks like 1 / frequency**2 everywhere.
    slope = np.linspace(-1, 1, 128)[None, None, :] * np.ones((1, 128, 1))
    leaking = ring_powers(slope, precision="float64").power
    faded = ring_powers(slope, precision="float64", window="hann").power
    assert faded[30:60].max() < 1e-4 * leaking[30:60].max()


def test_the_window_is_recorded_and_used(tmp_path: Path) -> None:
    write_pictures(tmp_path / "a", 3)
    plain = measure(items(tmp_path / "a"), make_preprocessing())
    settings = make_preprocessing(
        window="hann", background="grey", data_range=(0.0, 255.0)
    )
    faded = measure(items(tmp_path / "a"), settings)
    assert not np.allclose(plain.spectrum.field.power, faded.spectrum.field.power)
    document = spectrum_document(faded, {"tool": "", "created": "", "arguments": {}})
    from spectral_sched.documents.write import write_document

    write_document(document, tmp_path / "s.json")
    assert read_spectrum(tmp_path / "s.json").preprocessing == settings
