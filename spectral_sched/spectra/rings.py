"""Rings of the Fourier plane, sums over the modes of each, and octaves of rings.

Power is averaged over rings of equal radial frequency, one cycle per image wide.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Rings:
    """The rings of an (H, W) image.

    Attributes
    ----------
    index
        Ring of every mode of the half plane, integers of shape (H, W // 2 + 1).
    multiplicity
        How many modes of the full plane each half-plane column stands for,
        shape (W // 2 + 1,).
    num_modes
        Modes of the full plane per ring, shape (K,).
    frequency
        Nominal frequency per ring in cycles per pixel, shape (K,).
    """

    index: NDArray[np.int64]
    multiplicity: NDArray[np.int64]
    num_modes: NDArray[np.int64]
    frequency: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.num_modes)


def radial_frequency(height: int, width: int) -> NDArray[np.float64]:
    """Return the radius of every half-plane mode, (H, W // 2 + 1), in cycles/pixel."""
    rows = np.fft.fftfreq(height)[:, None]
    columns = np.fft.rfftfreq(width)[None, :]
    radius: NDArray[np.float64] = np.hypot(rows, columns)
    return radius


@lru_cache(maxsize=16)
def rings(height: int, width: int) -> Rings:
    """Return the rings of an (H, W) image."""
    if height < 1 or width < 1:
        message = f"an image needs at least one pixel, not {height} x {width}"
        raise ValueError(message)
    longest = max(height, width)
    index = np.rint(radial_frequency(height, width) * longest).astype(np.int64)
    multiplicity = np.full(width // 2 + 1, 2)
    multiplicity[0] = 1
    if width % 2 == 0:
        multiplicity[-1] = 1
    weights = np.broadcast_to(multiplicity, index.shape).ravel()
    num_modes = np.bincount(index.ravel(), weights=weights).astype(np.int64)
    return Rings(index, multiplicity, num_modes, np.arange(len(num_modes)) / longest)


def num_rings(height: int, width: int) -> int:
    """Return how many rings an (H, W) image has, without making them.

    Examples
    --------
    >>> num_rings(48, 64), len(rings(48, 64))
    (46, 46)
    """
    farthest = np.hypot(height // 2 / height, width // 2 / width)
    return int(np.rint(farthest * max(height, width))) + 1


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
    # Turned once, because numpy copies what runs backwards through a buffer each time.
    lower = numbers[:, height - first : height - last : -1].copy()
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
    from scipy.sparse import csc_array

    plane = rings(height, width)
    index = plane.index[first:last].ravel()
    weights = np.broadcast_to(plane.multiplicity, (last - first, width // 2 + 1))
    # By columns, so that products are read in the order in which they lie in memory.
    ones = (weights.ravel().astype(np.float64), index, np.arange(len(index) + 1))
    return Band(first, last, csc_array(ones, shape=(len(plane), len(index))))


def octaves(
    frequency: NDArray[np.float64], scale: float = 1.0
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield the name and the rings of DC, of each octave below 0.5, and the corners.

    Parameters
    ----------
    scale
        What one cycle per pixel is in the unit that names are in.
    """
    yield "mean (DC)", frequency == 0
    top = 0.5
    edges = [top]
    while edges[-1] >= frequency[1:2].min(initial=1):
        edges.append(edges[-1] / 2)
    for low, high in zip(edges[:0:-1], edges[-2::-1], strict=True):
        band = (frequency > low) & (frequency <= high)
        if band.any():
            yield f"{low * scale:.3g} - {high * scale:.3g}", band
    corners = frequency > top
    if corners.any():
        yield "corners", corners


def band_rms(
    values: NDArray[np.float64], num_modes: NDArray[np.int64], band: NDArray[np.bool_]
) -> float:
    """Return the root mean square over the modes of some rings of a value per ring."""
    modes = num_modes[band]
    return float(np.sqrt(modes @ values[band] ** 2 / modes.sum()))
