"""The log-normal law that EDM trains with."""

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
class LognormalLaw(Law):
    """Normal law of ln sigma; as a table, its quantiles.

    Karras et al. (arXiv 2206.00364), Table 1, where it is the law to train with.
    """

    formula: ClassVar[str] = "ln sigma normal with mean and std"
    source: ClassVar[str] = "Karras et al., arXiv 2206.00364, Table 1"

    mean: float = number(-1.2, -50, 50, "mean of ln sigma (P_mean)")
    std: float = number(1.2, 1e-3, 1e3, "standard deviation of ln sigma (P_std)")

    def _score(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        return (log_snr / 2 + self.mean) / self.std

    def cumulative(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight up to a log_snr, up to a constant."""
        from scipy.special import ndtr

        weight: NDArray[np.float64] = ndtr(self._score(log_snr))
        return weight

    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr up to which there is a given weight."""
        from scipy.special import ndtri

        score: NDArray[np.float64] = ndtri(cumulative)
        return 2 * (self.std * score - self.mean)

    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of `cumulative`."""
        height = np.sqrt(2 * np.pi) * 2 * self.std
        density: NDArray[np.float64] = np.exp(self._score(log_snr) ** 2 / -2) / height
        return density


FAMILIES = (FamilyInfo("lognormal", LognormalLaw),)
