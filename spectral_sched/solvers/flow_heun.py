"""Heun's method in flow time, as programs of flow networks play it.

Euler's steps are the same in flow time and in sigma, since both are exact for one
denoised image. The trapezoidal rule is not: between two levels it weighs the slopes at
their ends, and those of ``z = (1 - t) x`` by ``t`` are others than those of ``x`` by
sigma. With stronger noise, ``t`` is nearer to ``sigma / noise_scale`` and the two
methods are nearer to each other.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from .euler import euler_step
from .recurrence import FINAL, Call, Combination, Solver

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .recurrence import Weight


def flow_heun(sigmas: Sequence[Weight], noise_scale: float = 1.0) -> Iterator[Call]:
    """Yield the calls of Heun's method on ``dz/dt = (z - denoised) / t``.

    Parameters
    ----------
    noise_scale
        Standard deviation of the noise at flow time 1.
    """
    for sigma, following in pairwise(sigmas[:-1]):
        guess = euler_step(sigma, following)
        ends = sigma / noise_scale, following / noise_scale
        yield Call(sigma, sigma, None, guess)
        yield Call(following, following, _trapezium(*ends, guess))
    yield Call(sigmas[-2], sigmas[-1], FINAL)


def _trapezium(sigma: Weight, following: Weight, guess: Combination) -> Combination:
    """Return the state after a step between two levels of unit noise."""
    time, after = sigma / (1 + sigma), following / (1 + following)
    clean, cleaner = 1 - time, 1 - after
    half = (after - time) / 2
    start, end = half / time, half / after
    state = clean * (1 + start) / cleaner + end * guess.state
    return Combination(
        state, (-end / cleaner, end * guess.denoised[0] - start / cleaner)
    )


SOLVERS = (
    Solver(
        "flow-heun",
        flow_heun,
        calls_per_step=2,
        one_step=True,
        aliases=("FlowMatchHeunDiscreteScheduler",),
    ),
    Solver(
        "flow-heun-2",
        partial(flow_heun, noise_scale=2.0),
        calls_per_step=2,
        one_step=True,
    ),
)
