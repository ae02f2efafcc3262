"""Euler's method."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from .recurrence import FINAL, Call, Combination, Solver

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .recurrence import Weight


def euler(sigmas: Sequence[Weight]) -> Iterator[Call]:
    """Yield the calls of Euler's method, which is DDIM in this parametrisation."""
    for sigma, following in pairwise(sigmas[:-1]):
        yield Call(sigma, following, euler_step(sigma, following))
    yield Call(sigmas[-2], sigmas[-1], FINAL)


def euler_step(sigma: Weight, following: Weight) -> Combination:
    """Return the state after a step of Euler's method from one level to the next."""
    ratio = following / sigma
    return Combination(ratio, (1 - ratio,))


ALIASES = (
    *("EulerDiscreteScheduler", "FlowMatchEulerDiscreteScheduler"),
    *("EDMEulerScheduler", "DDIMScheduler", "DDIM", "sample_euler"),
)

SOLVERS = (Solver("euler", euler, one_step=True, aliases=ALIASES),)
