"""Paths from noise to data, ``x = a(level) * noise + b(level) * data``.

The *level* runs from 0 (noise) to 1 (data) and is the data's coefficient itself,
``b(level) = level``. A path is the noise's coefficient as a function of it; how fast a
level is passed is the schedule's affair and enters through the grid of levels alone:
an Euler step from one level to the next is the same for every clock that is linear in
between. The dilated clocks of the paper are piecewise linear with one kink at half
time, so ``dilated_levels`` holds them exactly for even numbers of steps.

Source: Aranguri, Biroli, Mezard & Vanden-Eijnden, "Optimizing Noise Schedules of
Generative Models in High Dimensions" (arXiv 2501.00988); ``dilation`` is their kappa.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from spectral_sched.schedules.table import SigmaTable

if TYPE_CHECKING:
    from .trajectories import FloatArray

DILATION = 3.0
"""The paper's kappa: large enough to settle the mode before the kink."""


class Interpolant(Protocol):
    """What a model needs to know of a path."""

    def noise_variance(self, level: float) -> float:
        """Return the noise's coefficient squared."""
        ...

    def noise_slope(self, level: float) -> float:
        """Return half the derivative of the noise variance by the level."""
        ...

    def kink(self, dimension: int, dilation: float) -> float:
        """Return the level that the dilated clock reaches at half time."""
        ...


@dataclass(frozen=True)
class VariancePreserving:
    """Noise of coefficient ``sqrt(1 - level**2)``.

    The mode is decided at levels of order ``1 / sqrt(d)``, which a uniform clock
    jumps over.
    """

    def noise_variance(self, level: float) -> float:
        """Return the noise's coefficient squared."""
        return (1 - level) * (1 + level)

    def noise_slope(self, level: float) -> float:
        """Return half the derivative of the noise variance by the level."""
        return -level

    def kink(self, dimension: int, dilation: float) -> float:
        """Return the level that the dilated clock reaches at half time."""
        return _share(dimension, dilation)


@dataclass(frozen=True)
class VarianceExploding:
    """Noise of coefficient ``sqrt(d) * (1 - level)``.

    The mode is decided at levels of order 1 and its width at levels within
    ``1 / sqrt(d)`` of the end, which a uniform clock jumps over.
    """

    dimension: int

    def noise_variance(self, level: float) -> float:
        """Return the noise's coefficient squared."""
        return self.dimension * (1 - level) ** 2

    def noise_slope(self, level: float) -> float:
        """Return half the derivative of the noise variance by the level."""
        return -self.dimension * (1 - level)

    def kink(self, dimension: int, dilation: float) -> float:
        """Return the level that the dilated clock reaches at half time."""
        return 1 - _share(dimension, dilation)


def _share(dimension: int, dilation: float) -> float:
    share = dilation / float(np.sqrt(dimension))
    if not 0 < share < 1:
        message = (
            "the dilation lies between 0 and the root of the dimension, "
            f"not at {dilation} in {dimension} dimensions"
        )
        raise ValueError(message)
    return share


def uniform_levels(num_steps: int) -> FloatArray:
    """Return the levels of a uniform clock, (num_steps + 1,), from 0 to 1."""
    return np.linspace(0, 1, num_steps + 1)


def dilated_levels(
    path: Interpolant, num_steps: int, dimension: int, dilation: float = DILATION
) -> FloatArray:
    """Return the levels of the dilated clock, (num_steps + 1,), from 0 to 1.

    Half of the steps go to either side of the kink.
    """
    kink = path.kink(dimension, dilation)
    return np.interp(uniform_levels(num_steps), [0, 0.5, 1], [0, kink, 1])


def sigma_levels(path: Interpolant, levels: FloatArray) -> SigmaTable:
    """Return the same levels as a sigma table, ``sigma = a / b`` (ours).

    Level 0 is pure noise, sigma infinite, and is left out: a table of one step fewer,
    which should start from noise about the mean of the data, the exact limit of that
    first step. Level 1 is the final 0.
    """
    inner = [float(level) for level in levels if 0 < level < 1]
    return SigmaTable.of(
        float(np.sqrt(path.noise_variance(level))) / level for level in inner
    )
