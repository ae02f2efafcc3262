"""Schedules that dilate the short time in which high-dimensional data take sides.

Aranguri, Biroli, Mézard & Vanden-Eijnden (arXiv 2501.00988) interpolate
``x = a z + b x1`` between noise z (tau = 0) and data x1 (tau = 1). The noise level is
``sigma = a / b``. With `d` values per image, the share ``kappa / sqrt(d)`` of tau
gets half the steps: where the mode of a mixture is chosen (``vp``), or where its
spread is made (``ve``). Any number of steps then serves all dimensions alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from spectral_sched.errors import UsageError
from spectral_sched.schedules.family import FamilyInfo
from spectral_sched.schedules.law import Law
from spectral_sched.schedules.parameters import measured, number

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class DilatedLaw(Law):
    """What both have in common: tau in two straight pieces of equal time."""

    kappa: float = number(3.0, 1e-3, 1e3, "width of the dilated window")
    d: int = measured("num_values", 1, 1e12, "numbers per image")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.share >= 1:
            message = (
                f"kappa must be below the root of d, {self.d**0.5:.3g}, not "
                f"{self.kappa:g}; try --set kappa={self.d**0.5 / 2:.2g}"
            )
            raise UsageError(message)

    @property
    def share(self) -> float:
        """Share of tau that gets half the steps."""
        return float(self.kappa / self.d**0.5)

    def _time(self, tau: NDArray[np.float64], knee: float) -> NDArray[np.float64]:
        """Return the time at which tau is reached; half of it is before the knee."""
        late = 1 + (tau - knee) / (1 - knee)
        return np.where(tau < knee, tau / knee, late) / 2

    def _tau(self, time: NDArray[np.float64], knee: float) -> NDArray[np.float64]:
        late = knee + (1 - knee) * (2 * time - 1)
        return np.where(time < 0.5, 2 * knee * time, late)

    def _rate(self, tau: NDArray[np.float64], knee: float) -> NDArray[np.float64]:
        return np.where(tau < knee, 1 / knee, 1 / (1 - knee)) / 2


@dataclass(frozen=True, kw_only=True)
class VpDilatedLaw(DilatedLaw):
    """Variance-preserving interpolant, a = sqrt(1 - tau^2), b = tau, dilated."""

    formula: ClassVar[str] = (
        "sigma = sqrt(1/tau^2 - 1); half the steps below tau = kappa/sqrt(d)"
    )
    source: ClassVar[str] = "Aranguri et al., arXiv 2501.00988"

    def _tau_of(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.exp(np.logaddexp(0, -log_snr) / -2)

    def cumulative(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight up to a log_snr, up to a constant."""
        return self._time(self._tau_of(log_snr), self.share)

    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr up to which there is a given weight."""
        tau = self._tau(cumulative, self.share)
        return 2 * np.log(tau) - np.log1p(-(tau**2))

    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of `cumulative`."""
        tau = self._tau_of(log_snr)
        noise = np.exp(-np.logaddexp(0, log_snr))
        return self._rate(tau, self.share) * tau * noise / 2


@dataclass(frozen=True, kw_only=True)
class VeDilatedLaw(DilatedLaw):
    """Variance-exploding interpolant, a = sqrt(d) (1 - tau), b = tau, dilated."""

    formula: ClassVar[str] = (
        "sigma = sqrt(d) (1/tau - 1); half the steps above tau = 1 - kappa/sqrt(d)"
    )
    source: ClassVar[str] = "Aranguri et al., arXiv 2501.00988"

    def _tau_of(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        tau: NDArray[np.float64] = 1 / (1 + np.exp(log_snr / -2) / self.d**0.5)
        return tau

    def cumulative(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight up to a log_snr, up to a constant."""
        return self._time(self._tau_of(log_snr), 1 - self.share)

    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr up to which there is a given weight."""
        tau = self._tau(cumulative, 1 - self.share)
        level: NDArray[np.float64] = 2 * np.log(tau / (1 - tau)) - np.log(self.d)
        return level

    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of `cumulative`."""
        tau = self._tau_of(log_snr)
        return self._rate(tau, 1 - self.share) * tau * (1 - tau) / 2


FAMILIES = (
    FamilyInfo("vp-dilated", VpDilatedLaw),
    FamilyInfo("ve-dilated", VeDilatedLaw),
)
