"""A plan: one sigma table with everything needed to play it and to plan it anew."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from spectral_sched.documents.summary import Summed, listed
from spectral_sched.solvers.registry import solver_calls
from spectral_sched.words import number_of

from .kinds.registry import KINDS, check_kind
from .prediction import enough_steps, predicted_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spectral_sched.images.preprocessing import Preprocessing
    from spectral_sched.schedules.table import SigmaTable
    from spectral_sched.spectra.power_distribution import PowerDistribution

    from .data_set import DataSet
    from .prediction import PredictedError
    from .request import TableRequest


@dataclass(frozen=True)
class Spent:
    """What it cost to find a table.

    Attributes
    ----------
    model
        Name of the model that was run.
    num_calls
        Network calls, a batch counting as many as it has images.
    """

    model: str
    num_calls: int


@dataclass(frozen=True, eq=False, repr=False)
class Plan(Summed):
    """A sigma table and the data set it was made for.

    Attributes
    ----------
    kind, request, table
        What was asked and the answer.
    data_set
        The data set: enough to sample its Gaussian model and to plan again.
    ends
        The noise range it was planned in, (sigma_min, sigma_max); for sampling that
        starts from images with noise, up to that noise.
    spent
        What the table cost, if it was found by running a model.
    """

    kind: str
    request: TableRequest
    table: SigmaTable
    data_set: DataSet
    ends: tuple[float, float]
    spent: Spent | None = None

    @property
    def power(self) -> PowerDistribution:
        """Mean spectrum of the data set, and how power varies over its images."""
        return self.data_set.power

    @property
    def preprocessing(self) -> Preprocessing:
        """What was done to the images first."""
        return self.data_set.preprocessing

    @cached_property
    def predicted(self) -> PredictedError:
        """Closed-form error of the table on the data set."""
        return predicted_error(self.power, self.table, self.request, self.ends[1])

    @cached_property
    def enough_steps(self) -> int:
        """Number of steps beyond which more buy less than 1 % of the error."""
        return enough_steps(self.power, self.ends, self.request)

    @property
    def num_calls(self) -> int:
        """Network calls of one sampling run."""
        return len(solver_calls(self.request.sampler, self.table.sigmas))

    def _facts(self) -> Mapping[str, str]:
        low, high = self.ends
        return {
            "kind": self.kind,
            "sampler": self.request.sampler,
            "steps": (
                f"{self.table.num_steps}, {number_of(self.num_calls, 'network call')}"
            ),
            "sigmas": listed(self.table.sigmas),
            "planned from": f"sigma {low:.4g} to {high:.4g}",
        }


def make_plan(data_set: DataSet, kind: str, request: TableRequest) -> Plan:
    """Return the plan of a kind of table for a data set.

    Raises
    ------
    UsageError
        If there is no such kind, or it cannot be had as wished.
    """
    check_kind(kind)
    table = KINDS[kind].table(data_set, request)
    return plan_with(table, data_set, kind, request)


def plan_with(
    table: SigmaTable, data_set: DataSet, kind: str, request: TableRequest
) -> Plan:
    """Return the plan of a table that was found for a request."""
    low, high = request.limits.ends(data_set.bounds, request.start)
    ends = (low, table.sigmas[0] if request.limits.partial else high)
    return Plan(kind, request, table, data_set, ends)
