"""Sigma tables: the levels a sampler steps through.

A table has `num_steps` strictly decreasing positive levels and then exactly 0: the
zero is the clean picture at the end of the last step, not one more step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np

from .errors import UsageError

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


def resampled(table: SigmaTable, num_steps: int) -> SigmaTable:
    """Return a table of another size between the same first and last levels.

    Levels are interpolated linearly in ln sigma over the step; one step gives the first
    level alone.
    """
    positions = np.linspace(0, table.num_steps - 1, num_steps)
    logs = np.interp(positions, np.arange(table.num_steps), np.log(table.levels))
    return SigmaTable.of(np.exp(logs))
