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
    """The distance of sets of samples from real images that are measured once.

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
    """A mean, (F,), and a root R of the covariance ``R.T @ R``, (min(N, F), F)."""

    mean: NDArray[np.float64]
    root: NDArray[np.float64]


def _moments(features: NDArray[np.float64]) -> _Moments:
    mean = features.mean(axis=0)
    centred = (features - mean) / np.sqrt(len(features) - 1)
    # Of fewer samples than features the root has no more rows than there are samples.
    root: NDArray[np.float64] = np.linalg.qr(centred).R
    return _Moments(mean, root)


def _distance(first: _Moments, second: _Moments) -> float:
    offset = first.mean - second.mean
    # The eigenvalues of C1 C2 are the squared singular values of R1 R2'.
    between = np.linalg.svd(first.root @ second.root.T, compute_uv=False).sum()
    traces = sum(float(np.square(each.root).sum()) for each in (first, second))
    return float(offset @ offset) + traces - 2 * float(between)
