"""Polynomial noise on predefined Karras levels, and the number of levels in training.

Gokmen, Bumgardner, Zhang, Wang & Chen, "High Noise Scheduling is a Must" (arXiv
2404.06353).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from spectral_sched.errors import UsageError
from spectral_sched.schedules.family import FamilyInfo
from spectral_sched.schedules.law import Law
from spectral_sched.schedules.parameters import number

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class PolynomialLaw(Law):
    """A power of t as the place on a vector of rising Karras levels.

    Draws are rounded to the vector, so that training meets the same `num_levels`
    levels again and again. Tables are not.
    """

    formula: ClassVar[str] = "sigma = karras(t^c), draws rounded to num_levels"
    source: ClassVar[str] = "Gokmen et al., arXiv 2404.06353"

    # With 1000 levels, a higher power leaves the lowest two equal to rounding.
    c: float = number(4.0, 0.2, 4.5, "exponent; larger: more low noise")
    num_levels: int = number(1280, 2, 1_000_000, "predefined levels")
    rho: float = number(7.0, 0.1, 1000, "exponent of the Karras levels")
    sigma_min: float
    sigma_max: float

    @property
    def reach(self) -> tuple[float, float]:
        """Widest noise range on which there is any weight."""
        return (self.sigma_min, np.inf)

    @property
    def _roots(self) -> tuple[float, float]:
        return (self.sigma_min ** (1 / self.rho), self.sigma_max ** (1 / self.rho))

    def _place(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        low, high = self._roots
        place = (np.exp(log_snr / (-2 * self.rho)) - low) / (high - low)
        return np.maximum(place, 1e-300)

    def _at(self, place: NDArray[np.float64]) -> NDArray[np.float64]:
        low, high = self._roots
        return -2 * self.rho * np.log(low + place * (high - low))

    def cumulative(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight up to a log_snr, up to a constant."""
        return -(self._place(log_snr) ** (1 / self.c))

    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr up to which there is a given weight."""
        return self._at((-cumulative) ** self.c)

    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of `cumulative`."""
        low, high = self._roots
        slope = np.exp(log_snr / (-2 * self.rho)) / (2 * self.rho * (high - low))
        return slope * self._place(log_snr) ** (1 / self.c - 1) / self.c

    def drawn(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the nearest of the predefined levels."""
        last = self.num_levels - 1
        return self._at(np.rint(self._place(log_snr) * last) / last)


def curriculum_levels(progress: float, first: int = 10, last: int = 1280) -> int:
    """Return the number of predefined levels at a point of the training.

    It rises from `first` to `last` as a quarter of a sine: fast early, slowly late.
    This is our reading of the sinusoidal curriculum of the paper, with the first and
    last numbers of Song & Dhariwal (arXiv 2310.14189).

    Parameters
    ----------
    progress
        Share of the training that is done, from 0 to 1.

    Examples
    --------
    >>> [curriculum_levels(done) for done in (0.0, 1 / 3, 1.0)]
    [10, 645, 1280]
    """
    if not 0 <= progress <= 1:
        message = f"the share of the training done is from 0 to 1, not {progress:g}"
        raise UsageError(message)
    return first + round((last - first) * float(np.sin(np.pi / 2 * progress)))


FAMILIES = (FamilyInfo("polynomial", PolynomialLaw),)
