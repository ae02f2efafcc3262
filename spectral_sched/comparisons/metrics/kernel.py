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
    from collections.abc import Callable

    from numpy.typing import NDArray

DEGREE = 3


class KernelDistance:
    """The distance of sets of samples from real images that are measured once.

    Parameters
    ----------
    real
        Features, (M, F).

    Examples
    --------
    >>> distance = KernelDistance(np.ones((3, 2))).of(np.zeros((4, 2)))
    >>> distance(np.arange(4))
    7.0
    """

    def __init__(self, real: NDArray[np.float64]) -> None:
        self.real = real
        self.real_pairs = _mean_of_pairs(polynomial_kernel(real, real))

    def of(self, samples: NDArray[np.float64]) -> Callable[[NDArray[np.intp]], float]:
        """Return the distance of features, (N, F), by which of them are kept."""
        own = polynomial_kernel(samples, samples)
        across = polynomial_kernel(samples, self.real).mean(axis=1)

        def distance(kept: NDArray[np.intp]) -> float:
            within = _mean_of_pairs(own[np.ix_(kept, kept)])
            return within + self.real_pairs - 2 * float(across[kept].mean())

        return distance


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
