"""Each family against its published formula, worked out apart from its code."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from spectral_sched.exact_models.interpolants import (
    VarianceExploding,
    VariancePreserving,
    dilated_levels,
    sigma_levels,
)
from spectral_sched.schedules import (
    AYS_TABLES,
    KAPPA_CLEAN,
    KAPPA_NOISE,
    SCHEDULES,
    AysLaw,
    Basis,
    CauchyLaw,
    CosineLaw,
    EntropicLaw,
    ExponentialLaw,
    FlowLaw,
    InformationLaw,
    KarrasLaw,
    LaplaceLaw,
    Law,
    LognormalLaw,
    PolyexponentialLaw,
    PolynomialLaw,
    Schedule,
    SpectralLaw,
    TableLaw,
    TangentLaw,
    VeDilatedLaw,
    VpDilatedLaw,
    VpLaw,
    sigma_table,
)
from spectral_sched.spectra.gaussian_field import GaussianField
from spectral_sched.spectra.rings import rings
from tests.support.pink import pink_basis

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Formula = Callable[[float], float]

EDM = (0.002, 80.0)


def normal_quantile(probability: float) -> float:
    return NormalDist().inv_cdf(probability)


def vp_sigma(t: float) -> float:
    return float(np.sqrt(np.exp(19.9 * t**2 / 2 + 0.1 * t) - 1))


def interpolated_cosine(t: float) -> float:
    low, high = (-2 * np.log(np.tan(np.pi * t / 2) * 64 / side) for side in (32, 64))
    return float(np.exp(-((1 - t) * low + t * high) / 2))


def karras(ramp: float) -> float:
    low, high = EDM[0] ** (1 / 7), EDM[1] ** (1 / 7)
    return float((low + ramp * (high - low)) ** 7)


# Sigma at the paper's own time from 0 (clean) to 1 (noise), for d = 3072, kappa = 3.
SHARE = 3 / np.sqrt(3072)


def vp_dilated(t: float) -> float:
    rise = 1 - t
    tau = 2 * SHARE * rise if rise < 0.5 else SHARE + (1 - SHARE) * (2 * rise - 1)
    return float(np.sqrt(1 - tau**2) / tau)


def ve_dilated(t: float) -> float:
    rise = 1 - t
    tau = (1 - SHARE) * 2 * rise
    if rise >= 0.5:
        tau = (1 - SHARE) + SHARE * (2 * rise - 1)
    return float(np.sqrt(3072) * (1 - tau) / tau)


PAIR: dict[str, Any] = {"sigma_min": EDM[0], "sigma_max": EDM[1]}

FORMULAS: list[tuple[Law, Formula]] = [
    (KarrasLaw(), karras),
    (ExponentialLaw(), lambda t: 0.002 ** (1 - t) * 80**t),
    (PolyexponentialLaw(rho=2, **PAIR), lambda t: 0.002 * 40000 ** (t**2)),
    (VpLaw(), vp_sigma),
    (CosineLaw(image_d=64), lambda t: np.tan(np.pi * t / 2)),
    (CosineLaw(image_d=64, noise_d=32), lambda t: 2 * np.tan(np.pi * t / 2)),
    (CosineLaw(image_d=64, scale=2), lambda t: np.sqrt(np.tan(np.pi * t / 2))),
    (CosineLaw(image_d=64, noise_d_low=32, noise_d_high=64), interpolated_cosine),
    (
        LaplaceLaw(mu=1.0, b=0.75),
        lambda t: np.exp(
            -(1 - 0.75 * np.sign(0.5 - t) * np.log(1 - 2 * abs(t - 0.5))) / 2
        ),
    ),
    (
        CauchyLaw(location=1.0, scale=2.0),
        lambda t: np.exp(-(1 + 2 * np.tan(np.pi / 2 * (1 - 2 * t))) / 2),
    ),
    (LognormalLaw(), lambda t: np.exp(-1.2 + 1.2 * normal_quantile(t))),
    (FlowLaw(), lambda t: t / (1 - t)),
    (
        FlowLaw(shift=3),
        lambda t: (3 * t / (1 + 2 * t)) / (1 - 3 * t / (1 + 2 * t)),
    ),
    (TangentLaw(c=0.5), lambda t: 0.5 * np.tan(np.pi * t / 2)),
    (PolynomialLaw(c=4, **PAIR), lambda t: karras(t**4)),
    (VpDilatedLaw(d=3072), vp_dilated),
    (VeDilatedLaw(d=3072), ve_dilated),
]


@pytest.mark.parametrize(
    ("law", "formula"), FORMULAS, ids=[type(law).__name__ for law, _ in FORMULAS]
)
def test_levels_are_those_of_the_formula(law: Law, formula: Formula) -> None:
    # Cut at two of the formula's own levels, the schedule is the formula in between.
    first, last = 0.03, 0.98
    schedule = Schedule(law, formula(first), formula(last))
    t = np.linspace(0, 1, 41)
    expected = [formula(first + part * (last - first)) for part in t]
    np.testing.assert_allclose(schedule(t), expected, rtol=1e-9)


def test_interpolated_cosines_reach_any_level() -> None:
    # Here the times near noise are 1 to rounding, and ln tan(pi t / 2) is 276.
    law = CosineLaw(scale=20, image_d=1024, noise_d_low=32, noise_d_high=1)
    schedule = Schedule(law, 1e-4, 1e3)
    t = np.linspace(0, 1, 9)
    np.testing.assert_allclose(schedule.cdf(-2 * np.log(schedule(t))), 1 - t, atol=1e-9)


def test_karras_is_the_published_table_of_edm() -> None:
    table = sigma_table(Schedule(KarrasLaw(), *EDM), 18)
    published = (
        "80.0 57.59 40.79 28.37 19.35 12.91 8.40 5.32 3.26 1.92 1.09 .585 .296 .140 "
        ".060 .023 .0075 .002"
    )
    for level, number in zip(table.levels, published.split(), strict=True):
        digits = len(number.partition(".")[2])
        assert level == pytest.approx(float(number), abs=0.8 * 10**-digits)
    steps = np.arange(18)
    low, high = 0.002 ** (1 / 7), 80 ** (1 / 7)
    exact = (high + steps / 17 * (low - high)) ** 7
    np.testing.assert_allclose(table.levels, exact, rtol=1e-12)
    assert table.sigmas[-1] == 0
    assert sigma_table(Schedule(KarrasLaw(), *EDM), 1).sigmas == (80.0, 0.0)


def test_karras_half_way_by_hand() -> None:
    # ((80^(1/7) + 0.002^(1/7)) / 2)^7 = 2.5152
    table = sigma_table(Schedule(KarrasLaw(), *EDM), 3)
    assert table.levels == pytest.approx((80, 2.5152190, 0.002), rel=1e-6)
    arithmetic = sigma_table(Schedule(KarrasLaw(rho=1), *EDM), 3)
    assert arithmetic.levels[1] == pytest.approx(40.001)


def test_vp_has_the_levels_of_k_diffusion() -> None:
    levels = sigma_table(SCHEDULES["vp"].schedule(pink_basis()), 7).levels
    expected = [vp_sigma(t) for t in np.linspace(1, 1e-3, 7)]
    np.testing.assert_allclose(levels, expected, rtol=1e-12)


def test_tangent_is_the_optimum_of_the_theorem() -> None:
    # arctan(sigma / c) equally spaced from the start down to 0.
    schedule = Schedule(TangentLaw(c=0.7), 1e-9, 20.0)
    angles = np.arctan(20 / 0.7) * np.linspace(1, 0, 6)
    table = sigma_table(schedule, 5, "zero")
    np.testing.assert_allclose(table.sigmas, 0.7 * np.tan(angles), rtol=1e-8)


def ays(name: str, end: str, num_steps: int) -> tuple[float, ...]:
    schedule = SCHEDULES["ays"].schedule(pink_basis(), {"table": name, "end": end})
    return sigma_table(schedule, num_steps).sigmas


@pytest.mark.parametrize("name", AYS_TABLES)
def test_ays_keeps_the_published_levels(name: str) -> None:
    published = [float(level) for level in AYS_TABLES[name].split()]
    np.testing.assert_allclose(ays(name, "replace", 10), [*published[:-1], 0])
    np.testing.assert_allclose(ays(name, "append", 11), [*published, 0])
    halves = ays(name, "replace", 20)[1::2]
    between = np.sqrt(np.array(published[1:]) * published[:-1])
    np.testing.assert_allclose(halves, between, rtol=1e-12)


def test_ays_with_ten_steps_as_web_interfaces_end_it() -> None:
    levels = ays("sd15", "append", 10)
    assert levels[:3] == pytest.approx((14.615, 6.114, 3.565), abs=6e-4)
    assert levels[-2:] == (0.029, 0)


def test_a_table_is_its_own_schedule() -> None:
    levels = (9.0, 3.0, 2.0, 0.1)
    law = TableLaw(levels=levels)
    assert sigma_table(Schedule(law, *law.ends), 4).levels == pytest.approx(levels)
    # Beyond its ends it goes on as between the last two levels.
    wide = Schedule(law, 0.005, 27.0)
    assert wide.cdf(-2 * np.log([9.0, 0.1])) == pytest.approx([0.2, 0.8])


@pytest.mark.parametrize("dimension", [100, 3072])
def test_dilated_levels_are_those_of_the_exact_models(dimension: int) -> None:
    for law, path in (
        (VpDilatedLaw(d=dimension), VariancePreserving()),
        (VeDilatedLaw(d=dimension), VarianceExploding(dimension)),
    ):
        inner = np.array(sigma_levels(path, dilated_levels(path, 20, dimension)).levels)
        weights = law.cumulative(-2 * np.log(inner))
        np.testing.assert_allclose(weights, np.arange(1, 20) / 20, rtol=1e-9)


def test_information_of_one_mode_by_hand() -> None:
    # One power P: half ln(1 + P / sigma^2) falls linearly from 2 to 1 nats.
    law = InformationLaw(
        centred_power=np.array([0.0, 3.0]), num_modes=np.array([1, 15])
    )
    low, high = (np.sqrt(3 / np.expm1(2 * nats)) for nats in (2, 1))
    schedule = Schedule(law, low, high)
    nats = np.linspace(2, 1, 9)
    expected = np.sqrt(3 / np.expm1(2 * nats))
    np.testing.assert_allclose(schedule(np.linspace(0, 1, 9)), expected, rtol=1e-12)


def test_information_grows_by_the_error_over_sigma_cubed() -> None:
    from scipy.integrate import quad

    basis = pink_basis()
    schedule = SCHEDULES["information"].schedule(basis)
    power, modes = basis.centred_power, basis.num_modes

    def rate(log_sigma: float) -> float:
        noise = np.exp(2 * log_sigma)
        return float(modes @ (power * noise / (power + noise)) / noise)

    ends = np.log(schedule(np.array([0.0, 0.3, 1.0])))
    whole, part = (quad(rate, ends[0], end, epsabs=0)[0] for end in ends[[2, 1]])
    assert part / whole == pytest.approx(0.3, abs=1e-8)


def test_rescaled_entropy_of_one_power_is_the_tangent_law() -> None:
    law = EntropicLaw(centred_power=np.array([0.0, 3.0]), num_modes=np.array([1, 15]))
    t = np.linspace(0, 1, 17)
    expected = Schedule(TangentLaw(c=3**0.5), *EDM)(t)
    np.testing.assert_allclose(Schedule(law, *EDM)(t), expected, rtol=1e-9)


def test_rescaled_entropy_grows_by_the_error_over_sigma_squared() -> None:
    from scipy.integrate import quad

    basis = pink_basis()
    schedule = SCHEDULES["entropic"].schedule(basis)
    power, modes = basis.centred_power, basis.num_modes

    def rate(log_sigma: float) -> float:
        noise = np.exp(2 * log_sigma)
        return float(modes @ (power * noise / (power + noise)) / noise**0.5)

    ends = np.log(schedule(np.array([0.0, 0.3, 1.0])))
    whole, part = (quad(rate, ends[0], end, epsabs=0)[0] for end in ends[[2, 1]])
    assert part / whole == pytest.approx(0.3, abs=1e-8)


def spectral(basis: Basis, weight: float) -> Schedule:
    return SCHEDULES["mixed"].schedule(basis, {"power_weight": weight})


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_spectral_ends_are_the_power_over_kappa(weight: float) -> None:
    field = pink_basis().field
    clean, noise = spectral(Basis(field, 1e-9, 1e9, "mean"), weight)(
        np.array([0.0, 1.0])
    )
    assert clean == pytest.approx(np.sqrt(field.power.min() / KAPPA_CLEAN), rel=1e-9)
    assert noise == pytest.approx(np.sqrt(field.power[0] / KAPPA_NOISE), rel=1e-9)


def small_field(power: NDArray[np.float64], side: int) -> GaussianField:
    return GaussianField((1, side, side), np.zeros(1), power[:, None, None])


def kappa(t: NDArray[np.float64]) -> NDArray[np.float64]:
    mixed: NDArray[np.float64] = KAPPA_CLEAN ** (1 - t) * KAPPA_NOISE**t
    return mixed


def test_frequency_focus_by_hand() -> None:
    # P = exp(-8 f) and ring 0 to the corner 0.75: at t the noise stands at
    # f = 0.75 (1 - t), and kappa runs log-linearly.
    power = np.exp(-8 * rings(8, 8).frequency)
    basis = Basis(small_field(power, 8), 1e-9, 1e9)
    t = np.array([0.25, 0.5])
    expected = np.sqrt(np.exp(-8 * 0.75 * (1 - t)) / kappa(t))
    np.testing.assert_allclose(spectral(basis, 0.0)(t), expected, rtol=1e-9)


def test_power_focus_by_hand() -> None:
    # Nine tenths of the energy in DC: while 1 - t is below that, the ring is DC.
    power = np.where(np.arange(len(rings(4, 4))) == 0, 9.0, 1 / 15)
    basis = Basis(small_field(power, 4), 1e-9, 1e9)
    t = np.array([0.2, 0.5, 0.9])
    np.testing.assert_allclose(
        spectral(basis, 1.0)(t), np.sqrt(9 / kappa(t)), rtol=1e-5
    )


def test_mixed_is_the_mean_of_ln_sigma() -> None:
    t = np.linspace(0, 1, 7)
    basis = Basis(pink_basis().field, 1e-9, 1e9)
    frequency, power, mixed = (
        np.log(spectral(basis, weight)(t)) for weight in (0.0, 1.0, 0.5)
    )
    np.testing.assert_allclose(mixed, (frequency + power) / 2, atol=1e-3)


def test_named_weights_are_those_of_the_mixture() -> None:
    basis = pink_basis()
    t = np.linspace(0, 1, 5)
    for kind, weight in (("frequency", 0.0), ("power", 1.0), ("mixed", 0.5)):
        named = SCHEDULES[kind].schedule(basis)
        assert isinstance(named.law, SpectralLaw)
        assert named.law.power_weight == weight
        np.testing.assert_array_equal(named(t), spectral(basis, weight)(t))


def test_ays_tables_hold_eleven_falling_levels() -> None:
    for name in AYS_TABLES:
        levels = np.array(AysLaw(table=name).levels)
        assert len(levels) == 11
        assert np.all(np.diff(levels) < 0)
