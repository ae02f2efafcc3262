"""Fidelity and variety from nearest neighbours among features.

A set is taken to reach as far around each member as its `NUM_NEIGHBOURS`-th neighbour.

- precision: share of samples within reach of a real image; recall: share of real
  images within reach of a sample (Kynkaanniemi et al., arXiv 1904.06991);
- density: how many real images reach a sample, over `NUM_NEIGHBOURS`; coverage: share
  of real images that reach a sample (Naeem et al., arXiv 2002.09797).

More is better. All four depend on the numbers of samples and images, so they mean
something beside those of real images of the same number only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

NUM_NEIGHBOURS = 5
NEIGHBOUR_METRICS = ("precision", "recall", "density", "coverage")


class Neighbourhoods:
    """The four figures of sets of samples beside real images measured once.

    Parameters
    ----------
    real
        Features, (M, F), more than `NUM_NEIGHBOURS`.
    """

    def __init__(self, real: NDArray[np.float64]) -> None:
        self.real, self.real_reach = real, reach(_distances(real, real))

    def of(
        self, samples: NDArray[np.float64]
    ) -> Callable[[NDArray[np.intp]], NDArray[np.float64]]:
        """Return precision, recall, density and coverage by which samples are kept.

        Parameters
        ----------
        samples
            Features, (N, F), of which more than `NUM_NEIGHBOURS` are kept.
        """
        within, across = _distances(samples, samples), _distances(samples, self.real)
        reached = across < self.real_reach

        def figures(kept: NDArray[np.intp]) -> NDArray[np.float64]:
            reaching = reached[kept]
            own = reach(within[np.ix_(kept, kept)])
            precision = reaching.any(axis=1).mean()
            recall = (across[kept] < own[:, None]).any(axis=0).mean()
            density = reaching.sum(axis=1).mean() / NUM_NEIGHBOURS
            coverage = reaching.any(axis=0).mean()
            return np.array([precision, recall, density, coverage])

        return figures


def _distances(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    from scipy.spatial.distance import cdist

    distances: NDArray[np.float64] = cdist(first, second)
    return distances


def reach(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of each member's `NUM_NEIGHBOURS`-th neighbour, (N,).

    Parameters
    ----------
    distances
        Of every pair, (N, N); each member is at 0 from itself, which does not count.
    """
    nearest: NDArray[np.float64] = np.partition(distances, NUM_NEIGHBOURS, axis=1)
    return nearest[:, NUM_NEIGHBOURS]
