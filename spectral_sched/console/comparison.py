"""A comparison in lines and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spectral_sched.comparisons import (
    METRICS,
    VERDICTS_ON,
    rival_verdicts,
    summary_lines,
)
from spectral_sched.words import number_of

from .tables import new_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from spectral_sched.comparisons import Cell, Judgement
    from spectral_sched.comparisons.files import Comparison


def comparison_parts(compared: Comparison) -> list[RenderableType]:
    """Return a table for each cell with its verdicts, and the summary."""
    parts: list[RenderableType] = [*comparison_lines(compared), ""]
    for cell in compared.cells:
        parts += [f"{cell.sampler}, {number_of(cell.num_calls, 'network call')} (NFE)"]
        parts += [cell_table(cell, compared), *verdict_lines(cell), ""]
    return [*parts, *summary_lines(compared.cells)]


def comparison_lines(compared: Comparison) -> list[str]:
    """Return what the figures are, one fact per line."""
    facts = compared.facts
    count = facts["num_samples"]
    return [
        f"{number_of(count, 'sample')} of {facts['model']['name']} against "
        f"{number_of(facts['data']['num_real'] - count, 'real image')}",
        f"features {facts['features']}: distances on them are not FID",
        "error: root-mean-square distance to the fine reference from the same noise",
        "real images: the floor, as many real images in place of the samples",
    ]


def cell_table(cell: Cell, compared: Comparison) -> Table:
    """Return all tables of a cell, the floor and the fine reference below them."""
    labels = [metric.label for metric in METRICS.values()]
    table = new_table("table", *labels, "seconds", "calls to make")
    for row in cell.rows:
        cost = "" if row.cost is None else str(row.cost.calls)
        table.add_row(row.name, *_figures(row.judgement), f"{row.seconds:.3g}", cost)
    table.add_row("fine reference", *_figures(compared.reference), "", "")
    table.add_row("real images", *_figures(compared.floor), "", "")
    return table


def _figures(judged: Judgement) -> Iterator[str]:
    for name in METRICS:
        value, low, high = judged.estimate(name) if name in judged else (None, 0, 0)
        if value is None:
            yield ""
        elif name in (*VERDICTS_ON, "kernel"):
            yield f"{value:.3g} ± {(high - low) / 2:.2g}"
        else:
            yield f"{value:.3g}"


def verdict_lines(cell: Cell) -> list[str]:
    """Return how the first table of a cell compares with the best of the others."""
    return [
        f"{METRICS[told.metric].label}: {cell.rows[0].name} against {told.rival}, "
        f"the best of the others: {told.word} "
        f"({told.apart.value:+.3g}, from {told.apart.low:+.3g} to "
        f"{told.apart.high:+.3g})"
        for told in rival_verdicts(cell)
    ]
