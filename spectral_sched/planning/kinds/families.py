"""Every family of schedules as a kind of table."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from spectral_sched.errors import UsageError
from spectral_sched.schedules import SCHEDULES, Basis, Schedule, cut, sigma_table

from .kind import KindInfo

if TYPE_CHECKING:
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.request import TableRequest
    from spectral_sched.schedules.table import SigmaTable


def family_schedule(data_set: DataSet, kind: str, request: TableRequest) -> Schedule:
    """Return the schedule of a family over its whole range.

    Raises
    ------
    UsageError
        If the family does not reach an end that is wished.
    """
    ends = request.limits.ends(data_set.bounds, request.start)
    basis = Basis(data_set.power.field, *ends, request.start)
    schedule = SCHEDULES[kind].schedule(basis, request.settings)
    low, high = request.limits.replaced((schedule.sigma_min, schedule.sigma_max))
    if (low, high) != cut(schedule.law, low, high):
        message = (
            f"kind {kind} reaches from sigma {schedule.sigma_min:.4g} to "
            f"{schedule.sigma_max:.4g} on these images, not from {low:.4g} to "
            f"{high:.4g}; narrow --sigma-min and --sigma-max, or try --kind karras"
        )
        raise UsageError(message)
    return replace(schedule, sigma_min=low, sigma_max=high)


def _table(kind: str, data_set: DataSet, request: TableRequest) -> SigmaTable:
    schedule = family_schedule(data_set, kind, request)
    first = request.limits.first((schedule.sigma_min, schedule.sigma_max))
    below = replace(schedule, sigma_max=first) if first else schedule
    return sigma_table(below, request.num_steps, request.terminal)


KINDS = tuple(
    KindInfo(
        name,
        family.formula,
        family.source,
        family.parameters,
        partial(_table, name),
    )
    for name, family in SCHEDULES.items()
)
