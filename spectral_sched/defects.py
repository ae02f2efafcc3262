"""Exact errors of a solver on Gaussian data, one Fourier mode at a time.

For a mode of power ``P`` the best denoiser is Wiener's, ``P / (P + sigma**2)``, and the
exact trajectory is proportional to ``sqrt(P + sigma**2)``. A table therefore maps the
starting noise to the picture by one factor per mode, its *transfer* (Benita, Elad &
Keshet, arXiv 2502.00180), and every step has a *local defect*: what it gets wrong when
it starts from exact values. Which of the two carries over to trained networks is told
by `mode_errors`.

Sigmas are (N + 1, ...) with the final 0, powers are (M,); results are (..., M), complex
where the sigmas are.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .solvers import DEPTH, RENEWING_NOISE, SAMPLERS, Call, Combination

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Numbers = Any
"""Real or complex arrays."""

Value = tuple[Numbers, ...]
"""Weights of one value on independent sources of unit variance."""


class _Run:
    """A solver under way on one mode per power, with Wiener's denoiser.

    A value is its weights on independent sources of unit variance, the first being the
    start and each fresh noise one more, so that variances of stochastic samplers are
    exact.
    """

    def __init__(self, start: Numbers, power: NDArray[np.float64]) -> None:
        self.power = power
        self.state: Value = (start,)
        self.point: Value = self.state
        self.denoised: list[Value] = []
        self.points: list[Value] = []
        self.num_sources = 1

    def call(self, call: Call) -> None:
        """Call the denoiser at the point and update the state."""
        share = self.power / (self.power + call.sigma**2)
        self._see(self.point, tuple(share * part for part in self.point))
        if call.state is not None:
            self.state = self.combined(call.state)

    def _see(self, point: Value, denoised: Value) -> None:
        self.points = [point, *self.points[: DEPTH - 1]]
        self.denoised = [denoised, *self.denoised[: DEPTH - 1]]

    def move(self, call: Call) -> None:
        """Go to the point of the next call."""
        self.point = self.state if call.point is None else self.combined(call.point)

    def combined(self, weights: Combination) -> Value:
        """Return the weighted sum of the state, denoised values, points and noise."""
        terms = [
            (weights.state, self.state),
            *zip(weights.denoised, self.denoised, strict=False),
            *zip(weights.points, self.points, strict=False),
        ]
        weighted = [[weight * part for part in value] for weight, value in terms]
        total = [sum(parts) for parts in zip_longest(*weighted, fillvalue=0.0)]
        if np.any(weights.noise):
            total += [0.0] * (self.num_sources - len(total)) + [weights.noise]
            self.num_sources += 1
        return tuple(total)

    def restart(self, call: Call, renewal: float) -> None:
        """Forget the errors made so far: the state and what was seen are exact.

        `renewal` is the exponent by which the exact process of the step forgets.
        """
        exact, before = (
            np.sqrt(self.power + level**2) for level in (call.level, call.sigma)
        )
        self.state, self.num_sources = (exact,), 1
        point: Value = (before,)
        if renewal:
            kept = (exact / before) ** renewal
            point, self.num_sources = (before * kept, before * np.sqrt(1 - kept**2)), 2
        share = self.power / before**2
        self.points, self.denoised = self.points[1:], self.denoised[1:]
        self._see(point, tuple(share * part for part in point))


def size(value: Value) -> Numbers:
    """Return the standard deviation of a value, with its sign where it has one."""
    return value[0] if len(value) == 1 else np.sqrt(sum(part**2 for part in value))


def transfer(sampler: str, sigmas: Numbers, power: NDArray[np.float64]) -> Numbers:
    """Return the factor from starting noise of unit variance to the picture.

    The end-to-end error of a mode is ``transfer - sqrt(power)``. For a stochastic
    sampler it is the standard deviation of the picture.
    """
    return size(transfer_by_source(sampler, sigmas, power))


def transfer_by_source(
    sampler: str, sigmas: Numbers, power: NDArray[np.float64]
) -> Value:
    """Return the factors from the starting noise and from each later noise."""
    levels = columns(sigmas)
    run = _Run(levels[0] * np.ones_like(power), power)
    for call in SAMPLERS[sampler](levels):
        run.call(call)
        run.move(call)
    return run.state


def columns(sigmas: Numbers) -> Sequence[Numbers]:
    """Return the levels of tables, (N + 1, ...), one by one with an axis for modes."""
    return list(np.asarray(sigmas)[..., None])


class Defects(NamedTuple):
    """Errors of a table at the end, each made once and then carried by exact steps.

    Attributes
    ----------
    amplitudes
        Errors in the standard deviation, of the start and of each step, (N + 1, ...).
    mean_kept
        Share of a squared error in the starting mean that is left.
    """

    amplitudes: list[Numbers]
    mean_kept: Numbers


def local_defects(sampler: str, sigmas: Numbers, power: NDArray[np.float64]) -> Defects:
    """Return what the start and each step get wrong, carried to the end exactly.

    The start is noise alone, though the exact start has variance ``power + sigma**2``.
    Each step begins with the exact value and sees exact denoised values of the steps
    before it; wrong is the standard deviation of the state after it. Noise that a
    sampler adds or renews makes it forget earlier errors.
    """
    first, *_ = levels = columns(sigmas)
    run, renewal = _Run(np.sqrt(power + first**2), power), _renewal(sampler)
    made = [_Made((first - run.state[0]) * run.state[0], first, 1.0)]
    for call in SAMPLERS[sampler](levels):
        run.call(call)
        if call.state is not None:
            exact = np.sqrt(power + call.level**2)
            diluted = 1 - (0 if renewal else call.state.noise**2 / exact**2)
            wrong = (size(run.state) - exact) * exact
            made.append(_Made(wrong, call.level, diluted))
            run.restart(call, renewal)
        run.move(call)
    return _carried(made, power, renewal)


class _Made(NamedTuple):
    """Half an error in variance, the level it is made at, and what noise leaves there.

    Noise that is added raises the variance and leaves the error in it as it is, so
    errors from before are diluted.
    """

    error: Numbers
    level: Numbers
    diluted: Numbers


def _renewal(sampler: str) -> float:
    return RENEWING_NOISE.get(sampler, 0.0)


def _carried(
    made: Sequence[_Made], power: NDArray[np.float64], renewal: float
) -> Defects:
    amplitudes: list[Numbers] = []
    diluted: Numbers = 1.0
    kept: Numbers = 1.0
    for error, level, dilution in reversed(made):
        kept = power / (power + level**2)
        kept = (kept ** (1 + renewal) if renewal else kept) * diluted
        amplitudes.append(error * kept / np.sqrt(power))
        diluted = diluted * dilution
    return Defects(amplitudes[::-1], kept)


def transfer_kl(sampler: str, sigmas: Numbers, power: NDArray[np.float64]) -> Numbers:
    """Return the divergence per mode of the sampled from the true Gaussian, (..., M).

    Benita, Elad & Keshet (arXiv 2502.00180); in nats.
    """
    ratio = transfer(sampler, sigmas, power) ** 2 / power
    return (ratio - 1 - np.log(ratio)) / 2
