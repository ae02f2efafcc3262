"""The rescaled entropic time of a field with the measured spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from spectral_sched.schedules.family import FamilyInfo
from spectral_sched.schedules.law import Law, invert

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class EntropicLaw(Law):
    """Equal rescaled entropy per unit of t.

    Stancevic, Handke & Ambrogioni, "Entropic Time Schedulers" (arXiv 2504.13612), Sec.
    5.3: the entropy of the image given what is seen at sigma, each bit of it times
    sigma. Its rate is the least squared error over sigma^2. A Gaussian mode of power P
    is left with ``P sigma^2 / (P + sigma^2)``, so that its part is
    ``sqrt(P) arctan(sigma / sqrt(P))``: with one power for all modes this is the
    tangent law. On networks: kind ``entropic-model``.

    Attributes
    ----------
    centred_power, num_modes
        Power about the mean colour and modes per ring, (K,).
    """

    formula: ClassVar[str] = "sum of n sqrt(P) arctan(sigma / sqrt(P)) linear in t"
    source: ClassVar[str] = "Stancevic et al., arXiv 2504.13612, for Gaussian data"

    centred_power: NDArray[np.float64]
    num_modes: NDArray[np.int64]

    @cached_property
    def _rings(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Amplitude and weight of the rings that have any power, the weights' sum 1."""
        used = self.centred_power > 0
        amplitude = np.sqrt(self.centred_power[used])
        weight = self.num_modes[used] * amplitude
        return amplitude, weight / weight.sum()

    def cumulative(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight up to a log_snr, up to a constant."""
        amplitude, weight = self._rings
        sigma = np.exp(np.asarray(log_snr) / -2)[..., None]
        angles: NDArray[np.float64] = np.arctan(sigma / amplitude)
        return -angles @ weight

    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr up to which there is a given weight."""
        amplitude, _ = self._rings
        # What it would be if all modes had one power, the least and the greatest.
        alike = -2 * np.log(np.tan(-np.asarray(cumulative)))
        low, high = (-2 * np.log(end(amplitude)) for end in (np.max, np.min))
        return invert(self.cumulative, cumulative, (alike + low - 1, alike + high + 1))

    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of `cumulative`."""
        amplitude, weight = self._rings
        ratio = np.asarray(log_snr)[..., None] / 2 + np.log(amplitude)
        seen: NDArray[np.float64] = 1 / (4 * np.cosh(ratio))
        return seen @ weight


FAMILIES = (FamilyInfo("entropic", EntropicLaw),)
