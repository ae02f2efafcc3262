"""What a schedule is planned from: how the power of each ring varies over images.

Only the distribution of power in each ring matters to the optimiser, so a few
quantiles per ring are kept. They travel in schedule files, which can therefore be
planned anew for another number of steps or another solver without the spectrum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spectral_sched.spectra.power_distribution import widen, without_chance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spectral_sched.spectra.power_distribution import PowerDistribution


NODES_PER_NAT = 8
"""Density of the grid of log power on which rings are pooled."""

FAINTEST = 1e-3
"""Least power of a colour axis as a share of the mean over axes."""


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


def mode_powers(distribution: PowerDistribution, spread: float) -> ModePowers:
    """Return the powers of single modes, over images, colours and modes of a ring.

    Colours are taken apart, as the modes of a field are independent along the axes that
    decorrelate its ring's colours; images by what is not chance; and modes of one image
    by a log-normal spread about the mean of their ring, which a single mode is.
    """
    field, num_modes = distribution.field, distribution.field.num_modes
    own = without_chance(distribution.log_power, num_modes)
    wide = widen(own, spread * np.sqrt(1 - 1 / num_modes))
    axis_power, _, squared_mean = field.color_axes
    mean = axis_power.mean(axis=1, keepdims=True)
    share = np.divide(axis_power, mean, where=mean > 0, out=np.ones_like(axis_power))
    colors = np.log(np.maximum(share, FAINTEST))
    power = np.exp(wide[:, None, :] + colors[..., None])
    offset = np.zeros_like(colors)
    offset[0] = squared_mean
    return ModePowers(power, offset)


def set_powers(distribution: PowerDistribution) -> ModePowers:
    """Return the powers of modes without a spread, in the mean those of the whole set.

    Quantiles lose the tails of what they are taken of, and may be of a sample.
    """
    power, offset = mode_powers(distribution, 0.0)
    mean, found = distribution.field.power, power.mean(axis=(1, 2))
    seen = mean > np.finfo(np.float32).eps ** 2 * mean.max()
    growth = np.divide(mean, found, where=seen, out=np.ones_like(mean))
    return ModePowers(power * growth[:, None, None], offset)


def image_powers(distribution: PowerDistribution, spread: float) -> ModePowers:
    """Return the powers of single images as they are, all colours as one."""
    power = np.exp(widen(distribution.log_power, spread))[:, None, :]
    offset = np.zeros((len(power), 1))
    offset[0] = distribution.field.mean_offset
    return ModePowers(power, offset)


def power_measure(powers: ModePowers, num_modes: NDArray[np.int64]) -> PowerMeasure:
    """Return the pooled measure of all rings, the colours of ring 0 apart.

    Rings are pooled on a grid of log power, each value shared between its two
    neighbours, so that planning costs the same for small and large pictures.
    """
    power, missed = powers
    share = num_modes[:, None, None] / power[0].size
    logs, weights = np.log(power), np.broadcast_to(share, power.shape)
    pooled = [
        _pool(logs[1:].ravel(), weights[1:].ravel()),
        *(_pool(*color) for color in zip(logs[0], weights[0], strict=True)),
    ]
    counts = [len(part) for part, _ in pooled]
    return PowerMeasure(
        power=np.concatenate([part for part, _ in pooled]),
        weight=np.concatenate([weight for _, weight in pooled]),
        offset=np.repeat([0.0, *missed[0]], counts),
    )


def _pool(
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
