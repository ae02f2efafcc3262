"""DPM-Solver++ of second and third order, and its stochastic form."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from .euler import euler_step
from .exponential import exponential_step
from .recurrence import FINAL, Call, Combination, Solver

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .recurrence import Weight


def dpmpp_2m(sigmas: Sequence[Weight]) -> Iterator[Call]:
    """Yield the calls of DPM-Solver++(2M) (Lu et al., arXiv 2211.01095, Alg. 2)."""
    previous = None
    for sigma, following in pairwise(sigmas[:-1]):
        yield Call(sigma, following, step_2m(previous, sigma, following))
        previous = sigma
    yield Call(sigmas[-2], sigmas[-1], FINAL)


def step_2m(previous: Weight, sigma: Weight, following: Weight) -> Combination:
    """Return the state after a midpoint step, from two denoised images."""
    step = euler_step(sigma, following)
    if previous is None:
        return step
    weight = step.denoised[0]
    share = np.log(sigma / following) / (2 * np.log(previous / sigma))
    return Combination(step.state, (weight * (1 + share), -weight * share))


def dpmpp_3m(sigmas: Sequence[Weight]) -> Iterator[Call]:
    """Yield the calls of DPM-Solver++(3M), the multistep method of order 3.

    Lu et al. (arXiv 2211.01095), App. B, with denoised images of three levels.
    """
    for index, (sigma, following) in enumerate(pairwise(sigmas[:-1])):
        nodes = sigmas[max(0, index - 2) : index + 1][::-1]
        yield Call(sigma, following, exponential_step(sigma, following, nodes))
    yield Call(sigmas[-2], sigmas[-1], FINAL)


RENEWAL = 1.0
"""How strongly the stochastic form renews the noise: as the reverse diffusion."""


def sde_dpmpp_2m(sigmas: Sequence[Weight]) -> Iterator[Call]:
    """Yield the calls of SDE-DPM-Solver++(2M) (Lu et al., arXiv 2211.01095, Sec. 5).

    In the midpoint form, with the noise renewed as in the reverse diffusion.
    """
    previous = None
    for sigma, following in pairwise(sigmas[:-1]):
        yield Call(sigma, following, _sde_step(previous, sigma, following))
        previous = sigma
    yield Call(sigmas[-2], sigmas[-1], FINAL)


def _sde_step(previous: Weight, sigma: Weight, following: Weight) -> Combination:
    decay = (following / sigma) ** RENEWAL
    state = following / sigma * decay
    noise = following * np.sqrt(1 - decay**2)
    if previous is None:
        return Combination(state, (1 - state,), noise=noise)
    share = np.log(sigma / following) / (2 * np.log(previous / sigma))
    weights = ((1 - state) * (1 + share), -(1 - state) * share)
    return Combination(state, weights, noise=noise)


ALIASES = (
    *("DPMSolverMultistepScheduler", "EDMDPMSolverMultistepScheduler"),
    *("DPM++ 2M", "DPM-Solver++(2M)", "sample_dpmpp_2m"),
)
SDE_ALIASES = (
    *("DPM++ 2M SDE", "SDE-DPM-Solver++(2M)"),
    *("sample_dpmpp_2m_sde", "dpmpp_2m_sde"),
)

SOLVERS = (
    Solver("dpmpp-2m", dpmpp_2m, aliases=ALIASES),
    Solver("dpmpp-3m", dpmpp_3m),
    Solver(
        "sde-dpmpp-2m",
        sde_dpmpp_2m,
        renewal=RENEWAL,
        flow=dpmpp_2m,
        aliases=SDE_ALIASES,
    ),
)
