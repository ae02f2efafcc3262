"""What ``specsched export`` does: from what is asked for to a finished document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from spectral_sched.documents.provenance import provenance
from spectral_sched.files.any_format import read_data_set
from spectral_sched.files.schedule import plan_arguments, plan_document, read_plan
from spectral_sched.files.training_law import training_document
from spectral_sched.planning.data_set import resize_data_set
from spectral_sched.planning.kinds.registry import from_spectrum
from spectral_sched.planning.plan import Plan, make_plan
from spectral_sched.planning.replan import ModelLimits, keep_inside
from spectral_sched.planning.request import TableRequest
from spectral_sched.planning.training_law import training_schedule
from spectral_sched.schedules.table import blend
from spectral_sched.system import shell

from .delivery import Delivery, TargetRequest, law_delivery, plan_delivery

if TYPE_CHECKING:
    from pathlib import Path

    from spectral_sched.documents.strict_json import Document
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.schedules import Schedule

Purpose = Literal["sampling", "training"]


@dataclass(frozen=True)
class ExportRequest:
    """What is to be exported.

    Attributes
    ----------
    spectrum
        File that tables are planned from.
    purpose
        Whether to make a sigma table or a law to train with.
    kind, table
        Kind of table, and what it is wanted for.
    arguments
        What was asked for, defaults resolved, for the file.
    target
        Program to write for, if any.
    resolution
        Size to plan for, if not that of the measured images.
    schedule
        Schedule file whose table to write as it is.
    blend, weight
        Schedule file to blend with, and its weight.
    coordinate
        Coordinate to write the levels in, beside sigma.
    """

    spectrum: Path
    purpose: Purpose
    kind: str
    table: TableRequest
    arguments: Document
    target: TargetRequest | None = None
    resolution: int | None = None
    schedule: Path | None = None
    blend: Path | None = None
    weight: float = 0.5
    coordinate: str = "sigma"


@dataclass(frozen=True)
class Export:
    """A finished document, what it holds, and the command to go on with.

    Attributes
    ----------
    made
        The plan, the law to train with, or what another program is given.
    planned
        What has to be said of the planning.
    """

    document: Document
    made: Plan | Schedule | Delivery
    following: str
    planned: tuple[str, ...] = ()

    @property
    def content(self) -> bytes | None:
        """Bytes to write in place of the document, for another program."""
        return self.made.content if isinstance(self.made, Delivery) else None

    @property
    def messages(self) -> tuple[str, ...]:
        """What to tell on the way."""
        delivered = self.made.messages if isinstance(self.made, Delivery) else ()
        return (*self.planned, *delivered)


Planner = Callable[["DataSet", str, TableRequest], Plan]
"""Makes the plan of a kind of table for a data set."""


def make_export(
    request: ExportRequest, output: Path, planner: Planner = make_plan
) -> Export:
    """Return what is asked for, from a spectrum file or a schedule file.

    Parameters
    ----------
    output
        Where it will be written, for the command to go on with.
    planner
        Makes the plan: `make_plan`, or a search that runs a model.
    """
    if request.purpose == "training":
        return _export_law(request, output)
    plan, arguments = _plan(request, planner)
    if request.target:
        plan, told = _for_target(plan, request)
        made = provenance(arguments)
        return _hand_over(plan_delivery(request.target, plan, made), told)
    document = plan_document(plan, provenance(arguments), request.coordinate)
    following = shell.line("sample", "--schedule", output)
    return Export(document, plan, following)


def _for_target(plan: Plan, request: ExportRequest) -> tuple[Plan, tuple[str, ...]]:
    """Return a plan inside the range that a target's model knows, and what to say.

    Tables that are there already are left as they are, and so are ends that are wished.
    """
    wish = request.target
    known = wish.known_range if wish else None
    if known is None or request.schedule or not from_spectrum(plan.kind):
        return plan, ()
    return keep_inside(plan, ModelLimits(sigma_range=known))


def _data_set(request: ExportRequest) -> DataSet:
    data_set = read_data_set(request.spectrum)
    if request.resolution is None:
        return data_set
    return resize_data_set(data_set, request.resolution)


def _plan(request: ExportRequest, planner: Planner) -> tuple[Plan, Document]:
    """Return the plan that is asked for, and what the file says of its making."""
    if request.schedule is not None:
        plan = read_plan(request.schedule)
        return plan, plan_arguments(plan)
    plan = planner(_data_set(request), request.kind, request.table)
    if request.blend is None:
        return plan, request.arguments
    plan, second = _blend(plan, read_plan(request.blend), request.weight)
    return plan, request.arguments | second


def _hand_over(delivery: Delivery, planned: tuple[str, ...] = ()) -> Export:
    return Export(delivery.document, delivery, delivery.usage, planned)


def _blend(plan: Plan, other: Plan, weight: float) -> tuple[Plan, Document]:
    """Return a blended plan, and what the file says of the blend."""
    second = {"blend": plan_arguments(other), "weight": weight}
    table = blend(plan.table, other.table, weight)
    return replace(plan, kind="blend", table=table), second


def _export_law(request: ExportRequest, output: Path) -> Export:
    data_set, made = _data_set(request), provenance(request.arguments)
    schedule = training_schedule(data_set, request.kind, request.table)
    if request.target:
        return _hand_over(law_delivery(request.target, schedule, data_set, made))
    document = training_document(data_set, request.kind, schedule, made)
    following = shell.line("show", output)
    return Export(document, schedule, following)
