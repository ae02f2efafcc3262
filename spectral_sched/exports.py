"""From the options of ``specsched export`` to a finished document."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from .console.schedule import plan_parts
from .console.training import training_parts
from .defaults import (
    KIND,
    NUM_STEPS,
    SAMPLER,
    SCHEDULE_PATH,
    TRAINING_KIND,
    TRAINING_PATH,
    TRAINING_STEPS,
)
from .documents.provenance import provenance, told_model
from .errors import UsageError, check_choice
from .plan_files import plan_arguments, plan_document, read_data_set, read_plan
from .planning.data_set import resize_data_set
from .planning.kinds.registry import (
    KINDS,
    check_kind,
    check_runs_model,
    parse_kind_settings,
)
from .planning.plan import Plan, make_plan
from .planning.request import NoiseLimits, TableRequest
from .planning.training_law import training_schedule
from .schedules.coordinates import check_coordinate
from .schedules.table import blend
from .target_exports import Delivery, Wish, law_delivery, plan_delivery
from .targets import format_of, target_named
from .training_files import training_document

if TYPE_CHECKING:
    from rich.console import RenderableType

    from .documents.strict_json import Document
    from .planning.data_set import DataSet

Purpose = Literal["sampling", "training"]

FOR_TABLES_ONLY = (
    *("terminal", "start_sigma", "strength", "blend", "coordinate", "schedule"),
    *("model", "data"),
)
"""Options that mean nothing to a training law."""

FOR_PLANNING_ONLY = (
    *("kind", "steps", "settings", "sigma_min", "sigma_max", "start_sigma", "strength"),
    *("terminal", "resolution", "blend", "weight", "coordinate", "model", "data"),
)
"""Options that mean nothing to a table that is there already."""

FLAGS = {"settings": "set", "known": "with", "form": "format"}
"""Names of options that are not those of the attributes."""

STDOUT = Path("-")


@dataclass(frozen=True)
class ExportOptions:
    """What ``specsched export`` is asked for; None stands for what was not said.

    Attributes
    ----------
    purpose
        Whether to make a sigma table or a law to train with.
    settings
        Parameters of the kind, as ``name=value``.
    resolution
        Size to plan for, if not that of the measured pictures.
    model, data
        Model to run, for kinds that do, and pictures to show it.
    blend, weight
        Schedule file to blend with, and its weight.
    coordinate
        Coordinate to write the levels in, beside sigma.
    schedule
        Schedule file whose table to write as it is.
    target, known, form
        Program to write for, what is known of it as ``name=value``, and the format.
    named
        The file to write, if one is named.
    """

    purpose: str | None = None
    kind: str | None = None
    steps: int | None = None
    sampler: str = SAMPLER
    start: str = "zero"
    settings: tuple[str, ...] = ()
    sigma_min: float | None = None
    sigma_max: float | None = None
    start_sigma: float | None = None
    strength: float | None = None
    terminal: str | None = None
    resolution: int | None = None
    model: str | None = None
    data: Path | None = None
    blend: Path | None = None
    weight: float | None = None
    coordinate: str | None = None
    schedule: Path | None = None
    target: str | None = None
    known: tuple[str, ...] = ()
    form: str | None = None
    named: Path | None = None

    @property
    def wanted_purpose(self) -> str:
        """The purpose asked for, or the first that the target serves."""
        served = target_named(self.target).purposes if self.target else ("sampling",)
        return self.purpose or served[0]

    @property
    def training(self) -> bool:
        """Whether a law to train with is wanted."""
        return self.wanted_purpose == "training"

    @property
    def wanted_kind(self) -> str:
        """The kind asked for, or the default for the purpose."""
        return self.kind or (TRAINING_KIND if self.training else KIND)

    @property
    def output(self) -> Path:
        """The file to write; what a target wants goes to standard output."""
        default = TRAINING_PATH if self.training else SCHEDULE_PATH
        return self.named or (STDOUT if self.target else default)

    @property
    def wish(self) -> Wish | None:
        """What is wanted for another program, if any."""
        if self.target is None:
            return None
        guessed = format_of(self.named) if self.named else None
        return Wish(target_named(self.target), self.known, self.form or guessed)

    def request(self) -> TableRequest:
        """Return what a table is wanted for.

        Raises
        ------
        UsageError
            If an option cannot be used.
        """
        check_choice(self.wanted_purpose, get_args(Purpose), "purpose", "--for")
        check_kind(self.wanted_kind)
        check_coordinate(self.coordinate or "sigma")
        self._refuse_what_means_nothing()
        if self.weight is not None and self.blend is None:
            message = "--weight says how much of the --blend file to take; name one"
            raise UsageError(message)
        steps = TRAINING_STEPS if self.training else NUM_STEPS
        return TableRequest.of(
            self.sampler,
            steps if self.steps is None else self.steps,
            self.start,
            settings=parse_kind_settings(self.wanted_kind, self.settings),
            limits=NoiseLimits(
                self.sigma_min, self.sigma_max, self.start_sigma, self.strength
            ),
            terminal=self.terminal,
        )

    def _refuse_what_means_nothing(self) -> None:
        if self.training and KINDS[self.wanted_kind].runs_model:
            message = f"kind {self.wanted_kind} makes sigma tables only; try --kind ays"
            raise UsageError(message)
        if self.training:
            self._refuse(
                FOR_TABLES_ONLY,
                "shapes sigma tables, not laws to train with; leave it out",
            )
        if self.data is not None and self.model is None:
            message = "--data is for a --model to be shown; name one"
            raise UsageError(message)
        if self.model is not None and not self.training:
            check_runs_model(self.wanted_kind)
        if self.schedule is not None:
            self._refuse(
                FOR_PLANNING_ONLY,
                "plans a table, and --schedule takes one as it is; leave one out",
            )
        if self.target is None:
            self._refuse(
                ("known", "form", "schedule"),
                "is about a program to write for; name one with --target",
            )

    def _refuse(self, names: tuple[str, ...], reason: str) -> None:
        for name in names:
            if getattr(self, name) not in (None, ()):
                flag = FLAGS.get(name, name.replace("_", "-"))
                message = f"--{flag} {reason}"
                raise UsageError(message)

    def arguments(self, request: TableRequest) -> dict[str, object]:
        """Return what was asked for, defaults resolved, for the file."""
        optional = {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if item.default is None and getattr(self, item.name) is not None
        }
        for name in ("blend", "schedule", "named", "form", "data"):
            optional.pop(name, None)
        if self.model is not None:
            optional["model"] = told_model(self.model)
        return optional | {
            "purpose": self.wanted_purpose,
            "kind": self.wanted_kind,
            "sampler": request.sampler,
            "steps": request.num_steps,
            "start": request.start,
            **({"set": dict(request.settings)} if request.settings else {}),
            **({"with": self.known} if self.known else {}),
        }


@dataclass(frozen=True)
class Export:
    """A finished document, how to show it, and the command to go on with.

    Attributes
    ----------
    content
        Bytes to write in place of the document, for another program.
    messages
        What to tell on the way.
    """

    document: Document
    parts: list[RenderableType]
    following: str
    content: bytes | None = None
    messages: tuple[str, ...] = ()


Planner = Callable[["DataSet", str, TableRequest], Plan]
"""Makes the plan of a kind of table for a data set."""


def exported(
    spectrum: Path,
    options: ExportOptions,
    request: TableRequest,
    output: Path,
    planner: Planner = make_plan,
) -> Export:
    """Return what is asked for, from a spectrum file or a schedule file.

    Parameters
    ----------
    planner
        Makes the plan: `make_plan`, or a search that runs a model.
    """
    if options.training:
        return _training_export(_source(spectrum, options), options, request, output)
    plan, arguments = _plan(spectrum, options, request, planner)
    if options.wish:
        return _handed_over(plan_delivery(options.wish, plan, provenance(arguments)))
    return Export(
        plan_document(plan, provenance(arguments), options.coordinate or "sigma"),
        plan_parts(plan),
        f"specsched sample --schedule {shlex.quote(str(output))}",
    )


def _source(spectrum: Path, options: ExportOptions) -> DataSet:
    data_set = read_data_set(spectrum)
    if options.resolution is None:
        return data_set
    return resize_data_set(data_set, options.resolution)


def _plan(
    spectrum: Path, options: ExportOptions, request: TableRequest, planner: Planner
) -> tuple[Plan, Document]:
    """Return the plan that is asked for, and what the file says of its making."""
    if options.schedule is not None:
        plan = read_plan(options.schedule)
        return plan, plan_arguments(plan)
    plan = planner(_source(spectrum, options), options.wanted_kind, request)
    arguments = options.arguments(request)
    if options.blend is not None:
        weight = 0.5 if options.weight is None else options.weight
        plan, second = _blended(plan, read_plan(options.blend), weight)
        arguments |= second
    return plan, arguments


def _handed_over(delivery: Delivery) -> Export:
    return Export(
        delivery.document,
        list(delivery.lines),
        delivery.usage,
        delivery.content,
        delivery.messages,
    )


def _blended(plan: Plan, other: Plan, weight: float) -> tuple[Plan, Document]:
    """Return a blended plan, and what the file says of the blend."""
    second = {"blend": plan_arguments(other), "weight": weight}
    table = blend(plan.table, other.table, weight)
    return replace(plan, kind="blend", table=table), second


def _training_export(
    data_set: DataSet, options: ExportOptions, request: TableRequest, output: Path
) -> Export:
    kind, made = options.wanted_kind, provenance(options.arguments(request))
    schedule = training_schedule(data_set, kind, request)
    if options.wish:
        return _handed_over(law_delivery(options.wish, schedule, data_set, made))
    document = training_document(data_set, kind, schedule, made)
    following = f"specsched show {shlex.quote(str(output))}"
    return Export(document, training_parts(document), following)
