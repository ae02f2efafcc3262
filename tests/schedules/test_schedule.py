"""What holds for every family, whatever its parameters."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from spectral_sched.errors import UsageError
from spectral_sched.schedules import (
    SCHEDULES,
    AysLaw,
    ExponentialLaw,
    KarrasLaw,
    LaplaceLaw,
    LognormalLaw,
    PolynomialLaw,
    Schedule,
    SpectralLaw,
    Terminal,
    curriculum_levels,
    read_settings,
    sigma_table,
)
from spectral_sched.schedules.curve import CurveLaw
from spectral_sched.schedules.law import Law
from tests.support.pink import pink_basis, pink_field

STEPS = (1, 2, 3, 10, 1000)

WITH_POLE = ("polynomial", "polyexponential")
"""Powers of t: their density has a pole at the clean end, too sharp for log_snr."""

NEAR: dict[tuple[str, str], tuple[float, float]] = {
    # Ranges of parameters that people use; elsewhere laws may have no weight at all
    # between the ends, which is an error and tested as one.
    ("karras", "rho"): (0.5, 30),
    ("vp", "beta_d"): (1, 50),
    ("vp", "beta_min"): (0.01, 1),
    ("vp", "eps_s"): (1e-5, 0.1),
    ("cosine", "scale"): (0.5, 2),
    ("cosine", "image_d"): (16, 512),
    ("cosine", "noise_d"): (16, 512),
    ("cosine", "noise_d_low"): (32, 128),
    ("cosine", "noise_d_high"): (32, 128),
    ("laplace", "mu"): (-3, 3),
    ("laplace", "b"): (0.2, 3),
    ("cauchy", "location"): (-3, 3),
    ("cauchy", "scale"): (0.2, 3),
    ("lognormal", "mean"): (-3, 2),
    ("lognormal", "std"): (0.5, 3),
    ("flow", "shift"): (0.1, 20),
    ("tangent", "c"): (0.05, 5),
    ("polynomial", "rho"): (1, 20),
    ("polynomial", "num_levels"): (2, 2000),
    ("vp-dilated", "kappa"): (0.5, 8),
    ("ve-dilated", "kappa"): (0.5, 8),
    ("vp-dilated", "d"): (100, 10**7),
    ("ve-dilated", "d"): (100, 10**7),
}


@st.composite
def schedules(draw: st.DrawFn, kind: str) -> Schedule:
    """Draw a schedule of a family with parameters that people use."""
    chosen: dict[str, Any] = {}
    for name, parameter in SCHEDULES[kind].parameters.items():
        low, high = NEAR.get((kind, name), (parameter.low, parameter.high))
        if parameter.choices:
            chosen[name] = draw(st.sampled_from(parameter.choices))
        elif parameter.whole:
            chosen[name] = draw(st.integers(int(low), int(high)))
        else:
            chosen[name] = draw(st.floats(low, high))
    return SCHEDULES[kind].schedule(pink_basis(), chosen)


@pytest.mark.parametrize("kind", SCHEDULES)
@pytest.mark.parametrize("terminal", ["sigma-min", "zero"])
@given(data=st.data())
@settings(max_examples=15)
def test_tables_fall_strictly_from_end_to_end(
    kind: str, terminal: Terminal, data: st.DataObject
) -> None:
    schedule = data.draw(schedules(kind))
    for num_steps in STEPS:
        table = sigma_table(schedule, num_steps, terminal)
        assert table.num_steps == num_steps
        assert table.sigmas[0] == schedule.sigma_max
        if num_steps > 1 and terminal == "sigma-min":
            assert table.levels[-1] == schedule.sigma_min
        else:
            assert table.levels[-1] > schedule.sigma_min


@pytest.mark.parametrize("kind", SCHEDULES)
def test_the_default_is_the_range_of_the_data(kind: str) -> None:
    basis = pink_basis()
    schedule = SCHEDULES[kind].schedule(basis)
    own = kind in ("ays", "vp")
    if not own:
        assert schedule.sigma_min >= basis.sigma_min
        assert schedule.sigma_max <= basis.sigma_max
    if not own and kind not in ("frequency", "power", "mixed"):
        assert (schedule.sigma_min, schedule.sigma_max) == (
            basis.sigma_min,
            basis.sigma_max,
        )


@pytest.mark.parametrize("kind", SCHEDULES)
@given(data=st.data())
@settings(max_examples=15)
def test_density_and_quantile_agree(kind: str, data: st.DataObject) -> None:
    schedule = data.draw(schedules(kind))
    bends = np.unique([0, *schedule.cdf(kinks(schedule)), 1])
    probability = np.linspace(0.01, 0.9 if kind in WITH_POLE else 0.99, 57)
    if len(bends) > 2:
        probability = (bends[1:] + bends[:-1])[np.diff(bends) > 1e-5] / 2
    log_snr = schedule.quantile(probability)
    np.testing.assert_allclose(schedule.cdf(log_snr), probability, atol=1e-8)
    # The derivative of the quantile, to fourth order, is one over the density.
    away = np.abs(probability[:, None] - bends).min(axis=1)
    step = np.minimum(1e-3 * np.minimum(probability, 1 - probability), away / 4)
    ahead, further = (
        schedule.quantile(probability + much) - schedule.quantile(probability - much)
        for much in (step, 2 * step)
    )
    slope = (8 * ahead - further) / (12 * step)
    np.testing.assert_allclose(schedule.density(log_snr) * slope, 1, rtol=1e-8)


@pytest.mark.parametrize("kind", SCHEDULES)
@given(data=st.data())
@settings(max_examples=5)
def test_densities_integrate_to_one(kind: str, data: st.DataObject) -> None:
    schedule = data.draw(schedules(kind))
    total = 0.97 if kind in WITH_POLE else 1.0
    inner = np.array([*kinks(schedule), *schedule.quantile(np.linspace(0, total, 65))])
    high = float(schedule.quantile(np.array([total]))[0])
    knots = np.unique(
        inner[(inner >= -2 * np.log(schedule.sigma_max)) & (inner <= high)]
    )
    nodes, weights = np.polynomial.legendre.leggauss(32)
    middle, half = (knots[1:] + knots[:-1]) / 2, np.diff(knots) / 2
    density = schedule.density(middle[:, None] + half[:, None] * nodes)
    assert half @ (density @ weights) == pytest.approx(total, abs=1e-8)


def kinks(schedule: Schedule) -> NDArray[np.float64]:
    """Return where the density of a schedule jumps or bends."""
    law: Any = schedule.law
    if isinstance(law, CurveLaw):
        return law.curve.log_snr
    if isinstance(law, LaplaceLaw):
        return np.array([law.mu])
    if hasattr(law, "share"):
        return np.array(law.inverse(np.array([0.5])))
    return np.empty(0)


@pytest.mark.parametrize(
    "kind",
    [
        *("frequency", "power", "mixed", "information"),
        *("karras", "exponential", "tangent"),
        *WITH_POLE,
    ],
)
@pytest.mark.parametrize("factor", [1e-3, 50.0])
def test_levels_scale_with_the_pixels(kind: str, factor: float) -> None:
    once, scaled = (
        np.array(sigma_table(SCHEDULES[kind].schedule(pink_basis(size)), 9).levels)
        for size in (1.0, factor)
    )
    np.testing.assert_allclose(scaled, factor * once, rtol=1e-6)


def test_density_is_nothing_outside_and_cdf_is_flat() -> None:
    schedule = Schedule(LognormalLaw(), 0.01, 10.0)
    outside = np.array([-100.0, 100.0])
    assert schedule.density(outside).tolist() == [0, 0]
    assert schedule.cdf(outside).tolist() == [0, 1]
    assert schedule(np.array([-1.0, 2.0])).tolist() == [0.01, 10.0]


@pytest.mark.parametrize("kind", SCHEDULES)
def test_draws_are_one_from_each_stratum(kind: str) -> None:
    schedule = SCHEDULES[kind].schedule(pink_basis())
    draws = schedule.draws(64, np.random.default_rng(1))
    assert np.all(np.diff(draws) >= 0)
    assert draws[0] >= schedule.sigma_min * (1 - 1e-12)
    if kind == "polynomial":
        return
    probability = 1 - schedule.cdf(-2 * np.log(draws))
    assert np.floor(probability * 64 + 1e-9).tolist() == list(range(64))


def test_polynomial_draws_are_predefined_levels() -> None:
    law = PolynomialLaw(sigma_min=0.002, sigma_max=80.0, num_levels=5)
    draws = Schedule(law, 0.002, 80.0).draws(500, np.random.default_rng(1))
    levels = sigma_table(Schedule(KarrasLaw(), 0.002, 80.0), 5).levels[::-1]
    nearest = np.abs(np.log(draws)[:, None] - np.log(levels)).min(axis=1)
    assert nearest.max() < 1e-9
    # The place on the vector is u^4, rounded to quarters: u < (1/8)^(1/4) is the first.
    lowest = np.mean(np.isclose(draws, levels[0]))
    assert lowest == pytest.approx(0.125**0.25, abs=2e-3)


def test_the_curriculum_rises_to_its_end() -> None:
    counts = [curriculum_levels(done, 10, 100) for done in np.linspace(0, 1, 11)]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (10, 100)
    assert curriculum_levels(1 / 3, 0, 100) == 50
    with pytest.raises(UsageError, match=r"from 0 to 1, not 1\.5"):
        curriculum_levels(1.5)


@pytest.mark.parametrize(
    ("law", "message"),
    [
        (lambda: KarrasLaw(rho=0), "rho must be from 0.1 to 1000, not 0"),
        (lambda: KarrasLaw(rho=float("nan")), "rho must be from 0.1 to 1000, not nan"),
        (
            lambda: AysLaw(table="sd16"),
            "no table 'sd16'; did you mean --set table=sd15",
        ),
        (
            lambda: SCHEDULES["vp-dilated"].of(pink_basis(), {"kappa": 60.0}),
            "kappa must be below the root of d, 55.4, not 60; try --set kappa=28",
        ),
        (
            lambda: SCHEDULES["cosine"].of(
                pink_basis(), {"noise_d_low": 32.0, "noise_d_high": 3200.0}
            ),
            "noise_d_high is so far above noise_d_low",
        ),
        (
            lambda: Schedule(LaplaceLaw(mu=-40.0), 0.002, 80.0),
            "next to no weight between sigma 0.002 and 80",
        ),
        (lambda: Schedule(KarrasLaw(), 2.0, 1.0), "not from 2 to 1"),
        (lambda: Schedule(KarrasLaw(), 0.0, 1.0), "not from 0 to 1"),
    ],
)
def test_what_cannot_be_made_says_why(law: Any, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        law()


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (
            "karras",
            "roh=5",
            "no parameter 'roh'; did you mean --set rho=...? (known: rho)",
        ),
        ("karras", "rho", "--set rho has no value; write --set rho=7"),
        ("karras", "rho=five", "rho must be a number, such as rho=7"),
        ("polynomial", "num_levels=1.5", "must be a whole number, such as num_levels="),
        ("tangent", "c=wide", "c must be a number, such as c="),
        ("exponential", "rho=5", "kind exponential has no parameters; leave out --set"),
        ("frequency", "power_weight=1", "kind frequency has no parameters"),
    ],
)
def test_settings_that_cannot_be_read(kind: str, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        read_settings(kind, SCHEDULES[kind].parameters, [text])


def test_settings_are_numbers_and_words() -> None:
    parameters = SCHEDULES["ays"].parameters | SCHEDULES["polynomial"].parameters
    read = read_settings("both", parameters, ["table=svd", "num_levels=20", "c=2"])
    assert read == {"table": "svd", "num_levels": 20, "c": 2.0}


@pytest.mark.parametrize("family", SCHEDULES.values(), ids=lambda family: family.name)
def test_every_family_says_what_it_is(family: Any) -> None:
    assert family.formula
    assert family.source
    assert issubclass(family.law, Law)
    assert all(parameter.what for parameter in family.parameters.values())


@given(st.floats(1e-3, 1), st.floats(2, 1e3), st.floats(0.5, 50))
def test_a_cut_schedule_is_the_rest_of_the_whole(
    low: float, high: float, rho: float
) -> None:
    whole = Schedule(KarrasLaw(rho=rho), low, high)
    middle = float(whole(np.array([0.5]))[0])
    assume(low < middle < high)
    below = Schedule(KarrasLaw(rho=rho), low, middle)
    t = np.linspace(0, 1, 9)
    np.testing.assert_allclose(below(t), whole(t / 2), rtol=1e-9)


def test_spectral_reach_is_where_the_curve_ends() -> None:
    basis = pink_basis()
    law = SCHEDULES["mixed"].of(basis)
    assert isinstance(law, SpectralLaw)
    low, high = law.reach
    power = basis.power
    assert low == pytest.approx(np.sqrt(power.min() / 100), rel=1e-9)
    assert high == pytest.approx(np.sqrt(power[0] / np.expm1(0.01)), rel=1e-9)
    assert pink_field().sigma_data > 0
    assert ExponentialLaw().reach == (0, np.inf)
