"""Plans fitted to the size of a model and to the range it was trained on."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from spectral_sched.errors import InputError, UsageError
from spectral_sched.images.preprocessing import Preprocessing
from spectral_sched.planning.data_set import DataSet, resize_data_set
from spectral_sched.planning.plan import Plan, make_plan
from spectral_sched.planning.replan import Fitting, ModelLimits, fit_to_model
from spectral_sched.planning.request import NoiseLimits, TableRequest
from spectral_sched.spectra.bounds import sigma_bounds
from spectral_sched.spectra.power_distribution import power_distribution
from tests.support.helpers import power_law_field, spectrum_of

if TYPE_CHECKING:
    from spectral_sched.images.pixels import Shape


@cache
def source(shape: Shape = (3, 16, 16)) -> DataSet:
    rng = np.random.default_rng(0)
    spectrum = spectrum_of([power_law_field(shape, 2.0, rng) / 30 for _ in range(8)])
    return DataSet(
        power_distribution(spectrum),
        sigma_bounds(spectrum.field),
        Preprocessing(),
        "key",
    )


def plan(kind: str = "optimal", shape: Shape = (3, 16, 16), **limits: float) -> Plan:
    request = TableRequest.of("dpmpp-2m", 5, "zero", limits=NoiseLimits(**limits))
    return make_plan(source(shape), kind, request)


def test_model_without_limits_plays_any_plan() -> None:
    given = plan()
    assert fit_to_model(given, ModelLimits(), Fitting()) == (given, ())
    same = ModelLimits((3, 16, 16), (1e-4, 1e4))
    assert fit_to_model(given, same, Fitting()) == (given, ())


@pytest.mark.parametrize("kind", ["optimal", "karras"])
def test_plan_is_made_again_for_the_size_of_the_model(kind: str) -> None:
    again, messages = fit_to_model(plan(kind), ModelLimits((3, 32, 32)), Fitting())
    expected = make_plan(resize_data_set(source(), 32), kind, plan(kind).request)
    assert again.table == expected.table
    assert again.power.field.shape == (3, 32, 32)
    assert again.table.sigmas[0] > 1.2 * plan(kind).table.sigmas[0]
    assert len(messages) == 1
    assert "planned again from the spectrum in the file (see --as-is)" in messages[0]


def test_plan_is_played_as_it_is_where_that_is_asked_for() -> None:
    kept, messages = fit_to_model(plan(), ModelLimits((3, 32, 32)), Fitting(as_is=True))
    assert kept.table == plan().table
    assert kept.power.field.shape == (3, 32, 32)
    assert "played as it is" in messages[0]


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 16, 32)])
def test_other_channels_or_proportions_are_refused(shape: Shape) -> None:
    with pytest.raises(InputError, match="made for 16x16 pictures of 3 channels and"):
        fit_to_model(plan(), ModelLimits(shape), Fitting())


def test_table_beyond_the_trained_range_is_warned_of() -> None:
    given = plan()
    low, high = given.table.levels[-1], given.table.levels[0]
    inside = ModelLimits(None, (low, high))
    assert fit_to_model(given, inside, Fitting()) == (given, ())
    narrow = ModelLimits(None, (2 * low, high / 2))
    kept, messages = fit_to_model(given, narrow, Fitting())
    assert kept is given
    assert "warning: the table runs from sigma" in messages[0]
    assert "--clip plans it inside" in messages[0]


@pytest.mark.parametrize("kind", ["optimal", "karras", "blend"])
def test_clipped_plan_stays_inside_the_trained_range(kind: str) -> None:
    given = replace(plan(), kind="blend") if kind == "blend" else plan(kind)
    high = given.table.levels[0]
    narrow = ModelLimits(None, (0.05, high / 2))
    clipped, messages = fit_to_model(given, narrow, Fitting(clip=True))
    levels = clipped.table.levels
    assert 0.05 * (1 - 1e-9) <= levels[-1] < levels[0] <= high / 2 * (1 + 1e-9)
    assert clipped.table.num_steps == given.table.num_steps
    assert "planned again inside that range" in messages[0]


def test_start_above_the_trained_range_cannot_be_clipped() -> None:
    given = plan(start_sigma=4.0)
    with pytest.raises(UsageError, match="start lower with --start-sigma"):
        fit_to_model(given, ModelLimits(None, (0.001, 2.0)), Fitting(clip=True))
