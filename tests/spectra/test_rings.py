"""The inner loop against a plain implementation with a mask per ring."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from spectral_sched.spectra.periodogram import ring_powers
from spectral_sched.spectra.rings import _bands, rings

sizes = st.integers(1, 24)


def masked_cross_power(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (K, C, C) by a full transform and one mask per ring."""
    channels, height, width = pixels.shape
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    index = np.rint(radius * max(height, width)).astype(int)
    modes = np.fft.fft2(pixels) / np.sqrt(height * width)
    power = np.empty((index.max() + 1, channels, channels))
    for ring in range(len(power)):
        chosen = modes[:, index == ring]
        power[ring] = (chosen @ chosen.conj().T).real / chosen.shape[1]
    return power


@pytest.fixture
def narrow_bands(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("spectral_sched.spectra.rings.BAND_MODES", 7)
    _bands.cache_clear()
    yield
    _bands.cache_clear()


def assert_agrees(height: int, width: int, channels: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).normal(0.3, 1, (channels, height, width))
    found = ring_powers(pixels, precision="float64").cross_power
    expected = masked_cross_power(pixels)
    # Of cross power, which may cancel, the scale is the power of its channels.
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


@given(sizes, sizes, st.integers(1, 4), st.integers(0, 99))
def test_rings_agree_with_masks(
    height: int, width: int, channels: int, seed: int
) -> None:
    assert_agrees(height, width, channels, seed)


@pytest.mark.usefixtures("narrow_bands")
@pytest.mark.parametrize("shape", [(16, 16), (15, 16), (16, 15), (1, 9), (9, 1)])
def test_rings_agree_with_masks_band_by_band(shape: tuple[int, int]) -> None:
    assert_agrees(*shape, channels=3, seed=0)


@given(sizes, sizes, st.sampled_from(["uint8", "uint16"]), st.integers(0, 99))
def test_stored_integers_are_as_good_as_floats(
    height: int, width: int, kind: str, seed: int
) -> None:
    high = np.iinfo(kind).max
    rng = np.random.default_rng(seed)
    stored = rng.integers(0, high + 1, (3, height, width)).astype(kind)
    scaled = stored / (high / 2) - 1
    powers = partial(ring_powers, stored, origin=high / 2, unit=high / 2)
    exact = ring_powers(scaled, precision="float64").cross_power
    double = powers(precision="float64").cross_power
    single = powers().cross_power
    np.testing.assert_allclose(double, exact, rtol=1e-10, atol=1e-10)
    energy = rings(height, width).num_modes @ np.trace(single, axis1=1, axis2=2)
    assert energy == pytest.approx(np.sum(scaled**2), rel=1e-5)


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "float64"])
def test_the_layout_in_memory_changes_no_bit(kind: str) -> None:
    rng = np.random.default_rng(1)
    packed = rng.integers(0, 256, (33, 20, 3)).astype(kind)
    planar = np.ascontiguousarray(packed.transpose(2, 0, 1))
    one, other = ring_powers(packed.transpose(2, 0, 1)), ring_powers(planar)
    np.testing.assert_array_equal(one.cross_power, other.cross_power)
    np.testing.assert_array_equal(one.channel_mean, other.channel_mean)


def test_ring_0_is_the_exact_mean_of_stored_pixels() -> None:
    stored = np.random.default_rng(2).integers(0, 256, (3, 40, 30), dtype=np.uint8)
    powers = ring_powers(stored, origin=127.5, unit=127.5)
    mean = stored.mean(axis=(1, 2), dtype=np.float64) / 127.5 - 1
    np.testing.assert_allclose(powers.channel_mean, mean, rtol=0, atol=1e-15)
    outer = 1200 * np.outer(powers.channel_mean, powers.channel_mean)
    np.testing.assert_array_equal(powers.cross_power[0], outer)
