from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import ndtr, ndtri, softmax

from spectral_sched.exact_models.interpolants import (
    Interpolant,
    VarianceExploding,
    VariancePreserving,
    dilated_levels,
    sigma_levels,
    uniform_levels,
)
from spectral_sched.exact_models.mixture import (
    GaussianMixture,
    interpolated,
    interpolated_state,
    outcome,
    tabulated,
    tabulated_state,
)
from spectral_sched.exact_models.trajectories import FloatArray, exact_flow
from spectral_sched.planning.transfer import transfer
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import FLOW_SAMPLERS

NUM_STEPS = 20
DIMENSIONS = [10**2, 10**3, 10**4, 10**6, 10**8]
VP = VariancePreserving()


def path_of(name: str, dimension: int) -> Interpolant:
    return VP if name == "vp" else VarianceExploding(dimension)


def result(
    name: str, clock: str, dimension: int, dilation: float = 3.0
) -> tuple[float, float]:
    path = path_of(name, dimension)
    levels = (
        uniform_levels(NUM_STEPS)
        if clock == "uniform"
        else dilated_levels(path, NUM_STEPS, dimension, dilation)
    )
    return interpolated(GaussianMixture(dimension), path, levels)


class FullMixture:
    """The same mixture with all its coordinates, by Bayes' rule over the two modes."""

    def __init__(self, model: GaussianMixture) -> None:
        self.model = model
        self.means = model.mean * np.outer([1, -1], np.ones(model.dimension))
        self.prior = np.log([model.probability, 1 - model.probability])

    def denoise(self, x: FloatArray, sigma: float) -> FloatArray:
        variance = self.model.std**2
        distance = ((x[:, None] - self.means) ** 2).sum(axis=2)
        modes = softmax(self.prior - distance / (2 * (variance + sigma**2)), axis=1)
        given_mode = (variance * x[:, None] + sigma**2 * self.means) / (
            variance + sigma**2
        )
        mean: FloatArray = np.einsum("bs,bsd->bd", modes, given_mode)
        return mean


def axes(dimension: int) -> FloatArray:
    """Return the unit vector of the ones and one orthogonal to it, (2, d)."""
    across = np.zeros(dimension)
    across[:2] = [1, -1]
    return np.stack([np.ones(dimension) / np.sqrt(dimension), across / np.sqrt(2)])


def test_two_variables_say_what_all_coordinates_do() -> None:
    model = GaussianMixture(40, mean=0.3, std=0.7, probability=0.6)
    x = 2 * np.random.default_rng(0).normal(size=(6, 40)) + 0.1
    for sigma in (0.1, 1.0, 8.0):
        full = FullMixture(model).denoise(x, sigma) @ axes(40).T
        np.testing.assert_allclose(model.denoise(x @ axes(40).T, sigma), full)


@pytest.mark.parametrize("name", ["vp", "ve"])
def test_the_velocity_is_that_of_the_conditional_means(name: str) -> None:
    # a' E[noise | x] + b' E[data | x], with a' by finite difference.
    model, path = GaussianMixture(30, mean=0.4), path_of(name, 30)
    x, near = np.random.default_rng(1).normal(size=(5, 30)), 1e-6
    for level in (0.1, 0.5, 0.9):
        before, now, after = (
            np.sqrt(path.noise_variance(at))
            for at in (level - near, level, level + near)
        )
        data = FullMixture(model).denoise(x / level, now / level)
        noise = (x - level * data) / now
        full = (after - before) / (2 * near) * noise + data
        np.testing.assert_allclose(
            model.velocity(x @ axes(30).T, level, path), full @ axes(30).T, rtol=1e-7
        )


def test_the_denoiser_is_the_posterior_mean_by_quadrature() -> None:
    model, sigma = GaussianMixture(9, mean=0.5, std=0.4, probability=0.3), 0.9
    grid = np.linspace(-8, 8, 20001)
    prior = sum(
        mass * np.exp(-((grid - center) ** 2) / (2 * 0.4**2))
        for mass, center in ((0.3, 1.5), (0.7, -1.5))
    )
    along = np.array([-2.0, -0.2, 0.0, 0.4, 3.0])
    weights = prior * np.exp(-((along[:, None] - grid) ** 2) / (2 * sigma**2))
    expected = weights @ grid / weights.sum(axis=1)
    found = model.denoise(np.stack([along, along], axis=-1), sigma)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-10)


