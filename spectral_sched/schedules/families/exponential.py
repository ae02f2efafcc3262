"""Levels placed by ln sigma."""

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
class ExponentialLaw(Law):
    """Levels equally spaced in ln sigma: the log-uniform law."""

    formula: ClassVar[str] = "ln sigma linear in t"
    source: ClassVar[str] = "k-diffusion, get_sigmas_exponential"

    def cumulative(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight up to a log_snr, up to a constant."""
        return log_snr

    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr up to which there is a given weight."""
        return cumulative

    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of `cumulative`."""
        return np.ones_like(log_snr)


@dataclass(frozen=True, kw_only=True)
class PolyexponentialLaw(Law):
    """Levels of ln sigma on a power of t, between the ends of the range.

    Above 1, `rho` crowds the levels at low noise; below 1, at high noise.
    """

    formula: ClassVar[str] = "ln sigma linear in t^rho"
    source: ClassVar[str] = "k-diffusion, get_sigmas_polyexponential"

    # With 1000 levels, a higher power leaves the lowest two equal to rounding.
    rho: float = number(1.0, 0.2, 4.5, "larger: more levels at low noise")
    sigma_min: float
    sigma_max: float

    @property
    def reach(self) -> tuple[float, float]:
        """Widest noise range on which there is any weight."""
        return (self.sigma_min, np.inf)

    @property
    def _width(self) -> float:
        return float(2 * np.log(self.sigma_max / self.sigma_min))

    def _ramp(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        top = -2 * np.log(self.sigma_min)
        height: NDArray[np.float64] = np.maximum(top - log_snr, 1e-300)
        return height / self._width

    def cumulative(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight up to a log_snr, up to a constant."""
        return -(self._ramp(log_snr) ** (1 / self.rho))

    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr up to which there is a given weight."""
        ramp = (-cumulative) ** self.rho
        level: NDArray[np.float64] = -2 * np.log(self.sigma_min) - ramp * self._width
        return level

    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of `cumulative`."""
        power: NDArray[np.float64] = self._ramp(log_snr) ** (1 / self.rho - 1)
        return power / (self.rho * self._width)


FAMILIES = (
    FamilyInfo("exponential", ExponentialLaw),
    FamilyInfo("polyexponential", PolyexponentialLaw),
)
