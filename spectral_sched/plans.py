"""A plan: one sigma table with everything needed to play it and to plan it anew."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast, get_args

import numpy as np

from .bounds import Start
from .defaults import KIND, NUM_STEPS, SAMPLER
from .defects import squared_errors
from .errors import UsageError, known
from .optimize import SPREAD, optimal_table
from .planning import spectrum_planning, widened
from .schedules import SCHEDULES, sigma_table
from .solvers import SAMPLERS, solver_calls
from .tables import resampled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .images import Preprocessing
    from .measurement import Measurement
    from .planning import Planning
    from .tables import SigmaTable

MAX_STEPS = 1000

REFERENCE_STEPS = 16
MANY_STEPS = 256
WORTH = 0.01
"""Share of the error that more steps must save to be worth it."""

KINDS = (KIND, *SCHEDULES)
"""Names of all kinds of tables, the default first."""


@dataclass(frozen=True)
class Request:
    """What a table is wanted for.

    Attributes
    ----------
    sampler
        Name of the solver that will step through the table.
    num_steps
        Number of steps, 1 to 1000.
    start
        Whether sampling starts from noise about zero or about the mean colour.
    """

    sampler: str = SAMPLER
    num_steps: int = NUM_STEPS
    start: Start = "zero"


def request(sampler: str, num_steps: int, start: str) -> Request:
    """Return a checked request.

    Raises
    ------
    UsageError
        If the sampler or start is unknown, or the number of steps out of range.
    """
    known(sampler, SAMPLERS, "sampler", "--sampler")
    known(start, get_args(Start), "start", "--start")
    if not 1 <= num_steps <= MAX_STEPS:
        message = f"--steps must be from 1 to {MAX_STEPS}, not {num_steps}; ask for 8"
        raise UsageError(message)
    return Request(sampler, num_steps, cast("Start", start))


def check_kind(kind: str) -> None:
    """Raise `UsageError`, with the nearest name, if there is no such kind."""
    known(kind, KINDS, "kind", "--kind")


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
class Plan:
    """A sigma table and the data set it was made for.

    Attributes
    ----------
    kind, request, table
        What was asked and the answer.
    planning
        The data set: enough to sample its Gaussian model and to plan again.
    ends
        The tight range the table lies in, (sigma_min, sigma_max).
    preprocessing
        What was done to the pictures first.
    source_key
        Digest of the pixels the plan was made from.
    """

    kind: str
    request: Request
    table: SigmaTable
    planning: Planning
    ends: tuple[float, float]
    preprocessing: Preprocessing
    source_key: str

    @property
    def num_calls(self) -> int:
        """Network calls of one sampling run."""
        return len(solver_calls(self.request.sampler, self.table))


def make_plan(measured: Measurement, kind: str, wanted: Request) -> Plan:
    """Return the plan of a kind of table for a measured data set."""
    planning = spectrum_planning(measured.spectrum)
    ends = (measured.bounds.sigma_min, measured.bounds.top(wanted.start))
    return Plan(
        kind=kind,
        request=wanted,
        table=planned_table(planning, ends, kind, wanted),
        planning=planning,
        ends=ends,
        preprocessing=measured.preprocessing,
        source_key=measured.spectrum.data_key,
    )


def planned_table(
    planning: Planning, ends: tuple[float, float], kind: str, wanted: Request
) -> SigmaTable:
    """Return the table of a kind for a data set.

    Raises
    ------
    UsageError
        If there is no such kind.
    """
    check_kind(kind)
    if kind == KIND:
        return optimal_table(
            planning, wanted.sampler, wanted.num_steps, ends, start=wanted.start
        )
    schedule = SCHEDULES[kind](planning.field, ends, wanted.start)
    return sigma_table(schedule, wanted.num_steps)


def predicted_error(
    planning: Planning, table: SigmaTable, wanted: Request
) -> PredictedError:
    """Return the closed-form error of a table on a data set.

    On networks of 32x32 pictures it was within a factor of two of the distance between
    the samples and a fine reference from the same noise.
    """
    power = np.exp(widened(planning.log_power, SPREAD))
    offset = np.zeros_like(power)
    offset[0] = planning.field.mean_offset
    errors = squared_errors(
        wanted.sampler,
        np.array(table.sigmas),
        power.ravel(),
        offset.ravel(),
        wanted.start,
    )
    total: NDArray[np.float64] = np.sum(list(errors), axis=0)
    per_ring = total.reshape(power.shape).mean(axis=1)
    mean = float(planning.field.num_modes @ per_ring / planning.field.num_pixels)
    return PredictedError(float(np.sqrt(mean)), np.sqrt(per_ring))


def enough_steps(planning: Planning, ends: tuple[float, float], wanted: Request) -> int:
    """Return the number of steps beyond which more buy less than 1 % of the error.

    What remains is the error of the ends. The number is that of the best table of 16
    steps, read at more or fewer points.
    """
    best = optimal_table(
        planning, wanted.sampler, REFERENCE_STEPS, ends, start=wanted.start
    )

    def error(num_steps: int) -> float:
        table = resampled(best, num_steps)
        return predicted_error(planning, table, wanted).error

    limit = (1 + WORTH) * error(MANY_STEPS)
    steps = range(1, MANY_STEPS + 1)
    return bisect_left(steps, True, key=lambda num_steps: error(num_steps) <= limit) + 1
