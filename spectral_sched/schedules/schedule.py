"""Laws of noise and the schedules cut from them.

``log_snr`` is ``-2 ln sigma``. A *law* says how much weight there is up to every
log_snr, over all noise levels and without being normalised; a *schedule* is a law cut
to ``[sigma_min, sigma_max]`` and normalised there. Both views of a schedule are one:

    density(log_snr) = -dt / dlog_snr,    log_snr(t) = quantile(1 - t),

with ``t = 0`` clean and ``t = 1`` noise. As a table, t is equally spaced; for training,
it is drawn uniformly. Arrays are float64 of any shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.errors import UsageError

from .table import SigmaTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .law import Law, Terminal


RESOLVED = 1e-9
"""Least share of a law between the ends, or its quantiles are rounding noise."""


@dataclass(frozen=True)
class Schedule:
    """A law cut to a noise range: sigma as a function of t, and a law to train with.

    Raises
    ------
    UsageError
        If the range is none, or the law has next to no weight in it.

    Examples
    --------
    >>> from spectral_sched.schedules import ExponentialLaw
    >>> Schedule(ExponentialLaw(), 0.01, 100.0)(np.array([0.0, 0.5, 1.0])).round(9)
    array([1.e-02, 1.e+00, 1.e+02])
    """

    law: Law
    sigma_min: float
    sigma_max: float

    def __post_init__(self) -> None:
        check_range(self.sigma_min, self.sigma_max)
        low, high = self._weights
        if not high - low > RESOLVED * max(abs(low), abs(high)):
            message = (
                f"this law has next to no weight between sigma {self.sigma_min:.4g} "
                f"and {self.sigma_max:.4g}; move it with --set, or the range with "
                "--sigma-min and --sigma-max"
            )
            raise UsageError(message)

    @property
    def _ends(self) -> tuple[float, float]:
        return (-2 * np.log(self.sigma_max), -2 * np.log(self.sigma_min))

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        return self.law.cumulative(np.array(self._ends))

    def __call__(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the noise levels at times in [0, 1]."""
        sigma: NDArray[np.float64] = np.exp(self.quantile(1 - t) / -2)
        # The logarithm and back again would leave the ends a rounding off.
        sigma = np.where(t <= 0, self.sigma_min, sigma)
        return np.where(t >= 1, self.sigma_max, sigma)

    def quantile(self, probability: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log_snr below which a draw lies with a probability."""
        low, high = self._weights
        # A law may be infinite where its weight ends; the range cuts that off.
        with np.errstate(divide="ignore", over="ignore"):
            log_snr = self.law.inverse(low + np.clip(probability, 0, 1) * (high - low))
        log_snr = np.where(probability <= 0, self._ends[0], log_snr)
        log_snr = np.where(probability >= 1, self._ends[1], log_snr)
        return np.clip(log_snr, *self._ends)

    def cdf(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability that a draw lies below a log_snr."""
        low, high = self._weights
        inside = self.law.cumulative(np.clip(log_snr, *self._ends))
        probability: NDArray[np.float64] = (inside - low) / (high - low)
        return probability

    def density(self, log_snr: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability density of log_snr."""
        low, high = self._weights
        outside = (log_snr < self._ends[0]) | (log_snr > self._ends[1])
        inside = self.law.density(np.clip(log_snr, *self._ends)) / (high - low)
        return np.where(outside, 0.0, inside)

    def draws(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return noise levels for a batch, ascending, one from each of `count` strata.

        Stratified draws have the law of independent ones and a smaller variance of
        every batch mean (k-diffusion; VDM, arXiv 2107.00630, appendix I.1).
        """
        probability = 1 - (np.arange(count) + rng.random(count)) / count
        return np.exp(self.law.drawn(self.quantile(probability)) / -2)


LARGEST_SIGMA = 1e150
"""Its square, and that of its inverse, are finite numbers."""


def check_range(sigma_min: float, sigma_max: float) -> None:
    """Raise `UsageError` unless 0 < sigma_min < sigma_max, with finite squares."""
    if not 0 < sigma_min < sigma_max < np.inf:
        message = (
            f"a noise range runs from a positive sigma to a larger one, not from "
            f"{sigma_min:g} to {sigma_max:g}; set --sigma-min and --sigma-max"
        )
        raise UsageError(message)
    for flag, sigma in (("--sigma-min", sigma_min), ("--sigma-max", sigma_max)):
        if not 1 / LARGEST_SIGMA <= float(sigma) <= LARGEST_SIGMA:
            message = (
                f"{flag} {sigma:g} is no noise level to compute with; choose one from "
                f"{1 / LARGEST_SIGMA:g} to {LARGEST_SIGMA:g}"
            )
            raise UsageError(message)


def sigma_table(
    schedule: Schedule, num_steps: int, terminal: Terminal | None = None
) -> SigmaTable:
    """Return a schedule at equally spaced times from 1 down, then 0.

    One step gives the noisy end alone.

    Examples
    --------
    >>> from spectral_sched.schedules import FlowLaw
    >>> schedule = Schedule(FlowLaw(), 1e-12, 1.0)
    >>> [round(sigma, 3) for sigma in sigma_table(schedule, 2, "zero").sigmas]
    [1.0, 0.333, 0.0]
    """
    if (terminal or schedule.law.terminal) == "zero":
        times = np.linspace(1, 0, num_steps + 1)[:-1]
    else:
        times = np.linspace(1, 0, num_steps) if num_steps > 1 else np.ones(1)
    return SigmaTable.of(schedule(times))
