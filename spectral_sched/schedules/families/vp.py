"""Levels equally spaced in the time of the variance-preserving process."""

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
class VpLaw(Law):
    """Levels equally spaced in time where the noise rate grows linearly with time.

    Song et al., "Score-Based Generative Modeling through Stochastic Differential
    Equations" (arXiv 2011.13456), Eq. 33, by k-diffusion's names. Its own ends are the
    levels at ``t = eps_s`` and ``t = 1``.
    """

    formula: ClassVar[str] = "sigma^2 = exp(beta_d t^2 / 2 + beta_min t) - 1"
    source: ClassVar[str] = "Song et al., arXiv 2011.13456; k-diffusion, get_sigmas_vp"

    beta_d: float = number(19.9, 1e-3, 1000, "growth of the noise rate")
    beta_min: float = number(0.1, 1e-6, 1000, "noise rate at t = 0")
    eps_s: float = number(1e-3, 1e-9, 0.5, "time of the lowest level")

    @property
    def ends(self) -> tuple[float, float]:
        """Noise range of the law itself."""
        low, high = np.exp(self.inverse(-np.array([self.eps_s, 1.0])) / -2)
        return (float(low), float(high))

    def cumulative(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight up to a log_snr, up to a constant."""
        integral = np.logaddexp(0, -log_snr)
        root = np.sqrt(self.beta_min**2 + 2 * self.beta_d * integral)
        return -2 * integral / (self.beta_min + root)

    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr up to which there is a given weight."""
        integral = self.beta_d * cumulative**2 / 2 - self.beta_min * cumulative
        return -integral - np.log(-np.expm1(-integral))

    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of `cumulative`."""
        rate = self.beta_min - self.beta_d * self.cumulative(log_snr)
        return np.exp(-np.logaddexp(0, log_snr)) / rate


FAMILIES = (FamilyInfo("vp", VpLaw),)
