"""Tables handed to targets without a command."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from spectral_sched.documents.provenance import provenance
from spectral_sched.planning.plan import Plan, make_plan
from spectral_sched.planning.request import TableRequest
from spectral_sched.planning.training_law import training_schedule
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.targets import (
    TARGETS,
    Artifact,
    law_artifact,
    table_artifact,
    target_settings,
)
from spectral_sched.targets.delivery import (
    Delivery,
    TargetRequest,
    law_delivery,
    plan_delivery,
)
from tests.support.pink import pink_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spectral_sched.schedules import Schedule

LEVELS = (150.0, 40.0, 9.7, 3.1, 1.13, 0.4, 0.1, 0.02)
"""A table inside the range of DDPM's betas that is of no family."""


@cache
def planned(start: str = "zero") -> Plan:
    return make_plan(pink_source(), "karras", TableRequest.of("dpmpp-2m", 8, start))


def plan_of_levels(levels: Sequence[float], start: str = "zero") -> Plan:
    return replace(planned(start), table=SigmaTable.of(levels))


def given(
    name: str, levels: Sequence[float] = LEVELS, *texts: str, form: str | None = None
) -> Artifact:
    """Return what a target is given for a table."""
    target = TARGETS[name]
    settings = target_settings(target, texts)
    plan = plan_of_levels(levels)
    return table_artifact(target, plan, settings, target.form(form))


def delivered(
    name: str, levels: Sequence[float] = LEVELS, *texts: str, form: str | None = None
) -> Delivery:
    """Return what a target is handed for a table, as bytes."""
    wish = TargetRequest(TARGETS[name], texts, form)
    return plan_delivery(wish, plan_of_levels(levels), provenance({}))


@cache
def law(kind: str = "mixed") -> Schedule:
    return training_schedule(
        pink_source(), kind, TableRequest.of("dpmpp-2m", 32, "zero")
    )


def given_law(name: str, kind: str = "mixed", *texts: str) -> Artifact:
    """Return what a target is given to train with."""
    target = TARGETS[name]
    return law_artifact(
        target, law(kind), pink_source(), target_settings(target, texts)
    )


def delivered_law(name: str, kind: str = "mixed", form: str | None = None) -> Delivery:
    wish = TargetRequest(TARGETS[name], (), form)
    return law_delivery(wish, law(kind), pink_source(), provenance({}))
