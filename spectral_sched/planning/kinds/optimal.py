"""The kind `optimal`: the table with the least predicted error."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.defaults import KIND
from spectral_sched.planning.error_model import FEW_STEPS, table_errors
from spectral_sched.planning.search import (
    TOUCHING,
    best_table,
    inner_ends,
    minimal_table,
)
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import SAMPLERS

from .kind import KindInfo, refuse_terminal

if TYPE_CHECKING:
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.request import TableRequest
    from spectral_sched.spectra.bounds import Start
    from spectral_sched.spectra.power_distribution import PowerDistribution


BEND = 2
"""Degree of the polynomial that the logarithms of steps in ln sigma follow.

Steps that change in length again and again gain on paper, where the errors of one
vanish for a lucky mode. A network has no such modes and pays for every change.
"""

DETAIL = 6
"""Ratio of the last two levels with fresh noise and many steps, chosen on networks.

The finest detail is next to nothing in squared error, which ends high for it, and plain
to see where it lacks. With fresh noise, samples have nothing else to be near to.
"""

SEVERAL_MINIMA = 6
"""Steps up to which the error was seen to have several minima."""


def optimal_table(
    distribution: PowerDistribution,
    sampler: str,
    num_steps: int,
    ends: tuple[float, float],
    *,
    start: Start = "zero",
    first: float | None = None,
) -> SigmaTable:
    """Return the table with the least expected error of a solver (ours).

    It is the error beside what infinitely many steps from the highest level make of the
    same noise, expected over the colours, modes and spectra of single images.
    `mode_errors.mode_errors` says how steps add up. The lengths of steps change evenly,
    see `BEND`. Searches begin at even steps over the range, and with few steps between
    the best of other ends as well.

    Solvers that renew noise spend one of many steps on a level below those of the least
    error, see `DETAIL`.

    Parameters
    ----------
    ends
        Lowest and highest level allowed; the first and the last positive level are
        free between them.
    first
        Level of the noise on the pictures that sampling starts from, if it starts from
        pictures. It is the first level then, and the start is without error.
    """
    search = partial(
        _least_error_table, distribution, sampler, start=start, first=first
    )
    if SAMPLERS[sampler].renewal and num_steps - 1 > FEW_STEPS:
        levels = search(num_steps - 1, ends).levels
        last = max(levels[-1] / DETAIL, ends[0])
        if levels[-1] > last * (1 + TOUCHING):
            return SigmaTable.of([*levels, last])
    return search(num_steps, ends)


def _least_error_table(
    distribution: PowerDistribution,
    sampler: str,
    num_steps: int,
    ends: tuple[float, float],
    *,
    start: Start,
    first: float | None,
) -> SigmaTable:
    begun = start if first is None else None
    errors = table_errors(distribution, sampler, num_steps, begun, ends[1])
    beginnings: list[SigmaTable | None] = [None]
    if num_steps <= SEVERAL_MINIMA:
        beginnings.append(best_table(errors, _even_tables(num_steps, ends, first)))
    found = [
        minimal_table(errors, num_steps, ends, first=first, near=near, bend=BEND)
        for near in beginnings
    ]
    return best_table(errors, found)


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
    )


OPTIMAL = KindInfo(
    name=KIND,
    formula="least error that the steps of the sampler make, over single-image spectra",
    reference="ours; cf. Benita, Elad & Keshet, arXiv 2502.00180",
    parameters={},
    table=_table,
)

KINDS = (OPTIMAL,)
