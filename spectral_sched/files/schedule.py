"""Schedule files: a sigma table that carries what it was made for and from.

They hold the noise range and the distribution of power of the data set too, so a table
for another solver, number of steps or size can be planned from a schedule file as well
as from the spectrum file.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from spectral_sched.documents.read import Fields, read_document
from spectral_sched.errors import InputError, SpecschedError
from spectral_sched.planning.kinds.registry import KINDS, kind_settings_of
from spectral_sched.planning.plan import Plan, Spent
from spectral_sched.planning.request import NoiseLimits, TableRequest
from spectral_sched.schedules.coordinates import convert
from spectral_sched.schedules.table import SigmaTable

from .data_set import data_set_fields, read_data_set_fields

if TYPE_CHECKING:
    from pathlib import Path

    from spectral_sched.documents.strict_json import Document
    from spectral_sched.schedules import Setting


VERSION = 1
REMEDY = "make one with: specsched export --steps 8"


def plan_document(
    plan: Plan, provenance: Document, coordinate: str = "sigma"
) -> Document:
    """Return the content of a schedule file.

    Parameters
    ----------
    coordinate
        The levels are written in this coordinate too, if it is not sigma.
    """
    return {
        "format": "specsched.schedule",
        "version": VERSION,
        **provenance,
        "kind": plan.kind,
        "sampler": plan.request.sampler,
        "num_steps": plan.table.num_steps,
        "nfe": plan.num_calls,
        "coordinate": "sigma",
        "sigmas": plan.table.sigmas,
        **_values(plan.table, coordinate),
        "sigma_min": plan.ends[0],
        "sigma_max": plan.ends[1],
        "start": plan.request.start,
        **_choices(plan.request),
        **(
            {"start_sigma": plan.table.sigmas[0]} if plan.request.limits.partial else {}
        ),
        "predicted": _predicted(plan),
        **_spent(plan),
        **data_set_fields(plan.data_set),
    }


def plan_arguments(plan: Plan) -> Document:
    """Return what is known of the making of a plan, for the file."""
    return {
        "kind": plan.kind,
        "sampler": plan.request.sampler,
        "steps": plan.table.num_steps,
        "source_key": plan.data_set.data_key,
    }


def _choices(request: TableRequest) -> Document:
    """Return what was chosen of the kind, which another table of it shall share."""
    settings = {"settings": dict(request.settings)} if request.settings else {}
    return settings | ({"terminal": request.terminal} if request.terminal else {})


def _values(table: SigmaTable, coordinate: str) -> Document:
    """Return the sigmas in another coordinate; null stands for infinity."""
    if coordinate == "sigma":
        return {}
    values = convert(table.sigmas, "sigma", coordinate).tolist()
    finite = [value if math.isfinite(value) else None for value in values]
    return {"values_coordinate": coordinate, "values": finite}


def _spent(plan: Plan) -> Document:
    """Return what the table cost, if it was found by running a model."""
    if plan.spent is None:
        return {}
    return {"spent": {"model": plan.spent.model, "network_calls": plan.spent.num_calls}}


def _predicted(plan: Plan) -> Document:
    predicted = plan.predicted
    return {
        "error": predicted.error,
        "per_ring": predicted.per_ring,
        "enough_steps": plan.enough_steps,
    }


def read_plan(path: Path) -> Plan:
    """Read a schedule file.

    Raises
    ------
    InputError
        If the file is missing, damaged, foreign or of another version.
    """
    document = read_document(path, "schedule", version=VERSION, remedy=REMEDY)
    return read_plan_document(document, path)


def read_plan_document(document: Document, path: Path) -> Plan:
    """Return the plan that the content of a schedule file stands for.

    Parameters
    ----------
    path
        Name of the file, for messages.

    Raises
    ------
    InputError
        If the content is damaged.
    """
    fields = Fields(document, path, REMEDY)
    return Plan(
        kind=fields.get("kind", str),
        request=_read_request(fields, path),
        table=_read_table(fields, path),
        data_set=read_data_set_fields(fields),
        ends=(fields.number("sigma_min"), fields.number("sigma_max")),
        spent=_read_spent(fields, path),
    )


def _read_request(fields: Fields, path: Path) -> TableRequest:
    texts = fields.get("sampler", str), fields.get("start", str)
    limits = NoiseLimits()
    if "start_sigma" in fields:
        limits = NoiseLimits(start_sigma=fields.number("start_sigma"))
    terminal = fields.get("terminal", str) if "terminal" in fields else None
    try:
        return TableRequest.of(
            texts[0],
            fields.get("num_steps", int),
            texts[1],
            settings=_read_settings(fields),
            limits=limits,
            terminal=terminal,
        )
    except SpecschedError as error:
        message = f"{path} is damaged: {error}; {REMEDY}"
        raise InputError(message) from error


def _read_spent(fields: Fields, path: Path) -> Spent | None:
    if "spent" not in fields:
        return None
    spent = Fields(fields.get("spent", dict), path, REMEDY)
    return Spent(spent.get("model", str), spent.get("network_calls", int))


def _read_settings(fields: Fields) -> dict[str, Setting]:
    if "settings" not in fields:
        return {}
    values = fields.get("settings", dict)
    kind = fields.get("kind", str)
    # The settings of a blend are those of a table that is no more.
    return kind_settings_of(kind, values) if kind in KINDS else {}


def _read_table(fields: Fields, path: Path) -> SigmaTable:
    sigmas = fields.array("sigmas", (fields.get("num_steps", int) + 1,))
    try:
        return SigmaTable(tuple(sigmas.tolist()))
    except SpecschedError as error:
        message = f"{path} is damaged: {error}; {REMEDY}"
        raise InputError(message) from error
