"""Panels as tables and block plots for terminals. Nothing is printed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.table import Table
from rich.text import Text

from spectral_sched.spectra.rings import band_rms, octaves
from spectral_sched.words import number_of

from .blocks import law_blocks, spectrum_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import RenderableType

    from .calls import CallsCurve
    from .curves import ErrorCurve, LawCurve, SpectrumCurve, TableCurve
    from .panels import Panel, PanelKind


def terminal_parts(panels: Sequence[Panel]) -> list[RenderableType]:
    """Return panels as lines and tables; levels are told once, over step."""
    parts: list[RenderableType] = []
    for panel in panels:
        drawn = TEXTS.get(panel.kind)
        if drawn:
            parts += [*drawn(panel), ""]
    return parts[:-1]


def _spectra(panel: Panel) -> list[RenderableType]:
    curves = cast("Sequence[SpectrumCurve]", panel.curves)
    return [line for curve in curves for line in spectrum_blocks(curve)]


def _levels(panel: Panel) -> list[RenderableType]:
    curves = cast("Sequence[TableCurve]", panel.curves)
    table = _side_by_side("step", [curve.name for curve in curves])
    for step in range(max(len(curve.levels) for curve in curves)):
        levels = [
            f"{curve.levels[step]:.5g}" if step < len(curve.levels) else ""
            for curve in curves
        ]
        table.add_row(str(step), *levels)
    return ["sigma by step", table]


def _errors(panel: Panel) -> list[RenderableType]:
    curves = cast("Sequence[ErrorCurve]", panel.curves)
    table = _side_by_side("cycles/pixel", [curve.name for curve in curves])
    frequencies = [curve.frequency for curve in curves]
    if any(len(one) != len(frequencies[0]) for one in frequencies):
        totals = [f"{curve.total:.3g}" for curve in curves]
        table.add_row("all", *totals)
        return ["predicted error", table]
    for name, band in octaves(frequencies[0]):
        table.add_row(
            name,
            *(f"{band_rms(c.error, c.num_modes, band):.3g}" for c in curves),
        )
    table.add_row("all", *(f"{curve.total:.3g}" for curve in curves))
    return ["predicted error, rms per mode in pixel units", table]


def _calls(panel: Panel) -> list[RenderableType]:
    curves = cast("Sequence[CallsCurve]", panel.curves)
    table = _side_by_side("steps", ["NFE", *(curve.name for curve in curves)])
    longest = max(curves, key=lambda curve: len(curve.num_steps))
    for row, count in enumerate(longest.num_steps):
        errors = (
            f"{curve.error[row]:.3g}" if row < len(curve.error) else ""
            for curve in curves
        )
        table.add_row(f"{count}", f"{longest.num_calls[row]}", *errors)
    title = f"predicted error by steps and network calls (NFE) of {longest.sampler}"
    return [title, table, f"{number_of(longest.enough, 'step is', 'steps are')} enough"]


def _laws(panel: Panel) -> list[RenderableType]:
    curves = cast("Sequence[LawCurve]", panel.curves)
    return [
        "density of ln sigma",
        *(line for curve in curves for line in law_blocks(curve)),
    ]


def _side_by_side(first: str, names: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first, justify="right", no_wrap=True)
    for name in names:
        table.add_column(Text(name), justify="right", overflow="fold")
    return table


TEXTS: Mapping[PanelKind, Callable[[Panel], list[RenderableType]]] = {
    "spectrum": _spectra,
    "step": _levels,
    "error": _errors,
    "calls": _calls,
    "law": _laws,
}
