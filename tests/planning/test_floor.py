"""Tables whose last step must begin above a level: the optimum there, not a cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spectral_sched.errors import UsageError
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.replan import raise_floor, replan
from spectral_sched.planning.request import NoiseLimits, TableRequest
from spectral_sched.planning.table_error import table_error, total_error
from spectral_sched.schedules.table import SigmaTable
from tests.support.pink import pink_source

FLOOR = 0.3


def request(floor: float, steps: int = 8, **limits: Any) -> TableRequest:
    return TableRequest.of(
        "euler", steps, "zero", limits=NoiseLimits(**limits, floor=floor)
    )


@pytest.mark.parametrize("kind", ["optimal", "karras", "mixed", "gaussian", "dmn"])
def test_no_level_of_any_kind_is_below_the_floor(kind: str) -> None:
    free = make_plan(pink_source(), kind, request(0.0))
    held = make_plan(pink_source(), kind, request(FLOOR))
    assert free.table.levels[-1] < FLOOR
    assert held.table.levels[-1] >= FLOOR * (1 - 1e-9)
    assert held.ends[0] == FLOOR


def test_the_optimum_above_the_floor_is_better_than_a_cut() -> None:
    free = make_plan(pink_source(), "optimal", request(0.0))
    held = make_plan(pink_source(), "optimal", request(FLOOR))
    above = [level for level in free.table.levels if level > FLOOR]
    cut = SigmaTable.of([*above, FLOOR])
    assert cut.num_steps < held.table.num_steps
    errors = table_error(pink_source().power, "euler", "zero", free.ends[1])
    clamped = SigmaTable.of(
        np.maximum(free.table.levels, FLOOR * 1.01 ** np.arange(8)[::-1])
    )
    assert total_error(errors, held.table) < total_error(errors, cut)
    assert total_error(errors, held.table) < total_error(errors, clamped)


def test_a_floor_below_the_measured_end_changes_nothing() -> None:
    low = make_plan(pink_source(), "karras", request(0.0)).ends[0]
    held = make_plan(pink_source(), "karras", request(low / 2))
    assert held.ends[0] == low


def test_a_wish_below_the_floor_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--sigma-min 0.1 is below 0.3, where steps"):
        NoiseLimits(sigma_min=0.1, floor=FLOOR)
    assert NoiseLimits(sigma_min=0.5, floor=FLOOR).sigma_min == 0.5


def test_a_floor_above_the_measured_end_is_refused_with_its_cause() -> None:
    bounds = pink_source().bounds
    with pytest.raises(UsageError, match=r"stop arriving at sigma 1e\+04") as caught:
        NoiseLimits(floor=1e4).ends(bounds, "zero")
    assert "raise --sigma-max or correct noise_scale" in str(caught.value)
    assert NoiseLimits(floor=1e4, sigma_max=2e4).ends(bounds, "zero")[0] == 1e4


def test_plans_are_raised_and_stay_above_the_floor() -> None:
    plan = make_plan(pink_source(), "optimal", request(0.0))
    raised = raise_floor(plan, FLOOR)
    expected = make_plan(pink_source(), "optimal", request(FLOOR))
    np.testing.assert_allclose(raised.table.sigmas, expected.table.sigmas)
    for steps in (4, 20):
        again = replan(raised, steps)
        assert again.table.levels[-1] >= FLOOR * (1 - 1e-9)
        wanted = make_plan(pink_source(), "optimal", request(FLOOR, steps))
        np.testing.assert_allclose(again.table.sigmas, wanted.table.sigmas)
    assert raise_floor(raised, FLOOR / 2) is raised


def test_a_table_that_is_above_the_floor_already_is_kept() -> None:
    plan = make_plan(pink_source(), "optimal", request(0.0, 2))
    floor = plan.table.levels[-1] / 2
    raised = raise_floor(plan, floor)
    assert raised.table is plan.table
    assert replan(raised, 30).table.levels[-1] >= floor * (1 - 1e-9)
