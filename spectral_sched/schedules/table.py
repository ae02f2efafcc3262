"""Sigma tables: strictly decreasing levels and then 0; resampled and blended."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np

from spectral_sched.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class SigmaTable:
    """Noise levels from the first to 0.

    Raises
    ------
    UsageError
        If the levels are not finite, strictly decreasing and 0 at the end, and at
        least two.

    Examples
    --------
    >>> SigmaTable.of([80.0, 2.0]).sigmas
    (80.0, 2.0, 0.0)
    """

    sigmas: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.sigmas) < 2:
            message = f"a sigma table needs one level and a final 0, not {self.sigmas}"
            raise UsageError(message)
        if not all(math.isfinite(sigma) for sigma in self.sigmas):
            message = f"a sigma table holds finite numbers only, not {self.sigmas}"
            raise UsageError(message)
        if self.sigmas[-1] != 0:
            message = f"a sigma table ends in 0, not in {self.sigmas[-1]}"
            raise UsageError(message)
        for sigma, following in pairwise(self.sigmas):
            if following >= sigma:
                message = (
                    "a sigma table decreases at every step, "
                    f"but {following} follows {sigma}"
                )
                raise UsageError(message)

    @classmethod
    def of(cls, levels: Iterable[float]) -> Self:
        """Return the table of positive levels, with the final 0 appended."""
        return cls((*(float(level) for level in levels), 0.0))

    @property
    def num_steps(self) -> int:
        """Number of transitions, which is also the number of positive levels."""
        return len(self.sigmas) - 1

    @property
    def levels(self) -> tuple[float, ...]:
        """The positive levels."""
        return self.sigmas[:-1]


def resample(table: SigmaTable, num_steps: int) -> SigmaTable:
    """Return a table of another size between the same first and last levels.

    Levels are interpolated linearly in ln sigma over the step; one step gives the first
    level alone.
    """
    positions = np.linspace(0, table.num_steps - 1, num_steps)
    logs = np.interp(positions, np.arange(table.num_steps), np.log(table.levels))
    levels = np.exp(logs)
    # The logarithm and back again would leave them a rounding off.
    levels[-1] = table.levels[-1]
    levels[0] = table.levels[0]
    return SigmaTable.of(levels)


def blend(table: SigmaTable, other: SigmaTable, weight: float) -> SigmaTable:
    """Return the weighted mean of ln sigma of two tables.

    Parameters
    ----------
    other
        The second table, read log-linearly at as many steps as the first has.
    weight
        Weight of the second table, from 0 to 1.

    Raises
    ------
    UsageError
        If the weight is out of range, or `other` has one step where more are needed.

    Examples
    --------
    >>> mean = blend(SigmaTable.of([8, 2]), SigmaTable.of([2, 1, 0.5]), 0.5)
    >>> [round(sigma, 9) for sigma in mean.sigmas]
    [4.0, 1.0, 0.0]
    """
    if not 0 <= weight <= 1:
        message = f"--weight must be from 0 to 1, not {weight:g}; 0.5 is the middle"
        raise UsageError(message)
    if other.num_steps == 1 < table.num_steps:
        message = "a table of one step cannot be blended with more; give it more steps"
        raise UsageError(message)
    second = np.log(resample(other, table.num_steps).levels)
    mean = (1 - weight) * np.log(table.levels) + weight * second
    return SigmaTable.of(np.exp(mean))