# d = 1e6, 20 Euler steps: measured on samples, to 0.02, and exact.
@pytest.mark.parametrize(
    ("name", "clock", "dilation", "measured", "exact"),
    [
        ("vp", "uniform", 3, (1.00, 0.53), (1.0000, 0.5265)),
        ("ve", "uniform", 3, (0.80, 0.005), (0.8072, 0.0047)),
        ("vp", "dilated", 3, (0.81, 0.55), (0.8172, 0.5535)),
        ("ve", "dilated", 3, (0.81, 0.39), (0.8149, 0.3880)),
        ("ve", "dilated", 4, (0.81, 0.36), (0.8149, 0.3581)),
    ],
)
def test_figures_in_a_million_dimensions(
    name: str,
    clock: str,
    dilation: float,
    measured: tuple[float, float],
    exact: tuple[float, float],
) -> None:
    found = result(name, clock, 10**6, dilation)
    np.testing.assert_allclose(found, measured, atol=0.02)
    np.testing.assert_allclose(found, exact, atol=6e-5)


@pytest.mark.parametrize("dimension", [100, 10**6])
@pytest.mark.parametrize("name", ["vp", "ve"])
def test_the_law_of_the_end_is_that_of_samples(name: str, dimension: int) -> None:
    model, path = GaussianMixture(dimension), path_of(name, dimension)
    levels, count = dilated_levels(path, NUM_STEPS, dimension), 100_000
    found = interpolated(model, path, levels)
    noise = np.random.default_rng(2).normal(size=(count, 2))
    ends = interpolated_state(model, path, levels, noise)
    # Four standard errors: 0.005 of a probability, 0.9% of a standard deviation.
    error = 4 * np.sqrt(found.probability * (1 - found.probability) / count)
    assert np.mean(ends[:, 0] > 0) == pytest.approx(found.probability, abs=error)
    assert ends[:, 1].std() == pytest.approx(found.std, rel=4 / np.sqrt(2 * count))
    # And of quantiles of the noise, to the mass of one of them.
    middle = ndtri((np.arange(count) + 0.5) / count)
    ends = interpolated_state(model, path, levels, np.stack([middle, 0 * middle], -1))
    assert np.mean(ends[:, 0] > 0) == pytest.approx(found.probability, abs=1 / count)


def test_the_mass_of_several_intervals() -> None:
    def beyond_one(noise: FloatArray) -> FloatArray:
        return np.stack([noise[:, 0] ** 2 - 1, 3 * noise[:, 1]], axis=-1)

    probability, std = outcome(beyond_one)
    assert probability == pytest.approx(2 * ndtr(-1), rel=1e-12)
    assert std == 3
    assert outcome(lambda noise: noise * 0 + 1).probability == 1
    assert outcome(lambda noise: noise * 0 - 1).probability == 0
    assert outcome(lambda noise: -noise).probability == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["vp", "ve"])
def test_many_steps_make_the_mixture(name: str) -> None:
    model, path = GaussianMixture(10**4), path_of(name, 10**4)
    once, twice = (
        np.array(interpolated(model, path, dilated_levels(path, count, 10**4)))
        for count in (400, 800)
    )
    # Euler's error is of the first order: what is left after taking it out is small.
    limit = 2 * twice - once
    np.testing.assert_allclose(limit, [model.positive_mass, model.std], atol=3e-4)
    assert model.positive_mass == pytest.approx(0.8)


def test_uniform_clocks_fail_with_the_dimension() -> None:
    probability = [result("vp", "uniform", d)[0] for d in DIMENSIONS]
    assert np.all(np.diff(probability) >= 0)
    assert probability[0] < 0.83
    assert probability[-1] > 1 - 1e-12
    std = [result("ve", "uniform", d)[1] for d in DIMENSIONS]
    # Every hundredfold of d divides the width by ten.
    assert std[0] > 0.3
    np.testing.assert_allclose(np.array(std[2:4]) / std[3:], 10, rtol=0.01)


