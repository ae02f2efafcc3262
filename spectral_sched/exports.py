"""From the options of ``specsched export`` to a finished document."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal, get_args

from . import report
from .coordinates import check_coordinate
from .defaults import (
    KIND,
    NUM_STEPS,
    SAMPLER,
    SCHEDULE_PATH,
    TRAINING_KIND,
    TRAINING_PATH,
    TRAINING_STEPS,
)
from .errors import UsageError, known
from .kinds import kind_settings
from .plan_files import plan_document, read_plan, read_source
from .plans import Plan, blended, make_plan, resized_source
from .provenance import provenance
from .requests import Limits, Request, request
from .training_files import training_document
from .training_laws import training_schedule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import RenderableType

    from .documents import Document
    from .plans import PlanSource

Purpose = Literal["sampling", "training"]

FOR_TABLES_ONLY = ("terminal", "start_sigma", "strength", "blend", "coordinate")
"""Options that mean nothing to a training law."""


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
    blend, weight
        Schedule file to blend with, and its weight.
    coordinate
        Coordinate to write the levels in, beside sigma.
    """

    purpose: str = "sampling"
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
    blend: Path | None = None
    weight: float | None = None
    coordinate: str | None = None

    @property
    def training(self) -> bool:
        """Whether a law to train with is wanted."""
        return self.purpose == "training"

    @property
    def wanted_kind(self) -> str:
        """The kind asked for, or the default for the purpose."""
        return self.kind or (TRAINING_KIND if self.training else KIND)

    @property
    def output(self) -> Path:
        """The file to write if none is named."""
        return TRAINING_PATH if self.training else SCHEDULE_PATH

    def request(self) -> Request:
        """Return what a table is wanted for.

        Raises
        ------
        UsageError
            If an option cannot be used.
        """
        known(self.purpose, get_args(Purpose), "purpose", "--for")
        check_coordinate(self.coordinate or "sigma")
        if self.training:
            self._refuse_table_options()
        if self.weight is not None and self.blend is None:
            message = "--weight says how much of the --blend file to take; name one"
            raise UsageError(message)
        steps = TRAINING_STEPS if self.training else NUM_STEPS
        return request(
            self.sampler,
            steps if self.steps is None else self.steps,
            self.start,
            settings=kind_settings(self.wanted_kind, self.settings),
            limits=Limits(
                self.sigma_min, self.sigma_max, self.start_sigma, self.strength
            ),
            terminal=self.terminal,
        )

    def _refuse_table_options(self) -> None:
        for name in FOR_TABLES_ONLY:
            if getattr(self, name) is not None:
                flag = f"--{name.replace('_', '-')}"
                message = (
                    f"{flag} shapes sigma tables, not laws to train with; leave it "
                    "out, or leave out --for training"
                )
                raise UsageError(message)

    def arguments(self, wanted: Request) -> dict[str, object]:
        """Return what was asked for, defaults resolved, for the file."""
        optional = {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if item.default is None and getattr(self, item.name) is not None
        }
        optional.pop("blend", None)
        return optional | {
            "purpose": self.purpose,
            "kind": self.wanted_kind,
            "sampler": wanted.sampler,
            "steps": wanted.num_steps,
            "start": wanted.start,
            **({"set": dict(wanted.settings)} if wanted.settings else {}),
        }


@dataclass(frozen=True)
class Export:
    """A finished document, how to show it, and the command to go on with."""

    document: Document
    parts: list[RenderableType]
    following: str


def exported(
    spectrum: Path, options: ExportOptions, wanted: Request, output: Path
) -> Export:
    """Return what is asked for, from a spectrum file or a schedule file."""
    source = read_source(spectrum)
    if options.resolution is not None:
        source = resized_source(source, options.resolution)
    arguments = options.arguments(wanted)
    if options.training:
        return _training_export(source, options.wanted_kind, wanted, arguments)
    plan = make_plan(source, options.wanted_kind, wanted)
    if options.blend is not None:
        weight = 0.5 if options.weight is None else options.weight
        plan, second = _blended(plan, read_plan(options.blend), weight)
        arguments |= second
    return Export(
        plan_document(plan, provenance(arguments), options.coordinate or "sigma"),
        report.plan_parts(plan),
        f"specsched sample --schedule {output}",
    )


def _blended(plan: Plan, other: Plan, weight: float) -> tuple[Plan, Document]:
    """Return a blended plan, and what the file says of the blend."""
    second = {
        "kind": other.kind,
        "sampler": other.request.sampler,
        "steps": other.table.num_steps,
        "source_key": other.source.source_key,
    }
    table = blended(plan.table, other.table, weight)
    return replace(plan, kind="blend", table=table), {"blend": second, "weight": weight}


def _training_export(
    source: PlanSource, kind: str, wanted: Request, arguments: Mapping[str, object]
) -> Export:
    schedule = training_schedule(source, kind, wanted)
    document = training_document(source, kind, schedule, provenance(arguments))
    return Export(
        document, report.training_parts(document), "specsched export --steps 8"
    )
