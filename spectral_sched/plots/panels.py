"""Which panels a set of files makes, with the curves in each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from spectral_sched.documents.provenance import provenance
from spectral_sched.errors import InputError, check_choice

from .calls import CallsCurve, calls_curves
from .curves import (
    ErrorCurve,
    LawCurve,
    SpectrumCurve,
    TableCurve,
    copied_law,
    error_curve,
    law_curve,
    spectrum_curve,
    table_curve,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from spectral_sched.documents.strict_json import Document

    from .subjects import Subject

Curve = SpectrumCurve | TableCurve | ErrorCurve | CallsCurve | LawCurve
PanelKind = Literal["spectrum", "step", "t", "log_snr", "error", "calls", "law"]

ASKED_FOR: tuple[PanelKind, ...] = ("calls",)
"""Panels that are drawn where you name them alone: they plan many tables."""

VERSION = 1


@dataclass(frozen=True, eq=False)
class Panel:
    """One pair of axes, and the curves in it, all of one type."""

    kind: PanelKind
    curves: tuple[Curve, ...]


def panels_of(subjects: Sequence[Subject], wanted: Sequence[str] = ()) -> list[Panel]:
    """Return the panels that files make, all of them or those wanted.

    Each schedule has a spectrum panel of its own, with its floors; other data sets have
    one with the ends of their range. Those in `ASKED_FOR` have to be wanted.

    Raises
    ------
    UsageError
        If there is no such panel.
    InputError
        If none of the files makes a panel that is wanted.
    """
    for name in wanted:
        check_choice(name, PANELS, "panel", "--panel")
    kinds = [
        kind for kind in PANELS if kind in wanted or not (wanted or kind in ASKED_FOR)
    ]
    found = [panel for kind in kinds for panel in PANELS[kind](kind, subjects)]
    if not found:
        message = (
            f"there is nothing for a panel {' or '.join(kinds)} in "
            f"{', '.join(subject.name for subject in subjects)}; name a schedule file "
            "too, or leave out --panel"
        )
        raise InputError(message)
    return found


def _spectra(kind: PanelKind, subjects: Sequence[Subject]) -> list[Panel]:
    planned = {subject.plan.data_set.data_key for subject in subjects if subject.plan}
    curves = []
    for subject in subjects:
        if subject.plan:
            levels, start = subject.plan.table.levels, subject.plan.request.start
            curves.append(
                spectrum_curve(subject.name, subject.plan.data_set, levels, start)
            )
        elif subject.data_set and subject.data_set.data_key not in planned:
            bounds = subject.data_set.bounds
            ends = bounds.sigma_max, bounds.sigma_min
            curves.append(spectrum_curve(subject.name, subject.data_set, ends))
    return [Panel(kind, (curve,)) for curve in curves]


def _tables(kind: PanelKind, subjects: Sequence[Subject]) -> list[Panel]:
    return _together(
        kind, [table_curve(item.name, item.plan) for item in subjects if item.plan]
    )


def _errors(kind: PanelKind, subjects: Sequence[Subject]) -> list[Panel]:
    return _together(
        kind, [error_curve(item.name, item.plan) for item in subjects if item.plan]
    )


def _calls(kind: PanelKind, subjects: Sequence[Subject]) -> list[Panel]:
    plans = [subject.plan for subject in subjects if subject.plan]
    return [Panel(kind, tuple(calls_curves(plan))) for plan in plans]


def _laws(kind: PanelKind, subjects: Sequence[Subject]) -> list[Panel]:
    own = [law_curve(item.name, item.law) for item in subjects if item.law]
    return _together(kind, [*own, copied_law()] if own else [])


def _together(kind: PanelKind, curves: Sequence[Curve]) -> list[Panel]:
    return [Panel(kind, tuple(curves))] if curves else []


PANELS: Mapping[PanelKind, Callable[[PanelKind, Sequence[Subject]], list[Panel]]] = {
    "spectrum": _spectra,
    "step": _tables,
    "t": _tables,
    "log_snr": _tables,
    "error": _errors,
    "calls": _calls,
    "law": _laws,
}
"""Kinds of panels in the order in which they are drawn."""


def panel_lines(panels: Sequence[Panel]) -> list[str]:
    """Return what is in each panel, a line each."""
    return [
        f"{panel.kind}: {', '.join(curve.name for curve in panel.curves)}"
        for panel in panels
    ]


def panels_document(panels: Sequence[Panel], wanted: Sequence[str]) -> Document:
    """Return all numbers of a plot."""
    return {
        "format": "specsched.plot",
        "version": VERSION,
        **provenance({"panel": wanted}),
        "panels": [
            {"panel": panel.kind, "curves": [asdict(curve) for curve in panel.curves]}
            for panel in panels
        ],
    }
