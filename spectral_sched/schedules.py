"""Noise schedules: sigma as a function of t, from 0 (clean) to 1 (noise).

Each family is one frozen class that is called with times and returns noise levels,
strictly increasing in t and equal to its ends where the family reaches them. A table
is a schedule read at equally spaced times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from .defaults import EPSILON
from .tables import SigmaTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .bounds import Start
    from .gaussian_field import GaussianField

KAPPA_CLEAN = 100.0
"""Signal-to-noise ratio kept in the ring of the clean end."""

KAPPA_NOISE = float(np.expm1(2 * EPSILON))
"""Signal-to-noise ratio kept in the ring of the noisy end, where it is swamped."""

GRID = 2048


class NoiseSchedule(Protocol):
    """Sigma as a function of t."""

    def __call__(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the noise levels at times in [0, 1]."""
        ...


@dataclass(frozen=True)
class KarrasSchedule:
    """Levels equally spaced in ``sigma ** (1 / rho)``.

    Karras, Aittala, Aila & Laine, "Elucidating the Design Space of Diffusion-Based
    Generative Models" (arXiv 2206.00364), Eq. 5.
    """

    sigma_min: float
    sigma_max: float
    rho: float = 7.0

    def __call__(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the noise levels at times in [0, 1]."""
        low, high = self.sigma_min ** (1 / self.rho), self.sigma_max ** (1 / self.rho)
        sigma: NDArray[np.float64] = (low + t * (high - low)) ** self.rho
        return sigma


@dataclass(frozen=True)
class ExponentialSchedule:
    """Levels equally spaced in ln sigma."""

    sigma_min: float
    sigma_max: float

    def __call__(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the noise levels at times in [0, 1]."""
        sigma: NDArray[np.float64] = self.sigma_min ** (1 - t) * self.sigma_max**t
        return sigma


@dataclass(frozen=True, eq=False)
class SpectralSchedule:
    """Levels that follow the spectrum from its faintest ring to its strongest.

    Our reading of Esteves & Makadia (arXiv 2603.19222): at time t the noise stands in
    a given ratio to the power at one frequency, which runs down from the corner to DC,
    equally in frequency (`power_weight` 0), equally in power (1), or with ln sigma
    mixed between the two. The ratio runs log-linearly between the two kappas. Where
    the curve leaves the bounds it is cut and stretched over [0, 1].

    Attributes
    ----------
    frequency, power, num_modes
        The spectrum, ascending in frequency, ring 0 first; each (K,).
    """

    sigma_min: float
    sigma_max: float
    frequency: NDArray[np.float64]
    power: NDArray[np.float64]
    num_modes: NDArray[np.int64]
    power_weight: float

    def __call__(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the noise levels at times in [0, 1]."""
        times = np.linspace(0, 1, GRID + 1)
        curve = self._log_sigma(times)
        ends = np.interp(np.log([self.sigma_min, self.sigma_max]), curve, times)
        sigma: NDArray[np.float64] = np.exp(
            np.interp(ends[0] + t * (ends[1] - ends[0]), times, curve)
        )
        return sigma

    def _log_sigma(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        energy = np.cumsum(self.num_modes * self.power)
        by_power = np.interp(1 - t, energy / energy[-1], self.frequency)
        by_frequency = self.frequency[-1] * (1 - t)
        # Far below the lower bound the power has no influence but must have a log.
        falling = np.minimum.accumulate(self.power)
        floor = np.log(np.maximum(falling, (self.sigma_min / 100) ** 2))
        log_kappa = (1 - t) * np.log(KAPPA_CLEAN) + t * np.log(KAPPA_NOISE)
        weight = self.power_weight
        log_power = (1 - weight) * np.interp(by_frequency, self.frequency, floor)
        log_power += weight * np.interp(by_power, self.frequency, floor)
        curve: NDArray[np.float64] = (log_power - log_kappa) / 2
        return curve


def spectral_schedule(
    field: GaussianField, ends: tuple[float, float], start: Start, power_weight: float
) -> SpectralSchedule:
    """Return the schedule of a data set's mean spectrum."""
    power = field.power_about_zero if start == "zero" else field.power
    return SpectralSchedule(
        *ends, field.frequency, power, field.num_modes, power_weight
    )


def sigma_table(schedule: NoiseSchedule, num_steps: int) -> SigmaTable:
    """Return a schedule at `num_steps` equally spaced times from 1 to 0, then 0.

    One step gives the noisy end alone.
    """
    times = np.linspace(1, 0, num_steps) if num_steps > 1 else np.ones(1)
    return SigmaTable.of(schedule(times))


Family = Callable[["GaussianField", tuple[float, float], "Start"], NoiseSchedule]

SCHEDULES: Mapping[str, Family] = {
    "karras": lambda _field, ends, _start: KarrasSchedule(*ends),
    "exponential": lambda _field, ends, _start: ExponentialSchedule(*ends),
    "frequency": partial(spectral_schedule, power_weight=0.0),
    "power": partial(spectral_schedule, power_weight=1.0),
    "mixed": partial(spectral_schedule, power_weight=0.5),
}
"""Families by the names used in commands and files."""
