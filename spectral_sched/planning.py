"""What a schedule is planned from: how the power of each ring varies over images.

Only the distribution of power in each ring matters to the optimiser, so a few
quantiles per ring are kept. They travel in schedule files, which can therefore be
planned anew for another number of steps or another solver without the spectrum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .documents import rounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .gaussian_field import GaussianField
    from .spectrum import Spectrum

NUM_QUANTILES = 32
"""Quantiles of log power kept per ring, at the middles of equal probabilities."""

NODES_PER_NAT = 8
"""Density of the grid of log power on which rings are pooled."""

SPREAD_FACTOR = 1.22
"""Three equal weights at -1.22, 0, 1.22 have mean 0 and standard deviation 1."""


@dataclass(frozen=True, eq=False)
class Planning:
    """Distribution over images of the power in each ring.

    Attributes
    ----------
    field
        Mean colour and mean power per ring.
    log_power
        Quantiles of the natural log of power per ring, ascending, (K, Q).
    """

    field: GaussianField
    log_power: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PowerMeasure:
    """How many modes have which power: the measure that errors are integrated over.

    Attributes
    ----------
    power
        Powers, (M,).
    weight
        Modes per channel of that power, (M,).
    offset
        Square of the mean that a start about zero misses, per mode, (M,).
    """

    power: NDArray[np.float64]
    weight: NDArray[np.float64]
    offset: NDArray[np.float64]


def spectrum_planning(spectrum: Spectrum) -> Planning:
    """Return the distribution of power in each ring over the images of the sample."""
    power = spectrum.sample.uniform_power
    # A mode without power has nothing to plan for; the floor keeps its logarithm.
    floor = np.finfo(np.float32).eps ** 2 * max(float(power.max()), 1e-300)
    middles = (np.arange(NUM_QUANTILES) + 0.5) / NUM_QUANTILES
    logs = np.quantile(np.log(np.maximum(power, floor)), middles, axis=0)
    return Planning(spectrum.field, rounded(logs.T))


def widened(log_power: NDArray[np.float64], spread: float) -> NDArray[np.float64]:
    """Return log powers, (..., Q), with a log-normal spread about each, (..., 3 Q).

    One Fourier mode of an image is not at the mean of its ring.
    """
    steps = SPREAD_FACTOR * spread * np.array([-1.0, 0.0, 1.0])
    wide: NDArray[np.float64] = (log_power[..., None] + steps).reshape(
        *log_power.shape[:-1], -1
    )
    return wide


def power_measure(planning: Planning, spread: float) -> PowerMeasure:
    """Return the pooled measure of all rings, ring 0 apart.

    Rings are pooled on a grid of log power, each value shared between its two
    neighbours, so that planning costs the same for small and large pictures.
    """
    values = widened(planning.log_power, spread)
    share = planning.field.num_modes[:, None] / values.shape[1]
    weights = np.broadcast_to(share, values.shape)
    power, weight = _pooled(values[1:].ravel(), weights[1:].ravel())
    offset = np.zeros(len(power) + values.shape[1])
    offset[len(power) :] = planning.field.mean_offset
    return PowerMeasure(
        power=np.concatenate([power, np.exp(values[0])]),
        weight=np.concatenate([weight, weights[0]]),
        offset=offset,
    )


def power_variation(planning: Planning, spread: float) -> NDArray[np.float64]:
    """Return the variance of power in each ring over its squared mean, (K,).

    Over pictures, and over modes as far as `widened` spreads them.
    """
    values = widened(planning.log_power, spread)
    power = np.exp(values - values.max(axis=1, keepdims=True))
    variation: NDArray[np.float64] = power.var(axis=1) / power.mean(axis=1) ** 2
    return variation


def _pooled(
    log_power: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not log_power.size:
        return np.empty(0), np.empty(0)
    position = (log_power - log_power.min()) * NODES_PER_NAT
    below = np.floor(position).astype(np.int64)
    above = position - below
    size = int(below.max()) + 2
    weight = np.zeros(size)
    np.add.at(weight, below, weights * (1 - above))
    np.add.at(weight, below + 1, weights * above)
    power: NDArray[np.float64] = np.exp(
        log_power.min() + np.arange(size) / NODES_PER_NAT
    )
    return power[weight > 0], weight[weight > 0]
