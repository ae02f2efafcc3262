from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectral_sched.errors import NoAnswerError, UsageError
from spectral_sched.spectra.bounds import (
    QUANTISATION,
    bound_intervals,
    clean_at,
    sigma_bounds,
    swamped_at,
)
from spectral_sched.spectra.gaussian_field import GaussianField
from spectral_sched.spectra.rings import rings
from spectral_sched.spectra.spectrum import Spectrum
from tests.support.helpers import SHARED, needs_shared, power_law_field, spectrum_of


def field(power: np.ndarray, mean: float = 0.0, side: int = 16) -> GaussianField:
    """Return a grey field of given ring powers."""
    return GaussianField((1, side, side), np.array([mean]), power[:, None, None])


def smooth_pictures(count: int = 40, scale: float = 1.0) -> np.ndarray:
    """Return float images with hardly any power outside the lowest rings."""
    rng = np.random.default_rng(0)
    fields = np.array([power_law_field((3, 32, 32), 10, rng) for _ in range(count)])
    pictures = 0.3 * fields / fields.std() + rng.normal(0, 0.2, (count, 3, 1, 1))
    result: np.ndarray = scale * pictures
    return result


def test_sigma_min_of_one_flat_level_by_hand() -> None:
    # n P s^2 / (P + s^2) = n (t q)^2 in every ring alike, so s^2 = P a / (P - a).
    power, allowed = 1e-4, (2 * QUANTISATION) ** 2
    bounds = sigma_bounds(field(np.full(12, power)), tolerance=2)
    by_hand = np.sqrt(power * allowed / (power - allowed))
    assert bounds.sigma_min == pytest.approx(by_hand, rel=1e-9)
    assert bounds.sigma_min_ring == pytest.approx(np.sqrt(power / 100), rel=1e-12)


def test_sigma_min_of_a_smooth_set_by_hand() -> None:
    # Only ring 1 (of 4 + 4 modes) has power, so 8 modes share what 256 may keep:
    # s^2 = P a / (P - a) with a = 256 q^2 / 8, far above q^2.
    power = np.zeros(len(rings(16, 16)))
    power[1] = 2.0
    allowed = 256 * QUANTISATION**2 / rings(16, 16).num_modes[1]
    by_hand = np.sqrt(2.0 * allowed / (2.0 - allowed))
    bounds = sigma_bounds(field(power))
    assert bounds.sigma_min == pytest.approx(by_hand, rel=1e-9)
    assert bounds.sigma_min > 5 * QUANTISATION


def test_smooth_float_pictures_have_a_higher_sigma_min() -> None:
    spectrum = spectrum_of(smooth_pictures())
    bounds = sigma_bounds(spectrum.field)
    noise = bounds.sigma_min**2
    power, modes = spectrum.field.power, spectrum.field.num_modes
    left = modes @ (power * noise / (power + noise))
    assert left == pytest.approx(1024 * QUANTISATION**2, rel=1e-9)
    assert bounds.sigma_min > 2 * QUANTISATION


def test_sigma_max_swamps_the_strongest_ring_and_no_more() -> None:
    power = np.geomspace(50, 1e-3, len(rings(16, 16)))
    bounds = sigma_bounds(field(power, mean=0.5), epsilon=0.005)
    about_zero = 50 + 256 * 0.25
    nats = 0.5 * np.log1p(about_zero / bounds.sigma_max**2)
    assert nats == pytest.approx(0.005, rel=1e-12)
    assert 0.5 * np.log1p(50 / bounds.sigma_max_centred**2) == pytest.approx(0.005)


def test_divergences_against_the_full_gaussian_formula() -> None:
    power, mean = np.geomspace(50, 1e-3, len(rings(16, 16))), 0.5
    bounds = sigma_bounds(field(power, mean))
    modes, noise = rings(16, 16).num_modes, bounds.sigma_max**2
    # KL between N(m, P + s^2) and N(0, s^2), mode by mode; the mean is in ring 0.
    variance = power + noise
    exact = modes @ (variance / noise - 1 - np.log(variance / noise)) / 2
    exact += 256 * mean**2 / (2 * noise)
    assert bounds.kl_gaussian == pytest.approx(exact, rel=1e-9)
    assert bounds.kl_gaussian <= bounds.kl_bound
    assert bounds.kl_gaussian_centred <= bounds.kl_bound_centred
    expected = (modes @ power + 256 * mean**2) / (2 * noise)
    assert bounds.kl_bound == pytest.approx(expected, rel=1e-9)


@given(st.floats(1e-3, 1e3))
def test_bounds_scale_with_pixels_and_tolerance(factor: float) -> None:
    power = np.geomspace(50, 1e-3, len(rings(16, 16)))
    once = sigma_bounds(field(power, 0.3))
    scaled = sigma_bounds(field(factor**2 * power, factor * 0.3), tolerance=factor)
    for name in ("sigma_min", "sigma_min_ring", "sigma_max", "sigma_max_centred"):
        expected = factor * getattr(once, name)
        assert getattr(scaled, name) == pytest.approx(expected, rel=1e-9)


def test_measured_bounds_scale_with_pixels_and_tolerance() -> None:
    once = sigma_bounds(spectrum_of(smooth_pictures()).field)
    scaled = sigma_bounds(spectrum_of(smooth_pictures(scale=7)).field, tolerance=7)
    assert scaled.sigma_min == pytest.approx(7 * once.sigma_min, rel=1e-6)
    assert scaled.sigma_max == pytest.approx(7 * once.sigma_max, rel=1e-6)


