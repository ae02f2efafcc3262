from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.stats import chi2

from spectral_sched.planning.mode_powers import UNKNOWN_SPREAD, mode_powers
from spectral_sched.planning.scale_mixture import (
    BLOCK,
    NUM_SCALES,
    NUM_SIZES,
    Band,
    ScaleMixture,
    bands,
    block_sizes,
    image_bands,
    pooled,
    scale_mixture,
)
from spectral_sched.spectra.power_distribution import (
    PowerDistribution,
    image_distribution,
    power_distribution,
    without_chance,
)
from tests.support.helpers import spectrum_of
from tests.support.planned import planning

SCALES = np.geomspace(0.02, 40, NUM_SCALES)


@cache
def mixture() -> ScaleMixture:
    one = Band(0, np.full(NUM_SCALES, 3.0), 1.0, mean=2.0)
    return scale_mixture([one, Band(1, SCALES, 20.0), Band(2, SCALES / 9, 50.0)])


def at(sigma: float) -> np.ndarray:
    return np.array([sigma + 0j])


def denoised(model: ScaleMixture, point: np.ndarray, sigma: float) -> np.ndarray:
    found: np.ndarray = model.denoise(point[:, None] + 0j, at(sigma))
    return found[:, 0].real


@pytest.mark.parametrize("sigma", [0.01, 0.5, 8.0])
def test_the_denoiser_is_the_posterior_mean(sigma: float) -> None:
    # Drawn blocks that come near to a size say what such blocks were.
    rng, model = np.random.default_rng(0), mixture()
    scale = rng.choice(SCALES, 400_000)
    clean = np.sqrt(scale)[:, None] * rng.standard_normal((len(scale), BLOCK))
    noisy = clean + sigma * rng.standard_normal(clean.shape)
    size = np.sqrt((noisy**2).mean(axis=1))
    kept = (clean * noisy).mean(axis=1) / (noisy**2).mean(axis=1)
    node = NUM_SIZES
    for wanted in np.quantile(size, [0.2, 0.5, 0.8]):
        near = np.abs(np.log(size / wanted)) < 0.02
        point = np.zeros(len(model.scale))
        point[node] = wanted
        factor = denoised(model, point, sigma)[node] / wanted
        assert factor == pytest.approx(kept[near].mean(), rel=0.02)


def test_a_band_of_one_scale_is_denoised_by_wieners_filter() -> None:
    model, point = mixture(), np.linspace(-5, 9, 3 * NUM_SIZES)
    found = denoised(model, point, 1.5)[:NUM_SIZES]
    wanted = 2.0 + (point[:NUM_SIZES] - 2.0) * 3.0 / (3.0 + 1.5**2)
    np.testing.assert_allclose(found, wanted, rtol=1e-13)


