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


def transfer(sampler: str, sigmas: Numbers, power: NDArray[np.float64]) -> Numbers:
    """Return the factor from starting noise of unit variance to the picture.

    The end-to-end error of a mode is ``transfer - sqrt(power)``.
    """
    levels = _columns(sigmas)
    state = point = levels[0] * np.ones_like(power)
    history: tuple[Numbers, ...] = ()
    for call in SAMPLERS[sampler](levels):
        state, point, history = _advance(call, state, point, history, power)
    return state


def _columns(sigmas: Numbers) -> Sequence[Numbers]:
    return list(np.asarray(sigmas)[..., None])


def _advance(
    call: Call,
    state: Numbers,
    point: Numbers,
    history: tuple[Numbers, ...],
    power: NDArray[np.float64],
) -> tuple[Numbers, Numbers, tuple[Numbers, ...]]:
    history = (power / (power + call.sigma**2) * point, *history[:7])
    before = state
    if call.state is not None:
        state = combined(call.state, before, history)
    point = state if call.point is None else combined(call.point, before, history)
    return state, point, history


def combined(
    weights: Combination, state: Numbers, history: tuple[Numbers, ...]
) -> Numbers:
    """Return the weighted sum of the state and the newest denoised values."""
    total = weights.state * state
    for weight, denoised in zip(weights.denoised, history, strict=False):
        total = total + weight * denoised
    return total


def local_defects(
    sampler: str, sigmas: Numbers, power: NDArray[np.float64]
) -> Iterator[Numbers]:
    """Yield what each step gets wrong, carried to the end by the exact flow.

    Each step starts from the exact value and sees exact denoised values of the steps
    before it.
    """
    levels = _columns(sigmas)
    state = point = np.sqrt(power + levels[0] ** 2)
    history: tuple[Numbers, ...] = ()
    for call in SAMPLERS[sampler](levels):
        state, point, history = _advance(call, state, point, history, power)
        if call.state is None:
            continue
        exact = np.sqrt(power + call.sigma_next**2)
        yield (state - exact) * np.sqrt(power) / exact
        state = point = exact


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


def squared_error(
    sampler: str,
    sigmas: Numbers,
    power: NDArray[np.float64],
    offset: NDArray[np.float64],
    start: Start,
) -> Numbers:
    """Return the expected squared error per mode, (..., M), by summing squares.

    Defects of single steps and of the start count as independent (root sum square);
    ours.
    """
    total = start_defect(sigmas, power) ** 2
    for defect in local_defects(sampler, sigmas, power):
        total = total + defect**2
    if start == "zero":
        total = total + missed_mean(sigmas, power, offset)
    return total


def transfer_kl(sampler: str, sigmas: Numbers, power: NDArray[np.float64]) -> Numbers:
    """Return the divergence per mode of the sampled from the true Gaussian, (..., M).

    Benita, Elad & Keshet (arXiv 2502.00180); in nats.
    """
    ratio = transfer(sampler, sigmas, power) ** 2 / power
    return (ratio - 1 - np.log(ratio)) / 2
