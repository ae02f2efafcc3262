"""A measured spectrum at another size of the same images.

A ring is so many cycles per image, whatever the size, so it keeps its index. Power is
that of the orthonormal transform and grows with the number of pixels: at twice the side
the same content has four times the power. What a larger size adds beyond the measured
rings is taken from the fitted power law, with the colours and the spread between
images of the last measured octave. A smaller size cuts rings off, as an ideal filter
would; real resizing also dims the last of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.documents.strict_json import round_to_float32
from spectral_sched.errors import NoAnswerError, UsageError

from .gaussian_field import GaussianField
from .power_distribution import PowerDistribution
from .power_law import field_power_law
from .rings import rings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spectral_sched.images.pixels import Shape

    from .mixture import SpectralMixture

MAX_SIDE = 16384


def rescale(distribution: PowerDistribution, side: int) -> PowerDistribution:
    """Return the distribution of power at another size.

    Parameters
    ----------
    side
        Longer side of the images in pixels; the other keeps its proportion.

    Raises
    ------
    UsageError
        If the side is out of range.
    NoAnswerError
        If the images are too small for a power law to be continued.
    """
    field = distribution.field
    shape = _resize_shape(field.shape, side)
    num_rings = len(rings(*shape[1:]))
    cross_power, log_power = field.cross_power, distribution.log_power
    if num_rings > len(cross_power):
        cross_power, log_power = _extend(distribution, num_rings)
    growth = shape[1] * shape[2] / field.num_pixels
    return PowerDistribution(
        GaussianField(shape, field.mean_color, growth * cross_power[:num_rings]),
        round_to_float32(np.log(growth) + log_power[:num_rings]),
    )


def _resize_shape(shape: Shape, side: int) -> Shape:
    channels, height, width = shape
    if not 1 <= side <= MAX_SIDE:
        message = (
            f"--resolution must be from 1 to {MAX_SIDE}, not {side}; name the longer "
            "side in pixels"
        )
        raise UsageError(message)
    ratio = side / max(height, width)
    return (channels, max(1, round(height * ratio)), max(1, round(width * ratio)))


def rescale_mixture(
    mixture: SpectralMixture, field: GaussianField, side: int
) -> SpectralMixture:
    """Return the distribution of single spectra at another size.

    Beyond the measured rings it has the spread of the last measured octave.

    Parameters
    ----------
    field
        The data set at the measured size.
    side
        As for `rescale`.
    """
    shape = _resize_shape(field.shape, side)
    num_rings = len(rings(*shape[1:]))
    center, basis, residual = mixture.center, mixture.basis, mixture.residual
    if num_rings > len(center):
        beyond = _beyond(field, num_rings)
        new = np.ones(len(beyond.log_power))
        center = np.append(center, beyond.log_power + beyond.excess(center))
        basis = np.hstack([basis, np.outer(beyond.mean(basis.T), new)])
        residual = np.append(residual, beyond.mean(residual) * new)
    growth = shape[1] * shape[2] / field.num_pixels
    return replace(
        mixture,
        center=round_to_float32(np.log(growth) + center[:num_rings]),
        basis=round_to_float32(basis[:, :num_rings]),
        residual=round_to_float32(residual[:num_rings]),
    )


def _extend(
    distribution: PowerDistribution, num_rings: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return cross power and quantiles with as many rings, still at the old size."""
    field, beyond = distribution.field, _beyond(distribution.field, num_rings)
    power = np.exp(beyond.log_power)
    more_power = power[:, None, None] * beyond.mean(
        field.cross_power / _positive(field.power)[:, None, None]
    )
    more_logs = beyond.log_power[:, None] + beyond.excess(distribution.log_power)
    return (
        np.concatenate([field.cross_power, more_power]),
        np.concatenate([distribution.log_power, more_logs]),
    )


def _positive(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(power > 0, power, 1.0)


@dataclass(frozen=True, eq=False)
class _Beyond:
    """What lies beyond the measured rings: a power law that goes on as they end.

    Attributes
    ----------
    log_power
        Natural log of the power of the new rings.
    weights
        Shares of the measured rings in the last octave, (K,).
    known_power
        Power of the measured rings, (K,).
    """

    log_power: NDArray[np.float64]
    weights: NDArray[np.float64]
    known_power: NDArray[np.float64]

    def mean(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean over the last octave of values per ring, (K, ...)."""
        mean: NDArray[np.float64] = np.tensordot(self.weights, values, axes=1)
        return mean

    def excess(self, log_power: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far log powers, (K, ...), lie above the mean power there."""
        known = np.log(_positive(self.known_power))
        return self.mean((log_power.T - known).T)


def _beyond(field: GaussianField, num_rings: int) -> _Beyond:
    law = field_power_law(field)
    if law is None:
        _, height, width = field.shape
        message = (
            f"images of {width}x{height} are too small to foresee a larger size; "
            "analyze larger ones with specsched analyze --resolution"
        )
        raise NoAnswerError(message)
    known, longest = len(field.power), max(field.shape[1:])
    power = law(np.arange(known, num_rings) / longest)
    last = (field.frequency > 0.25) & (field.frequency <= 0.5) & (field.power > 0)
    weights = field.num_modes * last
    return _Beyond(np.log(power), weights / weights.sum(), field.power)
