"""Schedule files: a sigma table that carries what it was made for and from.

They hold the noise range and the distribution of power of the data set too, so a table
for another solver, number of steps or size can be planned from a schedule file as well
as from the spectrum file.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, get_args

from spectral_sched.documents.read import Fields, Form, read_document
from spectral_sched.documents.rules import (
    agree,
    each,
    fixed,
    flag,
    members,
    named,
    nullable,
    number,
    numbers,
    positive,
    setting,
    text,
    whole,
)
from spectral_sched.errors import InputError, SpecschedError
from spectral_sched.planning.kinds.registry import KINDS, kind_settings_of
from spectral_sched.planning.plan import Plan, Spent
from spectral_sched.planning.request import MAX_STEPS, NoiseLimits, TableRequest
from spectral_sched.schedules import Terminal
from spectral_sched.schedules.coordinates import COORDINATES, convert
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.spectra.bounds import Start
from spectral_sched.words import number_of

from .data_set import data_set_fields, read_data_set_fields
from .data_set_rules import DATA_SET, MAY_HAVE_MIXTURE, data_set_agrees

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from spectral_sched.documents.rules import Place
    from spectral_sched.documents.strict_json import Document
    from spectral_sched.schedules import Setting


VERSION = 1
REMEDY = "make one with: specsched export --steps 8"


BLEND = "blend"
"""In place of a kind: a mean of two tables."""

RULE = members(
    {
        **DATA_SET,
        "kind": text(*KINDS, BLEND),
        "sampler": text(),
        "num_steps": whole(1, MAX_STEPS),
        "nfe": whole(1),
        "coordinate": fixed("sigma"),
        "sigmas": numbers(None, least=0, order="falling"),
        "sigma_min": positive,
        "sigma_max": positive,
        "start": text(*get_args(Start)),
        "predicted": members(
            {
                "error": number(least=0),
                "per_ring": numbers("K", least=0),
                "enough_steps": whole(1),
            }
        ),
    },
    {
        **MAY_HAVE_MIXTURE,
        "values_coordinate": text(*COORDINATES),
        "values": each(nullable(number())),
        "settings": named(setting),
        "terminal": text(*get_args(Terminal)),
        "start_sigma": positive,
        "from_top": flag,
        "spent": members({"model": text(), "network_calls": whole()}),
    },
)


def _agrees(document: Document, place: Place) -> None:
    """Raise `InputError` where a schedule says two things that do not agree."""
    data_set_agrees(document, place)
    sigmas, num_steps = document["sigmas"], document["num_steps"]
    if len(sigmas) != num_steps + 1 or sigmas[-1] != 0:
        raise place.at("sigmas").wrong(
            f"is no table of {number_of(num_steps, 'level')} and 0"
        )
    if not document["sigma_min"] < document["sigma_max"]:
        raise place.at("sigma_min").wrong("is not below 'sigma_max'")
    if "start_sigma" in document:
        agree(document["start_sigma"], sigmas[0], place.at("start_sigma"))
        if document.get("from_top"):
            raise place.at("from_top").wrong("is true beside a 'start_sigma'")
    if ("values" in document) != ("values_coordinate" in document):
        raise place.at("values").wrong("is there without its coordinate, or that alone")
    if "values" in document:
        expected = _finite(convert(sigmas, "sigma", document["values_coordinate"]))
        found, wanted = (
            [math.inf if value is None else value for value in values]
            for values in (document["values"], expected)
        )
        agree(found, wanted, place.at("values"), slack=1e-9)
    _check_settings(document, place)


def _check_settings(document: Document, place: Place) -> None:
    """Raise `InputError` unless the kind takes the settings.

    Those of a blend are of a table that is no more.
    """
    kind, settings = document["kind"], document.get("settings", {})
    if kind != BLEND:
        check_settings_of(kind, settings, place.at("settings"))


def check_settings_of(kind: str, settings: Document, place: Place) -> None:
    """Raise `InputError` unless a kind takes settings that a file holds."""
    try:
        known = kind_settings_of(kind, settings)
        for name, value in known.items():
            KINDS[kind].parameters[name].check(value)
    except SpecschedError as error:
        raise place.wrong(f"cannot be used: {error}") from error


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
        **_first(plan),
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


def _first(plan: Plan) -> Document:
    """Return what was wished of the first level, which other tables shall share."""
    limits = plan.request.limits
    if limits.partial:
        return {"start_sigma": plan.table.sigmas[0]}
    return {"from_top": True} if limits.from_top else {}


def _values(table: SigmaTable, coordinate: str) -> Document:
    """Return the sigmas in another coordinate; null stands for infinity."""
    if coordinate == "sigma":
        return {}
    values = _finite(convert(table.sigmas, "sigma", coordinate))
    return {"values_coordinate": coordinate, "values": values}


def _finite(values: NDArray[np.float64]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]


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


def read_plan(path: Path, document: Document | None = None) -> Plan:
    """Read a schedule file.

    Parameters
    ----------
    document
        What is in the file, if it was read, as by `read_any`.

    Raises
    ------
    InputError
        If the file is missing, damaged, foreign or of another version.
    """
    return _plan(read_document(path, FORM, document), path)


def read_plan_text(text: str, path: Path) -> Plan:
    """Return the plan of the text of a schedule file, as `read_plan` does."""
    return _plan(FORM.parse(text, path), path)


def _plan(document: Document, path: Path) -> Plan:
    fields = Fields(document, path, REMEDY)
    plan = Plan(
        kind=fields.get("kind", str),
        request=_read_request(fields, path),
        table=_read_table(fields, path),
        data_set=read_data_set_fields(fields),
        ends=(fields.number("sigma_min"), fields.number("sigma_max")),
        spent=_read_spent(fields, path),
    )
    if fields.get("nfe", int) != plan.num_calls:
        raise fields.damaged("nfe", f"is not {plan.num_calls}, what the solver takes")
    return plan


FORM = Form("schedule", VERSION, REMEDY, RULE, _agrees)


def _read_request(fields: Fields, path: Path) -> TableRequest:
    texts = fields.get("sampler", str), fields.get("start", str)
    terminal = fields.get("terminal", str) if "terminal" in fields else None
    try:
        return TableRequest.of(
            texts[0],
            fields.get("num_steps", int),
            texts[1],
            settings=_read_settings(fields),
            limits=_read_limits(fields),
            terminal=terminal,
        )
    except SpecschedError as error:
        message = f"{path} is damaged: {error}; {REMEDY}"
        raise InputError(message) from error


def _read_limits(fields: Fields) -> NoiseLimits:
    if "start_sigma" in fields:
        return NoiseLimits(start_sigma=fields.number("start_sigma"))
    return NoiseLimits(from_top="from_top" in fields and fields.get("from_top", bool))


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
    return kind_settings_of(kind, values) if kind != BLEND else {}


def _read_table(fields: Fields, path: Path) -> SigmaTable:
    sigmas = fields.array("sigmas", (fields.get("num_steps", int) + 1,))
    try:
        return SigmaTable(tuple(sigmas.tolist()))
    except SpecschedError as error:
        message = f"{path} is damaged: {error}; {REMEDY}"
        raise InputError(message) from error
