"""Cosine schedules: plain, scaled, shifted and interpolated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from spectral_sched.errors import UsageError
from spectral_sched.schedules.family import FamilyInfo
from spectral_sched.schedules.law import Law, invert
from spectral_sched.schedules.parameters import measured, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = (1, 1e6)


@dataclass(frozen=True, kw_only=True)
class CosineLaw(Law):
    """The cosine schedule, with the variants that keep its shape.

    Nichol & Dhariwal (arXiv 2102.09672) without their offset; scaled by Hang & Gu
    (arXiv 2407.03297); shifted by ``2 ln(noise_d / image_d)`` and interpolated between
    a shift at the clean and another at the noisy end by Hoogeboom, Heek & Salimans,
    "simple diffusion" (arXiv 2301.11093), Eqs. 4 to 6, with the ends as k-diffusion has
    them. `noise_d` sets both shifts, `noise_d_low` and `noise_d_high` one each.
    """

    formula: ClassVar[str] = (
        "log_snr = -2/scale ln tan(pi t/2) + 2 (1-t) ln(noise_d_low/image_d) "
        "+ 2 t ln(noise_d_high/image_d)"
    )
    source: ClassVar[str] = (
        "Nichol & Dhariwal, arXiv 2102.09672; Hoogeboom et al., arXiv 2301.11093; "
        "Hang & Gu, arXiv 2407.03297"
    )

    scale: float = number(1.0, 0.05, 20, "slope: larger for a narrower range")
    image_d: float = measured("side", *SIDE, "side of the images in pixels")
    noise_d: float | None = number(None, *SIDE, "side at which there is no shift")
    noise_d_low: float | None = number(None, *SIDE, "the same, at the clean end")
    noise_d_high: float | None = number(None, *SIDE, "the same, at the noisy end")

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = self._shifts
        if (high - low) / 2 >= np.pi / self.scale:
            message = (
                "noise_d_high is so far above noise_d_low that noise would not grow "
                "with t; bring them closer with --set noise_d_high=..."
            )
            raise UsageError(message)

    @property
    def _shifts(self) -> tuple[float, float]:
        both = self.noise_d or self.image_d
        low, high = self.noise_d_low or both, self.noise_d_high or both
        return (
            float(2 * np.log(low / self.image_d)),
            float(2 * np.log(high / self.image_d)),
        )

    def _tangent(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ln tan(pi t / 2)."""
        low, high = self._shifts
        at_low, at_high = (self.scale * (end - log_snr) / 2 for end in (low, high))
        if low == high:
            return at_low

        def falling(tangent: NDArray[np.float64]) -> NDArray[np.float64]:
            return -self._log_snr(tangent)

        # The shift is somewhere between its ends; a step of 1 makes up for rounding.
        bracket = np.minimum(at_low, at_high) - 1, np.maximum(at_low, at_high) + 1
        return invert(falling, -log_snr, bracket)

    def _log_snr(self, tangent: NDArray[np.float64]) -> NDArray[np.float64]:
        low, high = self._shifts
        time = 2 / np.pi * np.arctan(np.exp(tangent))
        return -2 * tangent / self.scale + low + (high - low) * time

    def _slope(self, tangent: NDArray[np.float64]) -> NDArray[np.float64]:
        low, high = self._shifts
        return 2 / self.scale - (high - low) / (np.pi * np.cosh(tangent))

    def cumulative(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight up to a log_snr, up to a constant."""
        return -2 / np.pi * np.arctan(np.exp(self._tangent(log_snr)))

    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr up to which there is a given weight."""
        return self._log_snr(np.log(np.tan(-np.pi / 2 * cumulative)))

    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of `cumulative`."""
        tangent = self._tangent(log_snr)
        return 1 / (np.pi * np.cosh(tangent) * self._slope(tangent))


FAMILIES = (FamilyInfo("cosine", CosineLaw),)
