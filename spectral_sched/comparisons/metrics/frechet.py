"""The Frechet distance between Gaussians fitted to two sets of features.

Dowson & Landau, Journal of Multivariate Analysis 12 (1982): the squared 2-Wasserstein
distance ``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


class FrechetDistance:
    """The distance of sets of samples from real pictures that are measured once.

    Parameters
    ----------
    real
        Features, (M, F).
    """

    def __init__(self, real: NDArray[np.float64]) -> None:
        self.real = _moments(real)

    def of(self, samples: NDArray[np.float64]) -> Callable[[NDArray[np.intp]], float]:
        """Return the distance of features, (N, F), by which of them are kept."""
        return lambda kept: _distance(_moments(samples[kept]), self.real)


def frechet_distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the distance between two sets of features, (N, F) and (M, F).

    Examples
    --------
    >>> grid = np.array([[-1.0], [1.0]])
    >>> frechet_distance(grid, grid + 3)
    9.0
    """
    return _distance(_moments(first), _moments(second))


class _Moments(NamedTuple):
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


def _moments(features: NDArray[np.float64]) -> _Moments:
    covariance = np.atleast_2d(np.cov(features, rowvar=False))
    return _Moments(features.mean(axis=0), covariance)


def _distance(first: _Moments, second: _Moments) -> float:
    offset = first.mean - second.mean
    values, axes = np.linalg.eigh(first.covariance)
    root = (axes * np.sqrt(values.clip(0))) @ axes.T
    between = np.linalg.eigvalsh(root @ second.covariance @ root).clip(0)
    traces = sum(float(np.trace(each.covariance)) for each in (first, second))
    return float(offset @ offset) + traces - 2 * float(np.sqrt(between).sum())
