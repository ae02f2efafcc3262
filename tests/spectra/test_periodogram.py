from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectral_sched.spectra.periodogram import Precision, luma_power, ring_powers
from spectral_sched.spectra.power_law import fit_power_law
from spectral_sched.spectra.rings import radial_frequency, rings
from tests.support.helpers import power_law_field

sizes = st.integers(1, 40)


def plane_wave(height: int, width: int, rows: int, columns: int) -> np.ndarray:
    y, x = np.arange(height)[:, None], np.arange(width)[None]
    wave: np.ndarray = np.cos(2 * np.pi * (rows * y / height + columns * x / width))
    return wave[None]


@given(sizes, sizes)
def test_every_mode_is_in_one_ring(height: int, width: int) -> None:
    plane = rings(height, width)
    assert plane.num_modes.sum() == height * width
    assert plane.num_modes[0] == 1
    assert plane.num_modes.min() >= 1


@pytest.mark.parametrize(("height", "width"), [(64, 256), (63, 97), (5, 8)])
def test_rings_agree_with_a_mask_over_the_full_plane(height: int, width: int) -> None:
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    index = np.rint(radius * max(height, width)).astype(int)
    expected = [np.sum(index == ring) for ring in range(index.max() + 1)]
    np.testing.assert_array_equal(rings(height, width).num_modes, expected)


def test_the_corner_is_at_0_707_cycles_per_pixel() -> None:
    assert radial_frequency(8, 8).max() == pytest.approx(np.sqrt(0.5))
    assert rings(8, 8).frequency[-1] == pytest.approx(6 / 8)  # rint(5.66) = 6


@given(sizes, sizes, st.integers(1, 4), st.integers(0, 99))
def test_parseval_holds_to_rounding_in_float64(
    height: int, width: int, channels: int, seed: int
) -> None:
    pixels = np.random.default_rng(seed).normal(0.3, 1, (channels, height, width))
    powers = ring_powers(pixels, precision="float64")
    modes = rings(height, width).num_modes
    for channel in range(channels):
        energy = modes @ powers.cross_power[:, channel, channel]
        assert energy == pytest.approx(np.sum(pixels[channel] ** 2), rel=1e-12)


@pytest.mark.parametrize("exponent", [-130, -70, 70, 120])
def test_floats_of_any_size_have_a_spectrum(exponent: int) -> None:
    # Their squares are beyond what float32 holds.
    pixels = np.random.default_rng(2).normal(0.3, 1, (3, 16, 21)).astype(np.float32)
    expected = ring_powers(pixels, origin=0.5, unit=0.75)
    size = 2.0**exponent
    scaled = pixels.astype(np.float64) * size
    found = ring_powers(scaled, origin=0.5 * size, unit=0.75 * size)
    assert expected.power.min() > 0
    np.testing.assert_array_equal(found.cross_power, expected.cross_power)
    np.testing.assert_array_equal(found.channel_mean, expected.channel_mean)


@given(sizes, sizes, st.integers(0, 99))
def test_parseval_holds_to_1e_5_in_float32(height: int, width: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).normal(0.3, 1, (1, height, width))
    powers = ring_powers(pixels)
    energy = rings(height, width).num_modes @ powers.power
    assert energy == pytest.approx(np.sum(pixels**2), rel=1e-5)


def test_cross_power_of_equal_and_opposite_channels() -> None:
    plane = np.random.default_rng(0).normal(size=(33, 20))
    cross = ring_powers(np.stack([plane, -2 * plane]), precision="float64").cross_power
    np.testing.assert_allclose(cross[:, 0, 1], -2 * cross[:, 0, 0], rtol=1e-12)
    np.testing.assert_allclose(cross[:, 1, 1], 4 * cross[:, 0, 0], rtol=1e-12)
    np.testing.assert_array_equal(cross, cross.transpose(0, 2, 1))


def test_luma_power_is_the_power_of_the_luma_plane() -> None:
    pixels = np.random.default_rng(1).normal(size=(3, 24, 17))
    luma = np.tensordot([0.299, 0.587, 0.114], pixels, 1)[None]
    direct = ring_powers(luma, precision="float64").power
    crossed = luma_power(ring_powers(pixels, precision="float64").cross_power)
    np.testing.assert_allclose(crossed, direct, rtol=1e-10)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_white_noise_reads_its_variance_in_every_ring(precision: Precision) -> None:
    rng, count, sigma = np.random.default_rng(2), 200, 0.5
    for shape in ((64, 64), (63, 97)):
        power = np.mean(
            [
                ring_powers(
                    rng.normal(0, sigma, (1, *shape)), precision=precision
                ).power
                for _ in range(count)
            ],
            axis=0,
        )
        # A mode and its mirror image are one draw, so the scatter is sqrt(2 / modes).
        scatter = sigma**2 * np.sqrt(2 / (rings(*shape).num_modes * count))
        z_scores = (power - sigma**2) / scatter
        assert np.abs(z_scores).max() < 4.5
        assert 0.6 < z_scores.std() < 1.4


@pytest.mark.parametrize(("height", "width"), [(64, 256), (63, 97), (97, 63), (32, 32)])
@pytest.mark.parametrize("axis", [0, 1])
def test_plane_waves_are_found_at_their_frequency(
    height: int, width: int, axis: int
) -> None:
    cycles = (height, width)[axis] // 4
    turns = (cycles, 0) if axis == 0 else (0, cycles)
    power = ring_powers(plane_wave(height, width, *turns), precision="float64").power
    plane = rings(height, width)
    energy = plane.num_modes * power
    assert energy.max() == pytest.approx(height * width / 2, rel=1e-9)
    found = plane.frequency[energy.argmax()]
    true = cycles / (height, width)[axis]
    assert abs(found - true) <= 0.5 / max(height, width)


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0])
def test_power_law_exponents_are_recovered(exponent: float) -> None:
    field = power_law_field((1, 256, 256), exponent, np.random.default_rng(3))
    plane = rings(256, 256)
    power = ring_powers(field).power
    law = fit_power_law(plane.frequency, power, plane.num_modes)
    assert law.exponent == pytest.approx(exponent, abs=0.05)
    assert law.r2 > 0.95
    middle = np.array([0.1])
    assert law(middle)[0] == pytest.approx(0.1**-exponent, rel=0.1)


def test_pixels_times_a_factor_have_power_times_its_square() -> None:
    pixels = np.random.default_rng(4).normal(size=(3, 20, 31))
    once = ring_powers(pixels, precision="float64").cross_power
    thrice = ring_powers(3 * pixels, precision="float64").cross_power
    np.testing.assert_allclose(thrice, 9 * once, rtol=1e-12)


def test_brightness_does_not_leak_into_faint_rings_in_float32() -> None:
    # Without removing the mean first, float32 would leave 1e-9 or so here.
    faint = 1e-5 * plane_wave(64, 64, 5, 0)
    power = ring_powers(faint + 0.9).power
    exact = ring_powers(faint, precision="float64").power
    assert power[5] == pytest.approx(exact[5], rel=1e-4)
    assert np.delete(power, [0, 5]).max() < 1e-5 * exact[5]


def test_an_image_without_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one pixel, not 0 x 3"):
        rings(0, 3)


def test_luma_of_bands_is_the_power_of_their_mean() -> None:
    # Of independent bands of power a and b, the mean has (a + b) / 4.
    apart = np.array([np.diag([3.0, 5.0])])
    np.testing.assert_allclose(luma_power(apart), [2.0])
    same = np.full((4, 6, 6), 7.0)
    np.testing.assert_allclose(luma_power(same), 7.0)
