"""Kinds, targets and samples in lines and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from spectral_sched.planning.kinds.registry import KINDS
from spectral_sched.solvers.registry import SAMPLERS
from spectral_sched.targets import TARGETS
from spectral_sched.words import number_of

from .tables import text_table

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from spectral_sched.documents.strict_json import Document


def samples_lines(document: Document) -> list[str]:
    """Return what a folder of samples holds and how it was made."""
    made = document.get("arguments", {})
    return [
        number_of(len(document.get("pictures", [])), "sampled image"),
        ", ".join(f"{name} {value}" for name, value in made.items()),
        f"all on one sheet: {document.get('contact_sheet')}",
    ]


def kinds_parts() -> list[RenderableType]:
    """Return all kinds of tables, and the samplers that they are made for."""
    return [kinds_table(), "", Text("samplers", "bold"), Text(", ".join(SAMPLERS))]


def kinds_table() -> Table:
    """Return all kinds of tables with their parameters, formulas and sources."""
    table = text_table("kind", "formula", "parameters", "source")
    for kind in KINDS.values():
        parameters = ", ".join(
            item.name if item.default is None else f"{item.name}={item.default}"
            for item in kind.parameters.values()
        )
        formula = kind.formula + "; needs --model" * kind.runs_model
        table.add_row(kind.name, formula, parameters, kind.reference)
    return table


def targets_table() -> Table:
    """Return all programs to write for, with their formats and parameters."""
    table = text_table("target", "what it takes", "formats", "--with")
    for target in TARGETS.values():
        formats = ", ".join(target.formats)
        names = ", ".join(item.name for item in target.parameters)
        table.add_row(target.name, target.what, formats, names)
    return table


def target_lines(document: Document) -> list[str]:
    """Return what another program was given, one fact per line."""
    warned = [f"warning: {warning}" for warning in document.get("warnings", [])]
    return [
        f"for {document.get('target')}: {document.get('title')}",
        *warned,
        *document.get("announcements", []),
        f"use: {document.get('usage')}",
    ]
