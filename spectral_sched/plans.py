"""A plan: one sigma table with everything needed to play it and to plan it anew."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from .dmn import dmn_table
from .end_to_end import gaussian_table
from .errors import UsageError
from .mode_errors import Origin, highest_start, mode_errors, spectral_start_error
from .optimize import SPREAD, TOUCHING, optimal_table, powers_for
from .schedules import SCHEDULES, Basis, Schedule, cut, sigma_table
from .schedules.table import SigmaTable, resampled
from .solvers.registry import solver_calls
from .spectra.bounds import sigma_bounds
from .spectra.power_distribution import power_variation, spectrum_planning
from .spectra.rescale import rescaled, rescaled_mixture
from .table_kinds import (
    DMN,
    GAUSSIAN,
    KINDS,
    DmnSettings,
    GaussianSettings,
    check_kind,
    settings_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from .analysis.measurement import Measurement
    from .images.preprocessing import Preprocessing
    from .requests import Request
    from .spectra.bounds import SigmaBounds
    from .spectra.mixture import SpectralMixture
    from .spectra.power_distribution import Planning


REFERENCE_STEPS = 16
MANY_STEPS = 256
WORTH = 0.01
"""Share of the error that more steps must save to be worth it."""


@dataclass(frozen=True, eq=False)
class PredictedError:
    """Closed-form truncation error of a table, in pixel units of [-1, 1].

    Attributes
    ----------
    error
        Root mean square over all modes.
    per_ring
        Root mean square in each ring, (K,).
    """

    error: float
    per_ring: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PlanSource:
    """What tables are planned from: a data set, in a spectrum or a schedule file.

    Attributes
    ----------
    planning
        Its mean spectrum, and how power varies over its pictures.
    bounds
        Its noise range, with the settings that it was found with.
    preprocessing
        What was done to the pictures first.
    source_key
        Digest of its pixels.
    mixture
        Distribution of the spectra of its pictures, if one was fitted.
    """

    planning: Planning
    bounds: SigmaBounds
    preprocessing: Preprocessing
    source_key: str
    mixture: SpectralMixture | None = None


def measured_source(measured: Measurement) -> PlanSource:
    """Return what tables are planned from for a measured data set."""
    return PlanSource(
        planning=spectrum_planning(measured.spectrum),
        bounds=measured.bounds,
        preprocessing=measured.preprocessing,
        source_key=measured.spectrum.data_key,
        mixture=measured.mixture,
    )


def resized_source(source: PlanSource, side: int) -> PlanSource:
    """Return the data set as it would be at another size, bounds included."""
    planning, old = rescaled(source.planning, side), source.bounds
    mixture = source.mixture
    return replace(
        source,
        planning=planning,
        bounds=sigma_bounds(
            planning.field, epsilon=old.epsilon, tolerance=old.tolerance
        ),
        preprocessing=replace(source.preprocessing, resolution=side),
        mixture=mixture and rescaled_mixture(mixture, source.planning.field, side),
    )


@dataclass(frozen=True)
class Spent:
    """What it cost to find a table.

    Attributes
    ----------
    model
        Name of the model that was run.
    num_calls
        Network calls, a batch counting as many as it has pictures.
    """

    model: str
    num_calls: int


@dataclass(frozen=True, eq=False)
class Plan:
    """A sigma table and the data set it was made for.

    Attributes
    ----------
    kind, request, table
        What was asked and the answer.
    source
        The data set: enough to sample its Gaussian model and to plan again.
    ends
        The noise range it was planned in, (sigma_min, sigma_max); for sampling that
        starts from pictures with noise, up to that noise.
    spent
        What the table cost, if it was found by running a model.
    """

    kind: str
    request: Request
    table: SigmaTable
    source: PlanSource
    ends: tuple[float, float]
    spent: Spent | None = None

    @property
    def planning(self) -> Planning:
        """Mean spectrum of the data set, and how power varies over its pictures."""
        return self.source.planning

    @property
    def preprocessing(self) -> Preprocessing:
        """What was done to the pictures first."""
        return self.source.preprocessing

    @cached_property
    def predicted(self) -> PredictedError:
        """Closed-form error of the table on the data set."""
        return predicted_error(self.planning, self.table, self.request, self.ends[1])

    @cached_property
    def enough_steps(self) -> int:
        """Number of steps beyond which more buy less than 1 % of the error."""
        return enough_steps(self.planning, self.ends, self.request)

    @property
    def num_calls(self) -> int:
        """Network calls of one sampling run."""
        return len(solver_calls(self.request.sampler, self.table.sigmas))


def make_plan(source: PlanSource, kind: str, wanted: Request) -> Plan:
    """Return the plan of a kind of table for a data set.

    Raises
    ------
    UsageError
        If there is no such kind, or it cannot be had as wished.
    """
    check_kind(kind)
    return plan_with(_table(source, kind, wanted), source, kind, wanted)


def plan_with(
    table: SigmaTable, source: PlanSource, kind: str, wanted: Request
) -> Plan:
    """Return the plan of a table that was found for a request."""
    low, high = wanted.limits.ends(source.bounds, wanted.start)
    ends = (low, table.sigmas[0] if wanted.limits.partial else high)
    return Plan(kind, wanted, table, source, ends)


def _table(source: PlanSource, kind: str, wanted: Request) -> SigmaTable:
    if kind in SCHEDULES:
        return _family_table(source, kind, wanted)
    check_searched(kind, wanted)
    if KINDS[kind].runs_model:
        message = (
            f"kind {kind} is found by running a model: name one, as in "
            f"--kind {kind} --model bundled"
        )
        raise UsageError(message)
    low, high = wanted.limits.ends(source.bounds, wanted.start)
    first = wanted.limits.first((low, high))
    if kind == DMN.name:
        settings = settings_of(DmnSettings, wanted.settings)
        ends = (low, first or high)
        return dmn_table(wanted.sampler, wanted.num_steps, ends, settings.exponent)
    search = _gaussian_search(wanted) if kind == GAUSSIAN.name else optimal_table
    return search(
        source.planning,
        wanted.sampler,
        wanted.num_steps,
        (low, high),
        start=wanted.start,
        first=first,
    )


def check_searched(kind: str, wanted: Request) -> None:
    """Raise `UsageError` if what a kind searches for is asked for."""
    if wanted.terminal:
        message = f"kind {kind} chooses its last level itself; leave out --terminal"
        raise UsageError(message)


def _gaussian_search(wanted: Request) -> Callable[..., SigmaTable]:
    settings = settings_of(GaussianSettings, wanted.settings)
    if wanted.start == "spectral" and not wanted.limits.partial:
        message = (
            f"kind {GAUSSIAN.name} has nothing to do from a spectral start, which is "
            "of the Gaussian already; choose --start mean"
        )
        raise UsageError(message)
    return partial(gaussian_table, objective=settings.objective)


def _family_table(source: PlanSource, kind: str, wanted: Request) -> SigmaTable:
    schedule = family_schedule(source, kind, wanted)
    first = wanted.limits.first((schedule.sigma_min, schedule.sigma_max))
    below = replace(schedule, sigma_max=first) if first else schedule
    return sigma_table(below, wanted.num_steps, wanted.terminal)


def family_schedule(source: PlanSource, kind: str, wanted: Request) -> Schedule:
    """Return the schedule of a family over its whole range.

    Raises
    ------
    UsageError
        If the family does not reach an end that is wished.
    """
    ends = wanted.limits.ends(source.bounds, wanted.start)
    basis = Basis(source.planning.field, *ends, wanted.start)
    schedule = SCHEDULES[kind].schedule(basis, wanted.settings)
    low, high = wanted.limits.replaced((schedule.sigma_min, schedule.sigma_max))
    if (low, high) != cut(schedule.law, low, high):
        message = (
            f"kind {kind} reaches from sigma {schedule.sigma_min:.4g} to "
            f"{schedule.sigma_max:.4g} on these pictures, not from {low:.4g} to "
            f"{high:.4g}; narrow --sigma-min and --sigma-max, or try --kind karras"
        )
        raise UsageError(message)
    return replace(schedule, sigma_min=low, sigma_max=high)


def predicted_error(
    planning: Planning, table: SigmaTable, wanted: Request, top: float
) -> PredictedError:
    """Return the closed-form error of a table on a data set.

    On networks of 32x32 pictures it was within a factor of two of the distance between
    the samples and a fine reference from the same noise. Where sampling starts from
    pictures with noise, the start itself is exact.

    Parameters
    ----------
    top
        Highest level that sampling could start from.
    """
    power, missed = powers_for(planning, wanted.sampler, table.num_steps)
    offset = np.broadcast_to(missed[..., None], power.shape)
    sampler, sigmas = wanted.sampler, np.array(table.sigmas)
    highest = highest_start(sampler, top, power.ravel())
    start = None if wanted.limits.partial else wanted.start
    origin = Origin(start, offset.ravel(), highest, whole=True)
    terms = mode_errors(sampler, sigmas, power.ravel(), origin)
    # Shares of a square that is all but zero may sum to less than it.
    squared = np.maximum(np.sum(terms, axis=0), 0.0)
    per_ring = squared.reshape(power.shape).mean(axis=(1, 2))
    if start == "spectral":
        per_ring = per_ring + _spectral_error(planning, sampler, sigmas)
    mean = float(planning.field.num_modes @ per_ring / planning.field.num_pixels)
    return PredictedError(float(np.sqrt(mean)), np.sqrt(per_ring))


def _spectral_error(
    planning: Planning, sampler: str, sigmas: NDArray[np.float64]
) -> NDArray[np.float64]:
    variation = power_variation(planning, SPREAD)
    begun = spectral_start_error(sampler, sigmas, planning.field.power, variation)
    return np.asarray(begun.apart)


def enough_steps(planning: Planning, ends: tuple[float, float], wanted: Request) -> int:
    """Return the number of steps beyond which more buy less than 1 % of the error.

    What remains is the error of the ends. The number is that of the best table of 16
    steps, drawn out to the ends and read at more or fewer points.
    """
    best = optimal_table(
        planning,
        wanted.sampler,
        REFERENCE_STEPS,
        ends,
        start=wanted.start,
        first=ends[1] if wanted.limits.partial else None,
    )

    low, high = ends
    # Under a raised lower end the best table touches it.
    between = [level for level in best.levels[1:] if level > low * (1 + TOUCHING)]
    whole = SigmaTable.of([high, *between, low])

    def error(num_steps: int) -> float:
        table = resampled(whole, num_steps)
        return predicted_error(planning, table, wanted, high).error

    limit = (1 + WORTH) * error(MANY_STEPS)
    steps = range(1, MANY_STEPS + 1)
    return bisect_left(steps, True, key=lambda num_steps: error(num_steps) <= limit) + 1
