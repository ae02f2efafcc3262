"""Laws that peak at one log SNR: Laplace and Cauchy (Hang & Gu, arXiv 2407.03297)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from spectral_sched.schedules.family import FamilyInfo
from spectral_sched.schedules.law import Law
from spectral_sched.schedules.parameters import number

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class LaplaceLaw(Law):
    """Laplace's law of log_snr (of ln sigma it has half the mean and half the width).

    Hang & Gu, "Improved Noise Schedule for Diffusion Training" (arXiv 2407.03297),
    Table 1: b 0.5 at 256 pixels, 0.75 at 512.
    """

    formula: ClassVar[str] = "log_snr = mu - b sgn(1/2 - u) ln(1 - 2 |u - 1/2|)"
    source: ClassVar[str] = "Hang & Gu, arXiv 2407.03297, Table 1"

    mu: float = number(0.0, -50, 50, "peak of log_snr")
    b: float = number(0.5, 1e-3, 1e3, "mean distance of log_snr from the peak")

    def cumulative(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight up to a log_snr, up to a constant."""
        distance = (log_snr - self.mu) / self.b
        return -np.sign(distance) * np.expm1(-np.abs(distance)) / 2

    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr up to which there is a given weight."""
        tail = np.log1p(-2 * np.abs(cumulative))
        level: NDArray[np.float64] = self.mu - self.b * np.sign(cumulative) * tail
        return level

    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of `cumulative`."""
        return np.exp(-np.abs(log_snr - self.mu) / self.b) / (2 * self.b)


@dataclass(frozen=True, kw_only=True)
class CauchyLaw(Law):
    """Cauchy's law of log_snr.

    Hang & Gu, "Improved Noise Schedule for Diffusion Training" (arXiv 2407.03297),
    Table 1.
    """

    formula: ClassVar[str] = "log_snr = location + scale tan(pi (u - 1/2))"
    source: ClassVar[str] = "Hang & Gu, arXiv 2407.03297, Table 1"

    location: float = number(0.0, -50, 50, "peak of log_snr")
    scale: float = number(1.0, 1e-3, 1e3, "half width of the peak at half its height")

    def cumulative(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight up to a log_snr, up to a constant."""
        return np.arctan((log_snr - self.location) / self.scale) / np.pi

    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr up to which there is a given weight."""
        return self.location + self.scale * np.tan(np.pi * cumulative)

    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of `cumulative`."""
        distance = (log_snr - self.location) / self.scale
        return 1 / (np.pi * self.scale * (1 + distance**2))


FAMILIES = (
    FamilyInfo("laplace", LaplaceLaw),
    FamilyInfo("cauchy", CauchyLaw),
)
