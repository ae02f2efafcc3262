"""Rings of the two-dimensional Fourier plane.

Frequencies are in cycles per pixel on both axes, 0 to 0.5, up to 0.707 in the corner.
Ring ``k`` holds the modes with ``rint(radius * max(H, W)) == k``; every mode belongs
to one ring, corners included, and ring 0 is the mean (DC) alone. Transforms of real
images are kept as half planes, where all columns but the first (and, for an even
width, the last) stand for two modes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
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