def limit_of_vp() -> tuple[float, float]:
    """Return what the dilated VP clock makes in infinite dimension.

    Up to the kink the level is ``g / sqrt(d)`` and a state is of order one, ``du/dg =
    tanh(h + g u)``, m = 1; the next step, of order one, settles the sign of ``h +
    dilation * u``; the width sees a uniform clock of half the steps.
    """
    h, small = np.log(4) / 2, np.linspace(0, 3, NUM_STEPS // 2 + 1)
    noise = ndtri((np.arange(100_000) + 0.5) / 100_000)
    state = noise
    for level, level_next in pairwise(small):
        state = state + (level_next - level) * np.tanh(h + level * state)
    levels = np.linspace(0, 1, NUM_STEPS // 2 + 1)[:-1]
    rates = -0.75 * levels / (1 - 0.75 * levels**2)
    std = np.prod(1 + rates / (NUM_STEPS // 2))
    return float(np.mean(h + 3 * state > 0)), float(std)


def limit_of_ve() -> float:
    """Return the width that the dilated VE clock makes in infinite dimension.

    Noise falls to the dilation exactly, then by Euler steps of equal length to 0.
    """
    sigmas = np.linspace(3, 0, NUM_STEPS // 2 + 1)
    factors = [(s * t + 0.25) / (s**2 + 0.25) for s, t in pairwise(sigmas)]
    return float(3 * np.prod(factors))


def test_dilated_clocks_have_a_limit() -> None:
    # Measured: deviations from the limit fall as 1 / sqrt(d); 1e-4 at d = 1e8.
    np.testing.assert_allclose(result("vp", "dilated", 10**8), limit_of_vp(), atol=1e-4)
    assert result("ve", "dilated", 10**8)[1] == pytest.approx(limit_of_ve(), abs=1e-4)
    assert result("ve", "dilated", 10**8)[0] == pytest.approx(
        result("ve", "dilated", 10**12)[0], abs=1e-4
    )


@pytest.mark.parametrize("name", ["vp", "ve"])
def test_dilated_clocks_do_not_fail_with_the_dimension(name: str) -> None:
    errors = np.abs(
        [np.subtract(result(name, "dilated", d), (0.8, 0.5)) for d in DIMENSIONS]
    )
    assert np.all(errors <= (0.018, 0.115))
    assert np.ptp(errors, axis=0).max() < 0.02


@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
def test_the_width_over_a_sigma_table_is_the_transfer(sampler: str) -> None:
    table = SigmaTable.of([3000.0, 90.0, 7.0, 0.9, 0.2])
    found = tabulated(GaussianMixture(10**4), sampler, table)
    (std,) = transfer(sampler, np.array(table.sigmas), np.array([0.25]))
    assert found.std == pytest.approx(abs(std), rel=1e-12)


@pytest.mark.parametrize("clock", ["uniform", "dilated"])
def test_euler_on_the_straight_path_is_euler_in_sigma(clock: str) -> None:
    # Both hold the denoised data over a step; the first step, from pure noise, is the
    # start about the mean.
    path, model = VarianceExploding(10**4), GaussianMixture(10**4)
    levels = (
        dilated_levels(path, 12, 10**4) if clock == "dilated" else uniform_levels(12)
    )
    along_path = interpolated(model, path, levels)
    over_table = tabulated(model, "euler", sigma_levels(path, levels))
    np.testing.assert_allclose(over_table, along_path, rtol=1e-9)


@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
@pytest.mark.parametrize("start", ["zero", "mean"])
def test_fine_sigma_tables_follow_the_exact_flow(sampler: str, start: str) -> None:
    model = GaussianMixture(100)
    table = SigmaTable.of(np.geomspace(60, 1e-3, 1500))
    noise = np.random.default_rng(3).normal(size=(4, 2))
    first = np.array([model.center if start == "mean" else 0.0, 0.0])
    flow = exact_flow(model.denoise, first + 60 * noise, 60.0, 1e-3)
    states = tabulated_state(
        model, sampler, table, noise, "mean" if start == "mean" else "zero"
    )
    np.testing.assert_allclose(states, model.denoise(flow, 1e-3), rtol=0.02)


def test_the_exact_flow_from_far_up_has_the_right_masses() -> None:
    model = GaussianMixture(10**4)
    found = tabulated(model, "heun", SigmaTable.of(np.geomspace(1e5, 1e-2, 400)))
    assert found.probability == pytest.approx(model.positive_mass, abs=1e-3)
    assert found.std == pytest.approx(0.5, abs=1e-3)


def test_mixtures_are_checked() -> None:
    with pytest.raises(ValueError, match="two dimensions"):
        GaussianMixture(1)
    for fault in ({"mean": 0.0}, {"std": -1.0}, {"probability": 1.0}):
        with pytest.raises(ValueError, match="mean of their own"):
            GaussianMixture(10, **fault)
