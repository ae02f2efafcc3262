"""The spectrum of a data set, derived from its statistics.

Centred: the mean colour of the data set is removed, so ring 0 holds the variance of the
mean brightness of the images. All powers are in squared pixel units, pixels in [-1, 1],
averaged over images and, unless the name says otherwise, over channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.documents.strict_json import round_to_float32
from spectral_sched.errors import NoAnswerError

from .gaussian_field import GaussianField
from .periodogram import mean_power

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from spectral_sched.images.pixels import Shape

    from .statistics import SampledImage, SpectrumStatistics, Totals

ROUNDING = 1e-14
"""Energy about the mean, as a share of that of the mean, that is rounding alone."""


@dataclass(frozen=True, eq=False)
class SpectrumSample:
    """Spectra of single images, a uniform sample of the data set first.

    Attributes
    ----------
    power
        Channel-mean power per image and ring, centred, (M, K).
    channel_mean
        Mean of each channel per image, (M, C), not centred.
    labels
        Class of each image, M strings.
    num_uniform
        The first so many images are a uniform sample of the whole set; the others
        only complete the samples of their classes.
    """

    power: NDArray[np.float64]
    channel_mean: NDArray[np.float64]
    labels: tuple[str, ...]
    num_uniform: int

    @property
    def uniform_power(self) -> NDArray[np.float64]:
        """Spectra of the uniform sample of the data set."""
        return self.power[: self.num_uniform]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Radially averaged power spectrum of a set of images of one shape.

    Attributes
    ----------
    field
        Mean colour and mean power per ring.
    num_images
        How many images it is the mean of.
    power_std
        Standard deviation over images of the power per ring, (K,).
    log_power_mean, log_power_std
        Mean and standard deviation over images of the natural log of power, (K,).
        Ring 0 of these and of `power_std` is taken over the sample, because it depends
        on the mean colour, which is known only at the end.
    class_counts
        Images per class.
    sample
        Spectra of single images.
    data_key
        Digest of the pixels, whatever their order and container.
    num_distinct
        How many of the images are different; None if that is not known.
    """

    field: GaussianField
    num_images: int
    power_std: NDArray[np.float64]
    log_power_mean: NDArray[np.float64]
    log_power_std: NDArray[np.float64]
    class_counts: Mapping[str, int]
    sample: SpectrumSample
    data_key: str
    num_distinct: int | None = None


def dataset_spectrum(statistics: SpectrumStatistics) -> Spectrum:
    """Derive the spectrum of a data set from its statistics.

    Raises
    ------
    NoAnswerError
        If there is no image, or all images are the same one colour.
    """
    count = statistics.num_images
    if not count:
        message = "there is no spectrum of no images; name at least one image"
        raise NoAnswerError(message)
    totals = statistics.totals()
    field = mean_field(statistics.shape, totals, count)
    _refuse_constant(field)
    sample = _sample(statistics, field.mean_color)
    power_std, log_power_mean, log_power_std = _spreads(count, totals, sample)
    return Spectrum(
        field=field,
        num_images=count,
        power_std=power_std,
        log_power_mean=log_power_mean,
        log_power_std=log_power_std,
        class_counts=dict(sorted(statistics.class_counts.items())),
        sample=sample,
        data_key=f"{statistics.key_sum:032x}",
        num_distinct=statistics.distinct.count,
    )


def mean_field(shape: Shape, totals: Totals, count: int) -> GaussianField:
    """Return the mean colour and the cross power about it of so many images."""
    mean_color = totals.channel_mean / count
    offset = math.prod(shape[1:]) * np.outer(mean_color, mean_color)
    cross_power = totals.cross_power / count
    deviation = cross_power[0] - offset
    cross_power[0] = np.where(
        np.abs(deviation) > ROUNDING * np.abs(offset), deviation, 0
    )
    return GaussianField(shape, mean_color, cross_power)


def _refuse_constant(field: GaussianField) -> None:
    energy = field.num_modes @ field.power
    if energy <= ROUNDING * field.mean_offset:
        message = (
            "all images are the same constant colour, so there is nothing to schedule; "
            "analyze images that differ"
        )
        raise NoAnswerError(message)


def _sample(
    statistics: SpectrumStatistics, mean_color: NDArray[np.float64]
) -> SpectrumSample:
    images = _sampled_images(statistics)
    power = np.stack([image.power for image in images])
    channel_mean = np.stack([image.channel_mean for image in images])
    deviation = np.mean((channel_mean - mean_color) ** 2, axis=1)
    power[:, 0] = math.prod(statistics.shape[1:]) * deviation
    return SpectrumSample(
        # Seven digits are far below the scatter between images, and halve the file.
        power=round_to_float32(power),
        channel_mean=round_to_float32(channel_mean),
        labels=tuple(image.label for image in images),
        num_uniform=len(statistics.sample),
    )


def _sampled_images(statistics: SpectrumStatistics) -> list[SampledImage]:
    uniform = {image[:2] for image in statistics.sample}
    rest = [
        image
        for label in sorted(statistics.class_samples)
        for image in statistics.class_samples[label]
        if image[:2] not in uniform
    ]
    return [*statistics.sample, *rest]


def _spreads(
    count: int, totals: Totals, sample: SpectrumSample
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the standard deviation of power, and mean and std of its log, (K,)."""
    mean = mean_power(totals.cross_power) / count
    power_std = _std(totals.power_squared / count, mean)
    positive = np.maximum(totals.num_positive, 1)
    log_mean = totals.log_power / positive
    log_std = _std(totals.log_power_squared / positive, log_mean)
    lightness = sample.uniform_power[:, 0]
    logs = np.log(lightness[lightness > 0]) if np.any(lightness > 0) else np.zeros(1)
    power_std[0], log_mean[0], log_std[0] = lightness.std(), logs.mean(), logs.std()
    return power_std, log_mean, log_std


def _std(
    mean_square: NDArray[np.float64], mean: NDArray[np.float64]
) -> NDArray[np.float64]:
    deviation: NDArray[np.float64] = np.sqrt(np.maximum(mean_square - mean**2, 0))
    return deviation
