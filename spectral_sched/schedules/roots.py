"""Inverses of increasing functions, many values at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Function = Callable[[NDArray[np.float64]], NDArray[np.float64]]

MAX_STEPS = 100


def increasing_root(
    function: Function,
    slope: Function,
    target: NDArray[np.float64],
    bracket: tuple[float, float],
) -> NDArray[np.float64]:
    """Return where an increasing function takes given values.

    Newton's steps, halving the bracket where a step would leave it.

    Examples
    --------
    >>> found = increasing_root(np.exp, np.exp, np.array([1.0, 7.0]), (-5.0, 5.0))
    >>> found.round(12)
    array([0.        , 1.94591015])
    """
    low, high = np.full_like(target, bracket[0]), np.full_like(target, bracket[1])
    point = (low + high) / 2
    for _ in range(MAX_STEPS):
        excess = function(point) - target
        low = np.where(excess < 0, point, low)
        high = np.where(excess > 0, point, high)
        with np.errstate(all="ignore"):
            newton = point - excess / slope(point)
        inside = (newton >= low) & (newton <= high)
        moved = np.where(inside, newton, (low + high) / 2)
        if np.all(np.abs(moved - point) <= 2e-16 * np.maximum(1, np.abs(point))):
            return moved
        point = moved
    return point
