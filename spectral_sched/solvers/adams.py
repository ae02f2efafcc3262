"""Multistep methods on slopes: PNDM improved (iPNDM) and DEIS."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from .exponential import interpolation_weights
from .recurrence import FINAL, Call, Combination, Solver

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .recurrence import Weight


ADAMS_BASHFORTH = (
    (1.0,),
    (3 / 2, -1 / 2),
    (23 / 12, -16 / 12, 5 / 12),
    (55 / 24, -59 / 24, 37 / 24, -9 / 24),
)
"""Weights of slopes at equally spaced levels, the newest first, by their number."""


def ipndm(sigmas: Sequence[Weight]) -> Iterator[Call]:
    """Yield the calls of iPNDM (Zhang & Chen, arXiv 2204.13902) with four slopes.

    The Adams-Bashforth weights of equal steps on ``(x - denoised) / sigma``, whatever
    the steps are.
    """
    for index, (sigma, following) in enumerate(pairwise(sigmas[:-1])):
        shares = ADAMS_BASHFORTH[min(index, 3)]
        levels = sigmas[max(0, index - 3) : index + 1][::-1]
        steps = [share * (following - sigma) for share in shares]
        yield Call(sigma, following, _slopes(steps, levels))
    yield Call(sigmas[-2], sigmas[-1], FINAL)


def _slopes(steps: Sequence[Weight], levels: Sequence[Weight]) -> Combination:
    """Return the state plus steps along ``(point - denoised) / level``."""
    points = tuple(step / level for step, level in zip(steps, levels, strict=True))
    return Combination(1.0, tuple(-weight for weight in points), points)


def deis(sigmas: Sequence[Weight]) -> Iterator[Call]:
    """Yield the calls of DEIS, tAB form of order 3 (Zhang & Chen, arXiv 2204.13902).

    Slopes ``(x - denoised) / sigma`` of three levels are interpolated in sigma and
    integrated exactly.
    """
    for index, (sigma, following) in enumerate(pairwise(sigmas[:-1])):
        levels = sigmas[max(0, index - 2) : index + 1][::-1]
        span = following - sigma
        moments = [span ** (k + 1) / (k + 1) for k in range(len(levels))]
        offsets = [level - sigma for level in levels]
        steps = interpolation_weights(offsets, moments)
        yield Call(sigma, following, _slopes(steps, levels))
    yield Call(sigmas[-2], sigmas[-1], FINAL)


SOLVERS = (
    Solver("ipndm", ipndm, aliases=("IPNDMScheduler",)),
    Solver("deis", deis, aliases=("DEISMultistepScheduler",)),
)
