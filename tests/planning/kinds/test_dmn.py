"""DM-NonUniform: weights against direct sums, tables against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from spectral_sched.planning.kinds.dmn import (
    assumed_error,
    calls_to,
    dmn_table,
    error_bound,
    picture_weights,
)
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import FLOW_SAMPLERS

ENDS = (0.002, 80.0)
FLOW = sorted(FLOW_SAMPLERS)


def column(*levels: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array([*levels, 0.0])[:, None]


def bound(sampler: str, table: SigmaTable, exponent: float) -> float:
    return float(error_bound(sampler, column(*table.levels), ENDS[0], exponent).sum())


def test_the_assumed_error_is_that_of_a_variance_preserving_network() -> None:
    sigma = np.geomspace(1e-3, 1e3, 7)
    alpha = 1 / np.sqrt(1 + sigma**2)
    noise = sigma * alpha
    np.testing.assert_allclose(assumed_error(sigma, 1.0), noise / alpha, rtol=1e-14)
    np.testing.assert_allclose(assumed_error(sigma, 2.0), noise**2 / alpha, rtol=1e-14)


def test_weights_of_euler_are_what_each_step_leaves_of_its_image() -> None:
    levels = (80.0, 6.0, 0.5)
    weights = picture_weights(calls_to("euler", column(*levels), ENDS[0]), range(3))
    following = np.array([*levels[1:], ENDS[0]])
    left = ENDS[0] / following * (1 - following / np.array(levels))
    np.testing.assert_allclose(weights[:, 0], left, rtol=1e-12)


@pytest.mark.parametrize("sampler", FLOW)
@pytest.mark.parametrize("num_steps", [1, 2, 5])
def test_weights_and_the_share_of_the_start_make_one(
    sampler: str, num_steps: int
) -> None:
    # An image without noise stays what it is, whatever the solver and the table.
    sigmas = column(*np.geomspace(80, 0.1, num_steps))
    calls = calls_to(sampler, sigmas, ENDS[0])
    steps = range(num_steps)
    weights = picture_weights(calls, steps)
    np.testing.assert_allclose(weights.sum(), 1 - ENDS[0] / 80, rtol=1e-9)
    apart = sum(picture_weights(calls, [step]) for step in steps)
    np.testing.assert_allclose(apart, weights, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("sampler", FLOW)
@pytest.mark.parametrize(
    ("num_steps", "exponent"), [(1, 1.0), (2, 2.0), (3, 1.0), (4, 2.0), (6, 1.0)]
)
def test_tables_decrease_inside_the_bounds(
    sampler: str, num_steps: int, exponent: float
) -> None:
    table = dmn_table(sampler, num_steps, ENDS, exponent)
    assert table.num_steps == num_steps
    assert table.levels[0] == ENDS[1]
    assert table.levels[-1] >= ENDS[0]


@pytest.mark.parametrize("sampler", FLOW)
def test_tables_are_always_the_same(sampler: str) -> None:
    assert dmn_table(sampler, 3, ENDS, 2.0) == dmn_table(sampler, 3, ENDS, 2.0)


@pytest.mark.parametrize("sampler", ["dpmpp-2m", "dpmpp-3m", "deis", "euler", "heun"])
@pytest.mark.parametrize("num_steps", [2, 3])
@pytest.mark.parametrize("exponent", [1.0, 2.0])
def test_no_table_on_a_fine_grid_has_a_lower_bound(
    sampler: str, num_steps: int, exponent: float
) -> None:
    # The search keeps a least step between levels, and so does the grid.
    fine = np.geomspace(ENDS[1], ENDS[0], 162)[:-1]
    least = 0.1 / num_steps * 161
    places = [
        (0, *others)
        for others in itertools.combinations(range(1, len(fine)), num_steps - 1)
        if min(np.diff([0, *others])) >= least
    ]
    levels = fine[np.array(places)].T
    sigmas = np.vstack([levels, np.zeros_like(levels[:1])])
    best = error_bound(sampler, sigmas, ENDS[0], exponent).sum(axis=0).min()
    found = bound(sampler, dmn_table(sampler, num_steps, ENDS, exponent), exponent)
    assert 0.97 * best < found <= 1.0001 * best


def test_euler_with_an_error_like_sigma_has_even_steps() -> None:
    # The bound is then the sum of sigma_i / sigma_(i+1) - 1, times sigma_min.
    even = np.geomspace(80, 0.002, 6)[:-1]
    np.testing.assert_allclose(dmn_table("euler", 5, ENDS, 1.0).levels, even, rtol=1e-3)
