"""Tables that minimise a closed-form error.

Levels are searched as fractions of the range of ln sigma, so every table tried is
strictly decreasing and inside the bounds. Objectives are analytic in the levels, which
makes their gradients exact: each level is given an imaginary step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .defects import squared_error
from .planning import power_measure
from .tables import SigmaTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from .bounds import Start
    from .defects import Numbers
    from .planning import Planning

SPREAD = 1.0
"""Log-normal spread of mode power about its ring: the one free number, w in docs."""

COMPLEX_STEP = 1e-30
GRADIENT = 1e-9


def optimal_table(
    planning: Planning,
    sampler: str,
    num_steps: int,
    ends: tuple[float, float],
    *,
    start: Start = "zero",
) -> SigmaTable:
    """Return the table with the least expected error of a solver (ours).

    The expected squared error sums the squares of the local defects over steps, modes
    and the spectra of single images, each widened by a log-normal spread.

    Parameters
    ----------
    ends
        Lowest and highest level allowed; the first and the last positive level are
        free between them.
    """
    measure = power_measure(planning, SPREAD)
    energy = measure.weight @ measure.power

    def error(sigmas: Numbers) -> Numbers:
        squared = squared_error(sampler, sigmas, measure.power, measure.offset, start)
        return squared @ measure.weight / energy

    return minimal_table(error, num_steps, ends)


def minimal_table(
    objective: Callable[[Numbers], Numbers],
    num_steps: int,
    ends: tuple[float, float],
    *,
    first: float | None = None,
) -> SigmaTable:
    """Return the table inside `ends` that minimises an analytic objective.

    Parameters
    ----------
    objective
        Maps sigmas of shape (N + 1, B), real or complex, to B errors.
    first
        Level to start from, if it is not free.
    """
    from scipy.optimize import minimize

    sigmas = _Levels(num_steps, ends, first)

    def log_error(gaps: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        steps = 1j * COMPLEX_STEP * np.eye(len(gaps))
        value = np.log(objective(sigmas(gaps[:, None] + steps)))
        return float(value[0].real), value.imag / COMPLEX_STEP

    gaps = np.zeros(sigmas.num_free)
    if sigmas.num_free:
        # A gradient of 1e-9 of the log error is where rounding takes over.
        found = minimize(log_error, gaps, jac=True, options={"gtol": GRADIENT})
        gaps = found.x
    return SigmaTable(tuple(sigmas(gaps[:, None])[:, 0].tolist()))


class _Levels:
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

    def __call__(self, gaps: Numbers) -> Numbers:
        """Return sigmas, (N + 1, B), of free numbers, (`num_free`, B)."""
        parts = np.exp(np.vstack([gaps, np.zeros_like(gaps[:1])]))
        share = np.cumsum(parts, axis=0)[:-1] / parts.sum(axis=0)
        levels = np.exp(self.high - (self.high - self.low) * share)
        if self.first is not None:
            levels = np.vstack([np.full_like(gaps[:1], self.first), levels])
        return np.vstack([levels, np.zeros_like(levels[:1])])
