"""What a schedule is planned from: how the power of each ring varies over images.

Only the distribution of power in each ring matters to the optimiser, so a few
quantiles per ring are kept. They travel in schedule files, which can therefore be
planned anew for another number of steps or another solver without the spectrum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import ndtri

from spectral_sched.spectra.power_distribution import NUM_QUANTILES, without_chance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spectral_sched.spectra.power_distribution import PowerDistribution


UNKNOWN_SPREAD = 1.0
"""Log-normal spread of power over images where there is but one, which tells of none.

It is about what sets of photographs have.
"""

SCORES = ndtri((np.arange(NUM_QUANTILES) + 0.5) / NUM_QUANTILES)
"""Values of a standard normal number that stand for all."""

FAINTEST = 1e-3
"""Least power of a colour axis as a share of the mean over axes."""


class ModePowers(NamedTuple):
    """Powers that modes of each ring have, all equally often.

    Attributes
    ----------
    power
        Powers, (K, C, M), by the axis of colour.
    offset
        Square of the mean that a start about zero misses, (K, C).
    """

    power: NDArray[np.float64]
    offset: NDArray[np.float64]


def mode_powers(distribution: PowerDistribution) -> ModePowers:
    """Return the powers of rings in single images, in the mean those of the whole set.

    Colours are taken apart, as the modes of a field are independent along the axes that
    decorrelate its ring's colours; images by what is not chance. The mean is put right
    because quantiles lose the tails of what they are taken of, and may be of a sample.
    """
    field, logs = distribution.field, distribution.log_power
    own = without_chance(logs, field.num_modes)
    if not np.ptp(logs, axis=1).any():
        own = own[:, :1] + UNKNOWN_SPREAD * SCORES
    axis_power, _, squared_mean = field.color_axes
    mean = axis_power.mean(axis=1, keepdims=True)
    share = np.divide(axis_power, mean, where=mean > 0, out=np.ones_like(axis_power))
    colors = np.maximum(share, FAINTEST)
    power = np.exp(own)[:, None, :] * colors[..., None]
    offset = np.zeros_like(colors)
    offset[0] = squared_mean
    return ModePowers(power * _growth(field.power, power), offset)


def _growth(wanted: NDArray[np.float64], power: NDArray[np.float64]) -> Any:
    """Return factors, (K, 1, 1), that give the powers of rings the wanted means."""
    found = power.mean(axis=(1, 2))
    seen = wanted > np.finfo(np.float32).eps ** 2 * wanted.max()
    growth = np.divide(wanted, found, where=seen, out=np.ones_like(wanted))
    return growth[:, None, None]
