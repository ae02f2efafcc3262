"""Plans made again: for another size, range, solver or number of steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .defaults import KIND
from .plans import make_plan
from .requests import request
from .table_kinds import from_spectrum

if TYPE_CHECKING:
    from .plans import Plan


def planned_again(plan: Plan, ends: tuple[float, float] | None = None) -> Plan:
    """Return a plan of the same kind and request for the plan's own data set.

    What does not follow from the spectrum, as a blend or a table that was found by
    running a model, becomes a table of the default kind.

    Parameters
    ----------
    ends
        Noise range to plan in; None takes that of the data set.
    """
    wanted = plan.request
    if ends is not None:
        limits = replace(wanted.limits, sigma_min=ends[0], sigma_max=ends[1])
        wanted = replace(wanted, limits=limits)
    if from_spectrum(plan.kind):
        return make_plan(plan.source, plan.kind, wanted)
    return make_plan(plan.source, KIND, replace(wanted, settings={}, terminal=None))


def replanned(plan: Plan, num_steps: int, sampler: str | None = None) -> Plan:
    """Return a plan like a given one for another number of steps or solver.

    The plan itself is returned where both are its own.

    Raises
    ------
    UsageError
        If a number or a name cannot be used.
    """
    old = plan.request
    sampler = sampler or old.sampler
    if (num_steps, sampler) == (plan.table.num_steps, old.sampler):
        return plan
    checked = request(sampler, num_steps, old.start)
    wanted = replace(old, sampler=checked.sampler, num_steps=checked.num_steps)
    own = old.limits.partial or plan.ends == old.limits.ends(
        plan.source.bounds, old.start
    )
    return planned_again(replace(plan, request=wanted), None if own else plan.ends)
