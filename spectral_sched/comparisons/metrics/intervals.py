"""Estimates with 95 % intervals, and intervals of differences.

Two ways to an interval. Means over images are resampled with replacement (Efron,
Annals of Statistics 7 (1979)). Distances between distributions are not: repeated
samples make them grow, so blocks of samples are left out in turn instead (Quenouille,
Biometrika 43 (1956); Tukey's variance), which distances survive as long as they are
smooth.

Neither removes the bias that a distance has at a finite number of samples. An interval
is about what the distance is on average *at that number*, and distances are comparable
at equal numbers only. In the difference of two samplers that share their noise most of
the bias cancels, and so does what the noise did to both: verdicts rest on differences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

LEVEL = (0.025, 0.975)
NUM_RESAMPLES = 1000
NUM_BLOCKS = 20
STUDENT = 2.093
"""Quantile 0.975 of Student's t with `NUM_BLOCKS - 1` degrees of freedom."""


class Estimate(NamedTuple):
    """A figure and the interval that holds the true one in 95 of 100 cases."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Statistics of samples, and what they are without each block of samples.

    Attributes
    ----------
    value
        One or more statistics of all samples, (...).
    left
        The same without each block in turn, (NUM_BLOCKS, ...).
    """

    value: NDArray[np.float64]
    left: NDArray[np.float64]

    def __getitem__(self, place: int) -> LeftOut:
        """Return one of several statistics."""
        return LeftOut(self.value[place], self.left[:, place])

    @property
    def variance(self) -> NDArray[np.float64]:
        """Variance of the statistics over sets of as many samples."""
        spread: NDArray[np.float64] = (NUM_BLOCKS - 1) * self.left.var(axis=0)
        return spread

    @property
    def estimate(self) -> Estimate:
        """The statistic with its interval, if it is one alone."""
        return _estimate(float(self.value), float(self.variance))


def _estimate(value: float, variance: float) -> Estimate:
    reach = STUDENT * variance**0.5
    return Estimate(value, value - reach, value + reach)


def left_out(
    statistic: Callable[[NDArray[np.intp]], ArrayLike], num_samples: int
) -> LeftOut:
    """Return a statistic with a block of samples left out at a time.

    Parameters
    ----------
    statistic
        From the numbers of the samples that are kept to figures that are smooth in the
        distribution of the samples.
    num_samples
        Samples in random order, at least two for each block.
    """
    if num_samples < 2 * NUM_BLOCKS:
        message = f"intervals need at least {2 * NUM_BLOCKS} samples, not {num_samples}"
        raise ValueError(message)
    every = np.arange(num_samples)
    blocks = every * NUM_BLOCKS // num_samples
    left = [statistic(every[blocks != block]) for block in range(NUM_BLOCKS)]
    return LeftOut(
        np.asarray(statistic(every), dtype=np.float64),
        np.asarray(left, dtype=np.float64),
    )


def difference(first: LeftOut, second: LeftOut, *, paired: bool) -> Estimate:
    """Return the first statistic minus the second, with an interval.

    Parameters
    ----------
    paired
        Whether the samples of both began with the same noise, in the same order.
    """
    value = float(first.value - second.value)
    if paired:
        both = LeftOut(first.value - second.value, first.left - second.left)
        return _estimate(value, float(both.variance))
    return _estimate(value, float(first.variance + second.variance))


def bootstrap_mean_square(
    squares: NDArray[np.float64], seed: int = 0, num_resamples: int = NUM_RESAMPLES
) -> Estimate:
    """Return the root of the mean of squared errors, resampled over images.

    Parameters
    ----------
    squares
        Mean squared error of each image, (N,).
    """
    roots = _resampled_roots(squares, np.random.default_rng(seed), num_resamples)
    low, high = np.quantile(roots[0], LEVEL)
    return Estimate(float(np.sqrt(squares.mean())), float(low), float(high))


def bootstrap_difference(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    *,
    paired: bool,
    seed: int = 0,
    num_resamples: int = NUM_RESAMPLES,
) -> Estimate:
    """Return the difference of two roots of mean squared errors, with an interval.

    Parameters
    ----------
    first, second
        Mean squared error of each image, (N,).
    paired
        Whether the images of both began with the same noise, in the same order.
    """
    rng = np.random.default_rng(seed)
    if paired:
        roots = _resampled_roots(np.stack([first, second]), rng, num_resamples)
        apart = roots[0] - roots[1]
    else:
        apart = _resampled_roots(first, rng, num_resamples)[0]
        apart = apart - _resampled_roots(second, rng, num_resamples)[0]
    low, high = np.quantile(apart, LEVEL)
    value = np.sqrt(first.mean()) - np.sqrt(second.mean())
    return Estimate(float(value), float(low), float(high))


def _resampled_roots(
    squares: NDArray[np.float64], rng: np.random.Generator, num_resamples: int
) -> NDArray[np.float64]:
    """Return roots of means, (rows, num_resamples), every row resampled alike."""
    rows = np.atleast_2d(squares)
    count = rows.shape[1]
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=num_resamples)
    roots: NDArray[np.float64] = np.sqrt(rows @ drawn.T / count)
    return roots
