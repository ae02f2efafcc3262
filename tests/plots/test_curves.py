"""The numbers that plots draw, against formulas."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import NoiseLimits, TableRequest
from spectral_sched.planning.training_law import training_schedule
from spectral_sched.plots.curves import (
    SPREAD,
    emerging,
    error_curve,
    law_curve,
    power_spread,
    resolved,
    spectrum_curve,
    table_curve,
)
from spectral_sched.schedules import SCHEDULES, LognormalLaw, Schedule

if TYPE_CHECKING:
    from spectral_sched.planning.plan import Plan
    from spectral_sched.spectra.bounds import Start


@pytest.mark.parametrize("start", ["zero", "mean"])
def test_floors_and_swamped_rings_are_those_of_the_levels(
    plan: Plan, start: Start
) -> None:
    curve = spectrum_curve("a", plan.data_set, plan.table.levels, start)
    np.testing.assert_array_equal(curve.floors, np.square(plan.table.levels))
    field = plan.power.field
    power = field.power
    if start == "zero":
        power[0] += field.num_pixels * np.mean(field.mean_color**2)
    nats = np.log1p(power / curve.floors[:, None]) / 2
    np.testing.assert_array_equal(curve.swamped, nats <= curve.epsilon)
    assert 0 < curve.swamped.sum() < curve.swamped.size
    # A floor in the shade is one above the line where the shade begins.
    above = curve.floors[:, None] >= curve.swamped_above
    np.testing.assert_array_equal(curve.swamped, above)


@pytest.mark.parametrize("start", ["zero", "mean"])
def test_the_ends_of_the_range_swamp_all_rings_and_none(
    plan: Plan, start: Start
) -> None:
    bounds = plan.data_set.bounds
    ends = bounds.top(start), bounds.sigma_min
    curve = spectrum_curve("a", plan.data_set, ends, start)
    assert curve.swamped[0].all()
    assert not curve.swamped[1].any()


@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=9, unique=True))
def test_every_ring_comes_into_sight_once_and_then_above_the_noise(
    plan: Plan, sigmas: list[float]
) -> None:
    levels = sorted(sigmas, reverse=True)
    curve = spectrum_curve("a", plan.data_set, levels)
    seen, above = emerging(curve), resolved(curve)
    assert seen.shape == above.shape == (len(levels) + 1, len(curve.power))
    for rows in (seen, above):
        np.testing.assert_array_equal(rows.sum(axis=0), 1)
    assert np.all(seen.argmax(axis=0) <= above.argmax(axis=0))
    lower = [*levels, 0.0]
    for ring, step in enumerate(above.argmax(axis=0)):
        assert lower[step] ** 2 <= curve.power[ring]
        assert step == 0 or levels[step - 1] ** 2 > curve.power[ring]


def test_the_spread_is_that_of_the_pictures() -> None:
    middles = (np.arange(32) + 0.5) / 32
    log_power = np.stack([ndtri(middles), 3 + 2 * ndtri(middles)])
    spread = np.log(power_spread(log_power))
    wanted = np.stack([ndtri(SPREAD), 3 + 2 * ndtri(SPREAD)], axis=1)
    np.testing.assert_allclose(spread, wanted, atol=0.03)


@pytest.mark.parametrize("terminal", [None, "zero"])
@pytest.mark.parametrize("kind", SCHEDULES)
def test_levels_of_families_lie_on_their_curve(
    plan: Plan, kind: str, terminal: str | None
) -> None:
    request = TableRequest(num_steps=6, terminal=terminal)  # type: ignore[arg-type]
    made = make_plan(plan.data_set, kind, request)
    curve = table_curve("a", made)
    assert curve.levels.tolist() == list(made.table.levels)
    assert curve.t[0] == 1
    assert np.all(np.diff(curve.t) < 0)
    assert curve.line.size == curve.line_t.size > 0
    # Both rise over t; between two points of the line a level is between their levels.
    place = np.searchsorted(-curve.line_t, -curve.t)
    after, before = np.minimum(place, 256), np.maximum(place - 1, 0)
    assert np.all(curve.levels <= curve.line[before] * (1 + 1e-9))
    assert np.all(curve.levels >= curve.line[after] * (1 - 1e-9))


def test_searched_tables_have_no_curve(plan: Plan) -> None:
    curve = table_curve("a", plan)
    assert not curve.line.size
    np.testing.assert_allclose(curve.t, [1, 2 / 3, 1 / 3, 0])


def test_tables_from_files_keep_their_curve(plan: Plan) -> None:
    for limits in (NoiseLimits(0.01, 20.0), NoiseLimits(start_sigma=3.0)):
        made = make_plan(
            plan.data_set, "karras", TableRequest(num_steps=5, limits=limits)
        )
        curve = table_curve("a", made)
        assert curve.line[[0, -1]].tolist() == list(made.ends)[::-1]
    # The range is not the whole story of a blend.
    assert not table_curve("a", replace(made, kind="blend")).line.size


def test_errors_per_ring_add_up(plan: Plan) -> None:
    curve = error_curve("a", plan)
    modes = curve.num_modes
    assert modes.sum() == plan.power.field.num_pixels
    mean = np.sqrt(modes @ curve.error**2 / modes.sum())
    np.testing.assert_allclose(mean, curve.total)
    np.testing.assert_allclose(
        np.sqrt(modes @ curve.contrast**2 / modes.sum()),
        plan.power.field.sigma_data,
    )


@pytest.mark.parametrize("kind", SCHEDULES)
def test_densities_are_finite_and_integrate_to_one(plan: Plan, kind: str) -> None:
    curve = law_curve("a", training_schedule(plan.data_set, kind, TableRequest()))
    assert np.all(curve.density >= 0)
    mass = curve.density @ np.diff(np.log(curve.sigma))
    np.testing.assert_allclose(mass, 1, atol=1e-9)


def test_a_lognormal_law_has_the_normal_density() -> None:
    law = Schedule(LognormalLaw(mean=-1.2, std=1.2), 1e-4, 1e3)
    curve = law_curve("a", law)
    score = (np.log(curve.sigma) + 1.2) / 1.2
    wanted = np.diff(ndtr(score)) / np.diff(np.log(curve.sigma))
    np.testing.assert_allclose(curve.density, wanted, atol=1e-6)
