"""Fidelity and variety from nearest neighbours among features.

A set is taken to reach as far around each member as its `NUM_NEIGHBOURS`-th neighbour.

- precision: share of samples within reach of a real picture; recall: share of real
  pictures within reach of a sample (Kynkaanniemi et al., arXiv 1904.06991);
- density: how many real pictures reach a sample, over `NUM_NEIGHBOURS`; coverage: share
  of real pictures that reach a sample (Naeem et al., arXiv 2002.09797).

More is better. All four depend on the numbers of samples and pictures, so they mean
something beside those of real pictures of the same number only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUM_NEIGHBOURS = 5
NEIGHBOUR_METRICS = ("precision", "recall", "density", "coverage")


class Neighbourhoods:
    """The four figures of samples, or of some of them, beside real pictures.

    Parameters
    ----------
    samples, real
        Features, (N, F) and (M, F), both more than `NUM_NEIGHBOURS`.
    """

    def __init__(self, samples: NDArray[np.float64], real: NDArray[np.float64]) -> None:
        from scipy.spatial.distance import cdist

        self.within = cdist(samples, samples)
        self.across = cdist(samples, real)
        self.reached = self.across < reach(cdist(real, real))

    def __call__(self, kept: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return precision, recall, density and coverage of the samples kept."""
        reached, across = self.reached[kept], self.across[kept]
        own = reach(self.within[np.ix_(kept, kept)])
        precision = reached.any(axis=1).mean()
        recall = (across < own[:, None]).any(axis=0).mean()
        density = reached.sum(axis=1).mean() / NUM_NEIGHBOURS
        coverage = reached.any(axis=0).mean()
        return np.array([precision, recall, density, coverage])


def reach(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of each member's `NUM_NEIGHBOURS`-th neighbour, (N,).

    Parameters
    ----------
    distances
        Of every pair, (N, N); each member is at 0 from itself, which does not count.
    """
    nearest: NDArray[np.float64] = np.partition(distances, NUM_NEIGHBOURS, axis=1)
    return nearest[:, NUM_NEIGHBOURS]
