"""Solvers as linear recurrences: the one place where their coefficients are written.

Every sampler combines the state, the denoised images seen so far and fresh noise, with
weights that depend on the sigma table alone. The weights are computed here, once, on
the host; `defects` turns them into exact errors and the torch sampler plays them.

A solver is a list of network calls. After each call the *state* may be updated (it is,
at the end of a step) and the next *point*, where the network is called, is formed; it
is the state itself unless the call says otherwise.

Sigmas may be floats or arrays of any shape behind the step axis, complex ones included:
the optimiser differentiates through these weights.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .tables import SigmaTable

Weight = Any
"""A float, or an array of them when many tables are treated at once."""


class Combination(NamedTuple):
    """Weights of the state and of the denoised images, the newest first."""

    state: Weight
    denoised: tuple[Weight, ...]


class Call(NamedTuple):
    """One network call at noise level `sigma`, and what follows from it.

    Attributes
    ----------
    sigma
        Noise level the network is told.
    state
        New state, or None while a step is not finished.
    point
        Where the next call is made; None for the new state.
    sigma_next
        Noise level of the new point.
    """

    sigma: Weight
    sigma_next: Weight
    state: Combination | None
    point: Combination | None = None


def euler(sigmas: Sequence[Weight]) -> Iterator[Call]:
    """Yield the calls of Euler's method, which is DDIM in this parametrisation."""
    for sigma, sigma_next in pairwise(sigmas):
        yield Call(sigma, sigma_next, _euler_step(sigma, sigma_next))


def _euler_step(sigma: Weight, sigma_next: Weight) -> Combination:
    ratio = sigma_next / sigma
    return Combination(ratio, (1 - ratio,))


def heun(sigmas: Sequence[Weight]) -> Iterator[Call]:
    """Yield the calls of Heun's method (Karras et al., arXiv 2206.00364, Alg. 1).

    The trapezoidal rule on ``dx/dsigma = (x - denoised) / sigma``; the last step, to 0,
    is Euler's.
    """
    *inner, last = pairwise(sigmas)
    for sigma, sigma_next in inner:
        guess = _euler_step(sigma, sigma_next)
        yield Call(sigma, sigma_next, None, guess)
        yield Call(sigma_next, sigma_next, _trapezium(sigma, sigma_next, guess))
    yield Call(*last, _euler_step(*last))


def _trapezium(sigma: Weight, sigma_next: Weight, guess: Combination) -> Combination:
    half = (sigma_next - sigma) / 2
    start, end = half / sigma, half / sigma_next
    state = 1 + start + end * guess.state
    return Combination(state, (-end, end * guess.denoised[0] - start))


def dpmpp_2m(sigmas: Sequence[Weight]) -> Iterator[Call]:
    """Yield the calls of DPM-Solver++(2M) (Lu et al., arXiv 2211.01095, Alg. 2).

    The first step and the last, to 0, are Euler's.
    """
    *inner, last = pairwise(sigmas)
    previous = None
    for sigma, sigma_next in inner:
        step = _euler_step(sigma, sigma_next)
        if previous is not None:
            log_ratio = np.log(previous / sigma) / np.log(sigma / sigma_next)
            step = _extrapolate(step, 1 / (2 * log_ratio))
        yield Call(sigma, sigma_next, step)
        previous = sigma
    yield Call(*last, _euler_step(*last))


def _extrapolate(step: Combination, share: Weight) -> Combination:
    weight = step.denoised[0]
    return Combination(step.state, (weight * (1 + share), -weight * share))


SAMPLERS: Mapping[str, Callable[[Sequence[Weight]], Iterator[Call]]] = {
    "dpmpp-2m": dpmpp_2m,
    "euler": euler,
    "heun": heun,
}
"""Solvers by the names used in commands and files, the default first."""


def solver_calls(sampler: str, table: SigmaTable) -> list[Call]:
    """Return the network calls of a sampler over a table, one after the other."""
    return list(SAMPLERS[sampler](table.sigmas))
