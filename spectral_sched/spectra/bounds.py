"""Tight ends of the noise range, from a spectrum.

A ring of power ``P`` observed at noise ``sigma`` carries at most
``ln(1 + P / sigma**2) / 2`` nats per mode, whatever the data: a Gaussian of that power
attains it. Where that is below `epsilon` the ring is swamped; above ``sigma_max`` every
ring is. Below ``sigma_min`` one linear denoising step leaves less than the rounding of
8-bit pixels. The bounds follow the idea of Esteves & Makadia (arXiv 2603.19222); the
two conditions and the divergence bounds beside them are our derivation.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from spectral_sched.defaults import EPSILON, TOLERANCE
from spectral_sched.errors import NoAnswerError, UsageError
from spectral_sched.words import number_of

from .spectrum import ROUNDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .gaussian_field import GaussianField
    from .spectrum import Spectrum

Start = Literal["zero", "mean", "spectral"]
"""Where sampling starts: noise about zero, noise about the mean colour, or about it a
Gaussian field of the measured spectrum under noise (ours)."""

QUANTISATION = 2 / 255 / np.sqrt(12)
"""Root-mean-square error of rounding [-1, 1] to 8 bits, 0.00226."""

CLEAN_SNR = 100.0
"""Signal-to-noise ratio of a ring that counts as clean."""

LEAST_EPSILON, MOST_EPSILON = 1e-12, 10.0
LEAST_TOLERANCE, MOST_TOLERANCE = 1e-9, 1e9
"""Beyond these, squares of levels come to nothing or overflow."""

INTERVAL = (0.025, 0.975)
NUM_RESAMPLES = 400


@dataclass(frozen=True)
class SigmaBounds:
    """The useful noise range of a data set.

    Attributes
    ----------
    sigma_min
        Largest level at which one linear step leaves at most `tolerance` 8-bit levels
        of rounding error.
    sigma_min_ring
        Level below which even the weakest ring keeps a signal-to-noise ratio of 100.
    sigma_max, sigma_max_centred
        Lowest level that swamps every ring, for a start about zero and for a start
        about the mean colour.
    epsilon, tolerance
        The settings, in nats per mode and in 8-bit rounding errors.
    kl_bound, kl_bound_centred
        Nats between the noised data at `sigma_max` and the starting noise, at most,
        for any data.
    kl_gaussian, kl_gaussian_centred
        The same for Gaussian data, exact.
    """

    sigma_min: float
    sigma_min_ring: float
    sigma_max: float
    sigma_max_centred: float
    epsilon: float
    tolerance: float
    kl_bound: float
    kl_bound_centred: float
    kl_gaussian: float
    kl_gaussian_centred: float

    def top(self, start: Start) -> float:
        """Return the upper end for a start about zero, or about the mean colour."""
        return self.sigma_max if start == "zero" else self.sigma_max_centred


@dataclass(frozen=True)
class BoundIntervals:
    """95 % bootstrap intervals over images of the bounds, each (low, high)."""

    sigma_min: tuple[float, float]
    sigma_min_ring: tuple[float, float]
    sigma_max: tuple[float, float]
    sigma_max_centred: tuple[float, float]


def swamped_at(
    power: NDArray[np.float64], epsilon: float = EPSILON
) -> NDArray[np.float64]:
    """Return the noise level that swamps each ring.

    Examples
    --------
    >>> float(swamped_at(np.array([1.0]), epsilon=np.log(2) / 2)[0])
    1.0
    """
    level: NDArray[np.float64] = np.sqrt(power / np.expm1(2 * epsilon))
    return level


def sigma_bounds(
    field: GaussianField, *, epsilon: float = EPSILON, tolerance: float = TOLERANCE
) -> SigmaBounds:
    """Return the useful noise range of a data set.

    Parameters
    ----------
    epsilon
        Nats per mode below which a ring counts as swamped.
    tolerance
        Error that may remain, in rms rounding errors of 8-bit pixels.

    Raises
    ------
    NoAnswerError
        If even infinite noise would leave less than the tolerance.
    """
    check_settings(epsilon, tolerance)
    power, modes, channels = field.power, field.num_modes, field.shape[0]
    sigma_max = float(swamped_at(field.power_about_zero, epsilon).max())
    centred = float(swamped_at(power, epsilon).max())
    mismatch = channels * modes * power / 2
    missed = channels * field.mean_offset / 2
    return SigmaBounds(
        sigma_min=float(clean_at(power, modes, tolerance)),
        sigma_min_ring=float(_weakest(power)),
        sigma_max=sigma_max,
        sigma_max_centred=centred,
        epsilon=epsilon,
        tolerance=tolerance,
        kl_bound=float((mismatch.sum() + missed) / sigma_max**2),
        kl_bound_centred=float(mismatch.sum() / centred**2),
        kl_gaussian=_gaussian_kl(field, sigma_max) + missed / sigma_max**2,
        kl_gaussian_centred=_gaussian_kl(field, centred),
    )


def check_settings(epsilon: float, tolerance: float) -> None:
    """Raise `UsageError` unless both settings are positive and can be computed with."""
    for flag, value, unit, least, most in (
        ("--epsilon", epsilon, "nats", LEAST_EPSILON, MOST_EPSILON),
        ("--tolerance", tolerance, "levels", LEAST_TOLERANCE, MOST_TOLERANCE),
    ):
        if not least <= value <= most:
            message = (
                f"{flag} must be a positive number of {unit}, from {least:g} to "
                f"{most:g}, not {value:g}"
            )
            raise UsageError(message)


def _weakest(power: NDArray[np.float64]) -> NDArray[np.float64]:
    level: NDArray[np.float64] = np.sqrt(power.min(axis=-1) / CLEAN_SNR)
    return level


def _gaussian_kl(field: GaussianField, sigma: float) -> float:
    ratio = field.power / sigma**2
    per_mode = (ratio - np.log1p(ratio)) / 2
    return float(field.shape[0] * field.num_modes @ per_mode)


def clean_at(
    power: NDArray[np.float64], num_modes: NDArray[np.int64], tolerance: float
) -> NDArray[np.float64]:
    """Return the largest noise that one linear step removes down to the tolerance.

    It is the root of ``sum n P s^2 / (P + s^2) = sum n * (tolerance * q)^2`` in ``s``,
    with ``q`` the rounding error of 8 bits; the left side grows with ``s``.

    Parameters
    ----------
    power
        Power per ring, (..., K).

    Raises
    ------
    NoAnswerError
        If the left side stays below the right one however strong the noise.
    """
    from scipy.optimize import elementwise

    allowed = (tolerance * QUANTISATION) ** 2 * num_modes.sum()
    energy = power @ num_modes
    if np.any(energy <= allowed):
        message = (
            f"the images differ by less than {tolerance:g} rounding error of 8 bits, "
            "so there is nothing to schedule; lower --tolerance or analyze other images"
        )
        raise NoAnswerError(message)

    rows = power.reshape(-1, power.shape[-1])

    def excess(
        log_sigma: NDArray[np.float64], which: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        noise = np.exp(2 * log_sigma)[..., None]
        left = rows[which] * noise / (rows[which] + noise)
        error: NDArray[np.float64] = left @ num_modes - allowed
        return error

    # The error at sigma is at most n sigma^2, so the root is above the first end.
    low = np.log(tolerance * QUANTISATION) - 1e-3
    high = np.log(_above(power, num_modes, allowed))
    which = np.arange(len(rows)).reshape(high.shape)
    found = elementwise.find_root(
        excess, (np.full_like(high, low), high), args=(which,)
    )
    level: NDArray[np.float64] = np.exp(found.x)
    return level


def _above(
    power: NDArray[np.float64], num_modes: NDArray[np.int64], allowed: float
) -> NDArray[np.float64]:
    """Return a level at which more than the allowed error is left."""
    # n P s^2 / (P + s^2) summed is at least E s^2 / (max P + s^2), E the energy.
    energy = power @ num_modes
    level: NDArray[np.float64] = np.sqrt(
        allowed * power.max(axis=-1) / (energy - allowed)
    )
    return level * 1.001


def bound_intervals(
    spectrum: Spectrum, bounds: SigmaBounds, *, seed: int = 0
) -> BoundIntervals:
    """Return 95 % bootstrap intervals of the bounds over images.

    Sets of `num_images` images are drawn with replacement from the sample; the
    spread of their bounds about that of the sample is laid around the bounds
    themselves, as a ratio. It speaks of chance alone: images of a kind that the data
    set lacks are not foreseen.
    """
    sample, field = spectrum.sample, spectrum.field
    weights = _resampling_weights(sample.num_uniform, spectrum.num_images, seed)
    mean = sample.channel_mean[: sample.num_uniform]
    power = weights @ sample.uniform_power
    about_zero = power.copy()
    about_zero[:, 0] = field.num_pixels * (weights @ np.mean(mean**2, axis=1))
    offset = field.num_pixels * np.mean((weights @ mean) ** 2, axis=1)
    power[:, 0] = about_zero[:, 0] - offset
    # Of images with one mean colour, rounding alone is left, of either sign.
    power[power < ROUNDING * about_zero] = 0.0
    try:
        sigma_min = clean_at(power, field.num_modes, bounds.tolerance)
    except NoAnswerError as error:
        message = (
            f"some sets drawn from these {number_of(sample.num_uniform, 'image')} hold "
            "no differences, so the noise range has no interval; analyze more images"
        )
        raise NoAnswerError(message) from error
    levels = {
        "sigma_min": sigma_min,
        "sigma_min_ring": _weakest(power),
        "sigma_max": swamped_at(about_zero, bounds.epsilon).max(axis=1),
        "sigma_max_centred": swamped_at(power, bounds.epsilon).max(axis=1),
    }
    estimates = asdict(bounds)
    return BoundIntervals(
        **{name: _interval(level, estimates[name]) for name, level in levels.items()}
    )


def _resampling_weights(size: int, num_images: int, seed: int) -> NDArray[np.float64]:
    """Return weights of the sampled images: equal ones first, then each resample's."""
    equal = np.full(size, 1 / size)
    counts = np.random.default_rng(seed).multinomial(num_images, equal, NUM_RESAMPLES)
    weights: NDArray[np.float64] = np.vstack([equal, counts / num_images])
    return weights


def _interval(levels: NDArray[np.float64], estimate: float) -> tuple[float, float]:
    reference, resampled = levels[0], levels[1:]
    if reference <= 0:
        return (estimate, estimate)
    low, high = estimate * np.quantile(resampled / reference, INTERVAL)
    return (float(low), float(high))
