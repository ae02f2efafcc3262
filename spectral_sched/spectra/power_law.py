"""Power laws: ``power = amplitude * frequency ** -exponent``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.errors import NoAnswerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .gaussian_field import GaussianField

FIT_BAND = (0.02, 0.4)
"""Frequencies, in cycles per pixel, where a fit is made: not DC, not the corners."""


@dataclass(frozen=True)
class PowerLaw:
    """A power law with the quality of its fit.

    Attributes
    ----------
    amplitude
        Power at one cycle per pixel.
    exponent
        How fast power falls; about 2 for natural images.
    r2
        Share of the variance of log power that the line explains, at most 1.
    """

    amplitude: float
    exponent: float
    r2: float

    def __call__(self, frequency: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the power at frequencies in cycles per pixel."""
        return self.amplitude * frequency**-self.exponent


def fit_power_law(
    frequency: NDArray[np.float64],
    power: NDArray[np.float64],
    num_modes: NDArray[np.int64],
) -> PowerLaw:
    """Fit a line through log power over log frequency, weighted by `num_modes`.

    Raises
    ------
    NoAnswerError
        If fewer than three rings of the band hold any power.
    """
    low, high = FIT_BAND
    used = (frequency >= low) & (frequency <= high) & (power > 0)
    if used.sum() < 3:
        message = "a power law needs three rings with power between 0.02 and 0.4"
        raise NoAnswerError(message)
    x, y, weights = np.log(frequency[used]), np.log(power[used]), num_modes[used]
    x_mean, y_mean = np.average(x, weights=weights), np.average(y, weights=weights)
    slope = weights @ ((x - x_mean) * (y - y_mean)) / (weights @ (x - x_mean) ** 2)
    residual = weights @ (y - y_mean - slope * (x - x_mean)) ** 2
    total = weights @ (y - y_mean) ** 2
    r2 = 1 - residual / total if total > 0 else 1.0
    return PowerLaw(float(np.exp(y_mean - slope * x_mean)), float(-slope), float(r2))


def field_power_law(field: GaussianField) -> PowerLaw | None:
    """Return the power law of a data set, or None where too few rings allow none."""
    try:
        return fit_power_law(field.frequency, field.power, field.num_modes)
    except NoAnswerError:
        return None
