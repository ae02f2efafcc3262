"""How the power of each ring is spread over the images of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import polygamma

from spectral_sched.documents.strict_json import round_to_float32

from .gaussian_field import GaussianField

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .spectrum import Spectrum


NUM_QUANTILES = 32
"""Quantiles of log power kept per ring, at the middles of equal probabilities."""


@dataclass(frozen=True, eq=False)
class PowerDistribution:
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


def power_distribution(spectrum: Spectrum) -> PowerDistribution:
    """Return the distribution of power in each ring over the images of the sample."""
    power = spectrum.sample.uniform_power
    # A mode without power has nothing to plan for; the floor keeps its logarithm.
    floor = np.finfo(np.float32).eps ** 2 * max(float(power.max()), 1e-300)
    middles = (np.arange(NUM_QUANTILES) + 0.5) / NUM_QUANTILES
    logs = np.quantile(np.log(np.maximum(power, floor)), middles, axis=0)
    return PowerDistribution(spectrum.field, round_to_float32(logs.T))


def without_chance(
    log_power: NDArray[np.float64], num_modes: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return log powers over images, (K, Q), with the variation that is not chance.

    Images of one Gaussian field differ in the power of a ring of n modes as a chi
    square of n degrees of freedom does, whose logarithm has the variance trigamma(n/2).
    That much is taken off what is seen, about the mean of the logarithms, and the mean
    power is kept.
    """
    # Sums depend on the order in memory, and plans shall not.
    log_power = np.ascontiguousarray(log_power)
    seen, chance = log_power.var(axis=1), polygamma(1, num_modes / 2)
    own = np.maximum(seen - chance, 0.0)
    kept = np.sqrt(np.divide(own, seen, where=own > 0, out=np.zeros_like(own)))
    middle = log_power.mean(axis=1, keepdims=True)
    drawn = middle + kept[:, None] * (log_power - middle)
    lost = np.log(np.exp(log_power - middle).mean(axis=1))
    left = np.log(np.exp(drawn - middle).mean(axis=1))
    found: NDArray[np.float64] = drawn + (lost - left)[:, None]
    return found


def image_distribution(
    distribution: PowerDistribution, log_power: NDArray[np.float64]
) -> PowerDistribution:
    """Return what is planned from for one image, of which only the spectrum is known.

    Its colours are those of the data set, and so is how scales vary about their mean:
    parts of an image differ as images do.

    Parameters
    ----------
    log_power
        Natural log of its power per ring, (K,).
    """
    field, power = distribution.field, np.exp(log_power)
    growth = np.divide(power, field.power, where=field.power > 0, out=power * 0)
    cross_power = field.cross_power * growth[:, None, None]
    own = GaussianField(field.shape, field.mean_color, cross_power)
    mean = np.log(np.maximum(field.power, np.finfo(np.float64).tiny))
    logs = distribution.log_power + (log_power - mean)[:, None]
    return PowerDistribution(own, round_to_float32(logs))
