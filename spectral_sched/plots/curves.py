"""The numbers that plots draw, and nothing about how.

Frequencies are in cycles per pixel, powers in squared pixel units of [-1, 1]: white
noise of level sigma has power sigma^2 at every frequency, so a level is a flat floor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.errors import UsageError
from spectral_sched.planning.kinds.families import family_schedule
from spectral_sched.planning.request import NoiseLimits
from spectral_sched.planning.training_advice import COPIED
from spectral_sched.schedules import SCHEDULES, Schedule
from spectral_sched.schedules.families.lognormal import LognormalLaw
from spectral_sched.spectra.bounds import swamped_at
from spectral_sched.spectra.power_distribution import NUM_QUANTILES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.plan import Plan
    from spectral_sched.spectra.bounds import Start

SPREAD = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Shares of the images below the quantiles that are drawn."""

COPIED_RANGE = (0.002, 80.0)
"""The noise range of EDM (arXiv 2206.00364, Table 1)."""

LINE_POINTS = 257
LAW_BINS = 80
ON_THE_LINE = 1e-6
NEARLY = 1e-9
"""Relative rounding within which a level counts as one that swamps a ring."""


@dataclass(frozen=True, eq=False)
class SpectrumCurve:
    """A spectrum, and the noise floors that hide parts of it.

    Attributes
    ----------
    name
        What the curve is of.
    frequency, num_modes, power
        Per ring, (K,). Ring 0 is the mean brightness, about zero where sampling starts
        there, about the mean colour otherwise.
    spread
        Quantiles over images of the power, at `SPREAD`, (5, K), about the mean.
    swamped_above
        Noise power above which a ring is swamped, (K,).
    levels
        Noise levels whose floors are drawn, falling, (N,).
    swamped
        Which rings each of the levels swamps, (N, K).
    epsilon
        Nats per mode below which a ring counts as swamped.
    """

    name: str
    frequency: NDArray[np.float64]
    num_modes: NDArray[np.int64]
    power: NDArray[np.float64]
    spread: NDArray[np.float64]
    swamped_above: NDArray[np.float64]
    levels: NDArray[np.float64]
    swamped: NDArray[np.bool_]
    epsilon: float

    @property
    def floors(self) -> NDArray[np.float64]:
        """Noise power of the levels, (N,)."""
        return self.levels**2


def spectrum_curve(
    name: str, data_set: DataSet, levels: Sequence[float], start: Start = "zero"
) -> SpectrumCurve:
    """Return the spectrum of a data set under the noise floors of some levels."""
    field, epsilon = data_set.power.field, data_set.bounds.epsilon
    power = field.power_about_zero if start == "zero" else field.power
    needed, floors = swamped_at(power, epsilon), np.array(levels, dtype=np.float64)
    return SpectrumCurve(
        name=name,
        frequency=field.frequency,
        num_modes=field.num_modes,
        power=power,
        spread=power_spread(data_set.power.log_power),
        swamped_above=needed**2,
        levels=floors,
        swamped=floors[:, None] >= needed * (1 - NEARLY),
        epsilon=epsilon,
    )


