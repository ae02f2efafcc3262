from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm

from spectral_sched.planning.error_model import (
    FEW_STEPS,
    START_SHARE,
    Origin,
    StartError,
    global_share,
    mode_errors,
    noise_start_error,
    powers_for,
    spectral_start_error,
    squared_errors,
    table_errors,
)
from spectral_sched.planning.kinds.optimal import BEND, DETAIL, optimal_table
from spectral_sched.planning.local_errors import (
    local_errors,
    transfer,
    transfer_by_source,
    transfer_kl,
)
from spectral_sched.planning.mode_powers import mode_powers, power_measure
from spectral_sched.planning.search import SHORTEST_STEP, minimal_table
from spectral_sched.schedules import KarrasLaw, Schedule, sigma_table
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import FLOW_SAMPLERS, SAMPLERS
from spectral_sched.spectra.bounds import Start, sigma_bounds
from spectral_sched.spectra.power_distribution import (
    PowerDistribution,
    power_distribution,
    power_variation,
    widen,
    without_chance,
)
from tests.support.helpers import power_law_field, spectrum_of

STARTS_ABOUT_THE_MEAN: tuple[Start, ...] = ("spectral", "mean")

ABOUT: tuple[Start, ...] = ("zero", "mean")

NOTHING = 1e-7
"""Squared error, as a share of the energy, that no picture shows."""

POWER = np.geomspace(1e-4, 1e3, 9)


@cache
def planning(factor: float = 1.0) -> PowerDistribution:
    rng = np.random.default_rng(0)
    pictures = np.array(
        [
            0.01 * rng.lognormal(0, 0.5) * power_law_field((3, 16, 16), 2, rng)
            + rng.normal(0.1, 0.3, (3, 1, 1))
            for _ in range(60)
        ]
    )
    return power_distribution(spectrum_of(factor * pictures))


@cache
def ends(
    data: PowerDistribution, start: Start = "zero", tolerance: float = 1.0
) -> tuple[float, float]:
    bounds = sigma_bounds(data.field, tolerance=tolerance)
    return bounds.sigma_min, bounds.top(start)


@cache
def beginning(
    data: PowerDistribution, sampler: str, num_steps: int, start: Start
) -> tuple[np.ndarray, Origin]:
    power, missed = powers_for(data, sampler, num_steps)
    offset = np.broadcast_to(missed[..., None], power.shape)
    top = np.array([ends(data, start)[1], 0.0])
    highest = local_errors(sampler, top, power.ravel())
    return power, Origin(start, offset.ravel(), highest)


def error(
    data: PowerDistribution, sampler: str, sigmas: np.ndarray, start: Start
) -> float:
    """Return the objective by a direct sum over all powers of all rings."""
    power, origin = beginning(data, sampler, len(sigmas) - 1, start)
    squared = sum(mode_errors(sampler, np.asarray(sigmas), power.ravel(), origin))
    weights = np.repeat(data.field.num_modes, power[0].size)
    return float(squared @ weights / (power.ravel() @ weights))


@pytest.mark.parametrize("num_steps", [2, 3, 8, 20])
def test_one_power_level_gives_the_tangent_grid(num_steps: int) -> None:
    # Align Your Steps (arXiv 2404.14507), Thm 3.1: arctan(sigma / c) equally spaced.
    level, first = 0.7, 80.0
    power = np.array([level**2])
    table = minimal_table(
        lambda sigmas: transfer_kl("euler", sigmas, power)[..., 0][None],
        num_steps,
        (1e-6, first),
        first=first,
    )
    angles = np.linspace(np.arctan(first / level), 0, num_steps + 1)
    np.testing.assert_allclose(table.sigmas, level * np.tan(angles), rtol=1e-6)


def test_euler_transfer_is_the_product_of_its_factors() -> None:
    sigmas = np.array([50.0, 4.0, 0.3, 0.0])
    product = 50.0 * np.prod(
        [(s * t + POWER) / (s**2 + POWER) for s, t in pairwise(sigmas)],
        axis=0,
    )
    np.testing.assert_allclose(transfer("euler", sigmas, POWER), product, rtol=1e-13)


