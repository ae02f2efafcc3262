"""Estimates with 95 % intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

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


def bootstrap_mean_square(
    squares: NDArray[np.float64], seed: int = 0, num_resamples: int = NUM_RESAMPLES
) -> Estimate:
    """Return the root of the mean of squared errors, resampled over pictures.

    Parameters
    ----------
    squares
        Mean squared error of each picture, (N,).
    """
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(
        len(squares), np.full(len(squares), 1 / len(squares)), size=num_resamples
    )
    roots = np.sqrt(counts @ squares / len(squares))
    low, high = np.quantile(roots, LEVEL)
    return Estimate(float(np.sqrt(squares.mean())), float(low), float(high))


def jackknife(
    statistic: Callable[[NDArray[np.float64]], float], samples: NDArray[np.float64]
) -> Estimate:
    """Return a statistic of samples with the interval of a delete-a-block jackknife.

    Distances between distributions grow when samples are repeated, which a bootstrap
    does; leaving blocks out does not.

    Parameters
    ----------
    statistic
        From samples, (M, ...), to a number; smooth in the distribution.
    samples
        In random order, (N, ...), N at least `NUM_BLOCKS`.
    """
    blocks = np.arange(len(samples)) * NUM_BLOCKS // len(samples)
    left = np.array([statistic(samples[blocks != k]) for k in range(NUM_BLOCKS)])
    spread = float(np.sqrt((NUM_BLOCKS - 1) * np.var(left)))
    value = statistic(samples)
    return Estimate(value, value - STUDENT * spread, value + STUDENT * spread)
