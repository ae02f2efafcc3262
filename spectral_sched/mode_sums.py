"""Sums over the rings of products of Fourier modes: the inner loop of the analysis.

A half plane of modes is folded first, because the modes of ``(row, column)`` and
``(-row, column)`` are in one ring, and then summed by one sparse matrix, which has a
line per ring and holds how often each folded mode counts. Products are rounded to the
type of the modes, sums to float64. Large planes are worked on in bands of rows, which
bounds the memory and keeps the work in the cache.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .rings import rings

if TYPE_CHECKING:
    from numpy.typing import NDArray

BAND_MODES = 1 << 16
"""Folded modes in a band of rows, at most, unless one row has more."""


Pairs = tuple[tuple[int, int], ...]


class Band(NamedTuple):
    """Rows ``first`` to ``last - 1`` of the folded plane.

    `matrix` is sparse, (K, modes of the band), float64.
    """

    first: int
    last: int
    matrix: Any


def mode_sums(modes: NDArray[Any], height: int, width: int) -> NDArray[np.float64]:
    """Return the sums of all products of two channels over each ring.

    Parameters
    ----------
    modes
        Half plane of the modes of an (H, W) image, complex, (C, H, W // 2 + 1).

    Returns
    -------
    sums
        Real parts over the full plane, (K, C (C + 1) / 2), in the order of
        `channel_pairs`.
    """
    # Complex numbers as pairs of real ones: the last axis is twice as long.
    numbers = modes.view(modes.real.dtype)
    pairs = channel_pairs(len(modes))
    sums = np.zeros((len(rings(height, width)), len(pairs)))
    for band in _bands(height, width):
        sums += band.matrix @ _folded_products(numbers, band, pairs)
    return sums


@lru_cache(maxsize=16)
def channel_pairs(channels: int) -> Pairs:
    """Return the pairs of channels ``(i, j)`` with ``i <= j``.

    Examples
    --------
    >>> channel_pairs(2)
    ((0, 0), (0, 1), (1, 1))
    """
    return tuple((i, j) for i in range(channels) for j in range(i, channels))


def _folded_products(numbers: NDArray[Any], band: Band, pairs: Pairs) -> NDArray[Any]:
    """Return products of the channels of each pair, (modes of the band, pairs)."""
    _, height, columns = numbers.shape
    first, last = max(band.first, 1), min(band.last, (height - 1) // 2 + 1)
    upper = numbers[:, band.first : band.last]
    lower = numbers[:, height - first : height - last : -1]
    both = slice(first - band.first, last - band.first)
    shape = (band.last - band.first, columns // 2, len(pairs))
    products = np.empty(shape, numbers.dtype)
    for pair, (i, j) in enumerate(pairs):
        product = upper[i] * upper[j]
        if first < last:
            product[both] += lower[i] * lower[j]
        np.add(product[:, ::2], product[:, 1::2], out=products[..., pair])
    return products.reshape(-1, len(pairs))


@lru_cache(maxsize=16)
def _bands(height: int, width: int) -> tuple[Band, ...]:
    num_rows, columns = height // 2 + 1, width // 2 + 1
    step = max(1, BAND_MODES // columns)
    return tuple(
        _band(height, width, first, min(first + step, num_rows))
        for first in range(0, num_rows, step)
    )


def _band(height: int, width: int, first: int, last: int) -> Band:
    from scipy.sparse import csr_array

    plane = rings(height, width)
    index = plane.index[first:last].ravel()
    weights = np.broadcast_to(plane.multiplicity, (last - first, width // 2 + 1))
    ones = (weights.ravel().astype(np.float64), (index, np.arange(len(index))))
    return Band(first, last, csr_array(ones, shape=(len(plane), len(index))))
