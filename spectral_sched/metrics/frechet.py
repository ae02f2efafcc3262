"""The Frechet distance between Gaussians fitted to two sets of features.

Dowson & Landau, Journal of Multivariate Analysis 12 (1982): the squared 2-Wasserstein
distance ``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def frechet_distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the distance between two sets of features, (N, F) and (M, F).

    Examples
    --------
    >>> grid = np.array([[-1.0], [1.0]])
    >>> frechet_distance(grid, grid + 3)
    9.0
    """
    offset = first.mean(axis=0) - second.mean(axis=0)
    covariances = [
        np.atleast_2d(np.cov(set_, rowvar=False)) for set_ in (first, second)
    ]
    values, axes = np.linalg.eigh(covariances[0])
    root = (axes * np.sqrt(values.clip(0))) @ axes.T
    between = np.linalg.eigvalsh(root @ covariances[1] @ root).clip(0)
    traces = sum(float(np.trace(covariance)) for covariance in covariances)
    return float(offset @ offset) + traces - 2 * float(np.sqrt(between).sum())
