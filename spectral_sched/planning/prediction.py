"""The predicted error of a table, and how many steps are enough."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.schedules.table import SigmaTable, resample

from .kinds.optimal import optimal_table
from .scale_mixture import bands
from .search import TOUCHING
from .table_error import errors_of, table_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spectral_sched.spectra.gaussian_field import GaussianField
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

    On two networks of 32x32 images it was .9 to 1.25 times the distance between the
    samples and a fine reference from the same noise for solvers of one step, and .3 to
    .7 times for multistep ones. Where sampling starts from
    images with noise, the start itself is exact.

    Parameters
    ----------
    top
        Highest level that sampling could start from.
    """
    start = None if request.limits.partial else request.start
    errors = table_error(distribution, request.sampler, start, top)
    squared = errors_of(errors, table) ** 2 + errors.of_start**2
    field = distribution.field
    per_ring = _per_ring(np.bincount(errors.mixture.band, squared), field)
    return PredictedError(float(np.sqrt(squared.sum())), np.sqrt(per_ring))


def _per_ring(by_band: NDArray[Any], field: GaussianField) -> NDArray[np.float64]:
    """Return the mean square in each ring, (K,), of sums over bands.

    In a band it is shared out as the power is.
    """
    found, power = np.zeros(len(field.num_modes)), field.power
    all_rings = [np.array([0]), *bands(len(found))]
    for sum_of_band, rings in zip(by_band, all_rings, strict=True):
        energy = field.num_modes[rings] @ power[rings]
        if energy:
            found[rings] = sum_of_band * field.num_pixels * power[rings] / energy
    return found


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
