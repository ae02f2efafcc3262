"""A table for another number of steps, from whatever file there is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .defaults import KIND, SAMPLER
from .documents import is_ours
from .kinds import KINDS
from .plan_files import read_plan, read_source
from .plans import make_plan
from .requests import request

if TYPE_CHECKING:
    from pathlib import Path

    from .plans import Plan
    from .tables import SigmaTable


def replanned(plan: Plan, num_steps: int, sampler: str | None = None) -> Plan:
    """Return a plan like a given one for another number of steps or solver.

    The plan itself is returned where both are its own. A blend, which cannot be planned
    anew, becomes a table of the default kind.

    Raises
    ------
    UsageError
        If a number or a name cannot be used.
    """
    sampler = sampler or plan.request.sampler
    if (num_steps, sampler) == (plan.table.num_steps, plan.request.sampler):
        return plan
    old, bounds = plan.request, plan.source.bounds
    limits = old.limits
    if not limits.partial and plan.ends != limits.ends(bounds, old.start):
        limits = replace(limits, sigma_min=plan.ends[0], sigma_max=plan.ends[1])
    known = plan.kind in KINDS
    settings = old.settings if known else {}
    wanted = request(sampler, num_steps, old.start, settings=settings, limits=limits)
    return make_plan(plan.source, plan.kind if known else KIND, wanted)


def planned_table(path: Path, num_steps: int, sampler: str = SAMPLER) -> SigmaTable:
    """Return a table from a spectrum file, or from what a schedule file was made of.

    Raises
    ------
    InputError
        If the file is missing, damaged, foreign or of another version.
    UsageError
        If a number or a name cannot be used.
    """
    if is_ours(path, "schedule"):
        return replanned(read_plan(path), num_steps, sampler).table
    return make_plan(read_source(path), KIND, request(sampler, num_steps, "zero")).table
