"""Schedules that follow the spectrum of the data set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from spectral_sched.defaults import EPSILON
from spectral_sched.schedules.curve import Curve, CurveLaw
from spectral_sched.schedules.family import FamilyInfo
from spectral_sched.schedules.law import Law, invert
from spectral_sched.schedules.parameters import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

KAPPA_CLEAN = 100.0
"""Signal-to-noise ratio kept in the ring of the clean end."""

KAPPA_NOISE = float(np.expm1(2 * EPSILON))
"""Signal-to-noise ratio kept in the ring of the noisy end, where it is swamped."""

BY_FREQUENCY = "sigma^2 = P(f) / kappa(t), f falling linearly in t"
BY_POWER = "sigma^2 = P(f) / kappa(t), the energy below f falling linearly in t"

GRID = 2048


@dataclass(frozen=True, kw_only=True, eq=False)
class SpectralLaw(CurveLaw):
    """Levels that follow the spectrum from its faintest ring to its strongest.

    Our reading of Esteves & Makadia, "Spectrally-Guided Diffusion Noise Schedules"
    (arXiv 2603.19222): at time t the noise stands in a given ratio to the power at one
    frequency, which runs down from the corner to DC, equally in frequency
    (`power_weight` 0), equally in power (1), or with ln sigma mixed between the two.
    The ratio runs log-linearly between the two kappas. Where the curve leaves the
    bounds it is cut and stretched over [0, 1]; where it ends inside them, so does the
    schedule.

    Attributes
    ----------
    frequency, power, num_modes
        The spectrum, ascending in frequency, ring 0 first; each (K,).
    """

    formula: ClassVar[str] = "ln sigma the mean of those of frequency and power"
    source: ClassVar[str] = "Esteves & Makadia, arXiv 2603.19222, our reading"

    power_weight: float = number(0.5, 0, 1, "0: by frequency, 1: by power")
    sigma_min: float
    frequency: NDArray[np.float64]
    power: NDArray[np.float64]
    num_modes: NDArray[np.int64]

    @cached_property
    def curve(self) -> Curve:
        """The curve at times evenly spaced."""
        times = np.linspace(1, 0, GRID + 1)
        return Curve(-2 * self._log_sigma(times), -times)

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

    @property
    def reach(self) -> tuple[float, float]:
        """Widest noise range on which there is any weight."""
        high, low = np.exp(self.curve.log_snr[[0, -1]] / -2)
        return (float(low), float(high))


@dataclass(frozen=True, kw_only=True, eq=False)
class InformationLaw(Law):
    """Equal Gaussian information about the image per unit of t (ours).

    A Gaussian mode of power P seen at sigma tells ``ln(1 + P / sigma^2) / 2`` nats, the
    integral of its least error over ``d(-1 / sigma^2) / 2``; t is the share of the sum
    over modes that is still missing. It is the Gaussian form of the information rate
    that InfoNoise (arXiv 2602.18647) estimates on a network.

    Attributes
    ----------
    centred_power, num_modes
        Power about the mean colour and modes per ring, (K,).
    """

    formula: ClassVar[str] = "sum of n ln(1 + P / sigma^2) / 2 over rings linear in t"
    source: ClassVar[str] = "ours; cf. InfoNoise, arXiv 2602.18647"

    centred_power: NDArray[np.float64]
    num_modes: NDArray[np.int64]

    @cached_property
    def _rings(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Ln power and half the share of modes of the rings that have any power."""
        used = self.centred_power > 0
        share = self.num_modes[used] / self.num_modes.sum()
        return np.log(self.centred_power[used]), share / 2

    def cumulative(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight up to a log_snr, up to a constant."""
        log_power, share = self._rings
        nats: NDArray[np.float64] = np.logaddexp(0, log_power + log_snr[..., None])
        return nats @ share

    def inverse(self, cumulative: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr up to which there is a given weight."""
        log_power, share = self._rings
        nats = cumulative / share.sum()
        # The log_snr if all modes had one power. The nats are concave in the power and
        # convex in its logarithm, so that their means bound it (Jensen).
        alike = nats + np.log(-np.expm1(-nats))
        shares = share / share.sum()
        highest = alike - log_power @ shares
        lowest = alike - np.log(np.exp(log_power) @ shares)
        return invert(self.cumulative, cumulative, (lowest - 1, highest + 1))

    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivative of `cumulative`."""
        log_power, share = self._rings
        ratio = np.logaddexp(0, -log_power - log_snr[..., None])
        known: NDArray[np.float64] = np.exp(-ratio)
        return known @ share


FAMILIES = (
    FamilyInfo("frequency", SpectralLaw, {"power_weight": 0.0}, BY_FREQUENCY),
    FamilyInfo("power", SpectralLaw, {"power_weight": 1.0}, BY_POWER),
    FamilyInfo("mixed", SpectralLaw),
    FamilyInfo("information", InformationLaw),
)
