"""Schedule files: a sigma table that carries what it was made for and from.

They hold the noise range and the distribution of power of the data set too, so a table
for another solver, number of steps or size can be planned from a schedule file as well
as from the spectrum file.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING

from .coordinates import converted
from .documents import Document, Fields, is_ours, read_document, rounded, short
from .errors import InputError, SpecschedError
from .planning import Planning
from .plans import (
    Plan,
    PlanSource,
    measured_source,
)
from .preprocessing_fields import read_preprocessing
from .requests import Limits, Request, request
from .spectrum_files import read_bounds, read_field, read_spectrum
from .tables import SigmaTable

if TYPE_CHECKING:
    from pathlib import Path

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
    field, predicted = plan.planning.field, _predicted(plan)
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
        **(
            {"start_sigma": plan.table.sigmas[0]} if plan.request.limits.partial else {}
        ),
        "shape": field.shape,
        "mean_color": field.mean_color,
        "sigma_data": field.sigma_data,
        "data_range": [-1.0, 1.0],
        "preprocessing": asdict(plan.preprocessing),
        "predicted": predicted,
        "spectrum": {
            "frequency": field.frequency,
            "num_modes": field.num_modes,
            "power": field.power,
            "cross_power": field.cross_power,
        },
        "planning": {"log_power_quantiles": short(plan.planning.log_power)},
        "bounds": asdict(plan.source.bounds),
        "source_key": plan.source.source_key,
    }


def _values(table: SigmaTable, coordinate: str) -> Document:
    """Return the sigmas in another coordinate; null stands for infinity."""
    if coordinate == "sigma":
        return {}
    values = converted(table.sigmas, "sigma", coordinate).tolist()
    finite = [value if math.isfinite(value) else None for value in values]
    return {"values_coordinate": coordinate, "values": finite}


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
    return plan_of(document, path)


def plan_of(document: Document, path: Path) -> Plan:
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
        source=_read_source(fields),
        ends=(fields.number("sigma_min"), fields.number("sigma_max")),
    )


def read_source(path: Path) -> PlanSource:
    """Read what tables are planned from, in a spectrum file or a schedule file.

    Raises
    ------
    InputError
        If the file is missing, damaged, foreign or of another version.
    """
    if is_ours(path, "schedule"):
        return read_plan(path).source
    return measured_source(read_spectrum(path))


def _read_source(fields: Fields) -> PlanSource:
    field = read_field(fields, fields.object("spectrum"))
    quantiles = fields.object("planning").array(
        "log_power_quantiles", (len(field.num_modes), None)
    )
    return PlanSource(
        planning=Planning(field, rounded(quantiles)),
        bounds=read_bounds(fields.object("bounds")),
        preprocessing=read_preprocessing(fields.object("preprocessing")),
        source_key=fields.get("source_key", str),
    )


def _read_request(fields: Fields, path: Path) -> Request:
    texts = fields.get("sampler", str), fields.get("start", str)
    limits = Limits()
    if "start_sigma" in fields:
        limits = Limits(start_sigma=fields.number("start_sigma"))
    given = fields.get("arguments", dict) if "arguments" in fields else {}
    settings = given.get("set", {})
    num_steps = fields.get("num_steps", int)
    try:
        return request(texts[0], num_steps, texts[1], settings=settings, limits=limits)
    except SpecschedError as error:
        message = f"{path} is damaged: {error}; {REMEDY}"
        raise InputError(message) from error


def _read_table(fields: Fields, path: Path) -> SigmaTable:
    sigmas = fields.array("sigmas", (fields.get("num_steps", int) + 1,))
    try:
        return SigmaTable(tuple(sigmas.tolist()))
    except SpecschedError as error:
        message = f"{path} is damaged: {error}; {REMEDY}"
        raise InputError(message) from error
