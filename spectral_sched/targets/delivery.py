"""From a plan, or a law to train with, to what another program is given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from spectral_sched.schedules import SCHEDULES
from spectral_sched.words import number_of

from . import (
    FORMATS,
    Artifact,
    Target,
    law_artifact,
    table_artifact,
    target_and_alias,
    target_settings,
)
from .document import VERSION
from .formats import plain_numbers

if TYPE_CHECKING:
    from spectral_sched.documents.strict_json import Document
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.plan import Plan
    from spectral_sched.schedules import Schedule


@dataclass(frozen=True, eq=False)
class Delivery:
    """What is handed over.

    Attributes
    ----------
    content
        Bytes of the file.
    document
        What they are, for ``--json``.
    messages
        What will not go as planned, and how near the program comes.
    lines
        What was made, for people.
    usage
        Where it goes.
    """

    content: bytes
    document: Document
    messages: tuple[str, ...]
    lines: tuple[str, ...]
    usage: str


@dataclass(frozen=True)
class TargetRequest:
    """What is wanted for which program.

    Attributes
    ----------
    target
        The program.
    texts
        What is known of it, as ``name=value``.
    form
        Name of the format, None for the target's own.
    sampler
        Solver that was named with the program, where that leaves it open.
    """

    target: Target
    texts: tuple[str, ...] = ()
    form: str | None = None
    sampler: str | None = None

    @classmethod
    def named(cls, name: str, texts: tuple[str, ...], form: str | None) -> Self:
        """Return what a name from outside stands for, ours or the program's."""
        target, alias = target_and_alias(name)
        return cls(target, (*alias.texts, *texts), form, alias.sampler)

    @property
    def solver(self) -> str | None:
        """Solver that the program plays tables with; None if that is open."""
        implied = self.target.implied(target_settings(self.target, self.texts))
        return self.sampler or implied

    @property
    def lowest_sigma(self) -> float:
        """Lowest level that a step of the program arrives from; 0 if all do."""
        return self.target.lowest_sigma(target_settings(self.target, self.texts))

    @property
    def known_range(self) -> tuple[float, float] | None:
        """Lowest and highest sigma that the model knows; None if that is open."""
        return self.target.known_range(target_settings(self.target, self.texts))


def plan_delivery(wish: TargetRequest, plan: Plan, provenance: Document) -> Delivery:
    """Return what a target is given to play the table of a plan.

    Raises
    ------
    UsageError
        If the target cannot represent it.
    """
    form = wish.target.form(wish.form)
    settings = target_settings(wish.target, wish.texts)
    artifact = table_artifact(wish.target, plan, settings, form)
    steps = number_of(plan.table.num_steps, "step")
    title = f"{plan.kind} table for {plan.request.sampler}, {steps}"
    warned = replace(artifact, warnings=(*artifact.warnings, *_unmatched(wish, plan)))
    return _delivery(wish, warned, title, provenance)


def _unmatched(wish: TargetRequest, plan: Plan) -> tuple[str, ...]:
    """Return a warning if a table was planned for another solver than plays it."""
    solver, planned = wish.solver, plan.request.sampler
    if plan.kind in SCHEDULES or solver in (None, planned):
        return ()
    return (
        f"the table is planned for {planned}, and {wish.target.name} samples it with "
        f"{solver}, whose error it does not lessen; plan it with --sampler {solver}",
    )


def law_delivery(
    wish: TargetRequest, schedule: Schedule, data_set: DataSet, provenance: Document
) -> Delivery:
    """Return what a target is given to train with a schedule's law.

    Raises
    ------
    UsageError
        If the target cannot represent it.
    """
    settings = target_settings(wish.target, wish.texts)
    artifact = law_artifact(wish.target, schedule, data_set, settings)
    low, high = schedule.sigma_min, schedule.sigma_max
    title = f"law to train with, sigma from {low:.4g} to {high:.4g}"
    return _delivery(wish, artifact, title, provenance)


def _delivery(
    wish: TargetRequest, artifact: Artifact, title: str, provenance: Document
) -> Delivery:
    form = wish.target.form(wish.form, artifact)
    document = _document(wish.target, artifact, title, provenance)
    warned = tuple(f"warning: {warning}" for warning in artifact.warnings)
    return Delivery(
        content=FORMATS[form].write(artifact, document),
        document=document,
        messages=(*warned, *artifact.announcements),
        lines=(f"{wish.target.name} as {form}: {title}",),
        usage=artifact.usage,
    )


def _document(
    target: Target, artifact: Artifact, title: str, provenance: Document
) -> Document:
    """Return what is handed over and how it will be played."""
    document: Document = {
        "format": "specsched.target",
        "version": VERSION,
        **provenance,
        "target": target.name,
        "title": title,
        "usage": artifact.usage,
        "warnings": artifact.warnings,
        "announcements": artifact.announcements,
        "deviation": artifact.deviation,
        "start_scale": artifact.start_scale,
    }
    if artifact.played is not None:
        document |= {"played_in": artifact.played_in, "played": artifact.played}
    if artifact.fields is not None:
        document["fields"] = artifact.fields
    if artifact.values.size:
        document |= {
            "coordinate": artifact.coordinate,
            "dtype": artifact.values.dtype.name,
            "values": plain_numbers(artifact.values),
        }
    return document
