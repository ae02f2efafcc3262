from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectral_sched.bounds import Start, sigma_bounds
from spectral_sched.gaussian_field import GaussianField
from spectral_sched.rings import rings
from spectral_sched.schedules import (
    KAPPA_CLEAN,
    KAPPA_NOISE,
    SCHEDULES,
    ExponentialSchedule,
    KarrasSchedule,
    NoiseSchedule,
    SpectralSchedule,
    sigma_table,
    spectral_schedule,
)

ENDS = (0.002, 80.0)


def field(factor: float = 1.0) -> GaussianField:
    """Return a colour field of power 1/f^2, scaled in pixel units by a factor."""
    plane = rings(32, 32)
    power = 1e-3 / np.maximum(plane.frequency, 1 / 64) ** 2
    cross = factor**2 * power[:, None, None] * (0.7 * np.eye(3) + 0.3)
    return GaussianField((3, 32, 32), factor * np.array([0.1, 0.0, -0.2]), cross)


def made(kind: str, factor: float = 1.0, start: Start = "zero") -> NoiseSchedule:
    bounds = sigma_bounds(field(factor), tolerance=factor)
    return SCHEDULES[kind](field(factor), (bounds.sigma_min, bounds.top(start)), start)


def test_karras_by_hand() -> None:
    # Eq. 5 with rho 7: ((80^(1/7) + 0.002^(1/7)) / 2)^7 = 2.5152 half-way.
    table = sigma_table(KarrasSchedule(*ENDS), 3)
    assert table.levels == pytest.approx((80, 2.5152190, 0.002), rel=1e-6)
    assert sigma_table(KarrasSchedule(*ENDS, rho=1), 3).levels[1] == pytest.approx(
        40.001
    )


def test_exponential_has_a_constant_ratio() -> None:
    levels = np.array(sigma_table(ExponentialSchedule(*ENDS), 11).levels)
    np.testing.assert_allclose(levels[1:] / levels[:-1], 40000**-0.1, rtol=1e-12)


def test_one_step_is_the_noisy_end() -> None:
    assert sigma_table(KarrasSchedule(*ENDS), 1).sigmas == pytest.approx((80.0, 0.0))


@pytest.mark.parametrize("kind", SCHEDULES)
@pytest.mark.parametrize("start", ["zero", "mean"])
@given(num_steps=st.integers(1, 300))
def test_every_family_decreases_strictly_inside_the_bounds(
    kind: str, start: Start, num_steps: int
) -> None:
    bounds = sigma_bounds(field())
    levels = np.array(sigma_table(made(kind, start=start), num_steps).levels)
    assert len(levels) == num_steps
    assert levels[-1] >= bounds.sigma_min * (1 - 1e-12)
    assert levels[0] == pytest.approx(bounds.top(start), rel=1e-9)


@pytest.mark.parametrize("kind", SCHEDULES)
@pytest.mark.parametrize("factor", [1e-3, 50.0])
def test_every_family_scales_with_the_pixels(kind: str, factor: float) -> None:
    once = np.array(sigma_table(made(kind), 9).levels)
    scaled = np.array(sigma_table(made(kind, factor), 9).levels)
    np.testing.assert_allclose(scaled, factor * once, rtol=1e-6)


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_spectral_ends_are_the_power_over_kappa(weight: float) -> None:
    data = field()
    schedule = spectral_schedule(data, (1e-9, 1e9), "mean", weight)
    clean, noise = schedule(np.array([0.0, 1.0]))
    assert clean == pytest.approx(np.sqrt(data.power.min() / KAPPA_CLEAN), rel=1e-9)
    assert noise == pytest.approx(np.sqrt(data.power[0] / KAPPA_NOISE), rel=1e-9)


def test_frequency_focus_by_hand() -> None:
    # P = exp(-8 f) and ring 0 to the corner 0.75: at t the noise stands at
    # f = 0.75 (1 - t), and kappa runs log-linearly.
    plane = rings(8, 8)
    power = np.exp(-8 * plane.frequency)
    schedule = SpectralSchedule(
        1e-9, 1e9, plane.frequency, power, plane.num_modes, power_weight=0.0
    )
    t = np.array([0.25, 0.5])
    kappa = KAPPA_CLEAN ** (1 - t) * KAPPA_NOISE**t
    expected = np.sqrt(np.exp(-8 * 0.75 * (1 - t)) / kappa)
    np.testing.assert_allclose(schedule(t), expected, rtol=1e-9)


def test_power_focus_by_hand() -> None:
    # Nine tenths of the energy in DC: while 1 - t is below that, the ring is DC.
    plane = rings(4, 4)
    power = np.where(np.arange(len(plane)) == 0, 9.0, 1 / 15)
    schedule = SpectralSchedule(
        1e-9, 1e9, plane.frequency, power, plane.num_modes, power_weight=1.0
    )
    t = np.array([0.2, 0.5, 0.9])
    kappa = KAPPA_CLEAN ** (1 - t) * KAPPA_NOISE**t
    np.testing.assert_allclose(schedule(t), np.sqrt(9 / kappa), rtol=1e-5)


def test_mixed_is_the_mean_of_ln_sigma() -> None:
    t = np.linspace(0, 1, 7)
    frequency, power, mixed = (
        np.log(spectral_schedule(field(), (1e-9, 1e9), "zero", weight)(t))
        for weight in (0.0, 1.0, 0.5)
    )
    np.testing.assert_allclose(mixed, (frequency + power) / 2, atol=1e-3)
