"""The kind `optimal`: the table with the least predicted error."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.defaults import KIND
from spectral_sched.planning.search import inner_ends, least_squares_table
from spectral_sched.planning.table_error import table_error, total_error
from spectral_sched.schedules.table import SigmaTable, resample

from .kind import KindInfo, refuse_terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.request import TableRequest
    from spectral_sched.planning.table_error import TableError
    from spectral_sched.spectra.bounds import Start
    from spectral_sched.spectra.power_distribution import PowerDistribution


NUM_STARTS = 3
"""Searches of which the best is taken."""

ROUGH = 1e-3
"""Precision of these."""

MOST_SEARCHED = 100
"""Levels that a search finds in seconds; docs/explanation/method.md profiles it."""


def optimal_table(
    distribution: PowerDistribution,
    sampler: str,
    num_steps: int,
    ends: tuple[float, float],
    *,
    start: Start = "zero",
    first: float | None = None,
    from_top: bool = False,
) -> SigmaTable:
    """Return the table with the least expected error of a solver (ours).

    The error is that of `table_error`. It is a sum of squares that depend smoothly on
    the levels, which makes it a least-squares problem.

    Parameters
    ----------
    ends
        Lowest and highest level allowed; the first and the last positive level are
        free between them.
    first
        Level of the noise on the images that sampling starts from, if it starts from
        images. It is the first level then, and the start is without error.
    from_top
        Whether the first level is the upper end.
    """
    begun = start if first is None else None
    errors = table_error(distribution, sampler, begun, ends[1])
    fixed = ends[1] if from_top else first
    return least_error_table(errors, num_steps, ends, first=fixed)


def least_error_table(
    errors: TableError,
    num_steps: int,
    ends: tuple[float, float],
    *,
    first: float | None = None,
) -> SigmaTable:
    """Return the table of the least error.

    The error may have several minima. Rough searches begin at the best tables of even
    steps in ln sigma, of which no two share an end, and the best find is refined.
    Tables of more than `MOST_SEARCHED` levels are that of as many, resampled.
    """
    if num_steps > MOST_SEARCHED:
        known = least_error_table(errors, MOST_SEARCHED, ends, first=first)
        return resample(known, num_steps)
    error, search = partial(total_error, errors), partial(least_squares_table, errors)
    tables = sorted(_even_tables(num_steps, ends, first), key=error)
    found = []
    for _ in range(NUM_STARTS):
        near, tables = tables[0], _of_other_ends(tables[0], tables, first)
        found.append(search(near, ends, first=first, precision=ROUGH))
        if not tables:
            break
    return search(min(found, key=error), ends, first=first)


def _of_other_ends(
    table: SigmaTable, tables: Sequence[SigmaTable], first: float | None
) -> list[SigmaTable]:
    """Return the tables that share no end with one, but for a given first level."""
    top, bottom = table.levels[0], table.levels[-1]
    return [
        other
        for other in tables
        if other.levels[-1] != bottom and (first or other.levels[0] != top)
    ]


def _even_tables(
    num_steps: int, ends: tuple[float, float], first: float | None
) -> list[SigmaTable]:
    """Return tables of even steps in ln sigma between many ends inside a range."""
    return [
        SigmaTable.of(np.geomspace(top, bottom, num_steps))
        for top, bottom in inner_ends(ends, first)
    ]


def _table(data_set: DataSet, request: TableRequest) -> SigmaTable:
    refuse_terminal(KIND, request)
    ends = request.limits.ends(data_set.bounds, request.start)
    return optimal_table(
        data_set.power,
        request.sampler,
        request.num_steps,
        ends,
        start=request.start,
        first=request.limits.first(ends),
        from_top=request.limits.from_top,
    )


OPTIMAL = KindInfo(
    name=KIND,
    formula="least error of the sampler on images as blocks of unknown scale",
    reference="ours; cf. Benita, Elad & Keshet, arXiv 2502.00180",
    parameters={},
    table=_table,
)

KINDS = (OPTIMAL,)
