"""What solvers make of Gaussian data, exactly, one Fourier mode at a time.

For a mode of power ``P`` the best denoiser is Wiener's, ``P / (P + sigma**2)``. A table
therefore maps the starting noise to the image by one factor per mode, its *transfer*
(Benita, Elad & Keshet, arXiv 2502.00180), and each later noise by another.

Sigmas are (N + 1, ...) with the final 0, powers are (M,); results are (..., M), complex
where the sigmas are.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.solvers.recurrence import Play
from spectral_sched.solvers.registry import SAMPLERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from spectral_sched.solvers.recurrence import Call

Numbers = Any
"""Real or complex arrays."""


@dataclass(frozen=True, eq=False)
class GaussianValue:
    """A Gaussian value per mode: its weights on independent sources of unit variance.

    The first source is the start and each fresh noise is one more, so that variances of
    stochastic solvers are exact.
    """

    weights: tuple[Numbers, ...]

    # Weights that are arrays leave the product to `__rmul__`.
    __array_ufunc__ = None

    def __rmul__(self, factor: Numbers) -> GaussianValue:
        return GaussianValue(tuple(factor * weight for weight in self.weights))

    def __add__(self, other: GaussianValue) -> GaussianValue:
        pairs = zip_longest(self.weights, other.weights, fillvalue=0.0)
        return GaussianValue(tuple(one + another for one, another in pairs))

    @property
    def size(self) -> Numbers:
        """Its standard deviation, with its sign where it has but one source."""
        if len(self.weights) == 1:
            return self.weights[0]
        return np.sqrt(sum(weight**2 for weight in self.weights))


class _Run(Play[GaussianValue]):
    """A solver under way on one mode per power, with Wiener's denoiser."""

    def __init__(self, start: Numbers, power: NDArray[np.float64]) -> None:
        super().__init__(GaussianValue((start,)), self._fresh)
        self.power = power
        self.num_sources = 1

    def _fresh(self) -> GaussianValue:
        self.num_sources += 1
        return GaussianValue((*[0.0] * (self.num_sources - 1), 1.0))

    def denoise(self, call: Call) -> GaussianValue:
        """Return what Wiener's denoiser makes of the point."""
        denoised: GaussianValue = self.power / (self.power + call.sigma**2) * self.point
        return denoised


def transfer(sampler: str, sigmas: Numbers, power: NDArray[np.float64]) -> Numbers:
    """Return the factor from starting noise of unit variance to the image.

    The global error of a mode is ``transfer - sqrt(power)``. For a stochastic
    sampler it is the standard deviation of the image.
    """
    return transfer_by_source(sampler, sigmas, power).size


def transfer_by_source(
    sampler: str, sigmas: Numbers, power: NDArray[np.float64]
) -> GaussianValue:
    """Return the factors from the starting noise and from each later noise."""
    levels = columns(sigmas)
    run = _Run(levels[0] * np.ones_like(power), power)
    for call in SAMPLERS[sampler].calls(levels):
        run.take(call, run.denoise(call))
    return run.state


def columns(sigmas: Numbers) -> Sequence[Numbers]:
    """Return the levels of tables, (N + 1, ...), one by one with an axis for modes."""
    return list(np.asarray(sigmas)[..., None])


def transfer_kl(sampler: str, sigmas: Numbers, power: NDArray[np.float64]) -> Numbers:
    """Return the divergence per mode of the sampled from the true Gaussian, (..., M).

    Benita, Elad & Keshet (arXiv 2502.00180); in nats.
    """
    ratio = transfer(sampler, sigmas, power) ** 2 / power
    return (ratio - 1 - np.log(ratio)) / 2