def enlarged(picture: np.ndarray) -> np.ndarray:
    """Return the same content at twice the side, by band-limited interpolation."""
    channels, height, width = picture.shape
    modes = np.fft.fftshift(np.fft.fft2(picture), axes=(1, 2))
    wide = np.zeros((channels, 2 * height, 2 * width), complex)
    top, left = height - height // 2, width - width // 2
    wide[:, top : top + height, left : left + width] = modes
    result: np.ndarray = 4 * np.fft.ifft2(np.fft.ifftshift(wide, axes=(1, 2))).real
    return result


def test_twice_the_side_doubles_the_level_that_swamps_a_ring() -> None:
    # Odd sides have no Nyquist mode, so enlarging keeps every mode as it is.
    rng = np.random.default_rng(1)
    small = [power_law_field((1, 31, 31), 2, rng) for _ in range(4)]
    large = [enlarged(picture) for picture in small]
    np.testing.assert_allclose(large[0][:, ::2, ::2], small[0], atol=1e-9)
    one, two = (swamped_at(spectrum_of(set_).field.power) for set_ in (small, large))
    inside = np.arange(1, 15)
    shift = -2 * np.log(two[inside] / one[inside])
    np.testing.assert_allclose(shift, -2 * np.log(2), atol=1e-3)


def test_bounds_of_one_ring_are_monotone_in_the_settings() -> None:
    power = np.geomspace(50, 1e-3, len(rings(16, 16)))
    strict = sigma_bounds(field(power), epsilon=0.001, tolerance=0.5)
    loose = sigma_bounds(field(power), epsilon=0.1, tolerance=4)
    assert strict.sigma_max > loose.sigma_max
    assert strict.sigma_min < loose.sigma_min


def test_a_nearly_constant_set_has_no_lower_bound() -> None:
    with pytest.raises(NoAnswerError, match="less than 1 rounding error"):
        sigma_bounds(field(np.full(12, 1e-7)))


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_settings_are_positive(value: float) -> None:
    with pytest.raises(UsageError, match="--epsilon must be"):
        sigma_bounds(field(np.ones(12)), epsilon=value)
    with pytest.raises(UsageError, match="--tolerance must be"):
        sigma_bounds(field(np.ones(12)), tolerance=value)


def test_clean_level_of_many_spectra_at_once() -> None:
    rng, modes = np.random.default_rng(2), rings(16, 16).num_modes
    power = rng.lognormal(0, 2, (7, len(modes)))
    together = clean_at(power, modes, 1.0)
    single = [float(clean_at(row, modes, 1.0)) for row in power]
    np.testing.assert_allclose(together, single, rtol=1e-12)


def flat_pictures(count: int, rng: np.random.Generator) -> Spectrum:
    """Return the spectrum of images that differ in brightness, variance 4."""
    brightness = rng.normal(0, 2, (count, 1, 1, 1))
    return spectrum_of(brightness + rng.normal(0, 0.1, (count, 1, 8, 8)))


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng, hits = np.random.default_rng(3), 0
    truth = float(swamped_at(np.array([64 * 4.0]))[0])
    for trial in range(100):
        spectrum = flat_pictures(80, rng)
        bounds = sigma_bounds(spectrum.field)
        interval = bound_intervals(spectrum, bounds, seed=trial).sigma_max_centred
        hits += interval[0] <= truth <= interval[1]
    assert 84 <= hits <= 100  # nominal 95, less for 80 images and a skewed statistic


def test_intervals_are_deterministic_and_narrow_with_more_pictures() -> None:
    rng = np.random.default_rng(4)
    widths = []
    for count in (50, 800):
        spectrum = flat_pictures(count, rng)
        bounds = sigma_bounds(spectrum.field)
        one = bound_intervals(spectrum, bounds)
        assert one == bound_intervals(spectrum, bounds)
        widths.append(one.sigma_max[1] / one.sigma_max[0] - 1)
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.4)


@needs_shared
@pytest.mark.parametrize(
    ("name", "sigma_max", "centred"),
    [("photos32", 135.0, 128.4), ("satellite32", 119.4, 83.75)],
)
def test_bounds_of_real_tiles(name: str, sigma_max: float, centred: float) -> None:
    with np.load(SHARED / f"{name}.npz") as arrays:
        tiles = arrays["images"].transpose(0, 3, 1, 2)
    bounds = sigma_bounds(spectrum_of(tiles / 127.5 - 1, "float32").field)
    assert bounds.sigma_min == pytest.approx(0.002265, rel=0.01)
    assert bounds.sigma_max == pytest.approx(sigma_max, rel=0.01)
    assert bounds.sigma_max_centred == pytest.approx(centred, rel=0.01)


def test_too_few_pictures_for_an_interval_say_so() -> None:
    """Three colours of one pixel differ, but a ninth of the draws is one of them."""
    spectrum = spectrum_of(np.array([0.1, 0.4, -0.3]).reshape(3, 1, 1, 1))
    bounds = sigma_bounds(spectrum.field)
    with pytest.raises(NoAnswerError, match="drawn from these 3 images hold no diff"):
        bound_intervals(spectrum, bounds)


@pytest.mark.parametrize("turned", [False, True])
def test_pictures_of_one_mean_colour_have_intervals(turned: bool) -> None:
    # Their brightness does not vary, and rounding alone is left of its power.
    picture = smooth_pictures(count=1)[0] + 0.3
    turns = [np.rot90(picture, k, axes=(1, 2)) for k in range(4)]
    spectrum = spectrum_of(turns if turned else [picture] * 5)
    bounds = sigma_bounds(spectrum.field)
    intervals = bound_intervals(spectrum, bounds)
    for name in ("sigma_min", "sigma_max", "sigma_max_centred"):
        low, high = getattr(intervals, name)
        np.testing.assert_allclose([low, high], getattr(bounds, name), rtol=1e-6)
    assert intervals.sigma_min_ring == (0.0, 0.0)
