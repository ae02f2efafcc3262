"""Curves of a comparison: what tables reach, over network calls."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from spectral_sched.errors import UnavailableError

from .results import METRICS, VERDICTS_ON

if TYPE_CHECKING:
    from .files import Comparison
    from .results import Cell

FIGURE_NAME = "comparison.png"
PANEL = (5.0, 3.2)
DOTS = 120


def comparison_figure(compared: Comparison) -> bytes:
    """Return a PNG: a column for each sampler, a row for each metric of the verdicts.

    Raises
    ------
    UnavailableError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        message = (
            "figures need matplotlib; install it with: "
            "pip install 'spectral-sched[plot]'"
        )
        raise UnavailableError(message) from error
    samplers = list(dict.fromkeys(cell.sampler for cell in compared.cells))
    size = PANEL[0] * len(samplers), PANEL[1] * len(VERDICTS_ON)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(VERDICTS_ON), len(samplers), squeeze=False)
    for row, metric in zip(panels, VERDICTS_ON, strict=True):
        for panel, sampler in zip(row, samplers, strict=True):
            cells = [cell for cell in compared.cells if cell.sampler == sampler]
            _curves(panel, cells, metric)
            _floor(panel, compared, metric)
            panel.set(title=sampler, xlabel="network calls")
            panel.set_ylabel(METRICS[metric].label)
    panels[0, 0].legend(fontsize="small")
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DOTS)
    return content.getvalue()


def _curves(panel: Any, cells: list[Cell], metric: str) -> None:
    rows = [(cell.num_calls, row) for cell in cells for row in cell.rows]
    for name in dict.fromkeys(row.name for _, row in rows):
        points = sorted(
            (calls, *row.judgement.estimate(metric))
            for calls, row in rows
            if row.name == name and metric in row.judgement
        )
        if points:
            calls, values, low, high = zip(*points, strict=True)
            panel.plot(calls, values, marker="o", label=name)
            # Exact tables have an error of 0, which a log scale has no place for.
            if min(values) > 0:
                panel.set_yscale("log")
            panel.fill_between(calls, low, high, alpha=0.2)


def _floor(panel: Any, compared: Comparison, metric: str) -> None:
    if metric in compared.floor:
        floor = compared.floor.estimate(metric).value
        panel.axhline(floor, color="black", linestyle=":", label="real pictures")
