"""The law of flow matching, linear in flow time with a shift."""

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


FAMILIES = (FamilyInfo("flow", FlowLaw),)
