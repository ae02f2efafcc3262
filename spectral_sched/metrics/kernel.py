"""The kernel distance between two sets of features: a squared MMD without bias.

Binkowski, Sutherland, Arbel & Gretton, "Demystifying MMD GANs" (arXiv 1801.01401): the
kernel ``(x . y / F + 1)**3`` sees means, covariances and third moments. The estimate is
0 on average between samples of one distribution, whatever their number, and so falls
below 0 by chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEGREE = 3


class KernelDistance:
    """The distance of samples, or of some of them, from real pictures.

    Parameters
    ----------
    samples, real
        Features, (N, F) and (M, F).

    Examples
    --------
    >>> distance = KernelDistance(np.zeros((4, 2)), np.ones((3, 2)))
    >>> float(distance(np.arange(4)))
    7.0
    """

    def __init__(self, samples: NDArray[np.float64], real: NDArray[np.float64]) -> None:
        self.within = polynomial_kernel(samples, samples)
        self.across = polynomial_kernel(samples, real).mean(axis=1)
        self.real = _mean_of_pairs(polynomial_kernel(real, real))

    def __call__(self, kept: NDArray[np.intp]) -> float:
        """Return the distance of the samples that are kept, two or more."""
        within = _mean_of_pairs(self.within[np.ix_(kept, kept)])
        return within + self.real - 2 * float(self.across[kept].mean())


def polynomial_kernel(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the kernel of every pair, (N, M)."""
    kernel: NDArray[np.float64] = (first @ second.T / first.shape[1] + 1) ** DEGREE
    return kernel


def _mean_of_pairs(kernel: NDArray[np.float64]) -> float:
    """Return the mean over pairs of two different members."""
    count = len(kernel)
    return float(kernel.sum() - np.trace(kernel)) / (count * (count - 1))
