"""Plans for single images: tables from one spectrum, inside the plan's range."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spectral_sched.errors import UsageError
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.planning.data_set import DataSet
from spectral_sched.planning.kinds.optimal import optimal_table
from spectral_sched.planning.kinds.registry import (
    KINDS,
    from_spectrum,
    parse_kind_settings,
)
from spectral_sched.planning.per_image import drawn_plan, drawn_plans, image_plan
from spectral_sched.planning.plan import Plan, make_plan
from spectral_sched.planning.request import NoiseLimits, TableRequest
from spectral_sched.spectra.bounds import sigma_bounds
from spectral_sched.spectra.mixture import SpectralMixture
from spectral_sched.spectra.power_distribution import (
    image_distribution,
    power_distribution,
)
from tests.support.helpers import power_law_field, spectrum_of
from tests.support.pink import pink_source


def quiet() -> np.ndarray:
    """Return the log power of an image softer and smoother than `pink_source`."""
    field = pink_source().power.field
    slope = np.log(1 + np.arange(len(field.power)))
    log_power: np.ndarray = np.log(field.power) - 3 - 0.5 * slope
    return log_power


def pink_plan(kind: str = "optimal", request: TableRequest | None = None) -> Plan:
    return make_plan(pink_source(), kind, request or TableRequest())


def with_mixture(plan: Plan) -> Plan:
    num_rings = len(plan.power.field.power)
    mixture = SpectralMixture(
        weights=np.array([0.5, 0.5]),
        means=np.array([[-1.0], [1.0]]),
        covariances=np.full((2, 1, 1), 0.01),
        center=np.log(plan.power.field.power),
        basis=np.ones((1, num_rings)),
        residual=np.full(num_rings, 0.1),
        class_weights={"loud": np.array([0.0, 1.0]), "soft": np.array([1.0, 0.0])},
    )
    return replace(plan, data_set=replace(plan.data_set, mixture=mixture))


@pytest.mark.parametrize("sampler", ["dpmpp-2m", "heun"])
def test_it_is_the_plan_of_a_data_set_of_that_picture_alone(sampler: str) -> None:
    # An image and its negative have one spectrum and a mean of zero.
    picture = power_law_field((1, 16, 16), 2.0, np.random.default_rng(0))
    picture += 0.3
    alone = spectrum_of([picture, -picture])
    # Planned from other images, of the same mean colour, whose scales vary.
    rng = np.random.default_rng(1)
    others = [3 * power_law_field((1, 16, 16), 1.5, rng) for _ in range(10)]
    many = spectrum_of([*others, *(-other for other in others)])
    wide = DataSet(
        power_distribution(many), sigma_bounds(many.field), make_preprocessing(), ""
    )
    plan = make_plan(wide, "optimal", TableRequest(sampler, 5))
    own_power = np.log(alone.sample.power[0])
    own = image_plan(plan, own_power)
    assert own.ends[1] == pytest.approx(sigma_bounds(alone.field).sigma_max, rel=1e-5)
    np.testing.assert_allclose(own.power.field.power, np.exp(own_power), rtol=1e-5)
    expected = optimal_table(
        image_distribution(wide.power, own_power), sampler, 5, own.ends
    )
    np.testing.assert_allclose(own.table.levels, expected.levels, rtol=1e-6)
    assert np.abs(np.log(np.divide(own.table.levels, plan.table.levels))).max() > 0.1


@pytest.mark.parametrize("start", ["zero", "mean"])
def test_the_range_is_the_pictures_own_inside_that_of_the_plan(start: str) -> None:
    plan = pink_plan(request=TableRequest(start="zero" if start == "zero" else "mean"))
    own = image_plan(plan, quiet())
    assert plan.ends[0] <= own.ends[0] < own.ends[1] < plan.ends[1]
    bounds = sigma_bounds(own.power.field)
    assert own.ends[1] == bounds.top(plan.request.start)
    louder = image_plan(plan, np.log(plan.power.field.power) + 4)
    assert louder.ends[1] == plan.ends[1]


def test_a_blank_picture_keeps_the_range_of_the_plan() -> None:
    plan = pink_plan()
    blank = image_plan(plan, np.full(len(quiet()), -40.0))
    assert blank.ends == plan.ends
    assert blank.table.num_steps == plan.table.num_steps


def test_a_range_that_the_picture_does_not_reach_is_kept() -> None:
    plan = pink_plan(
        request=TableRequest(limits=NoiseLimits(sigma_min=50.0, sigma_max=60.0))
    )
    own = image_plan(plan, quiet() - 4)
    assert own.ends == (50.0, 60.0)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if from_spectrum(kind)])
def test_every_kind_is_planned_for_pictures(kind: str) -> None:
    steps = KINDS[kind].num_steps({}) or 6
    plan = pink_plan(kind, TableRequest(num_steps=steps))
    own = image_plan(plan, quiet())
    assert own.kind == kind
    assert own.table.num_steps == steps
    assert own.request.sampler == plan.request.sampler


@pytest.mark.parametrize(
    ("kind", "limits", "log_power"),
    [
        ("mixed", NoiseLimits(sigma_min=1.0, sigma_max=20.0), quiet() - 12),
        ("mixed", NoiseLimits(strength=1.0), quiet()),
        ("mixed", NoiseLimits(start_sigma=0.2), quiet() + 16),
        ("tangent", NoiseLimits(), quiet() - 40),
    ],
)
def test_a_kind_that_does_not_reach_an_image_keeps_the_table_of_the_plan(
    kind: str, limits: NoiseLimits, log_power: np.ndarray
) -> None:
    plan = pink_plan(kind, TableRequest(num_steps=5, start="mean", limits=limits))
    own = image_plan(plan, log_power)
    assert own.table == plan.table
    assert own.ends == plan.ends
    assert own.power.field.power == pytest.approx(np.exp(log_power), rel=1e-6)


def test_a_table_that_begins_at_the_top_begins_at_that_of_the_image() -> None:
    limits = NoiseLimits(from_top=True)
    plan = pink_plan(request=TableRequest(num_steps=4, limits=limits))
    own = image_plan(plan, quiet())
    assert own.table.sigmas[0] == own.ends[1] < plan.ends[1]
    assert image_plan(pink_plan(), quiet()).table.sigmas[0] < own.ends[1]


def test_settings_of_the_kind_are_kept() -> None:
    settings = parse_kind_settings("karras", ["rho=3"])
    plan = pink_plan("karras", TableRequest(num_steps=5, settings=settings))
    own = image_plan(plan, quiet())
    roots = np.cbrt(own.table.levels)
    np.testing.assert_allclose(np.diff(roots), roots[1] - roots[0])
    assert own.table.sigmas[0] == pytest.approx(own.ends[1])


def test_a_start_from_pictures_with_noise_stays() -> None:
    request = TableRequest(num_steps=4, limits=NoiseLimits(start_sigma=5.0))
    for kind in ("optimal", "karras"):
        own = image_plan(pink_plan(kind, request), quiet() - 6)
        assert own.table.sigmas[0] == 5.0
        assert own.table.num_steps == 4
    ratio = np.divide(own.table.levels, pink_plan("optimal", request).table.levels)
    assert np.abs(np.log(ratio[1:])).max() > 0.01


def test_draws_follow_the_class_and_the_seed() -> None:
    plan = with_mixture(pink_plan())
    loud, soft, whole = (
        [drawn_plan(plan, seed, label).table.levels[4] for seed in range(12)]
        for label in ("loud", "soft", None)
    )
    assert max(soft) < min(loud)
    assert set(whole) <= {*loud, *soft}
    assert len(set(whole)) == 12
    draw = drawn_plans(plan, "soft", wanted=True)
    assert draw is not None
    assert [draw(seed).table.levels[4] for seed in range(12)] == soft


def test_what_cannot_be_drawn_is_said_before_the_work() -> None:
    plan = pink_plan()
    assert drawn_plans(plan, None, wanted=False) is None
    with pytest.raises(UsageError, match=r"carries no distribution .* --mixture 4"):
        drawn_plans(plan, None, wanted=True)
    with pytest.raises(UsageError, match="--class says which spectra"):
        drawn_plans(with_mixture(plan), "loud", wanted=False)
    with pytest.raises(UsageError, match="no class 'laud'; did you mean --class loud"):
        drawn_plans(with_mixture(plan), "laud", wanted=True)
    blend = with_mixture(replace(plan, kind="blend"))
    with pytest.raises(UsageError, match="kind blend cannot be planned again"):
        drawn_plans(blend, None, wanted=True)
