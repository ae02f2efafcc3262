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
    table_error,
    total_error,
)
from spectral_sched.planning.transfer import transfer
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import FLOW_SAMPLERS, SAMPLERS
from spectral_sched.spectra.bounds import Start
from tests.support.planned import ends, planning

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
    assert spectrum > 1.005 * exact


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


def test_solvers_with_noise_are_judged_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("spectral_sched.solvers.dpmpp.RENEWAL", 0.0)
    monkeypatch.setattr("spectral_sched.solvers.heun.CHURN", 0.0)
    stochastic = [solver for solver in SAMPLERS.values() if solver.stochastic]
    for solver in stochastic:
        assert solver.flow is not None
        quiet, flow = (list(make(TABLE.sigmas)) for make in (solver.calls, solver.flow))
        for one, other in zip(quiet, flow, strict=True):
            if one.state is not None and other.state is not None:
                assert float(one.state.noise) == 0
                one = one._replace(state=one.state._replace(noise=0.0))
            assert one == other
    assert len(stochastic) == 2
