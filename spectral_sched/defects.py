"""Exact errors of a solver on Gaussian data, one Fourier mode at a time.

For a mode of power ``P`` the best denoiser is Wiener's, ``P / (P + sigma**2)``, and the
exact trajectory is proportional to ``sqrt(P + sigma**2)``. A table therefore maps the
starting noise to the picture by one factor per mode, its *transfer* (Benita, Elad &
Keshet, arXiv 2502.00180), and every step has a *local defect*: what it gets wrong when
it starts from exact values. That defects rather than the transfer are what carries over
to trained networks is our own finding.

Sigmas are (N + 1, ...) with the final 0, powers are (M,); results are (..., M), complex
where the sigmas are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .solvers import SAMPLERS, Call, Combination

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from .bounds import Start

Numbers = Any
"""Real or complex arrays."""

DEPTH = 8
"""Denoised values kept: as many as the deepest solver may look back on."""


class _Run:
    """A solver under way on one mode per power, with Wiener's denoiser."""

    def __init__(self, start: Numbers, power: NDArray[np.float64]) -> None:
        self.power = power
        self.state = self.point = start
        self.denoised: tuple[Numbers, ...] = ()
        self.points: tuple[Numbers, ...] = ()

    def call(self, call: Call) -> None:
        """Call the denoiser at the point and update the state."""
        seen = self.power / (self.power + call.sigma**2) * self.point
        self.denoised = (seen, *self.denoised[: DEPTH - 1])
        self.points = (self.point, *self.points[: DEPTH - 1])
        if call.state is not None:
            self.state = self.combined(call.state)

    def move(self, call: Call) -> None:
        """Go to the point of the next call."""
        self.point = self.state if call.point is None else self.combined(call.point)

    def combined(self, weights: Combination) -> Numbers:
        """Return the weighted sum of the state, denoised values and points."""
        total = weights.state * self.state
        for weight, value in zip(weights.denoised, self.denoised, strict=False):
            total = total + weight * value
        for weight, value in zip(weights.points, self.points, strict=False):
            total = total + weight * value
        return total

    def restart(self, exact: Numbers, call: Call) -> None:
        """Forget the errors made so far: the state and what was seen are exact."""
        self.state = exact
        point = np.sqrt(self.power + call.sigma**2)
        seen = self.power / point
        self.denoised = (seen, *self.denoised[1:])
        self.points = (point, *self.points[1:])


def transfer(sampler: str, sigmas: Numbers, power: NDArray[np.float64]) -> Numbers:
    """Return the factor from starting noise of unit variance to the picture.

    The end-to-end error of a mode is ``transfer - sqrt(power)``.
    """
    levels = _columns(sigmas)
    run = _Run(levels[0] * np.ones_like(power), power)
    for call in SAMPLERS[sampler](levels):
        run.call(call)
        run.move(call)
    return run.state


def _columns(sigmas: Numbers) -> Sequence[Numbers]:
    return list(np.asarray(sigmas)[..., None])


def local_defects(
    sampler: str, sigmas: Numbers, power: NDArray[np.float64]
) -> Iterator[Numbers]:
    """Yield what each step gets wrong, carried to the end by the exact flow.

    Each step starts from the exact value and sees exact denoised values of the steps
    before it.
    """
    levels = _columns(sigmas)
    run = _Run(np.sqrt(power + levels[0] ** 2), power)
    for call in SAMPLERS[sampler](levels):
        run.call(call)
        if call.state is not None:
            exact = np.sqrt(power + call.level**2)
            yield (run.state - exact) * np.sqrt(power) / exact
            run.restart(exact, call)
        run.move(call)


def start_defect(sigmas: Numbers, power: NDArray[np.float64]) -> Numbers:
    """Return what starting from noise of the first level costs at the end.

    The exact start has variance ``power + sigma**2``.
    """
    first = _columns(sigmas)[0]
    return np.sqrt(power) * (first / np.sqrt(power + first**2) - 1)


def missed_mean(
    sigmas: Numbers, power: NDArray[np.float64], offset: NDArray[np.float64]
) -> Numbers:
    """Return the squared error at the end of a start about zero instead of the mean."""
    first = _columns(sigmas)[0]
    return offset * power / (power + first**2)


def squared_errors(
    sampler: str,
    sigmas: Numbers,
    power: NDArray[np.float64],
    offset: NDArray[np.float64],
    start: Start,
) -> Iterator[Numbers]:
    """Yield the squared errors at the end of the start and of each step, (..., M).

    Their sum is the expected squared error if defects are independent (ours).
    """
    first = start_defect(sigmas, power) ** 2
    if start == "zero":
        first = first + missed_mean(sigmas, power, offset)
    yield first
    for defect in local_defects(sampler, sigmas, power):
        yield defect**2


def transfer_kl(sampler: str, sigmas: Numbers, power: NDArray[np.float64]) -> Numbers:
    """Return the divergence per mode of the sampled from the true Gaussian, (..., M).

    Benita, Elad & Keshet (arXiv 2502.00180); in nats.
    """
    ratio = transfer(sampler, sigmas, power) ** 2 / power
    return (ratio - 1 - np.log(ratio)) / 2
