from __future__ import annotations

from functools import cache
from typing import get_args

import numpy as np
import pytest

from spectral_sched.planning.scale_mixture import (
    NUM_SCALES,
    Band,
    ScaleMixture,
    scale_mixture,
)
from spectral_sched.planning.table_error import (
    TableError,
    errors_of,
    of_flow,
    table_error,
    total_error,
)
from spectral_sched.planning.transfer import transfer
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import FLOW_SAMPLERS, SAMPLERS, solver_calls
from spectral_sched.spectra.bounds import Start
from tests.support.planned import ends, planning

STOCHASTIC = tuple(name for name in SAMPLERS if SAMPLERS[name].stochastic)
POWER, MEAN, TOP = 7.0, 3.0, 90.0
TABLE = SigmaTable.of([40.0, 6.0, 1.0, 0.2])


@cache
def gaussian() -> ScaleMixture:
    scale = np.full(NUM_SCALES, POWER)
    return scale_mixture([Band(0, scale, 1.0, MEAN), Band(1, scale, 3.0)])


@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
def test_errors_on_gaussian_data_are_those_of_the_transfer(sampler: str) -> None:
    model = gaussian()
    wrong = errors_of(TableError(model, sampler, "zero", TOP), TABLE)
    factor = transfer(sampler, np.array(TABLE.sigmas), np.array([POWER]))[0]
    exact = TOP * np.sqrt(POWER / (POWER + TOP**2))
    # Of a mean that is missed at the start, as much is left as of the noise there.
    missed = MEAN * (factor / TABLE.sigmas[0] - exact / TOP)
    made = (factor - exact) * model.unit - np.where(model.mean != 0, missed, 0.0)
    share = np.sqrt(model.weight / model.weight.sum())
    np.testing.assert_allclose(wrong, made * share, rtol=1e-9, atol=1e-12)


def test_where_sampling_starts_is_counted() -> None:
    # Beside a start so high that it is exact, each start has the error it has.
    data = planning()
    table = SigmaTable.of(np.geomspace(30, 0.01, 200))
    exact, zero, about_mean, spectrum = (
        total_error(table_error(data, "dpmpp-2m", start, 1e9), table)
        for start in (None, *get_args(Start))
    )
    assert zero > 2 * about_mean > 4 * exact > 0
    assert spectrum == pytest.approx(exact, rel=1e-3)


def test_a_spectral_start_is_no_mixture_and_wrong_where_it_is_low() -> None:
    table = SigmaTable.of(np.geomspace(1, 0.01, 100))
    exact, spectrum = (
        total_error(table_error(planning(), "dpmpp-2m", start, 1e9), table)
        for start in (None, "spectral")
    )
    assert spectrum > 2 * exact


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_fine_tables_have_no_error(sampler: str) -> None:
    data = planning()
    high = ends(data)[1]
    errors = table_error(data, sampler, "zero", high)
    coarse, fine = (
        total_error(errors, SigmaTable.of(np.geomspace(high, 1e-4, count)))
        for count in (10, 640)
    )
    assert fine < 0.01 * data.field.sigma_data
    assert fine < 0.1 * coarse


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_imaginary_steps_give_the_slopes(sampler: str) -> None:
    errors = table_error(planning(), sampler, "zero", TOP)
    levels = np.array(TABLE.sigmas)
    found = errors(levels[:, None] + 1e-30j * np.eye(5, 4)).imag / 1e-30
    for place in range(4):
        step = 1e-5 * levels[place] * (np.arange(5) == place)
        up, down = (
            errors((levels + way * step)[:, None] + 0j)[:, 0].real for way in (1, -1)
        )
        slope = (up - down) / (2 * step[place])
        np.testing.assert_allclose(
            found[:, place], slope, atol=2e-5 * np.abs(slope).max()
        )


@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
def test_solvers_of_the_flow_are_left_as_they_are(sampler: str) -> None:
    calls = solver_calls(sampler, TABLE.sigmas)
    assert list(of_flow(calls, TABLE.sigmas[0])) == calls


@pytest.mark.parametrize("sampler", STOCHASTIC)
def test_noise_that_is_kept_has_the_level_of_fresh_noise(sampler: str) -> None:
    # Where images are known exactly, states are the image and noise of their level.
    image, noise, state, point = 0.7, -1.3, 0.0, 0.0
    points: list[float] = []
    state = point = image + TABLE.sigmas[0] * noise
    for call in of_flow(solver_calls(sampler, TABLE.sigmas), TABLE.sigmas[0]):
        points.insert(0, point)
        for weights in (call.state, call.point):
            if weights is None:
                continue
            made = weights.state * state + sum(weights.denoised) * image
            made += float(np.dot(weights.points, points[: len(weights.points)]))
            assert not weights.adds_noise
            if weights is call.state:
                state = point = made
                assert state == pytest.approx(image + call.level * noise, abs=1e-12)
            else:
                point = made
        if call.point is None:
            point = state