@pytest.mark.parametrize(
    ("sampler", "order"),
    # Multistep methods of order 3 start with steps of order 1 and 2, so their sum has
    # order 2; the correctors of UniPC repair that.
    [
        ("euler", 1),
        ("heun", 2),
        ("dpmpp-2m", 2),
        ("dpmpp-3m", 2),
        ("ipndm", 2),
        ("deis", 2),
        ("unipc", 3),
        ("unipc-3", 3),
    ],
)
def test_orders_of_convergence(sampler: str, order: int) -> None:
    # Measured away from the ends, where the start and the last step have their own
    # errors: the state at sigma 0.5 that came from sqrt(P + 400) at 20.
    power, errors, steps = np.geomspace(0.01, 100, 9), [], 2 ** np.arange(7, 11)
    exact = 20 * np.sqrt((power + 0.25) / (power + 400))
    for count in steps:
        sigmas = np.append(np.geomspace(20, 0.5, count + 1), 0.0)
        # The last step is to the denoised value, P / (P + 0.25) of the state.
        state = transfer(sampler, sigmas, power) * (power + 0.25) / power
        errors.append(np.linalg.norm(state - exact))
    slope = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize(
    ("sampler", "order"),
    [
        ("euler", 1),
        ("heun", 2),
        ("dpmpp-2m", 2),
        ("dpmpp-3m", 3),
        ("deis", 3),
        ("unipc", 3),
        ("unipc-3", 4),
    ],
)
def test_orders_of_single_steps(sampler: str, order: int) -> None:
    # One step of size h from exact values errs by h^(order + 1), far from the start.
    power, errors, steps = np.geomspace(0.01, 100, 9), [], 2 ** np.arange(6, 9)
    for count in steps:
        sigmas = np.append(np.geomspace(20, 0.5, count + 1), 0.0)
        middle = local_errors(sampler, sigmas, power).amplitudes[count // 2]
        errors.append(np.linalg.norm(middle))
    slope = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(order + 1, abs=0.15)


def test_local_defects_of_one_euler_step_by_hand() -> None:
    sigmas, power = np.array([3.0, 1.0, 0.0]), np.array([2.0])
    start, first, last = local_errors("euler", sigmas, power).amplitudes
    # From sqrt(P + 9): x (s s' + P) / (s^2 + P), against sqrt(P + 1), carried to 0.
    step = np.sqrt(11) * (3 + 2) / (9 + 2)
    assert first[0] == pytest.approx((step - np.sqrt(3)) * np.sqrt(2 / 3))
    assert last[0] == pytest.approx(2 / np.sqrt(3) - np.sqrt(2))
    # The start has 3 for sqrt(P + 9); an error in it shrinks by sqrt(P / (P + 9)).
    assert start[0] == pytest.approx((3 - np.sqrt(11)) * np.sqrt(2 / 11))


def test_a_missed_mean_by_hand() -> None:
    power, offset = np.array([2.0]), np.array([5.0])
    local, highest = (
        local_errors("euler", np.array([sigma, 0.0]), power) for sigma in (3.0, 7.0)
    )
    zero, mean = (
        noise_start_error("euler", local, highest, offset, start) for start in ABOUT
    )
    # sqrt(P / (P + s^2)) of an error in the mean is left.
    left, least = (math.sqrt(5 * 2 / (2 + sigma**2)) for sigma in (3, 7))
    assert zero.mean == pytest.approx(left - least)
    assert mean.mean == 0
    assert zero.spread == mean.spread == local.amplitudes[0] - highest.amplitudes[0]
    assert zero.apart - mean.apart == pytest.approx(least**2)
    with_mean, without = (
        np.sum(squared_errors("euler", local, begun), axis=0) for begun in (zero, mean)
    )
    assert (with_mean - without)[0] == pytest.approx((left - least) ** 2 + least**2)


def test_solvers_that_add_noise_mend_the_highest_start() -> None:
    power, offset = np.array([2.0]), np.array([5.0])
    local = local_errors("heun-churn", np.array([3.0, 1.0, 0.0]), power)
    begun = noise_start_error("heun-churn", local, local, offset, "zero")
    assert begun.spread == local.amplitudes[0]
    assert (begun.spread, begun.apart) != (0, 0)


def test_errors_of_one_step_solvers_have_signs_and_others_do_not() -> None:
    sigmas, power = np.array([30.0, 3.0, 1.0, 0.0]), np.array([0.1, 2.0])
    for sampler in FLOW_SAMPLERS:
        local = local_errors(sampler, sigmas, power)
        begun = StartError(spread=np.array([0.1, -0.2]), apart=np.array([0.5, 0.0]))
        found = sum(squared_errors(sampler, local, begun))
        made = np.array([begun.spread, *local.amplitudes[1:]])
        one_step = SAMPLERS[sampler].one_step
        summed = made.sum(axis=0) ** 2 if one_step else (made**2).sum(axis=0)
        np.testing.assert_allclose(found, summed + begun.apart, rtol=1e-12)
    assert {SAMPLERS[name].one_step for name in FLOW_SAMPLERS} == {True, False}


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_imaginary_steps_give_the_slopes(sampler: str) -> None:
    power, levels = np.geomspace(0.01, 100, 5), np.array([40.0, 6.0, 1.0, 0.2])
    highest = local_errors(sampler, np.array([90.0, 0.0]), power)

    def total(level: int, step: complex) -> complex:
        sigmas = np.append(levels, 0.0).astype(complex)
        sigmas[level] += step
        local = local_errors(sampler, sigmas, power)
        begun = noise_start_error(sampler, local, highest, np.full(5, 0.3), "zero")
        return complex(np.sum(squared_errors(sampler, local, begun)))

    for level in range(4):
        step = 1e-5 * levels[level]
        slope = (total(level, step) - total(level, -step)).real / (2 * step)
        assert total(level, 1e-30j).imag / 1e-30 == pytest.approx(slope, rel=1e-5)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_fine_tables_have_no_defects(sampler: str) -> None:
    sigmas = np.append(np.geomspace(500, 1e-4, 4000), 0.0)
    local = local_errors(sampler, sigmas, POWER)
    begun = noise_start_error(sampler, local, local, np.zeros_like(POWER), "mean")
    squared = sum(squared_errors(sampler, local, begun))
    assert np.sqrt(squared / POWER).max() < 5e-3


def test_pooling_rings_changes_the_objective_by_less_than_a_thousandth() -> None:
    data, sigmas = planning(), np.array([60, 9, 1.5, 0.2, 0.0])
    for sampler in FLOW_SAMPLERS:
        errors = table_errors(data, sampler, 4, "zero", ends(data)[1])
        value = errors(sigmas[:, None]).sum()
        assert value == pytest.approx(error(data, sampler, sigmas, "zero"), rel=1e-3)
    measure = power_measure(mode_powers(data, 1.0), data.field.num_modes)
    assert measure.weight.sum() == pytest.approx(256)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("num_steps", [1, 2, 5, 8])
@pytest.mark.parametrize("start", ["zero", "mean"])
def test_no_karras_table_is_better(sampler: str, num_steps: int, start: Start) -> None:
    data = planning()
    low, high = ends(data, start)
    table = optimal_table(data, sampler, num_steps, (low, high), start=start)
    assert table.num_steps == num_steps
    assert low < table.levels[-1]
    assert table.levels[0] <= high * (1 + 1e-12)
    best = error(data, sampler, np.array(table.sigmas), start)
    for top in np.geomspace(high / 20, high, 6):
        for bottom in np.geomspace(low, top / 5, 6):
            for rho in (1.0, 3.0, 7.0, 20.0):
                rival = sigma_table(
                    Schedule(KarrasLaw(rho=rho), bottom, top), num_steps
                )
                found = error(data, sampler, np.array(rival.sigmas), start)
                # Pooling is that accurate, and a minimum may be missed by so much.
                assert best <= found * (1 + 1e-2)


@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
@pytest.mark.parametrize("num_steps", [1, 3, 6])
def test_no_table_from_the_same_picture_with_noise_is_better(
    sampler: str, num_steps: int
) -> None:
    data = planning()
    low, high = ends(data)
    errors = table_errors(data, sampler, num_steps, None, high)

    def of_steps(*tables: Sequence[float]) -> NDArray[np.float64]:
        sigmas = np.array([[*levels, 0.0] for levels in tables]).T
        squared: NDArray[np.float64] = errors(sigmas).sum(axis=0)
        return squared

    for first in (10 * low, 1.0, high):
        table = optimal_table(data, sampler, num_steps, (low, high), first=first)
        assert (table.num_steps, table.levels[0]) == (num_steps, first)
        # A free level under this ceiling, then moved to it; its steps may be shorter.
        cut = optimal_table(data, sampler, num_steps, (low, first)).levels
        rivals = [
            sigma_table(Schedule(KarrasLaw(rho=rho), bottom, first), num_steps).levels
            for bottom in np.geomspace(low, first / 3, 6)
            for rho in (1.0, 3.0, 7.0, 20.0)
        ]
        ours, moved, *others = of_steps(table.levels, (first, *cut[1:]), *rivals)
        assert ours <= min(others) * (1 + 1e-6)
        # They need not change evenly either, which helps this one on paper.
        slack = 2e-1 if (sampler, num_steps) == ("ipndm", 6) else 5e-2
        assert ours <= moved * (1 + slack) or ours < NOTHING


@cache
def optimum_of_few_steps() -> SigmaTable:
    # So few steps may have any lengths.
    data = planning()
    return optimal_table(data, "dpmpp-2m", 4, ends(data))


@given(st.lists(st.floats(-0.1, 0.1), min_size=4, max_size=4))
def test_the_optimum_is_a_minimum(moves: list[float]) -> None:
    data, table = planning(), optimum_of_few_steps()
    moved = np.append(np.array(table.levels) * np.exp(moves), 0.0)
    moved[:-1] = np.minimum(moved[:-1], ends(data)[1])
    best = error(data, "dpmpp-2m", np.array(table.sigmas), "zero")
    assert best <= error(data, "dpmpp-2m", moved, "zero") * (1 + 2e-3)


@pytest.mark.parametrize("factor", [1e-2, 30.0])
def test_the_optimum_scales_with_the_pixels(factor: float) -> None:
    once = optimal_table(planning(), "heun", 5, ends(planning()))
    scaled_data = planning(factor)
    scaled = optimal_table(scaled_data, "heun", 5, ends(scaled_data, tolerance=factor))
    np.testing.assert_allclose(scaled.levels, factor * np.array(once.levels), rtol=1e-4)


def test_the_optimum_is_deterministic() -> None:
    data = planning()
    tables = [optimal_table(data, "euler", 6, ends(data)) for _ in range(2)]
    assert tables[0] == tables[1]


@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
def test_no_other_beginning_finds_a_better_table(sampler: str) -> None:
    data, rng = planning(), np.random.default_rng(0)
    errors = table_errors(data, sampler, 6, "zero", ends(data)[1])
    found = optimal_table(data, sampler, 6, ends(data))
    least = errors(np.array(found.sigmas)[:, None]).sum()
    for slope, curve, first in rng.normal(0, 1, (6, 3)):
        places = np.linspace(-1, 1, 5)
        gaps = np.append(first, slope * places + curve * places**2)
        other = minimal_table(errors, 6, ends(data), gaps=gaps, bend=BEND)
        assert least <= errors(np.array(other.sigmas)[:, None]).sum() * (1 + 1e-9)


def test_the_lengths_of_steps_change_evenly() -> None:
    data = planning()
    low, high = ends(data)
    for first, num_steps in ((None, 12), (2.0, 8)):
        table = optimal_table(data, "dpmpp-2m", num_steps, (low, high), first=first)
        parts = -np.diff(np.log(table.levels)) - SHORTEST_STEP * (
            np.log((first or high) / low) / (num_steps + (first is None))
        )
        places = np.arange(len(parts))
        fit = np.polynomial.Polynomial.fit(places, np.log(parts), BEND)
        assert np.abs(np.log(parts) - fit(places)).max() < 1e-6
        start: Start | None = "zero" if first is None else None
        errors = table_errors(data, "dpmpp-2m", num_steps, start, high)
        free = minimal_table(errors, num_steps, (low, high), first=first)
        assert free.levels != table.levels


def distance_from_gaussian(factors: np.ndarray, power: float, sigma: float) -> float:
    """Return the squared Wasserstein distance of noised modes from one Gaussian.

    The modes have the given power times one of some equally likely factors of mean 1.
    """
    std = np.sqrt(power * factors + sigma**2)
    points = np.linspace(-9, 9, 20001) * np.sqrt(power + sigma**2)
    cdf = norm.cdf(points[:, None] / std).mean(axis=1)
    inside = (cdf > 1e-14) & (cdf < 1 - 1e-14)
    density = norm.pdf(points[:, None] / std) / std
    moved = norm.ppf(cdf[inside]) * np.sqrt(power + sigma**2)
    squared = (points[inside] - moved) ** 2 * density.mean(axis=1)[inside]
    return float(squared.sum() * (points[1] - points[0]))


@pytest.mark.parametrize("sigma", [8.0, 20.0])
def test_a_spectral_start_errs_by_the_distance_from_a_gaussian(sigma: float) -> None:
    factors, power = np.array([0.2, 0.6, 1.0, 2.2]), 9.0
    at_start = distance_from_gaussian(factors, power, sigma)
    found = spectral_start_error(
        *("euler", np.array([sigma, 0.1, 0.0])),
        *(np.array([power]), np.array([factors.var()])),
    )
    # The leading order is 6 % off at sigma 8 and 1 % at 20.
    carried = at_start * power / (power + sigma**2)
    assert found.apart[0] == pytest.approx(carried, rel=0.5 * power / sigma**2 + 0.005)


def test_variation_is_that_of_widened_power() -> None:
    logs = np.log(np.array([[1.0, 3.0], [5.0, 5.0]]))
    data = PowerDistribution(planning().field, logs)
    np.testing.assert_allclose(power_variation(data, 0.0), [0.25, 0.0], atol=1e-15)
    spread = np.exp(1.22 * 0.7 * np.array([-1.0, 0.0, 1.0]))
    assert power_variation(data, 0.7)[1] == pytest.approx(
        spread.var() / spread.mean() ** 2
    )


@pytest.mark.parametrize("sampler", ["dpmpp-2m", "heun", "heun-churn"])
def test_a_spectral_start_is_lower_and_inside_the_bounds(sampler: str) -> None:
    data = planning()
    low_high = ends(data, "mean")
    spectral, mean = (
        optimal_table(data, sampler, 8, low_high, start=start)
        for start in STARTS_ABOUT_THE_MEAN
    )
    assert low_high[0] < spectral.levels[-1]
    assert spectral.levels[0] < 0.8 * mean.levels[0]
    # Beside a start so high that it is exact, each start has the error it has.
    sigmas = np.array(mean.sigmas)[:, None]
    exact, zero, about_mean, spectrum = (
        table_errors(data, sampler, 8, start, 1e9)(sigmas).sum()
        for start in (None, *get_args(Start))
    )
    assert zero > about_mean
    assert exact < spectrum < 1.01 * exact


def test_widening_has_the_spread_it_says() -> None:
    wide = widen(np.array([[0.3]]), 0.8)
    assert wide.mean() == pytest.approx(0.3)
    assert wide.std() == pytest.approx(0.8, rel=0.005)


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
    powers, _ = mode_powers(data, 0.0)
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
    powers, offset = mode_powers(data, 1.0)
    assert offset[0].mean() == pytest.approx(data.field.mean_offset)
    assert not offset[1:].any()
    assert powers[0].std(axis=1) / powers[0].mean(axis=1) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("start", ["zero", "mean", None])
def test_errors_of_heun_are_those_of_the_whole_way(start: Start | None) -> None:
    """They are beside a share of what a fine table from the top gets wrong."""
    sigmas, top = np.array([30.0, 6.0, 1.0, 0.1, 0.0]), 80.0
    fine = np.append(np.geomspace(top, 1e-4, 4000), 0.0)
    offset = 0.3 * POWER
    origin = Origin(start, offset, local_errors("heun", np.array([top, 0.0]), POWER))
    (found,) = mode_errors("heun", sigmas, POWER, origin)
    made, best = (transfer("heun", levels, POWER) for levels in (sigmas, fine))
    share = START_SHARE
    if start is None:
        exact = np.sqrt(POWER + sigmas[0] ** 2)
        wanted = (made / sigmas[0] * exact - np.sqrt(POWER)) ** 2
    else:
        least = share * (best - np.sqrt(POWER))
        wanted = (made - np.sqrt(POWER) - least) ** 2
        if start == "zero":
            missed = made / sigmas[0] - share * best / top
            wanted = wanted + offset * missed**2
    np.testing.assert_allclose(found, wanted, rtol=1e-3)
    (whole,) = mode_errors(
        "heun", sigmas, POWER, replace(origin, count_unavoidable=True)
    )
    unmended = 0.0 if start is None else least**2
    if start == "zero":
        unmended = unmended + offset * (share * best / top) ** 2
    np.testing.assert_allclose(whole - found, unmended, rtol=5e-3, atol=1e-7)


@pytest.mark.parametrize("start", ["zero", "mean", None])
def test_few_steps_with_fresh_noise_are_judged_by_their_variance(
    start: Start | None,
) -> None:
    sigmas = np.array([30.0, 6.0, 1.0, 0.1, 0.0])
    offset = 0.3 * POWER
    highest = local_errors("sde-dpmpp-2m", np.array([80.0, 0.0]), POWER)
    origin = Origin(start, offset, highest, count_unavoidable=True)
    (found,) = mode_errors("sde-dpmpp-2m", sigmas, POWER, origin)
    begun, *fresh = transfer_by_source("sde-dpmpp-2m", sigmas, POWER).weights
    own = POWER if start is None else 0.0
    missed = offset if start == "zero" else 0.0
    kept = (begun / sigmas[0]) ** 2
    variance = kept * (own + sigmas[0] ** 2) + sum(part**2 for part in fresh)
    wanted = (np.sqrt(variance) - np.sqrt(POWER)) ** 2 + kept * missed
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    many = np.append(np.geomspace(30, 0.1, FEW_STEPS + 1), 0.0)
    assert len(mode_errors("sde-dpmpp-2m", many, POWER, origin)) == FEW_STEPS + 2


@pytest.mark.parametrize("first", [None, 30.0])
def test_many_steps_with_fresh_noise_end_with_one_for_detail(
    first: float | None,
) -> None:
    data, (low, high) = planning(), ends(planning())
    for num_steps in range(1, FEW_STEPS + 5):
        table = optimal_table(data, "sde-dpmpp-2m", num_steps, (low, high), first=first)
        before, last = (high, *table.levels)[-2:]
        assert table.num_steps == num_steps
        assert (before == pytest.approx(DETAIL * last)) == (num_steps > FEW_STEPS + 1)
    # No level lies below the lower end.
    *_, before, last = optimal_table(data, "sde-dpmpp-2m", 9, (0.9 * high, high)).levels
    assert before > last >= 0.9 * high


@pytest.mark.parametrize("sampler", ["dpmpp-2m", "unipc-3", "ipndm"])
def test_multistep_errors_go_from_the_whole_way_to_single_steps(sampler: str) -> None:
    offset, top = 0.3 * POWER, 80.0
    highest = local_errors(sampler, np.array([top, 0.0]), POWER)
    origin = Origin("zero", offset, highest)
    fine = transfer(sampler, np.append(np.geomspace(top, 1e-4, 4000), 0.0), POWER)
    shares = []
    for num_steps in range(1, 13):
        sigmas = np.append(np.geomspace(30, 0.1, num_steps), 0.0)
        found = np.sum(mode_errors(sampler, sigmas, POWER, origin), axis=0)
        made = transfer(sampler, sigmas, POWER)
        missed = made / sigmas[0] - fine / top
        whole = (made - fine) ** 2 + offset * missed**2
        local = local_errors(sampler, sigmas, POWER)
        begun = origin.error(sampler, local)
        steps = np.sum(squared_errors(sampler, local, begun), axis=0)
        shares.append(global_share(sampler, num_steps))
        expected = shares[-1] * whole + (1 - shares[-1]) * steps
        np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-6)
    assert shares[:3] == [1, 1, 1]
    assert shares[-3:] == [0, 0, 0]
    assert all(np.diff(shares) <= 0)


@pytest.mark.parametrize("sampler", ["euler", "heun-churn"])
def test_other_solvers_are_counted_step_by_step(sampler: str) -> None:
    assert not any(global_share(sampler, num_steps) for num_steps in range(1, 40))


def test_errors_of_the_whole_way_are_about_the_mean_power_of_the_set() -> None:
    data = planning()
    power = data.field.power
    halved = replace(data, log_power=data.log_power - np.log(2))
    for sample in (data, halved):
        found, offset = powers_for(sample, "heun", 8)
        np.testing.assert_allclose(found.mean(axis=(1, 2)), power, rtol=1e-12)
        np.testing.assert_array_equal(offset, mode_powers(sample, 0.0).offset)
    local, _ = powers_for(halved, "euler", 8)
    assert local.mean() < 0.6 * powers_for(data, "euler", 8).power.mean()


def test_a_ring_without_power_has_a_power_to_plan_for() -> None:
    plain = np.linspace(-0.5, 0.5, 12).reshape(4, 3, 1, 1) * np.ones((8, 8))
    data = power_distribution(spectrum_of(plain))
    for sampler in ("heun", "euler"):
        power, _ = powers_for(data, sampler, 4)
        assert np.all(power > 0)
