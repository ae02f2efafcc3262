"""The second-order model of a data set: its mean colour and the power in each ring.

It is all that bounds, families and the Wiener denoiser know of the images, and it is
small enough to travel in every file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .periodogram import luma_power, mean_power
from .rings import rings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spectral_sched.images.pixels import Shape


class ColorAxes(NamedTuple):
    """Axes of colour along which the modes of a ring are independent.

    Attributes
    ----------
    power
        Power of each ring along each of its axes, ascending, (K, C).
    axes
        The axes of each ring, one per column, (K, C, C).
    squared_mean
        Square of the mean colour in ring 0 along each of its axes, (C,).
    """

    power: NDArray[np.float64]
    axes: NDArray[np.float64]
    squared_mean: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GaussianField:
    """A stationary Gaussian field of colour images.

    Attributes
    ----------
    shape
        (C, H, W) of the images.
    mean_color
        Mean of each channel, (C,).
    cross_power
        Cross-channel power per ring about the mean colour, (K, C, C).
    """

    shape: Shape
    mean_color: NDArray[np.float64]
    cross_power: NDArray[np.float64]

    @property
    def num_pixels(self) -> int:
        """Pixels per channel."""
        return self.shape[1] * self.shape[2]

    @property
    def num_modes(self) -> NDArray[np.int64]:
        """Fourier modes per ring, (K,)."""
        return rings(*self.shape[1:]).num_modes

    @property
    def frequency(self) -> NDArray[np.float64]:
        """Nominal frequency per ring, (K,), in cycles per pixel."""
        return rings(*self.shape[1:]).frequency

    @property
    def color_axes(self) -> ColorAxes:
        """Axes that decorrelate the colours of each ring."""
        power, axes = np.linalg.eigh(self.cross_power)
        squared_mean = self.num_pixels * (self.mean_color @ axes[0]) ** 2
        return ColorAxes(power, axes, squared_mean)

    @property
    def power(self) -> NDArray[np.float64]:
        """Centred power per ring averaged over channels, (K,)."""
        return mean_power(self.cross_power)

    @property
    def power_luma(self) -> NDArray[np.float64]:
        """Centred power per ring of the luma plane, (K,)."""
        return luma_power(self.cross_power)

    @property
    def mean_offset(self) -> float:
        """Power that ring 0 gains when the mean colour is not removed."""
        return float(self.num_pixels * np.mean(self.mean_color**2))

    @property
    def power_about_zero(self) -> NDArray[np.float64]:
        """Power per ring when the mean colour is not removed, (K,)."""
        power = self.power
        power[0] += self.mean_offset
        return power

    @property
    def sigma_data(self) -> float:
        """Standard deviation of the pixels about the mean colour."""
        return float(np.sqrt(self.num_modes @ self.power / self.num_pixels))
