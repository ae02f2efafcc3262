"""Levels equally spaced in the time of a straight flow or in an angle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .base import Law
from .family import FamilyInfo
from .parameters import measured, number

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class FlowLaw(Law):
    """Levels equally spaced in flow time, shifted.

    Lipman et al. (arXiv 2210.02747) with the time shift of Esser et al. (arXiv
    2403.03206), Eq. 23: ``t' = shift t / (1 + (shift - 1) t)`` multiplies sigma.
    """

    formula: ClassVar[str] = "sigma = shift t / (1 - t)"
    source: ClassVar[str] = "Esser et al., arXiv 2403.03206, Eq. 23"

    shift: float = number(1.0, 1e-3, 1e3, "factor on all noise levels")

    def cumulative(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight up to a log_snr, up to a constant."""
        return -1 / (1 + self.shift * np.exp(log_snr / 2))

    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr up to which there is a given weight."""
        return -2 * np.log(-self.shift * cumulative / (1 + cumulative))

    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of `cumulative`."""
        time = self.cumulative(log_snr)
        return -time * (1 + time) / 2


@dataclass(frozen=True, kw_only=True)
class TangentLaw(Law):
    """Levels equally spaced in ``arctan(sigma / c)``.

    Sabour, Fidler & Kreis, "Align Your Steps" (arXiv 2404.14507), Thm 3.1: for
    Gaussian data of standard deviation c it minimises the divergence of Euler's
    samples, once the last level is replaced by 0 (``zero`` terminal). User
    interfaces call the same spacing with c = 1 and the ``sigma-min`` terminal "KL
    optimal".
    """

    formula: ClassVar[str] = "arctan(sigma / c) linear in t"
    source: ClassVar[str] = "Sabour et al., arXiv 2404.14507, Thm 3.1 ('KL optimal')"

    c: float = measured("sigma_data", 1e-6, 1e6, "standard deviation of the data")

    def cumulative(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight up to a log_snr, up to a constant."""
        return -np.arctan(np.exp(log_snr / -2) / self.c)

    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr up to which there is a given weight."""
        return -2 * np.log(self.c * np.tan(-cumulative))

    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of `cumulative`."""
        density: NDArray[np.float64] = 1 / (4 * np.cosh(log_snr / 2 + np.log(self.c)))
        return density


FAMILIES = (
    FamilyInfo("flow", FlowLaw),
    FamilyInfo("tangent", TangentLaw),
)
