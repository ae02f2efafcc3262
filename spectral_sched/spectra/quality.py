"""Signs that a data set is not what it seems, and what they do to a spectrum.

Upsampled and heavily compressed images fall off much faster at some frequency than
below it. The sign is the largest fall within one octave, between bands of half an
octave, in the mean luma power. Measured on 60 photographs, in bits (factors of two):

====================================================== ==========
native, or shrunk with Lanczos, bicubic or box          2.3 - 2.9
shrunk with a bilinear filter                           3.3
JPEG of quality 75, 50, 30                              2.8 - 3.3
JPEG of quality 20, 10                                  3.6 - 3.8
upsampled by 1.25 (bicubic)                             4.1
upsampled by 1.5 to 4 (bilinear, bicubic, Lanczos)      4.9 - 6.7
====================================================== ==========

32x32 tiles of quality 10 read 3.3 to 3.8. WebP of any quality does not show, nor do
images that were upsampled by repeating pixels.

JPEG usually stores colour at half the resolution (4:2:0). On the same photographs that
leaves 0.25 to 0.33 of the power of Cb and Cr between 0.18 and 0.35 cycles per pixel,
0.5 just below and above, and all but 1 % of the power of RGB, which is mostly luma.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.words import number_of

from .periodogram import LUMA_WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .gaussian_field import GaussianField
    from .spectrum import Spectrum

STEEP_BITS = 3.5
"""Fall within an octave, in factors of two, that images as they are taken lack."""

STEEPENING_BITS = 1.0
"""How much more that must be than the least fall at lower frequencies, so that a set
that is smooth at all scales is not blamed."""

ORDER_OF_MAGNITUDE = 10
"""Times that the deviation of one band may be that of another without a word."""

SMALLEST_SIDE = 32
LOWEST_FREQUENCY = 1 / 32
RINGS_PER_BAND = 2.5
"""Rings below the lowest band, so that none of the bands is without a ring."""


def data_warnings(
    spectrum: Spectrum,
    num_subsampled: int,
    num_pages_left: int = 0,
) -> list[str]:
    """Return what to be warned of, one sentence each.

    Parameters
    ----------
    num_subsampled
        How many of the images had their colour stored at a lower resolution.
    num_pages_left
        How many pages come after the first ones of their files, and were not read.
    """
    return [
        *pages_warning(num_pages_left),
        *_copies(spectrum.num_images, spectrum.num_distinct),
        *_subsampled_chroma(spectrum.num_images, num_subsampled),
        *_steep_fall(spectrum.field),
        *_uneven_bands(spectrum.field),
    ]


def pages_warning(count: int) -> Iterator[str]:
    """Yield what to say of pages that were not read, if there are any."""
    if count:
        yield (
            f"left out {number_of(count, 'page')} of TIFFs after the first of each; "
            "--planes all takes all"
        )


def _copies(num_images: int, num_distinct: int | None) -> Iterator[str]:
    if num_distinct is None or num_distinct == num_images:
        return
    yield (
        f"{number_of(num_distinct, 'different image')}, "
        f"{number_of(num_images, 'file')}: copies count as images of their own, so "
        "the intervals are too narrow; remove copies"
    )


def _subsampled_chroma(num_images: int, num_subsampled: int) -> Iterator[str]:
    if not num_subsampled:
        return
    yield (
        f"{num_subsampled} of {number_of(num_images, 'image')} "
        f"({num_subsampled / num_images:.0%}) are JPEGs with subsampled chroma: "
        "colour differences have about a quarter of their power at mid frequencies; "
        "halve the size with --resolution, or use --color luma, to see none of it"
    )


def _steep_fall(field: GaussianField) -> Iterator[str]:
    fall = steepest_fall(field)
    if fall is None:
        return
    frequency, bits = fall
    yield (
        f"power falls by a factor of {2**bits:.0f} within the octave below "
        f"{frequency:.2f} cycles/pixel: upsampled, blurred or heavily compressed "
        "images do so; sigma_min is then that of the missing detail"
    )


def _uneven_bands(field: GaussianField) -> Iterator[str]:
    deviation = band_deviations(field)
    least, most = float(deviation.min()), float(deviation.max())
    if least * ORDER_OF_MAGNITUDE > most:
        return
    yield (
        f"standard deviations of the bands are from {least:.3g} to {most:.3g}, and a "
        "table is for one noise level over all of them; if training brings each band "
        "to one scale, do so here with --standardize band"
    )


def band_deviations(field: GaussianField) -> NDArray[np.float64]:
    """Return the standard deviation of each channel, (C,)."""
    power = np.diagonal(field.cross_power, axis1=1, axis2=2)
    variance: NDArray[np.float64] = field.num_modes @ power / field.num_pixels
    return np.sqrt(variance)


def steepest_fall(field: GaussianField) -> tuple[float, float] | None:
    """Return where power falls conspicuously, and how far, or None.

    Returns
    -------
    The upper end of the octave in cycles per pixel, and the fall in factors of two.
    """
    _, height, width = field.shape
    if min(height, width) < SMALLEST_SIDE:
        return None
    edges, levels = _bands(field)
    falls = levels[:-2] - levels[2:]
    steepest = int(np.argmax(falls))
    gentle = float(falls[: steepest + 1].min())
    fall = float(falls[steepest])
    if fall < STEEP_BITS or fall - gentle < STEEPENING_BITS:
        return None
    return float(edges[steepest + 2]), fall


def _bands(field: GaussianField) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the upper ends of bands of half an octave and log2 of their power."""
    lowest = max(LOWEST_FREQUENCY, RINGS_PER_BAND / max(field.shape[1:]))
    count = int(2 * np.log2(0.5 / lowest))
    edges = 0.5 * 2.0 ** (-np.arange(count, -1, -1) / 2)
    power = field.power_luma if field.shape[0] in LUMA_WEIGHTS else field.power
    levels = np.empty(count)
    for band, (low, high) in enumerate(pairwise(edges)):
        inside = (field.frequency > low) & (field.frequency <= high)
        mean = np.average(power[inside], weights=field.num_modes[inside])
        levels[band] = np.log2(max(mean, np.finfo(float).tiny))
    return edges[1:], levels
