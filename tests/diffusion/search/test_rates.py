"""Tables even in published rates, where the rates are known in closed form.

The field is white: all modes have one power, and Wiener's filter is its denoiser.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from scipy.integrate import cumulative_trapezoid

from spectral_sched.diffusion.search.counting import CountingDenoiser
from spectral_sched.diffusion.search.rates import (
    NUM_LEVELS,
    bound_lengths,
    entropic_lengths,
    even_table,
    score_lengths,
    seen_levels,
    sharp_table,
)
from spectral_sched.errors import UsageError
from spectral_sched.schedules import Schedule, TangentLaw, sigma_table
from spectral_sched.schedules.table import SigmaTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

POWER = 0.3
ENDS = (0.01, 50.0)
LEVELS = seen_levels(ENDS)
SHAPE = (3, 3, 4, 4)
SIZE = 48
FINE = np.geomspace(*ENDS, 20_001)


def wiener() -> CountingDenoiser:
    return CountingDenoiser(
        lambda x, sigma: x * POWER / (POWER + sigma[:, None, None, None] ** 2)
    )


def drawn() -> tuple[torch.Tensor, torch.Tensor]:
    """Return images and unit noise whose mean squares and products are exact."""
    rng = np.random.default_rng(0)
    columns, _ = np.linalg.qr(rng.standard_normal((SIZE, 6)))
    rows = torch.from_numpy(columns.T * SIZE**0.5).reshape(2, *SHAPE)
    return POWER**0.5 * rows[0], rows[1]


def quantiles(rate: Array, count: int) -> Array:
    """Return falling levels that cut the integral of a rate by sigma evenly."""
    total = cumulative_trapezoid(rate, FINE, initial=0)
    return np.interp(np.linspace(total[-1], 0, count), total, FINE)


def test_the_entropy_of_one_power_is_that_of_the_tangent_law() -> None:
    denoise = wiener()
    lengths = entropic_lengths(denoise, *drawn(), LEVELS)
    assert denoise.num_calls == NUM_LEVELS * len(drawn()[0])
    angles = np.arctan(LEVELS / POWER**0.5)
    exact = -SIZE * len(drawn()[0]) * POWER**0.5 * np.diff(angles)
    np.testing.assert_allclose(lengths, exact, rtol=0.02)
    tangent = sigma_table(Schedule(TangentLaw(c=POWER**0.5), *ENDS), 9, "sigma-min")
    found = even_table(LEVELS, lengths, 9)
    np.testing.assert_allclose(found.levels, tangent.levels, rtol=0.01)


def test_the_work_of_a_corrector_is_the_change_of_the_score() -> None:
    denoise = wiener()
    lengths = score_lengths(denoise, *drawn(), LEVELS)
    assert denoise.num_calls == 2 * (NUM_LEVELS - 1) * len(drawn()[0])
    total = POWER + LEVELS**2
    change = np.diff(1 / total)
    exact = LEVELS[:-1] * np.sqrt(SIZE * total[:-1]) * change
    np.testing.assert_allclose(lengths, exact, rtol=1e-9)
    rate = (1 + POWER / FINE**2) ** -1.5 / FINE
    found = even_table(LEVELS, lengths, 9).levels
    np.testing.assert_allclose(found, quantiles(rate, 9), rtol=0.07)


def euler_slopes(levels: Array) -> tuple[Array, Array]:
    """Return the slopes and denoised images of Euler's path from unit noise."""
    x, slopes, seen = levels[0], [], []
    for level, following in zip(levels, [*levels[1:], 0.0], strict=True):
        slopes.append(x * level / (POWER + level**2))
        seen.append(x * POWER / (POWER + level**2))
        x += (following - level) * slopes[-1]
    return np.array(slopes), np.array(seen)


@pytest.mark.parametrize(("power", "tilt"), [(0.5, 0.25), (0.5, 0.0), (1.0, 0.1)])
def test_bounds_are_half_a_step_times_the_change_of_the_slope(
    power: float, tilt: float
) -> None:
    denoise, (_, noise) = wiener(), drawn()
    lengths = bound_lengths(denoise, noise, LEVELS, power, tilt)
    assert denoise.num_calls == NUM_LEVELS * len(noise)
    slopes, _ = euler_slopes(LEVELS)
    changes = np.abs(np.diff(slopes)) * SIZE**0.5
    exact = (-np.diff(LEVELS) * changes / 2) ** power * (50 / LEVELS[1:]) ** tilt
    np.testing.assert_allclose(lengths, exact, rtol=1e-9)


def test_steps_of_bounded_error_follow_the_curvature_of_paths() -> None:
    """Paths are ``sqrt(P + sigma^2)``; their second derivative is to the power 1/2."""
    lengths = bound_lengths(wiener(), drawn()[1], LEVELS, 0.5, 0.25)
    rate = (POWER + FINE**2) ** -0.75 * FINE**-0.25
    found = even_table(LEVELS, lengths, 9).levels
    np.testing.assert_allclose(found, quantiles(rate, 9), rtol=0.12)


