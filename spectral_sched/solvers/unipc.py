"""UniPC of second and third order."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .dpmpp import dpmpp_2m, dpmpp_3m, step_2m
from .euler import euler_step
from .exponential import exponential_step
from .recurrence import FINAL, KEEP, Call, Combination, Solver

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .recurrence import Weight


def unipc(sigmas: Sequence[Weight], order: int) -> Iterator[Call]:
    """Yield the calls of UniPC in data prediction (Zhao et al., arXiv 2302.04867).

    One call serves both the corrector of the step before and the predictor of the next.
    With order 2 the predictor is that of DPM-Solver++(2M), as in the paper's ``B2``
    variant; correctors use the new denoised image and as many older ones as the order.
    """
    levels = sigmas[:-1]
    for index, sigma in enumerate(levels[:-1]):
        older = levels[max(0, index - order) : index][::-1]
        state = _corrector(levels[index - 1], sigma, older) if older else KEEP
        nodes = levels[max(0, index - order + 1) : index + 1][::-1]
        yield Call(sigma, sigma, state, _predictor(sigma, levels[index + 1], nodes))
    yield Call(sigmas[-2], sigmas[-1], FINAL)


def _corrector(
    sigma: Weight, following: Weight, older: Sequence[Weight]
) -> Combination:
    if len(older) > 1:
        return exponential_step(sigma, following, [following, *older])
    step = euler_step(sigma, following)
    return Combination(step.state, (step.denoised[0] / 2, step.denoised[0] / 2))


def _predictor(
    sigma: Weight, following: Weight, nodes: Sequence[Weight]
) -> Combination:
    if len(nodes) > 2:
        return exponential_step(sigma, following, nodes)
    return step_2m(nodes[1] if len(nodes) > 1 else None, sigma, following)


SOLVERS = (
    Solver(
        "unipc",
        partial(unipc, order=2),
        predictor=dpmpp_2m,
        aliases=("UniPCMultistepScheduler", "uni_pc"),
    ),
    Solver("unipc-3", partial(unipc, order=3), predictor=dpmpp_3m),
)
