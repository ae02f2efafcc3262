"""Gaussian data: the model in which a solver's error is a product of factors.

Data of mean 0 and standard deviation ``c`` have the denoiser
``c**2 / (c**2 + sigma**2) * x`` and the exact flow ``x`` proportional to
``sqrt(c**2 + sigma**2)``. A stationary field is one such Gaussian per Fourier mode,
with ``c**2`` the mode's power.

Published: the tangent grid (Sabour, Fidler & Kreis, "Align Your Steps", arXiv
2404.14507, Thm 3.1), the transfer factors (Benita, Elad & Keshet, arXiv 2502.00180).
Ours: the one-line proof in `OneGaussian.variance_ratio`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.planning.transfer import transfer, transfer_kl
from spectral_sched.schedules.table import SigmaTable

if TYPE_CHECKING:
    from .trajectories import FloatArray


@dataclass(frozen=True)
class OneGaussian:
    """Independent values of mean 0 and one standard deviation.

    Examples
    --------
    >>> OneGaussian(std=2.0).tangent_table(2.0, 1).sigmas
    (2.0, 0.0)
    """

    std: float

    def __post_init__(self) -> None:
        if not 0 < self.std < np.inf:
            message = f"the standard deviation must be positive, not {self.std}"
            raise ValueError(message)

    def denoise(self, x: FloatArray, sigma: float) -> FloatArray:
        """Return the posterior mean of the data under x."""
        return self.std**2 / (self.std**2 + sigma**2) * x

    def flow(self, x: FloatArray, sigma: float, sigma_next: float) -> FloatArray:
        """Return where the probability flow carries x from one level to another."""
        return x * float(np.hypot(self.std, sigma_next) / np.hypot(self.std, sigma))

    def tangent_table(self, sigma_max: float, num_steps: int) -> SigmaTable:
        """Return Euler's best table from sigma_max (Align Your Steps, Thm 3.1).

        ``arctan(sigma / std)`` is equally spaced from its first value to 0.
        """
        step = np.arctan(sigma_max / self.std) / num_steps
        inner = self.std * np.tan(step * np.arange(num_steps - 1, 0, -1))
        return SigmaTable.of([sigma_max, *inner])

    def variance_ratio(self, sigma_max: float, num_steps: int) -> float:
        """Return true over sampled variance for Euler on the tangent grid.

        It is ``cos(step) ** (-2 * num_steps)``, from an exact start of variance
        ``std**2 + sigma_max**2``.

        Notes
        -----
        With ``sigma = c tan(a)`` an Euler step multiplies by
        ``cos(a - b) cos(a) / cos(b)``. The last two factors telescope to the exact
        flow, so the sampled standard deviation is ``c`` times the product of
        ``cos(a - b)`` whatever the table: always too small, and least so for equal
        steps because ``ln cos`` is concave. Any divergence that grows as the variance
        shrinks has the same optimum.
        """
        step = np.arctan(sigma_max / self.std) / num_steps
        return float(np.cos(step) ** (-2 * num_steps))


@dataclass(frozen=True, eq=False)
class SpectralGaussian:
    """A Gaussian field, one independent Gaussian per Fourier mode.

    Attributes
    ----------
    power
        Variance of a mode in each ring, (K,), positive.
    num_modes
        Modes in each ring, (K,).
    """

    power: FloatArray
    num_modes: FloatArray

    def __post_init__(self) -> None:
        if self.power.shape != self.num_modes.shape or self.power.ndim != 1:
            message = (
                "powers and mode counts need one entry per ring each, "
                f"not {self.power.shape} and {self.num_modes.shape}"
            )
            raise ValueError(message)
        if not np.all(self.power > 0):
            message = "a ring without power has no Gaussian; leave it out"
            raise ValueError(message)

    def denoise(self, x: FloatArray, sigma: float) -> FloatArray:
        """Return the posterior mean, (..., K), of one mode per ring under x."""
        return self.power / (self.power + sigma**2) * x

    def flow(self, x: FloatArray, sigma: float, sigma_next: float) -> FloatArray:
        """Return where the flow carries one mode per ring, (..., K)."""
        return x * np.sqrt((self.power + sigma_next**2) / (self.power + sigma**2))

    def sampled_power(self, sampler: str, table: SigmaTable) -> FloatArray:
        """Return the power per ring, (K,), of what a sampler makes of white noise."""
        factor: FloatArray = transfer(sampler, np.array(table.sigmas), self.power)
        return factor**2

    def squared_distance(self, sampler: str, table: SigmaTable) -> float:
        """Return the squared Wasserstein distance of the sampled from the true field.

        Summed over modes; for two centred Gaussians it is the squared difference of
        their standard deviations.
        """
        std = np.sqrt(self.sampled_power(sampler, table))
        return float(self.num_modes @ (std - np.sqrt(self.power)) ** 2)

    def divergence(self, sampler: str, table: SigmaTable) -> float:
        """Return the nats of divergence of the sampled from the true field."""
        per_mode = transfer_kl(sampler, np.array(table.sigmas), self.power)
        return float(self.num_modes @ per_mode)
