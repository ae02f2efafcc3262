"""The order of convergence of every solver, on one mode whose solution is known."""

from __future__ import annotations

import numpy as np
import pytest

from spectral_sched.solvers import FLOW_SAMPLERS, SAMPLERS, Solver, solver_calls
from spectral_sched.solvers.recurrence import Play

POWER, TOP, BOTTOM = 1.0, 10.0, 0.1
ORDERS = {
    "euler": 1,
    "flow-heun": 2,
    "flow-heun-2": 2,
    "heun": 2,
    "dpmpp-2m": 2,
    "dpmpp-3m": 2,
    "unipc": 3,
    "unipc-3": 3,
    "ipndm": 2,
    "deis": 2,
}
"""Least orders: the first step of a multistep solver is Euler's, whose local error is
of order 2, and only a corrector mends it."""


def no_noise() -> float:
    return pytest.fail("a solver of the flow asked for noise")


def global_error(sampler: str, sigmas: list[float]) -> float:
    """Return what a table gets wrong of a mode, as a share of the exact value."""
    play = Play(1.0, no_noise)
    for call in solver_calls(sampler, [*sigmas, 0.0])[:-1]:
        play.take(call, POWER / (POWER + call.sigma**2) * play.point)
    exact = np.sqrt((POWER + BOTTOM**2) / (POWER + TOP**2))
    return float(play.point / exact - 1)


@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
def test_twice_the_steps_divide_the_error_by_two_to_the_order(sampler: str) -> None:
    counts = [64, 128, 256, 512]
    tables = [np.geomspace(TOP, BOTTOM, count + 1).tolist() for count in counts]
    errors = np.abs([global_error(sampler, table) for table in tables])
    orders = -np.diff(np.log2(errors))
    assert np.all(orders > ORDERS[sampler] - 0.1)
    assert np.all(orders < ORDERS[sampler] + 1)


@pytest.mark.parametrize("solver", SAMPLERS.values(), ids=lambda solver: solver.name)
def test_records_say_how_often_each_step_calls(solver: Solver) -> None:
    levels = [8.0, 4.0, 2.0, 1.0, 0.0]
    assert len(list(solver.calls(levels))) == 3 * solver.calls_per_step + 1


@pytest.mark.parametrize("solver", SAMPLERS.values(), ids=lambda solver: solver.name)
def test_only_solvers_that_say_so_draw_noise(solver: Solver) -> None:
    calls = list(solver.calls([8.0, 4.0, 2.0, 1.0, 0.0]))
    states = [call.state for call in calls if call.state is not None]
    assert any(state.adds_noise for state in states) == solver.stochastic


@pytest.mark.parametrize("solver", SAMPLERS.values(), ids=lambda solver: solver.name)
def test_only_multistep_solvers_look_back(solver: Solver) -> None:
    calls = list(solver.calls([8.0, 4.0, 2.0, 1.0, 0.5, 0.0]))
    seen = max(len(call.state.denoised) for call in calls if call.state is not None)
    assert (seen <= solver.calls_per_step) == solver.one_step
