"""Heun's method, plain and with churn."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from .euler import euler_step
from .recurrence import FINAL, Call, Combination, Solver

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .recurrence import Weight


def heun(sigmas: Sequence[Weight]) -> Iterator[Call]:
    """Yield the calls of Heun's method (Karras et al., arXiv 2206.00364, Alg. 1).

    The trapezoidal rule on ``dx/dsigma = (x - denoised) / sigma``.
    """
    for sigma, following in pairwise(sigmas[:-1]):
        guess = euler_step(sigma, following)
        yield Call(sigma, sigma, None, guess)
        yield Call(following, following, _trapezium(sigma, following, guess))
    yield Call(sigmas[-2], sigmas[-1], FINAL)


def _trapezium(sigma: Weight, following: Weight, guess: Combination) -> Combination:
    half = (following - sigma) / 2
    start, end = half / sigma, half / following
    state = 1 + start + end * guess.state
    return Combination(state, (-end, end * guess.denoised[0] - start))


CHURN = 2.0
"""Noise that Heun with churn adds in all, as shares of the level, over all steps."""

MAX_CHURN = 2**0.5 - 1
"""Largest share of the level that one step adds: the variance doubles."""


def heun_churn(sigmas: Sequence[Weight]) -> Iterator[Call]:
    """Yield the calls of Heun's method with churn (arXiv 2206.00364, Alg. 2).

    Before every step but the first, noise raises the level by an equal share of
    `CHURN`; on what is noise alone, more of it would change nothing.
    """
    raised = sigmas[0]
    factor = 1 + min(CHURN / (len(sigmas) - 1), MAX_CHURN)
    for following in sigmas[1:-1]:
        guess = euler_step(raised, following)
        yield Call(raised, raised, None, guess)
        step = _trapezium(raised, following, guess)
        raised = following * factor
        noise = following * np.sqrt(factor**2 - 1)
        yield Call(following, raised, step._replace(noise=noise))
    yield Call(raised, sigmas[-1], FINAL)


ALIASES = ("HeunDiscreteScheduler", "EDM", "sample_heun")

SOLVERS = (
    Solver("heun", heun, calls_per_step=2, one_step=True, aliases=ALIASES),
    Solver(
        "heun-churn",
        heun_churn,
        calls_per_step=2,
        one_step=True,
        adds_noise=True,
        flow=heun,
    ),
)
