"""The predicted error of a table, and how many steps are enough."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.schedules.table import SigmaTable, resampled
from spectral_sched.spectra.power_distribution import power_variation

from .error_model import (
    SPREAD,
    Origin,
    highest_start,
    mode_errors,
    powers_for,
    spectral_start_error,
)
from .kinds.optimal import optimal_table
from .search import TOUCHING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spectral_sched.spectra.power_distribution import Planning

    from .request import Request


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
