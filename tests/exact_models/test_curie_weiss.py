from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import softmax

from spectral_sched.exact_models.curie_weiss import (
    CurieWeiss,
    SpinMixture,
    magnetisation,
)
from spectral_sched.exact_models.trajectories import FloatArray

RNG = np.random.default_rng(0)


def enumerated(
    log_prior: FloatArray, spins: FloatArray, x: FloatArray, sigma: float
) -> FloatArray:
    """Return the posterior mean by a sum over all configurations, (N, d)."""
    evidence = x @ spins.T / sigma**2
    mean: FloatArray = softmax(log_prior + evidence, axis=1) @ spins
    return mean


def configurations(count: int) -> FloatArray:
    return np.array(list(product([-1.0, 1.0], repeat=count)))


@pytest.mark.parametrize("strength", [1.01, 1.2, 1.5, 3.0, 10.0])
def test_magnetisation_is_the_root_that_brackets_find(strength: float) -> None:
    root = brentq(lambda m: np.tanh(strength * m) - m, 1e-2, 1, xtol=1e-15)
    assert magnetisation(strength) == pytest.approx(root, rel=1e-12)


@pytest.mark.parametrize("excess", [1e-3, 1e-6, 1e-9, 1e-12])
def test_magnetisation_near_the_transition(excess: float) -> None:
    # tanh(y) = y - y^3/3 + 2 y^5/15: m^2 = 3 e (1 - 9/5 e) to second order in e. The
    # equation itself is only known to rounding over e.
    series = np.sqrt(3 * excess * (1 - 1.8 * excess))
    tolerance = 10 * excess**2 + 4e-16 / excess
    assert magnetisation(1 + excess) == pytest.approx(series, rel=tolerance)


def test_magnetisation_at_the_ends() -> None:
    assert magnetisation(0.3) == magnetisation(1.0) == 0
    assert 0 < magnetisation(np.nextafter(1, 2)) < 1e-7
    assert magnetisation(40.0) == magnetisation(1e300) == 1
    for fault in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="is positive"):
            magnetisation(fault)


@pytest.mark.parametrize("count", [1, 8, 12])
@pytest.mark.parametrize("strength", [0.5, 1.5, 4.0])
@pytest.mark.parametrize("sigma", [0.3, 1.0, 6.0])
def test_the_integral_is_the_sum_over_configurations(
    count: int, strength: float, sigma: float
) -> None:
    model, spins = CurieWeiss(count, strength, 0.7), configurations(count)
    total = spins.sum(axis=1)
    log_prior = strength * total**2 / (2 * count) + model.field * total / count
    x = RNG.choice(spins, 4) + sigma * RNG.normal(size=(4, count))
    expected = enumerated(log_prior, spins, x, sigma)
    np.testing.assert_allclose(model.denoise(x, sigma), expected, atol=1e-12)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 6.0])
def test_the_mixture_is_the_sum_over_configurations(sigma: float) -> None:
    model, spins = SpinMixture(0.6, 0.3), configurations(9)
    ups = (spins > 0).sum(axis=1)
    modes = [
        mass * ((1 + mean) / 2) ** ups * ((1 - mean) / 2) ** (9 - ups)
        for mass, mean in ((0.3, 0.6), (0.7, -0.6))
    ]
    x = RNG.choice(spins, 4) + sigma * RNG.normal(size=(4, 9))
    expected = enumerated(np.log(modes[0] + modes[1]), spins, x, sigma)
    np.testing.assert_allclose(model.denoise(x, sigma), expected, atol=1e-12)


def deviation(count: int, sigma: float) -> float:
    """Return the rms difference of the two posterior means over noised draws."""
    model, rng = CurieWeiss(count, 1.5, 0.8), np.random.default_rng(1)
    x = model.draws(60, rng) + sigma * rng.normal(size=(60, count))
    difference = model.denoise(x, sigma) - model.mixture.denoise(x, sigma)
    return float(np.sqrt(np.mean(difference**2)))


def test_many_spins_are_the_mixture() -> None:
    # Nine times the spins: 1/9 of the deviation while the mode is open.
    assert deviation(100, 10.0) / deviation(900, 30.0) == pytest.approx(9, rel=0.2)
    # At sigma 1, where spins share a fluctuation of 1 / sqrt(d): half for four times.
    assert deviation(250, 1.0) / deviation(1000, 1.0) == pytest.approx(2, rel=0.25)
    # Measured on 24 draws each of 160 to 10240 spins: 0.19 to 0.23 over sqrt(d).
    assert 1000**0.5 * deviation(1000, 1.0) == pytest.approx(0.21, abs=0.03)


def test_draws_have_the_law_of_the_sum_over_configurations() -> None:
    model, spins, count = CurieWeiss(4, 1.5, 0.7), configurations(4), 40_000
    total = spins.sum(axis=1)
    law = softmax(1.5 * total**2 / 8 + 0.7 * total / 4)
    drawn = model.draws(count, np.random.default_rng(2)) > 0
    counts = np.bincount(drawn @ [8, 4, 2, 1], minlength=16)
    # Chi-squared of 15 degrees of freedom: above 40 once in two thousand seeds.
    assert ((counts - count * law) ** 2 / (count * law)).sum() < 40


def test_the_mean_of_a_spin_misses_the_mixture_by_one_over_d() -> None:
    misses = [
        CurieWeiss(count, 1.5, 0.8).denoise(np.zeros((1, count)), 1e8)[0, 0]
        - CurieWeiss(count, 1.5, 0.8).mixture.denoise(np.zeros((1, count)), 1e8)[0, 0]
        for count in (400, 1600)
    ]
    assert misses[0] / misses[1] == pytest.approx(4, rel=0.02)
    assert 1600 * misses[1] == pytest.approx(-0.62, abs=0.01)  # measured


def test_little_noise_leaves_the_signs_and_nothing_overflows() -> None:
    x = np.array([[0.9, -1.2, 1.1], [-1e6, 1e6, -0.5]])
    for model in (CurieWeiss(3, 2.0), SpinMixture(0.9, 0.5)):
        np.testing.assert_allclose(model.denoise(x, 1e-3), np.sign(x))


def test_spins_are_checked() -> None:
    with pytest.raises(ValueError, match="spins and a coupling"):
        CurieWeiss(0, 1.0)
    with pytest.raises(ValueError, match="undecided spins"):
        SpinMixture(1.0, 0.5)
    with pytest.raises(ValueError, match="undecided spins"):
        _ = CurieWeiss(10, 0.5).mixture
