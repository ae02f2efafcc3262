"""Plans made again: for another size or range, from what a schedule file holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .defaults import KIND
from .kinds import KINDS
from .plans import make_plan

if TYPE_CHECKING:
    from .plans import Plan


def planned_again(plan: Plan, ends: tuple[float, float] | None = None) -> Plan:
    """Return a plan of the same kind and request for the plan's own data set.

    A blend, which cannot be planned again, becomes a table of the default kind.

    Parameters
    ----------
    ends
        Noise range to plan in; None takes that of the data set.
    """
    wanted = plan.request
    if ends is not None:
        limits = replace(wanted.limits, sigma_min=ends[0], sigma_max=ends[1])
        wanted = replace(wanted, limits=limits)
    if plan.kind in KINDS:
        return make_plan(plan.source, plan.kind, wanted)
    return make_plan(plan.source, KIND, replace(wanted, settings={}, terminal=None))
