"""The table with the least analytic error, by gradients over log levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.schedules.table import SigmaTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .transfer import Numbers


SHORTEST_STEP = 0.1
"""Least step in ln sigma, as a share of an even one.

High orders would gain on paper from steps of no length at the start, which fill their
history; a network's own error would grow there without bound.
"""

NUM_ENDS = 8
"""Levels that each end of tables to begin at is tried at."""

TOUCHING = 1e-6
"""Gap in ln sigma, or share of its range, that stands for no gap at all."""

PRECISION = 1e-4
"""Relative gain in a sum of squares, and relative step, that end a search."""

COMPLEX_STEP = 1e-30
GRADIENT = 1e-8


def inner_ends(
    ends: tuple[float, float], first: float | None
) -> list[tuple[float, float]]:
    """Return ends inside a range, the upper one first, to begin searches at.

    Parameters
    ----------
    first
        Level to start from, if it is not free.
    """
    low, high = ends
    tops = np.geomspace(low, high, NUM_ENDS + 1)[1:] if first is None else [first]
    return [
        (float(top), float(bottom))
        for top in tops
        for bottom in np.geomspace(low, top, NUM_ENDS + 1)[:-1]
    ]


def best_table(
    errors: Callable[[Numbers], Numbers], tables: Sequence[SigmaTable]
) -> SigmaTable:
    """Return the table of the least error, the sum of its terms."""
    sigmas = np.array([table.sigmas for table in tables]).T
    return tables[int(errors(sigmas).sum(axis=0).argmin())]


def minimal_table(
    errors: Callable[[Numbers], Numbers],
    num_steps: int,
    ends: tuple[float, float],
    *,
    first: float | None = None,
    gaps: NDArray[np.float64] | None = None,
    near: SigmaTable | None = None,
) -> SigmaTable:
    """Return the table inside `ends` that minimises a sum of analytic errors.

    Parameters
    ----------
    errors
        Maps sigmas of shape (N + 1, B), real or complex, to terms of shape (J, B). The
        fewer levels a term depends on, the faster the search.
    first
        Level to start from, if it is not free.
    gaps
        Where the search begins: log ratios of the gaps between levels to the last one,
        as many as there are free levels. Even steps if not given.
    near
        Table that the search begins at, in place of gaps.
    """
    from scipy.optimize import minimize

    levels = Levels(num_steps, ends, first)
    if gaps is None:
        gaps = levels.gaps(near) if near else np.zeros(levels.num_free)
    if levels.num_free:
        error = _LogError(errors, levels)
        gaps = minimize(error, gaps, jac=True, options={"gtol": GRADIENT}).x
    return levels.table(gaps)


def least_squares_table(
    errors: Callable[[Numbers], Numbers],
    near: SigmaTable,
    ends: tuple[float, float],
    *,
    first: float | None = None,
    precision: float = PRECISION,
) -> SigmaTable:
    """Return the table inside `ends` whose errors have the least sum of squares.

    Parameters
    ----------
    errors
        Maps sigmas of shape (N + 1, B), complex, to errors, (M, B). Real parts are the
        same along B, and imaginary ones so small that what comes out is a derivative.
    near
        Table that the search begins at.
    first
        Level to start from, if it is not free.
    precision
        Relative gain and step that end the search.
    """
    from scipy.optimize import least_squares

    levels = Levels(near.num_steps, ends, first)
    if not levels.num_free:
        return SigmaTable.of(near.levels)
    # In units of what it begins with, as the search stops at absolute slopes too.
    begun = errors(np.array(near.sigmas, complex)[:, None]).real
    along = _Along(errors, levels, float(np.linalg.norm(begun)) or 1.0)
    found = least_squares(
        along.values, levels.gaps(near), along.slopes, ftol=precision, xtol=precision
    )
    return levels.table(found.x)


class _Along:
    """Errors and their derivatives by the free numbers of a table."""

    def __init__(
        self, errors: Callable[[Numbers], Numbers], levels: Levels, unit: float
    ) -> None:
        self.errors, self.levels, self.unit = errors, levels, unit
        self.place = np.empty(0)
        self.found = np.empty(0)

    def values(self, gaps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the errors, (M,)."""
        values: NDArray[np.float64] = self._at(gaps)[:, 0].real
        return values

    def slopes(self, gaps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return their derivatives, (M, F)."""
        slopes: NDArray[np.float64] = self._at(gaps).imag / COMPLEX_STEP
        return slopes

    def _at(self, gaps: NDArray[np.float64]) -> Numbers:
        """Return both, which are asked for one after the other at the same place."""
        if not np.array_equal(gaps, self.place):
            logs = self.levels(gaps[:, None] + 1j * COMPLEX_STEP * np.eye(len(gaps)))
            sigmas = np.vstack([np.exp(logs), np.zeros_like(logs[:1])])
            self.found = self.errors(sigmas) / self.unit
            self.place = gaps.copy()
        return self.found


class Levels:
    """Strictly decreasing levels from free numbers: ln sigma falls by softmax shares.

    The shares are the gaps from the upper end to the first level (none, if that is
    given), between levels, and from the last level to the lower end.
    """

    def __init__(
        self, num_steps: int, ends: tuple[float, float], first: float | None
    ) -> None:
        self.first = first
        self.num_free = num_steps if first is None else num_steps - 1
        self.low, self.high = np.log(ends[0]), np.log(first or ends[1])

    @property
    def least(self) -> NDArray[np.float64]:
        """The least share of every gap, (G,)."""
        num_gaps = self.num_free + 1
        least = np.full(num_gaps, SHORTEST_STEP / num_gaps)
        # The ends may be touched.
        least[-1] = 0
        if self.first is None:
            least[0] = 0
        return least

    def gaps(self, table: SigmaTable) -> NDArray[np.float64]:
        """Return the free numbers of a table, (`num_free`,)."""
        top = [self.high] if self.first is None else []
        edges = np.array([*top, *np.log(table.levels), self.low])
        shares = -np.diff(edges) / (self.high - self.low)
        parts = (shares - self.least) / (1 - self.least.sum())
        logs = np.log(np.maximum(parts, TOUCHING))
        free: NDArray[np.float64] = logs[:-1] - logs[-1]
        return free

    def table(self, gaps: NDArray[np.float64]) -> SigmaTable:
        """Return the table of free numbers, (`num_free`,)."""
        levels = np.exp(self(gaps[:, None]))[:, 0]
        if self.first is not None:
            # The logarithm and back again would leave it a rounding off.
            levels[0] = self.first
        return SigmaTable.of(levels)

    def __call__(self, gaps: Numbers) -> Numbers:
        """Return ln sigma, (N, B), of free numbers, (`num_free`, B)."""
        free = np.vstack([gaps, np.zeros((1, gaps.shape[1]))])
        parts = np.exp(free - free.real.max(axis=0))
        least = self.least[:, None]
        gap = least + (1 - least.sum()) * parts / parts.sum(axis=0)
        share = np.cumsum(gap, axis=0)[:-1]
        levels = self.high - (self.high - self.low) * share
        if self.first is None:
            return levels
        return np.vstack([np.full((1, gaps.shape[1]), self.high), levels])


class _LogError:
    """The log of the summed errors with its gradient, by imaginary steps.

    Every error depends on a few neighbouring levels only, so levels far enough apart
    take their steps together; which ones is seen at the first evaluation.
    """

    def __init__(
        self, errors: Callable[[Numbers], Numbers], levels: Callable[[Numbers], Numbers]
    ) -> None:
        self.errors = errors
        self.levels = levels
        self.reach: NDArray[np.bool_] | None = None

    def __call__(self, gaps: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the log error and its gradient by the gaps."""
        moved = self.levels(gaps[:, None] + 1j * COMPLEX_STEP * np.eye(len(gaps)))
        total, by_level = self._by_level(moved[:, 0].real)
        gradient = by_level @ moved.imag / COMPLEX_STEP
        return float(np.log(total)), gradient / total

    def _by_level(
        self, levels: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """Return the error and its derivatives by ln sigma of each level."""
        together = self._together(len(levels))
        sigmas = np.exp(levels[:, None] + 1j * COMPLEX_STEP * together)
        terms = self.errors(np.vstack([sigmas, np.zeros_like(sigmas[:1])]))
        slopes = terms.imag / COMPLEX_STEP
        if self.reach is None:
            self.reach = _bands(slopes != 0)
        by_level = np.array(
            [
                slopes[self.reach[:, index], together[index].argmax()].sum()
                for index in range(len(levels))
            ]
        )
        return float(terms[:, 0].real.sum()), by_level

    def _together(self, num_levels: int) -> NDArray[np.float64]:
        """Return which levels, (N, B), take each of B steps."""
        if self.reach is None:
            return np.eye(num_levels)
        width = int(self.reach.sum(axis=1).max())
        groups: NDArray[np.float64] = np.eye(width)[np.arange(num_levels) % width]
        return groups


def _bands(touched: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the terms' dependences, (J, N), without holes between levels."""
    after = np.logical_or.accumulate(touched, axis=1)
    before = np.logical_or.accumulate(touched[:, ::-1], axis=1)[:, ::-1]
    return after & before
