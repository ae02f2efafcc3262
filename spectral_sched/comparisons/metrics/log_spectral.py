"""Power of samples over power of real images in each ring, in decibels.

The log-spectral distance of speech coding (Gray & Markel, IEEE Trans. ASSP 24 (1976))
on the rings of an image's spectrum, as the mean of absolute decibels over rings. The
signs say which rings lost power (below 0) or gained some. Images are taken about the
mean colour of the real ones, so that a shifted colour is power gained in ring 0. The
power of rounding to 8 bits is added to both, below which nothing counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.spectra.bounds import QUANTISATION
from spectral_sched.spectra.periodogram import ring_powers

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


class LogSpectra:
    """The decibels of sets of samples over real images that are measured once.

    Parameters
    ----------
    real
        Images in [-1, 1], (M, C, H, W).
    """

    def __init__(self, real: NDArray[np.floating]) -> None:
        self.mean = real.mean(axis=(0, 2, 3), dtype=np.float64)[:, None, None]
        self.real_power = _powers(real, self.mean).mean(axis=0)

    def of(
        self, samples: NDArray[np.floating]
    ) -> Callable[[NDArray[np.intp]], NDArray[np.float64]]:
        """Return what is known of samples, (N, C, H, W), by which of them are kept.

        That is the mean of absolute decibels, then those of each ring, (1 + K,).
        """
        power = _powers(samples, self.mean)

        def spectra(kept: NDArray[np.intp]) -> NDArray[np.float64]:
            ratio = power[kept].mean(axis=0) / self.real_power
            decibels: NDArray[np.float64] = 10 * np.log10(ratio)
            return np.concatenate([[np.abs(decibels).mean()], decibels])

        return spectra


def _powers(
    pictures: NDArray[np.floating], mean: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the power of each image in each ring, (N, K)."""
    powers = [ring_powers(picture - mean, precision="float64") for picture in pictures]
    rows: NDArray[np.float64] = np.stack([each.power for each in powers])
    return rows + float(QUANTISATION) ** 2