def power_spread(log_power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return quantiles of power at `SPREAD`, (5, K), from those that plans keep."""
    middles = (np.arange(NUM_QUANTILES) + 0.5) / NUM_QUANTILES
    rows = [np.interp(SPREAD, middles, quantiles) for quantiles in log_power]
    spread: NDArray[np.float64] = np.exp(np.transpose(rows))
    return spread


def emerging(curve: SpectrumCurve) -> NDArray[np.bool_]:
    """Return which rings stop being swamped in each step, (N + 1, K).

    Row 0 are those that not even the first level swamps; row i + 1 those of the step
    from level i to the next, or to 0 at the end.
    """
    return _leaving(curve.swamped)


def resolved(curve: SpectrumCurve) -> NDArray[np.bool_]:
    """Return which rings the noise floor sinks below in each step, (N + 1, K).

    From there on they have more power than the noise. Rows are those of `emerging`.
    """
    return _leaving(curve.floors[:, None] > curve.power)


def _leaving(hidden: NDArray[np.bool_]) -> NDArray[np.bool_]:
    always, never = np.ones_like(hidden[:1]), np.zeros_like(hidden[:1])
    return np.vstack([always, hidden]) & ~np.vstack([hidden, never])


@dataclass(frozen=True, eq=False)
class TableCurve:
    """The levels of a table over step and t, and the curve that they lie on.

    Attributes
    ----------
    levels, t
        Noise levels, falling, and their times from 1 (noise) on, (N,).
    line_t, line
        The family's sigma over t, (M,); empty for tables that were searched.
    """

    name: str
    levels: NDArray[np.float64]
    t: NDArray[np.float64]
    line_t: NDArray[np.float64]
    line: NDArray[np.float64]


def table_curve(name: str, plan: Plan) -> TableCurve:
    """Return the levels of a plan."""
    levels = np.array(plan.table.levels)
    found = _family(plan)
    if found is None:
        return TableCurve(name, levels, _times(plan, None), np.empty(0), np.empty(0))
    line_t = np.linspace(1, 0, LINE_POINTS)
    return TableCurve(name, levels, _times(plan, found), line_t, found(line_t))


def _family(plan: Plan) -> Schedule | None:
    """Return the schedule that the levels were taken from, if they were from one.

    Files tell the range that was planned in, which need not be that of the schedule:
    it is known by its levels.
    """
    ranges = (None, None), plan.ends, (plan.table.levels[-1], plan.table.levels[0])
    for low, high in ranges if plan.kind in SCHEDULES else ():
        request = replace(plan.request, limits=NoiseLimits(low, high))
        try:
            schedule = family_schedule(plan.data_set, plan.kind, request)
        except UsageError:
            continue
        times = _times(plan, schedule)
        if np.allclose(schedule(times), plan.table.levels, rtol=ON_THE_LINE, atol=0):
            return schedule
    return None


def _times(plan: Plan, schedule: Schedule | None) -> NDArray[np.float64]:
    num_steps = plan.table.num_steps
    terminal = plan.request.terminal or (schedule and schedule.law.terminal)
    if terminal == "zero":
        return np.linspace(1, 0, num_steps + 1)[:-1]
    return np.linspace(1, 0, num_steps) if num_steps > 1 else np.ones(1)


@dataclass(frozen=True, eq=False)
class ErrorCurve:
    """Predicted error of a table per ring, beside what there is to get wrong.

    Attributes
    ----------
    num_modes
        Modes per ring, (K,).
    error
        Root mean square error per ring, (K,), in pixel units.
    contrast
        Root of the power per ring, (K,), in pixel units.
    total
        Root mean square error over all modes.
    """

    name: str
    frequency: NDArray[np.float64]
    num_modes: NDArray[np.int64]
    error: NDArray[np.float64]
    contrast: NDArray[np.float64]
    total: float


def error_curve(name: str, plan: Plan) -> ErrorCurve:
    """Return the predicted error of a plan per ring."""
    field, predicted = plan.power.field, plan.predicted
    return ErrorCurve(
        name=name,
        frequency=field.frequency,
        num_modes=field.num_modes,
        error=predicted.per_ring,
        contrast=np.sqrt(field.power),
        total=predicted.error,
    )


@dataclass(frozen=True, eq=False)
class LawCurve:
    """Density of a law of noise levels.

    Attributes
    ----------
    sigma
        Ends of bins of equal width in ln sigma, rising, (M + 1,).
    density
        Mean density of ln sigma in each bin, (M,).
    copied
        Whether it is a law of others, to compare with.
    """

    name: str
    sigma: NDArray[np.float64]
    density: NDArray[np.float64]
    copied: bool = False


def law_curve(name: str, law: Schedule, *, copied: bool = False) -> LawCurve:
    """Return the density of a law over its range, which bins keep finite."""
    ends = np.log(law.sigma_min), np.log(law.sigma_max)
    log_sigma, width = np.linspace(*ends, LAW_BINS + 1, retstep=True)
    above = law.cdf(-2 * log_sigma)
    return LawCurve(name, np.exp(log_sigma), -np.diff(above) / width, copied)


def copied_law() -> LawCurve:
    """Return the law that most trainings copy: EDM's (arXiv 2206.00364, Table 1)."""
    law = COPIED["EDM"]
    schedule = Schedule(LognormalLaw(mean=law.mean, std=law.std), *COPIED_RANGE)
    name = f"EDM, often copied: P_mean {law.mean:g}, P_std {law.std:g}"
    return law_curve(name, schedule, copied=True)
