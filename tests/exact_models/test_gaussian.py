from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from spectral_sched.exact_models.gaussian import OneGaussian, SpectralGaussian
from spectral_sched.exact_models.trajectories import exact_flow, sampled
from spectral_sched.planning.transfer import transfer
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import FLOW_SAMPLERS

TABLE = SigmaTable.of([40.0, 9.0, 2.0, 0.4, 0.05])


def ratio_of(model: OneGaussian, table: SigmaTable) -> float:
    """Return true over sampled variance for Euler from an exact start."""
    sigmas = np.array(table.sigmas)
    (factor,) = transfer("euler", sigmas, np.array([model.std**2])) / sigmas[0]
    return float(model.std**2 / (factor**2 * (model.std**2 + sigmas[0] ** 2)))


@pytest.mark.parametrize("num_steps", [1, 2, 3, 8, 100])
@pytest.mark.parametrize("std", [0.02, 0.5, 30.0])
def test_the_tangent_grid_has_the_ratio_of_the_theorem(
    num_steps: int, std: float
) -> None:
    model = OneGaussian(std)
    table = model.tangent_table(80.0, num_steps)
    assert table.num_steps == num_steps
    assert table.sigmas[0] == 80.0
    ratio = model.variance_ratio(80.0, num_steps)
    assert ratio_of(model, table) == pytest.approx(ratio, rel=1e-11)


def test_tangent_ratio_by_hand() -> None:
    # From sigma = std the angle is 45 degrees: cos(45)^-2 = 2 in one step and, with
    # cos(22.5)^2 = (1 + sqrt(1/2)) / 2, (2 / (1 + sqrt(1/2)))^2 = 1.3726 in two.
    model = OneGaussian(0.7)
    assert model.variance_ratio(0.7, 1) == pytest.approx(2)
    assert model.variance_ratio(0.7, 2) == pytest.approx((2 / (1 + np.sqrt(0.5))) ** 2)
    assert model.tangent_table(0.7, 2).sigmas[1] == pytest.approx(
        0.7 * (np.sqrt(2) - 1)
    )


@given(st.lists(st.floats(0.01, 1.0), min_size=5, max_size=5))
def test_no_table_beats_the_tangent_grid(gaps: list[float]) -> None:
    model, shares = OneGaussian(0.5), np.cumsum(gaps[::-1])[::-1] / sum(gaps)
    angles = np.arctan(80 / 0.5) * shares
    table = SigmaTable.of([80.0, *(0.5 * np.tan(angles[1:]))])
    steps = [a - b for a, b in pairwise([*angles, 0.0])]
    assert ratio_of(model, table) == pytest.approx(np.prod(np.cos(steps)) ** -2)
    assert ratio_of(model, table) >= model.variance_ratio(80.0, 5) * (1 - 1e-12)


def test_flows_are_those_of_the_denoisers() -> None:
    x = np.array([3.0, -40.0, 7.0])
    one = OneGaussian(0.6)
    many = SpectralGaussian(np.array([9.0, 0.3, 1e-3]), np.ones(3))
    for model in (one, many):
        found = exact_flow(model.denoise, x, 30.0, 0.1)
        np.testing.assert_allclose(model.flow(x, 30.0, 0.1), found, rtol=1e-8)


@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
def test_sampled_power_is_what_the_sampler_makes(sampler: str) -> None:
    model = SpectralGaussian(np.geomspace(1e-3, 1e3, 7), np.arange(1.0, 8.0))
    picture = sampled(model.denoise, np.full(7, TABLE.sigmas[0]), sampler, TABLE)
    power = model.sampled_power(sampler, TABLE)
    np.testing.assert_allclose(power, picture**2, rtol=1e-12)
    distance = model.num_modes @ (np.abs(picture) - np.sqrt(model.power)) ** 2
    assert model.squared_distance(sampler, TABLE) == pytest.approx(distance)


def test_divergence_is_the_integral_that_defines_it() -> None:
    model = SpectralGaussian(np.array([2.0]), np.array([3.0]))
    found, true = (
        norm(0, model.sampled_power("euler", TABLE)[0] ** 0.5),
        norm(0, 2**0.5),
    )

    def density(x: float) -> float:
        return float(found.pdf(x) * (found.logpdf(x) - true.logpdf(x)))

    integral, _ = quad(density, -20, 20, epsabs=1e-12)
    assert model.divergence("euler", TABLE) == pytest.approx(3 * integral, rel=1e-8)


@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
def test_many_steps_make_the_field(sampler: str) -> None:
    model = SpectralGaussian(np.geomspace(1e-2, 10, 4), np.ones(4))
    table = SigmaTable.of(np.geomspace(1e4, 1e-4, 3000))
    assert model.squared_distance(sampler, table) < 1e-4 * model.power.sum()
    assert model.divergence(sampler, table) < 1e-4


@pytest.mark.parametrize("std", [0.0, -1.0, np.inf, np.nan])
def test_widths_are_positive(std: float) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        OneGaussian(std)


def test_fields_are_checked() -> None:
    with pytest.raises(ValueError, match="one entry per ring"):
        SpectralGaussian(np.ones(3), np.ones(2))
    with pytest.raises(ValueError, match="without power"):
        SpectralGaussian(np.array([1.0, 0.0]), np.ones(2))
    with pytest.raises(ValueError, match="positive levels"):
        exact_flow(OneGaussian(1.0).denoise, np.ones(1), 1.0, 0.0)
