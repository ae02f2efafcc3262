"""A plan: one sigma table with everything needed to play it and to plan it anew."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from spectral_sched.errors import UsageError
from spectral_sched.schedules import SCHEDULES
from spectral_sched.solvers.registry import solver_calls

from .kinds.dmn import DMN, DmnSettings, dmn_table
from .kinds.families import _family_table
from .kinds.gaussian import GAUSSIAN, _gaussian_search
from .kinds.kind import check_searched, settings_of
from .kinds.optimal import optimal_table
from .kinds.registry import KINDS, check_kind
from .prediction import enough_steps, predicted_error

if TYPE_CHECKING:
    from spectral_sched.images.preprocessing import Preprocessing
    from spectral_sched.schedules.table import SigmaTable
    from spectral_sched.spectra.power_distribution import Planning

    from .data_set import PlanSource
    from .prediction import PredictedError
    from .request import Request


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
