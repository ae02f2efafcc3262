"""Plans fitted to the size of a model and to the range it was trained on."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from spectral_sched.documents.write import write_document
from spectral_sched.errors import InputError, UsageError
from spectral_sched.files.schedule import plan_document, read_plan
from spectral_sched.images.preprocessing import Preprocessing
from spectral_sched.planning.data_set import DataSet, resize_data_set
from spectral_sched.planning.plan import Plan, make_plan
from spectral_sched.planning.replan import (
    Fitting,
    ModelLimits,
    ends_for_model,
    fit_to_model,
    plan_for_model,
    replan,
)
from spectral_sched.planning.request import NoiseLimits, TableRequest
from spectral_sched.spectra.bounds import sigma_bounds
from spectral_sched.spectra.power_distribution import power_distribution
from tests.support.helpers import power_law_field, spectrum_of

if TYPE_CHECKING:
    from pathlib import Path

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


def plan(kind: str = "optimal", shape: Shape = (3, 16, 16), **limits: Any) -> Plan:
    request = TableRequest.of("dpmpp-2m", 5, "zero", limits=NoiseLimits(**limits))
    return make_plan(source(shape), kind, request)


def test_a_table_from_the_top_stays_there_after_its_file(tmp_path: Path) -> None:
    """Others of the kind begin lower, where that lowers the error."""
    made, usual = (
        plan(sigma_min=0.01, sigma_max=50.0, from_top=top) for top in (True, False)
    )
    assert usual.table.levels[0] < 0.9 * made.table.levels[0]
    for each, first in ((made, 50.0), (usual, None)):
        path = tmp_path / "tight.json"
        write_document(plan_document(each, {}), path)
        again = replan(read_plan(path), 3)
        expected = replan(each, 3)
        assert again.table == expected.table
        assert first is None or again.table.levels[0] == pytest.approx(first)


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
    assert "kept as it is" in messages[0]


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 16, 32)])
def test_other_channels_or_proportions_are_refused(shape: Shape) -> None:
    with pytest.raises(InputError, match="made for 16x16 images of 3 channels and"):
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


@pytest.mark.parametrize("kind", ["optimal", "karras", "ays", "tangent"])
def test_plans_for_a_model_are_inside_its_range_at_once(kind: str) -> None:
    data_set, request = plan().data_set, plan().request
    free, messages = plan_for_model(data_set, kind, request, ModelLimits())
    assert messages == ()
    assert free.table == make_plan(data_set, kind, request).table
    low, high = 1.3 * free.table.levels[-1], free.table.levels[0] / 1.3
    limits = ModelLimits(None, (low, high))
    inside, messages = plan_for_model(data_set, kind, request, limits)
    assert low * (1 - 1e-6) <= inside.table.levels[-1]
    assert inside.table.levels[0] <= high * (1 + 1e-6)
    assert f"the model was trained from {high:.4g} to {low:.4g}" in messages[0]
    assert "planned again inside that range" in messages[0]
    # What is in the range already is left as it is.
    wide = ModelLimits(None, (0.5 * low, 2 * high))
    assert plan_for_model(data_set, kind, request, wide)[1] == ()


def test_one_end_outside_moves_that_end_alone() -> None:
    data_set, request = plan().data_set, plan().request
    table = make_plan(data_set, "ays", request).table
    # The family ends above the lowest level of the data, and does not have to reach it.
    assert table.levels[-1] > 2 * data_set.bounds.sigma_min
    limits = ModelLimits(None, (1e-3, table.levels[0] / 2))
    inside, _ = plan_for_model(data_set, "ays", request, limits)
    assert inside.table.levels[-1] > 2 * data_set.bounds.sigma_min
    assert inside.table.levels[0] <= table.levels[0] / 2 * (1 + 1e-6)


def test_ends_that_are_wished_stay_and_are_warned_of() -> None:
    data_set = plan().data_set
    limits = NoiseLimits(sigma_min=0.001, sigma_max=300.0)
    request = replace(plan().request, limits=limits)
    known = ModelLimits(None, (0.01, 100.0))
    kept, messages = plan_for_model(data_set, "karras", request, known)
    assert kept.table.levels[0] == pytest.approx(300.0)
    assert kept.table.levels[-1] == pytest.approx(0.001)
    assert messages == (
        "warning: the table runs from sigma 300 to 0.001 and the model was trained "
        "from 100 to 0.01",
    )


def test_audited_ranges_are_kept_to_without_being_asked() -> None:
    given = plan()
    low, high = 2 * given.table.levels[-1], given.table.levels[0] / 2
    trusted = ModelLimits(None, (low, high), audited=True)
    moved, messages = fit_to_model(given, trusted, Fitting())
    assert low * (1 - 1e-9) <= moved.table.levels[-1]
    assert moved.table.levels[0] <= high * (1 + 1e-9)
    assert "an audit trusts the model from" in messages[0]


def test_plans_for_a_model_are_of_its_size() -> None:
    data_set, request = plan().data_set, plan().request
    made, messages = plan_for_model(
        data_set, "karras", request, ModelLimits((3, 32, 32))
    )
    assert made.power.field.shape == (3, 32, 32)
    assert messages == (
        "planned for 32x32 images of 3 channels, which the model makes",
    )
    with pytest.raises(InputError, match="analyze images like those"):
        plan_for_model(data_set, "karras", request, ModelLimits((1, 16, 16)))


def test_searches_stay_inside_the_range_of_a_model() -> None:
    data_set, request = plan().data_set, plan().request
    low, high = request.limits.ends(data_set.bounds, "zero")
    known = ModelLimits(None, (2 * low, high / 2))
    ends, messages = ends_for_model(data_set, request, known)
    assert ends == (2 * low, high / 2)
    assert "the search stays inside" in messages[0]
    wide = ModelLimits(None, (low / 2, 2 * high))
    assert ends_for_model(data_set, request, wide) == ((low, high), ())
    with pytest.raises(UsageError, match="name the range with --sigma-min"):
        ends_for_model(data_set, request, ModelLimits(None, (2 * high, 3 * high)))


def test_ends_that_hardly_move_are_not_told_of() -> None:
    data_set, request = plan().data_set, plan().request
    low, high = request.limits.ends(data_set.bounds, "zero")
    for share, told in ((1.005, 0), (1.02, 1)):
        known = ModelLimits(None, (share * low, high / share))
        moved, messages = plan_for_model(data_set, "karras", request, known)
        assert moved.table.levels[-1] == pytest.approx(share * low)
        assert len(messages) == told
        ends, messages = ends_for_model(data_set, request, known)
        assert ends == known.sigma_range
        assert len(messages) == told
