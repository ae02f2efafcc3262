"""The law of simple diffusion, log-tangent with a shift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from spectral_sched.schedules.family import FamilyInfo
from spectral_sched.schedules.law import Law
from spectral_sched.schedules.parameters import measured

if TYPE_CHECKING:
    from numpy.typing import NDArray


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


FAMILIES = (FamilyInfo("tangent", TangentLaw),)
