"""Levels equally spaced in a root of sigma."""

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
class KarrasLaw(Law):
    """Levels equally spaced in ``sigma ** (1 / rho)``.

    Karras, Aittala, Aila & Laine, "Elucidating the Design Space of Diffusion-Based
    Generative Models" (arXiv 2206.00364), Eq. 5.
    """

    formula: ClassVar[str] = "sigma^(1/rho) linear in t"
    source: ClassVar[str] = "Karras et al., arXiv 2206.00364, Eq. 5"

    rho: float = number(7.0, 0.1, 1000, "larger: more levels at low noise")

    def cumulative(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight up to a log_snr, up to a constant."""
        return -self.rho * np.expm1(log_snr / (-2 * self.rho))

    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr up to which there is a given weight."""
        return -2 * self.rho * np.log1p(-cumulative / self.rho)

    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of `cumulative`."""
        return np.exp(log_snr / (-2 * self.rho)) / 2


FAMILIES = (FamilyInfo("karras", KarrasLaw),)
