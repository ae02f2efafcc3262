"""Tables for flow networks whose programs divide by a time at least."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from spectral_sched.planning.plan import Plan, make_plan
from spectral_sched.planning.replan import replan, under_clamp
from spectral_sched.planning.request import NoiseLimits, TableRequest
from spectral_sched.planning.table_error import noise_left, table_error, total_error
from spectral_sched.schedules import UNIT_FLOW, FlowModel
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import FLOW_SAMPLERS
from tests.support.pink import pink_source

CLAMPED = FlowModel(2.0, 0.05)
LOWEST = CLAMPED.lowest_sigma


@cache
def planned(
    sampler: str,
    flow: FlowModel = UNIT_FLOW,
    floor: float = 0.0,
    kind: str = "optimal",
    steps: int = 8,
) -> Plan:
    limits = NoiseLimits(floor=floor, flow=flow)
    request = TableRequest.of(sampler, steps, "zero", limits=limits)
    return make_plan(pink_source(), kind, request)


def cut(plan: Plan) -> SigmaTable:
    """Return the table of a plan with its levels below the clamp as one, at it."""
    above = [level for level in plan.table.levels if level > LOWEST]
    return SigmaTable.of([*above, LOWEST])


def judged(sampler: str, table: SigmaTable) -> float:
    """Return the error under the clamp, that of a flat image included."""
    top = planned(sampler).ends[1]
    errors = table_error(pink_source().power, sampler, "zero", top, CLAMPED)
    left = float(noise_left(sampler, CLAMPED, np.array(table.sigmas)))
    return float(np.hypot(total_error(errors, table), left))


@pytest.mark.parametrize("sampler", ["dpmpp-2m", "unipc", "flow-heun", "euler"])
def test_the_optimum_under_the_clamp_beats_all_ways_around_it(sampler: str) -> None:
    """A cut, the optimum above the clamp, and the one that knows of none."""
    free, above = planned(sampler), planned(sampler, floor=LOWEST)
    found = planned(sampler, CLAMPED)
    assert free.table.levels[-1] < LOWEST
    error = judged(sampler, found.table)
    for rival in (free.table, above.table, cut(free)):
        assert error <= judged(sampler, rival) * (1 + 1e-3)
    assert error < 0.99 * judged(sampler, free.table)
    assert found.ends == free.ends


@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
def test_answers_above_the_clamp_are_those_of_the_network(sampler: str) -> None:
    table = planned(sampler, floor=LOWEST).table
    power, top = pink_source().power, planned(sampler).ends[1]
    plain, clamped = (
        total_error(table_error(power, sampler, "zero", top, flow), table)
        for flow in (UNIT_FLOW, CLAMPED)
    )
    assert clamped == pytest.approx(plain, rel=1e-6)
    left = float(noise_left(sampler, CLAMPED, np.array(table.sigmas)))
    assert left == pytest.approx(0, abs=1e-9 * table.sigmas[0])


def test_noise_that_eulers_steps_leave_is_the_product_of_their_shares() -> None:
    sigmas = (9.0, 1.0, 0.08, 0.02, 0.0)
    left = float(noise_left("euler", CLAMPED, np.array(sigmas)))
    assert left == pytest.approx(CLAMPED.residue(sigmas), rel=1e-12)


def test_heuns_corrector_below_the_clamp_spoils_the_step_before() -> None:
    """It averages with a velocity that is too small: half of the step is missing."""
    table = np.array([9.0, 1.0, 0.3, 1e-4, 0.0])
    left = float(noise_left("flow-heun-2", CLAMPED, table))
    assert left == pytest.approx(2 * CLAMPED.time(0.3) / 2, rel=0.01)
    assert float(noise_left("euler", CLAMPED, table)) < 2e-4


def test_the_clamped_answer_keeps_what_the_velocity_does_not_remove() -> None:
    """The velocity ``(z - image) / max(t, t_eps)`` of ``z = (1 - t) x`` leads to it."""
    rng = np.random.default_rng(0)
    x, image = rng.standard_normal((2, 5))
    for sigma in (0.01, LOWEST, 0.5, 30.0):
        time = CLAMPED.time(sigma)
        z = (1 - time) * x
        velocity = (z - image) / max(time, CLAMPED.t_eps)
        answer = CLAMPED.answer(x, image, sigma)
        np.testing.assert_allclose(answer, z - time * velocity, rtol=1e-12)


def test_derivatives_of_the_error_are_those_of_differences() -> None:
    """The search follows them, through the clamp too."""
    top = planned("dpmpp-2m").ends[1]
    errors = table_error(pink_source().power, "dpmpp-2m", "zero", top, CLAMPED)
    sigmas = np.array([20.0, 3.0, 0.5, 0.06, 0.02, 0.0])
    step = 1e-6
    for place in range(5):
        along = sigmas.astype(complex)
        along[place] += 1e-30j
        slope = errors(along[:, None])[:, 0].imag / 1e-30
        beside = np.stack([sigmas, sigmas])
        beside[:, place] += [step, -step]
        high, low = (errors(row.astype(complex)[:, None])[:, 0].real for row in beside)
        difference = (high - low) / (2 * step)
        np.testing.assert_allclose(slope, difference, atol=1e-4 * abs(slope).max())


@pytest.mark.parametrize("kind", ["karras", "mixed", "gaussian", "dmn", "entropic"])
def test_kinds_that_do_not_know_the_clamp_stay_above_it(kind: str) -> None:
    plan = planned("euler", CLAMPED, kind=kind)
    assert plan.table.levels[-1] >= LOWEST * (1 - 1e-9)
    assert plan.ends[0] == LOWEST


def test_plans_are_made_again_under_a_clamp_and_stay_so() -> None:
    plan = planned("dpmpp-2m")
    found = under_clamp(plan, CLAMPED)
    wanted = planned("dpmpp-2m", CLAMPED).table.sigmas
    np.testing.assert_allclose(found.table.sigmas, wanted)
    again = replan(found, 5)
    wanted = planned("dpmpp-2m", CLAMPED, steps=5).table.sigmas
    np.testing.assert_allclose(again.table.sigmas, wanted)
    karras = under_clamp(planned("euler", kind="karras"), CLAMPED)
    assert karras.table.levels[-1] >= LOWEST * (1 - 1e-9)
    assert replan(karras, 20).table.levels[-1] >= LOWEST * (1 - 1e-9)


def test_a_table_whose_steps_all_arrive_is_kept() -> None:
    plan = planned("euler", steps=2)
    assert plan.table.levels[-1] > LOWEST
    assert under_clamp(plan, CLAMPED).table is plan.table
    assert planned("euler", CLAMPED, steps=2).table == plan.table


def test_the_predicted_error_is_that_under_the_clamp() -> None:
    found = planned("dpmpp-2m", CLAMPED)
    free = planned("dpmpp-2m")
    assert found.predicted.error > free.predicted.error
    assert found.enough_steps == free.enough_steps
