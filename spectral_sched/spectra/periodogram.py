"""From the pixels of one image to the power in each ring.

Power is the squared modulus of the orthonormal discrete Fourier transform,
``abs(F)**2 / (H * W)`` of the plain sum, averaged over a ring: white noise of standard
deviation ``s`` has power ``s**2`` in every ring, and Parseval's theorem reads
``sum(num_modes * power) == sum(pixels**2)`` per channel. Colour is kept as the C x C
matrix of cross-channel powers of each ring, whose diagonal is the power per channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np

from spectral_sched.errors import check_choice
from spectral_sched.images.transform import LUMA

from .rings import channel_pairs, mode_sums, rings

if TYPE_CHECKING:
    from numpy.typing import NDArray

Precision = Literal["float32", "float64"]

LUMA_WEIGHTS = {1: (1.0,), 3: LUMA}
"""Weights of the channels in luma (Rec. ITU-R BT.601), by number of channels; bands of
other numbers have their mean in its place."""

EXACT_IN_FLOAT32 = (np.uint8, np.uint16)
"""Types of stored pixels whose values and differences float32 holds exactly."""


ROWS_AT_ONCE = 32
"""Rows of pixels that a row is subtracted from at once."""


@dataclass(frozen=True, eq=False)
class RingPowers:
    """What one image adds to the statistics.

    Attributes
    ----------
    cross_power
        Cross-channel power per ring, (K, C, C), symmetric. Ring 0 is not centred: it
        is ``H * W`` times the outer product of `channel_mean`.
    channel_mean
        Mean of each channel, (C,).
    """

    cross_power: NDArray[np.float64]
    channel_mean: NDArray[np.float64]

    @cached_property
    def power(self) -> NDArray[np.float64]:
        """Power per ring averaged over the channels, (K,)."""
        return mean_power(self.cross_power)


def check_precision(precision: str) -> Precision:
    """Return the precision, or raise `UsageError` if there is no such one."""
    check_choice(precision, get_args(Precision), "precision", "--precision")
    return cast("Precision", precision)


def mean_power(cross_power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the power averaged over channels, (..., K), of (..., K, C, C)."""
    power: NDArray[np.float64] = np.diagonal(cross_power, axis1=-2, axis2=-1).mean(-1)
    return power


def luma_power(cross_power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the power of the luma plane, (..., K), of (..., K, C, C)."""
    channels = cross_power.shape[-1]
    weights = np.array(LUMA_WEIGHTS.get(channels, (1 / channels,) * channels))
    plane: NDArray[np.float64] = weights @ cross_power @ weights
    return plane


def ring_powers(
    pixels: NDArray[Any],
    *,
    origin: float | NDArray[np.float64] = 0.0,
    unit: float | NDArray[np.float64] = 1.0,
    precision: Precision = "float32",
    window: str = "none",
) -> RingPowers:
    """Return the cross-channel power in each ring of an image.

    The mean of each channel is removed before the transform, so that the brightness of
    the image does not leak into faint rings by rounding. Stored integers are shifted
    by whole numbers, which float32 holds exactly, and scaled at the end; others are
    brought near 1 before it, so that float32 holds their squares.

    Parameters
    ----------
    pixels
        Image of shape (C, H, W), of floats or as stored.
    origin, unit
        A pixel of value ``origin + unit * x`` counts as ``x``; of all channels or of
        each, (C,).
    precision
        Type of the transform; sums are float64 always.
    window
        ``hann`` fades the borders of the centred pixels, so that the jump from one
        border to the opposite one does not leak into all rings; white noise keeps its
        power. The mean, ring 0, is that of all pixels.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 0.5, (3, 128, 128))
    >>> round(float(np.median(ring_powers(noise).power[1:])), 2)
    0.25
    """
    channels, height, width = pixels.shape
    plane = rings(height, width)
    # By a power of two, which leaves all digits as they are.
    exact = pixels.dtype in EXACT_IN_FLOAT32
    scale = np.ones(channels) if exact else np.ldexp(1.0, -np.frexp(unit)[1])
    scale, units = np.broadcast_to(scale, channels), np.broadcast_to(unit, channels)
    mean, centred = _center(pixels, np.dtype(precision), window, scale)
    sums = mode_sums(_modes(centred), height, width)
    first, second = np.transpose(channel_pairs(channels))
    inner = units * scale
    squared = height * width * (inner[first] * inner[second])
    upper = sums / (plane.num_modes[:, None] * squared)
    cross_power = np.empty((len(plane), channels, channels))
    cross_power[:, first, second] = cross_power[:, second, first] = upper
    channel_mean = (mean - origin * scale) / inner
    cross_power[0] = height * width * np.outer(channel_mean, channel_mean)
    return RingPowers(cross_power, channel_mean)


def _center(
    pixels: NDArray[Any],
    precision: np.dtype[Any],
    window: str,
    scale: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return the mean of each channel, and the pixels about it or close to it.

    Both are times the scale, which is not 1 only for pixels that float32 cannot hold.
    """
    channels, height, width = pixels.shape
    # Decoded images lie in memory as (H, W, C), so these are whole rows of them.
    rows = pixels.transpose(1, 2, 0).reshape(height, width * channels)
    # Under a window what is left of the mean would no longer stay in ring 0.
    whole = rows.dtype in EXACT_IN_FLOAT32 and window == "none"
    values = rows.astype(precision if whole else np.float64)
    if np.any(scale != 1):
        values *= np.tile(scale, width)
    # Columns of so few bytes have sums that float32 holds exactly.
    short = whole and rows.dtype == np.uint8 and height <= 1 << 16
    columns = values.sum(axis=0, dtype=None if short else np.float64)
    total = columns.reshape(width, channels).sum(axis=0, dtype=np.float64)
    mean = total / (height * width)
    level = np.tile(np.rint(mean) if whole else mean, width).astype(values.dtype)
    _subtract_row(values, level)
    centred = values.reshape(height, width, channels).transpose(2, 0, 1)
    if window == "hann":
        centred = centred * hann_window(height, width)
    return mean, centred.astype(precision, copy=False)


def _subtract_row(values: NDArray[Any], row: NDArray[Any]) -> None:
    # Where numpy has to repeat a row, it copies everything through a buffer, and takes
    # twice the time that it takes for arrays of one shape.
    block = np.tile(row, (ROWS_AT_ONCE, 1))
    for first in range(0, len(values), ROWS_AT_ONCE):
        part = values[first : first + ROWS_AT_ONCE]
        part -= block[: len(part)]


def _modes(centred: NDArray[Any]) -> NDArray[Any]:
    # Twice as fast as numpy's in float32, but a quarter of a second to import.
    from scipy.fft import rfft2

    modes: NDArray[Any] = rfft2(centred)
    return modes


@lru_cache(maxsize=16)
def hann_window(height: int, width: int) -> NDArray[np.float64]:
    """Return the periodic Hann window of an image, with a mean square of 1."""
    sides = [0.5 - 0.5 * np.cos(2 * np.pi * _centres(side)) for side in (height, width)]
    window = np.outer(*sides)
    window /= np.sqrt(np.mean(window**2))
    return window


def _centres(side: int) -> NDArray[np.float64]:
    # At pixel centres no weight is zero, so that one row or column is allowed.
    return (np.arange(side) + 0.5) / side
