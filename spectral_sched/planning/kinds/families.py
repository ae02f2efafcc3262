"""Every family of schedules as a kind of table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from spectral_sched.errors import UsageError
from spectral_sched.schedules import SCHEDULES, Basis, Schedule, cut, sigma_table

if TYPE_CHECKING:
    from spectral_sched.planning.data_set import PlanSource
    from spectral_sched.planning.request import Request
    from spectral_sched.schedules.table import SigmaTable


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