@pytest.mark.parametrize("power", [1 / 3, 0.5, 1.0])
def test_sharpness_is_the_second_derivative_in_flow_time(power: float) -> None:
    """With ``g^2 = (1 - t)^2 P + t^2`` a path is g, and its second derivative P/g^3."""
    denoise, (_, noise) = wiener(), drawn()
    found = sharp_table(denoise, noise, 8, ENDS, (power, 0.0))
    assert denoise.num_calls == NUM_LEVELS * len(noise)
    highest = ENDS[1] / (1 + ENDS[1])
    times = np.linspace(0, highest, 20_001)
    rate = ((1 - times) ** 2 * POWER + times**2) ** (-1.5 * power)
    total = cumulative_trapezoid(rate, times, initial=0)
    even = np.interp(np.linspace(total[-1], 0, 9)[1:-1], total, times)
    assert found.levels[0] == ENDS[1]
    placed = np.array(found.levels[1:])
    np.testing.assert_allclose(placed / (1 + placed), even, rtol=0.03, atol=0.005)


@pytest.mark.parametrize("spread", [0.0, 1.0, 100.0])
@pytest.mark.parametrize("lowest", [0.1, 0.5, 5.0, 49.0])
def test_sharpness_is_neither_seen_nor_placed_below_the_range(
    lowest: float, spread: float
) -> None:
    denoise, seen = wiener(), list[float]()
    known = denoise.denoise

    def heard(x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        seen.append(float(torch.as_tensor(sigma).min()))
        return known(x, sigma)

    denoise.denoise = heard
    found = sharp_table(denoise, drawn()[1], 8, (lowest, ENDS[1]), (0.5, spread))
    assert found.levels[0] == ENDS[1]
    assert found.levels[-1] >= lowest
    assert min(seen) == pytest.approx(lowest, rel=1e-9)
    assert sharp_table(wiener(), drawn()[1], 1, (lowest, 50.0), (0.5, spread)) == (
        SigmaTable.of([50.0])
    )


class Watched(CountingDenoiser):
    """Wiener's filter, which knows how many of its answers are still held."""

    def __init__(self) -> None:
        super().__init__(wiener().denoise)
        self.answers: list[weakref.ref[torch.Tensor]] = []
        self.most = 0

    def many(self, x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        seen = super().many(x, sigma)
        self.answers.append(weakref.ref(seen))
        held = sum(answer() is not None for answer in self.answers)
        self.most = max(self.most, held)
        return seen


@pytest.mark.parametrize("kind", ["sharp-euler", "sdm"])
def test_a_path_is_not_kept(kind: str) -> None:
    """All levels of 64 paths of 256x256 pixels would take 6 GB."""
    denoise, (_, noise) = Watched(), drawn()
    if kind == "sdm":
        bound_lengths(denoise, noise, LEVELS, 0.5, 0.25)
    else:
        sharp_table(denoise, noise, 4, ENDS, (0.5, 1.0))
    assert len(denoise.answers) == NUM_LEVELS
    assert denoise.most <= 2


def test_smoothing_over_everything_leaves_even_times() -> None:
    found = sharp_table(wiener(), drawn()[1], 6, ENDS, (0.5, 100.0))
    placed = np.array(found.levels[1:])
    even = np.arange(5, 0, -1) / 6 * ENDS[1] / (1 + ENDS[1])
    np.testing.assert_allclose(placed / (1 + placed), even, rtol=0.04)


def test_equal_lengths_of_ln_sigma_are_an_exponential_table() -> None:
    found = even_table(LEVELS, -np.diff(np.log(LEVELS)), 7)
    np.testing.assert_allclose(found.levels, np.geomspace(*ENDS[::-1], 7), rtol=1e-9)
    assert even_table(LEVELS, -np.diff(np.log(LEVELS)), 1).levels == (LEVELS[0],)
    gap = np.where(np.arange(NUM_LEVELS - 1) % 2, 1.0, 0.0)
    assert even_table(LEVELS, gap, 7).num_steps == 7


@pytest.mark.parametrize("flat", [slice(20), slice(20, 40), slice(40, None)])
def test_both_ends_are_in_a_table_whatever_has_no_length(flat: slice) -> None:
    lengths = -np.diff(np.log(LEVELS))
    lengths[flat] = 0
    found = even_table(LEVELS, lengths, 5).levels
    assert found[0] == LEVELS[0]
    assert found[-1] == pytest.approx(LEVELS[-1], rel=1e-12)


@pytest.mark.parametrize("length", [0.0, np.nan])
def test_a_model_whose_answers_do_not_change_is_refused(length: float) -> None:
    lengths = np.full(NUM_LEVELS - 1, length)
    with pytest.raises(UsageError, match="nothing to place steps by"):
        even_table(LEVELS, lengths, 4)
    broken = CountingDenoiser(lambda x, _sigma: np.nan * x)
    with pytest.raises(UsageError, match="nothing to place steps by"):
        sharp_table(broken, drawn()[1], 4, ENDS, (0.5, 1.0))
