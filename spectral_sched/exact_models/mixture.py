"""Two Gaussians in d dimensions, in two variables.

Data are ``s * mean * ones + std * noise`` with ``s = 1`` with the given probability and
``s = -1`` otherwise. Velocities and denoisers move a state by its own direction and by
that of the all-ones vector only, so two coordinates along orthonormal axes say
everything, for any d: the one *along* the ones and one *across* it. States are
(..., 2) in that order.

The model and its velocity: Aranguri, Biroli, Mezard & Vanden-Eijnden (arXiv
2501.00988). Ours: the exact law of the end. The coordinate across obeys a linear
equation, so its standard deviation is a product of factors, and the coordinate along
is a function of its own start, so the mass of the positive mode is a normal
probability of the intervals that the function maps above 0. No sampling is involved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .trajectories import FloatArray, sampled

if TYPE_CHECKING:
    from spectral_sched.schedules.table import SigmaTable
    from spectral_sched.spectra.bounds import Start

    from .interpolants import Interpolant

End = Callable[[FloatArray], FloatArray]
"""Maps unit noise, (N, 2), along and across the ones, to the final states, (N, 2)."""

REACH = 9.0
"""Unit noise beyond it has a probability of 2e-19."""

GRID = 3601
"""Starts that are tried for a change of mode."""


class Outcome(NamedTuple):
    """What a sampler makes of a mixture.

    Attributes
    ----------
    probability
        Mass of the mode with positive mean: the high-level feature.
    std
        Standard deviation in a direction orthogonal to the means: the low-level one.
    """

    probability: float
    std: float


@dataclass(frozen=True)
class GaussianMixture:
    """A mixture of two isotropic Gaussians about plus and minus one vector.

    Attributes
    ----------
    dimension
        Number of coordinates, d.
    mean
        Every coordinate of the positive mode's mean.
    std
        Standard deviation within a mode.
    probability
        Mass of the positive mode.
    """

    dimension: int
    mean: float = 1.0
    std: float = 0.5
    probability: float = 0.8

    def __post_init__(self) -> None:
        if self.dimension < 2:
            message = f"the reduction needs two dimensions, not {self.dimension}"
            raise ValueError(message)
        if min(self.mean, self.std) <= 0 or not 0 < self.probability < 1:
            message = f"both modes need mass, width and a mean of their own, not {self}"
            raise ValueError(message)

    @property
    def distance(self) -> float:
        """Length of a mode's mean, ``mean * sqrt(d)``."""
        return self.mean * float(np.sqrt(self.dimension))

    @property
    def half_log_odds(self) -> float:
        """Half the log odds of the modes, h."""
        return float(np.log(self.probability / (1 - self.probability))) / 2

    @property
    def center(self) -> float:
        """Mean of the data along the ones."""
        return (2 * self.probability - 1) * self.distance

    @property
    def positive_mass(self) -> float:
        """Probability that a draw lies on the positive side of 0 along the ones."""
        from scipy.special import ndtr

        reach = self.distance / self.std
        return float(
            self.probability * ndtr(reach) + (1 - self.probability) * ndtr(-reach)
        )

    def expected_sign(
        self, x: FloatArray, noise_variance: float, level: float = 1.0
    ) -> FloatArray:
        """Return the posterior mean of the mode's sign, (...,), under x.

        Parameters
        ----------
        x
            States ``a * noise + level * data``, (..., 2).
        noise_variance
            ``a**2``.
        """
        spread = noise_variance + (level * self.std) ** 2
        field = level * self.distance * x[..., 0] / spread
        sign: FloatArray = np.tanh(self.half_log_odds + field)
        return sign

    def denoise(self, x: FloatArray, sigma: float) -> FloatArray:
        """Return the posterior mean of the data, (..., 2), under x at level sigma."""
        kept = self.std**2 / (self.std**2 + sigma**2)
        pull = (1 - kept) * self.distance * self.expected_sign(x, sigma**2)
        return kept * x + _along(pull)

    def velocity(self, x: FloatArray, level: float, path: Interpolant) -> FloatArray:
        """Return the derivative of the state by the level along a path, (..., 2).

        With ``den = a**2 + std**2 b**2`` it is ``(a a' + std**2 b b') / den * x + a (a
        b' - b a') / den * mean * ones * sign``; here ``b`` is the level and ``b' = 1``.
        """
        variance, slope = path.noise_variance(level), path.noise_slope(level)
        spread = variance + (level * self.std) ** 2
        kept = x * ((slope + level * self.std**2) / spread)
        gain = (variance - level * slope) / spread * self.distance
        return kept + _along(gain * self.expected_sign(x, variance, level))


def _along(values: FloatArray) -> FloatArray:
    return np.stack([values, np.zeros_like(values)], axis=-1)


def interpolated_state(
    mixture: GaussianMixture,
    path: Interpolant,
    levels: FloatArray,
    noise: FloatArray,
) -> FloatArray:
    """Return what Euler steps along a path make of unit noise, (..., 2).

    Parameters
    ----------
    levels
        Levels stepped through, from 0 (noise) to 1 (data).
    """
    state = float(np.sqrt(path.noise_variance(levels[0]))) * noise
    for level, level_next in pairwise(levels.tolist()):
        step = level_next - level
        state = state + step * mixture.velocity(state, level, path)
    return state


def tabulated_state(
    mixture: GaussianMixture,
    sampler: str,
    table: SigmaTable,
    noise: FloatArray,
    start: Start = "mean",
) -> FloatArray:
    """Return what a sampler makes of unit noise over a sigma table, (..., 2).

    Parameters
    ----------
    start
        Whether the noise is drawn about zero or about the mean of the data.
    """
    first = np.array([mixture.center if start == "mean" else 0.0, 0.0])
    x = first + table.sigmas[0] * noise
    return sampled(mixture.denoise, x, sampler, table)


def interpolated(
    mixture: GaussianMixture, path: Interpolant, levels: FloatArray
) -> Outcome:
    """Return the law of what Euler steps along a path make of noise, exactly."""
    return outcome(partial(interpolated_state, mixture, path, levels))


def tabulated(
    mixture: GaussianMixture, sampler: str, table: SigmaTable, start: Start = "mean"
) -> Outcome:
    """Return the law of what a sampler makes of noise over a sigma table, exactly."""
    return outcome(partial(tabulated_state, mixture, sampler, table, start=start))


def outcome(end: End) -> Outcome:
    """Return the law of the end of a map from unit noise, in its two features.

    Intervals narrower than a cell of the grid, 0.005 of noise, may be missed.
    """

    def positive(noise: FloatArray) -> FloatArray:
        along = end(np.stack([noise, np.zeros_like(noise)], axis=-1))[..., 0]
        return np.heaviside(along, 0.0)

    across = end(np.array([[0.0, 1.0]]))[0, 1]
    return Outcome(_normal_mass(positive), abs(float(across)))


def _normal_mass(inside: Callable[[FloatArray], FloatArray]) -> float:
    """Return the normal probability of a set of intervals, given its indicator."""
    from scipy.optimize import elementwise
    from scipy.special import ndtr

    grid = np.linspace(-REACH, REACH, GRID)
    members = inside(grid)
    (cells,) = np.nonzero(np.diff(members))
    ends = (grid[cells], grid[cells + 1])
    # A jump from 0 to 1 crosses a half, and halving the interval finds where.
    borders = elementwise.find_root(lambda noise: inside(noise) - 0.5, ends).x
    # Seen from plus infinity, every boundary takes off, or gives back, its lower tail.
    return float(members[-1] - np.diff(members)[cells] @ ndtr(borders))
