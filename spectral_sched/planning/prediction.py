"""The predicted error of a table, and how many steps are enough."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.schedules.table import SigmaTable, resample
from spectral_sched.spectra.power_distribution import power_variation

from .error_model import (
    SPREAD,
    Origin,
    mode_errors,
    powers_for,
    reference_start,
    spectral_start_error,
)
from .kinds.optimal import optimal_table
from .search import TOUCHING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spectral_sched.spectra.power_distribution import PowerDistribution

    from .request import TableRequest


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
    distribution: PowerDistribution,
    table: SigmaTable,
    request: TableRequest,
    top: float,
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
    power, missed = powers_for(distribution, request.sampler, table.num_steps)
    offset = np.broadcast_to(missed[..., None], power.shape)
    sampler, sigmas = request.sampler, np.array(table.sigmas)
    highest = reference_start(sampler, top, power.ravel())
    start = None if request.limits.partial else request.start
    origin = Origin(start, offset.ravel(), highest, count_unavoidable=True)
    terms = mode_errors(sampler, sigmas, power.ravel(), origin)
    # Shares of a square that is all but zero may sum to less than it.
    squared = np.maximum(np.sum(terms, axis=0), 0.0)
    per_ring = squared.reshape(power.shape).mean(axis=(1, 2))
    if start == "spectral":
        per_ring = per_ring + _spectral_error(distribution, sampler, sigmas)
    mean = float(
        distribution.field.num_modes @ per_ring / distribution.field.num_pixels
    )
    return PredictedError(float(np.sqrt(mean)), np.sqrt(per_ring))


def _spectral_error(
    distribution: PowerDistribution, sampler: str, sigmas: NDArray[np.float64]
) -> NDArray[np.float64]:
    variation = power_variation(distribution, SPREAD)
    begun = spectral_start_error(sampler, sigmas, distribution.field.power, variation)
    return np.asarray(begun.apart)


def enough_steps(
    distribution: PowerDistribution, ends: tuple[float, float], request: TableRequest
) -> int:
    """Return the number of steps beyond which more buy less than 1 % of the error.

    What remains is the error of the ends. The number is that of the best table of 16
    steps, drawn out to the ends and read at more or fewer points.
    """
    best = optimal_table(
        distribution,
        request.sampler,
        REFERENCE_STEPS,
        ends,
        start=request.start,
        first=ends[1] if request.limits.partial else None,
    )

    low, high = ends
    # Under a raised lower end the best table touches it.
    between = [level for level in best.levels[1:] if level > low * (1 + TOUCHING)]
    whole = SigmaTable.of([high, *between, low])

    def error(num_steps: int) -> float:
        table = resample(whole, num_steps)
        return predicted_error(distribution, table, request, high).error

    limit = (1 + WORTH) * error(MANY_STEPS)
    steps = range(1, MANY_STEPS + 1)
    return bisect_left(steps, True, key=lambda num_steps: error(num_steps) <= limit) + 1