def test_slopes_are_those_of_differences() -> None:
    model, sigma, step = mixture(), 0.8, 1e-6
    point = model.exact(sigma)
    by_size, by_sigma = (
        model.denoise(
            point[:, None] + 1j * along * step, np.array([sigma + 1j * step * level])
        )[:, 0].imag
        / step
        for along, level in ((1.0, 0.0), (0.0, 1.0))
    )
    up, down = (denoised(model, point + way * step, sigma) for way in (1, -1))
    np.testing.assert_allclose(by_size, (up - down) / (2 * step), rtol=1e-5)
    up, down = (denoised(model, point, sigma + way * step) for way in (1, -1))
    np.testing.assert_allclose(by_sigma, (up - down) / (2 * step), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("top", [3.0, 60.0])
def test_the_end_is_where_the_probability_flow_goes(top: float) -> None:
    model = mixture()
    begun = top * model.unit

    def slope(log_sigma: float, point: np.ndarray) -> np.ndarray:
        change: np.ndarray = point - denoised(model, point, float(np.exp(log_sigma)))
        return change

    span = (np.log(top), np.log(1e-5))
    way = solve_ivp(slope, span, begun, rtol=1e-9, atol=1e-11, method="DOP853")
    end = model.end_from(begun, top)
    np.testing.assert_allclose(way.y[:, -1], end, rtol=2e-4, atol=1e-4)


def test_exact_nodes_have_the_law_of_noised_images() -> None:
    model = mixture()
    inner = slice(NUM_SIZES, 2 * NUM_SIZES)
    rng = np.random.default_rng(1)
    scale = rng.choice(SCALES, 200_000)
    drawn = (scale + 0.7**2) * chi2.rvs(BLOCK, size=len(scale), random_state=rng)
    sizes = np.sqrt(drawn / BLOCK)
    shares = (sizes[:, None] < model.exact(0.7)[inner]).mean(axis=0)
    wanted = chi2.cdf(BLOCK * model.unit[inner] ** 2, BLOCK)
    np.testing.assert_allclose(shares, wanted, atol=0.004)
    # From far above, the flow leads to the same images as having no error at all.
    far = model.end_from(1e7 * model.unit, 1e7)
    np.testing.assert_allclose(far[NUM_SIZES:], model.exact(0.0)[NUM_SIZES:], rtol=1e-5)


@pytest.mark.parametrize("dimension", [1, 9, BLOCK])
def test_sizes_are_those_of_unit_noise(dimension: int) -> None:
    sizes = block_sizes(dimension, 8)
    assert (sizes**2).mean() == pytest.approx(1.0, rel=1e-12)
    drawn = np.random.default_rng(0).chisquare(dimension, (400_000,)) / dimension
    bins = np.sort(drawn).reshape(8, -1).mean(axis=1)
    np.testing.assert_allclose(sizes**2, bins, rtol=0.02)


def test_all_modes_and_all_power_are_there() -> None:
    data = planning()
    found = image_bands(data)
    field = data.field
    channels = field.shape[0]
    assert sum(band.num_modes for band in found) == channels * field.num_pixels
    energy = sum(band.num_modes * band.scale.mean() for band in found)
    assert energy == pytest.approx(channels * field.num_modes @ field.power, rel=1e-9)
    means = [band.mean**2 for band in found if band.number == 0]
    assert sum(means) == pytest.approx(channels * field.mean_offset)
    assert not any(band.mean for band in image_bands(data, about_mean=True))
    model = scale_mixture(found)
    np.testing.assert_allclose(model.weight.sum(), channels * field.num_pixels)


@pytest.mark.parametrize("num_rings", [2, 9, 24, 182])
def test_every_ring_is_in_one_band(num_rings: int) -> None:
    together = np.concatenate(bands(num_rings))
    np.testing.assert_array_equal(together, np.arange(1, num_rings))


def test_pooled_scales_rise_and_keep_the_mean() -> None:
    power = np.exp(np.random.default_rng(0).normal(0, 1, (3, 32)))
    count = np.array([10, 20, 70])
    scales = pooled(power, count)
    assert np.all(np.diff(scales) > 0)
    wanted = count @ power.mean(axis=1) / count.sum()
    assert scales.mean() == pytest.approx(wanted, rel=1e-12)


def test_a_gaussian_field_has_one_power_per_colour_and_ring() -> None:
    # Images of one field differ by chance alone, which is no reason to plan for it.
    rng = np.random.default_rng(1)
    pictures = 0.2 * rng.standard_normal((400, 1, 16, 16))
    colors = np.array([1.0, 0.5, 0.2])[:, None, None]
    data = power_distribution(spectrum_of(pictures * colors))
    seen = data.log_power.std(axis=1)
    own = without_chance(data.log_power, data.field.num_modes)
    assert seen[0] > 1.5
    assert own.std(axis=1).max() < 0.25
    assert own[0].std() < 0.1 * seen[0]
    np.testing.assert_allclose(
        np.exp(own).mean(axis=1), np.exp(data.log_power).mean(axis=1), rtol=1e-12
    )
    powers, _ = mode_powers(data)
    # All of the power is on one of three axes.
    together = powers[:, -1].mean(axis=1)
    np.testing.assert_allclose(together, 3 * data.field.power, rtol=0.12)


def test_a_variation_that_is_no_chance_is_kept() -> None:
    rng = np.random.default_rng(2)
    log_power = rng.normal(0, 1.2, (1, 100_000)) + np.log(
        rng.chisquare(8, (1, 100_000)) / 8
    )
    own = without_chance(log_power, np.array([8]))
    assert own.std() == pytest.approx(1.2, rel=0.01)


def test_offsets_are_those_of_the_mean_colour_by_axis() -> None:
    data = planning()
    _, offset = mode_powers(data)
    assert offset[0].mean() == pytest.approx(data.field.mean_offset)
    assert not offset[1:].any()


def test_powers_are_in_the_mean_those_of_the_whole_set() -> None:
    data = planning()
    halved = PowerDistribution(data.field, data.log_power - np.log(2))
    for sample in (data, halved):
        power, _ = mode_powers(sample)
        np.testing.assert_allclose(power.mean(axis=(1, 2)), data.field.power)


def test_one_image_is_taken_to_vary_as_photographs_do() -> None:
    data = planning()
    one = PowerDistribution(data.field, data.log_power[:, :1])
    logs = np.log(mode_powers(one).power)
    assert logs[-1].std(axis=-1) == pytest.approx(UNKNOWN_SPREAD, rel=0.1)
    np.testing.assert_allclose(
        mode_powers(one).power.mean(axis=(1, 2)), data.field.power
    )


def test_what_is_planned_for_one_image_varies_as_the_set_does() -> None:
    data = planning()
    own = np.log(data.field.power) + np.linspace(0.2, -0.3, len(data.log_power))
    found = image_distribution(data, own)
    np.testing.assert_allclose(np.log(found.field.power), own, rtol=1e-6, atol=1e-6)
    own, of_set = (
        logs - logs.mean(axis=1, keepdims=True)
        for logs in (found.log_power, data.log_power)
    )
    np.testing.assert_allclose(own, of_set, atol=1e-5)


def test_a_ring_without_power_has_a_power_to_plan_for() -> None:
    plain = np.linspace(-0.5, 0.5, 12).reshape(4, 3, 1, 1) * np.ones((8, 8))
    data = power_distribution(spectrum_of(plain))
    assert np.all(mode_powers(data).power > 0)
    model = scale_mixture(image_bands(data))
    assert np.isfinite(model.end_from(50 * model.unit, 50.0)).all()
