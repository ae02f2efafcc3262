"""A comparison as curves: what tables reach by network calls."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.comparisons import METRICS, VERDICTS_ON

from .canvas import DPI, METADATA, check_available, style
from .themes import LIGHT

if TYPE_CHECKING:
    from spectral_sched.comparisons import Cell
    from spectral_sched.comparisons.files import Comparison

PANEL = (5.2, 3.4)
"""Width and height of a panel in inches."""


def comparison_figure(compared: Comparison) -> bytes:
    """Return a PNG: a column for each sampler, a row for each metric of the verdicts.

    Bands are 95 % intervals. The floor is that of as many real images in place of the
    samples.

    Raises
    ------
    UnavailableError
        If matplotlib is not installed.
    """
    check_available()
    import matplotlib as mpl
    from matplotlib.figure import Figure

    samplers = list(dict.fromkeys(cell.sampler for cell in compared.cells))
    size = PANEL[0] * len(samplers), PANEL[1] * len(VERDICTS_ON)
    content = io.BytesIO()
    with mpl.rc_context(style(LIGHT)):
        figure = Figure(size, layout="constrained")
        panels = figure.subplots(len(VERDICTS_ON), len(samplers), squeeze=False)
        for row, metric in zip(panels, VERDICTS_ON, strict=True):
            for axes, sampler in zip(row, samplers, strict=True):
                _draw(axes, compared, sampler, metric)
        _legend(figure, panels)
        figure.savefig(content, format="png", dpi=DPI, metadata=METADATA[".png"])
    return content.getvalue()


def _draw(axes: Any, compared: Comparison, sampler: str, metric: str) -> None:
    from .drawing import apart, label_decades

    cells = [cell for cell in compared.cells if cell.sampler == sampler]
    calls = np.unique([cell.num_calls for cell in cells])
    distance = "" if metric == "error" else " distance"
    axes.set(xscale="log", title=f"{sampler}: {METRICS[metric].label}{distance}")
    _curves(axes, cells, metric, _names(compared))
    _floor(axes, compared, metric)
    axes.set_xticks(apart(calls), [f"{call}" for call in apart(calls)])
    axes.minorticks_off()
    label_decades(axes)
    axes.set(xlabel="network calls (NFE) per image", ylabel=_measured(compared, metric))
    axes.grid()


def _measured(compared: Comparison, metric: str) -> str:
    """Return what an axis is called; distances on features that are no FID say so."""
    if metric == "error":
        return "rms distance to the reference"
    return f"distance on features {compared.facts['features']}"


def _names(compared: Comparison) -> list[str]:
    """Return the names of all tables, which have one look in all panels."""
    return list(dict.fromkeys(row.name for cell in compared.cells for row in cell.rows))


def _curves(axes: Any, cells: list[Cell], metric: str, names: list[str]) -> None:
    from .drawing import looks

    rows = [(cell.num_calls, row) for cell in cells for row in cell.rows]
    for name, look in zip(names, looks(names), strict=True):
        points = sorted(
            (calls, *row.judgement.estimate(metric))
            for calls, row in rows
            if row.name == name and metric in row.judgement
        )
        if points:
            calls, values, low, high = zip(*points, strict=True)
            axes.plot(calls, values, **look)
            # Exact tables have an error of 0, which a log scale has no place for.
            if min(values) > 0:
                axes.set_yscale("log")
            axes.fill_between(calls, low, high, color=look["color"], alpha=0.15, lw=0)


def _floor(axes: Any, compared: Comparison, metric: str) -> None:
    if metric in compared.floor:
        floor = compared.floor.estimate(metric).value
        axes.axhline(floor, color=LIGHT.ink, linewidth=1, linestyle=(0, (1, 2)))
        axes.annotate(
            "floor: real images",
            *((0, floor), (4, 3)),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            color=LIGHT.ink,
            fontsize=8,
        )


def _legend(figure: Any, panels: Any) -> None:
    """Name each table once, below all panels."""
    shown = {
        label: handle
        for axes in panels.flat
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        shown.values(),
        shown.keys(),
        loc="outside lower left",
        ncols=min(len(shown), 3 * panels.shape[1]),
        handlelength=3.2,
        frameon=False,
    )
