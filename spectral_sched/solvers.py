"""Solvers as linear recurrences: the one place where their coefficients are written.

Every sampler combines the state, the denoised images seen so far and the points they
were seen from, with weights that depend on the sigma table alone. The weights are
computed here, once, on the host; `defects` turns them into exact errors and the torch
sampler plays them.

A solver is a list of network calls. After each call the *state* may be updated, and
then the next *point*, where the network is called, is formed from the state; it is the
state itself unless the call says otherwise. The last step, to 0, gives the denoised
image for every solver.

Multistep formulas are written in ``tau = -ln sigma`` (half the log SNR), where the flow
of ``x / sigma`` is the integral of ``exp(tau) * denoised``: denoised images are
interpolated over earlier levels and the product is integrated exactly.

Sigmas may be floats or arrays of any shape behind the step axis, complex ones included:
the optimiser differentiates through these weights.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .schedules.table import SigmaTable

Weight = Any
"""A float, or an array of them when many tables are treated at once."""


class Combination(NamedTuple):
    """Weights of the state, of the denoised images and of the points they come from.

    Denoised images and points are counted from the newest; `noise` is the standard
    deviation of fresh noise, the float 0 where there is none.
    """

    state: Weight
    denoised: tuple[Weight, ...]
    points: tuple[Weight, ...] = ()
    noise: Weight = 0.0

    @property
    def adds_noise(self) -> bool:
        """Whether fresh noise is asked for."""
        return not (isinstance(self.noise, float) and self.noise == 0)

    def mapped(self, change: Callable[[Weight], Weight]) -> Combination:
        """Return the combination with a function applied to every weight."""
        return Combination(
            change(self.state),
            tuple(map(change, self.denoised)),
            tuple(map(change, self.points)),
            change(self.noise) if self.adds_noise else 0.0,
        )


class Call(NamedTuple):
    """One network call, and what follows from it.

    Attributes
    ----------
    sigma
        Noise level the network is told.
    level
        Noise level of the state after the call.
    state
        New state, or None where it stays.
    point
        Where the next call is made, from the new state; None for the state itself.
    """

    sigma: Weight
    level: Weight
    state: Combination | None
    point: Combination | None = None

    def mapped(self, change: Callable[[Weight], Weight]) -> Call:
        """Return the call with a function applied to every number."""
        state, point = (
            None if weights is None else weights.mapped(change)
            for weights in (self.state, self.point)
        )
        return Call(change(self.sigma), change(self.level), state, point)


FINAL = Combination(0.0, (1.0,))
"""The last step of every solver: the denoised image."""


def euler(sigmas: Sequence[Weight]) -> Iterator[Call]:
    """Yield the calls of Euler's method, which is DDIM in this parametrisation."""
    for sigma, following in pairwise(sigmas[:-1]):
        yield Call(sigma, following, _euler_step(sigma, following))
    yield Call(sigmas[-2], sigmas[-1], FINAL)


def _euler_step(sigma: Weight, following: Weight) -> Combination:
    ratio = following / sigma
    return Combination(ratio, (1 - ratio,))


def heun(sigmas: Sequence[Weight]) -> Iterator[Call]:
    """Yield the calls of Heun's method (Karras et al., arXiv 2206.00364, Alg. 1).

    The trapezoidal rule on ``dx/dsigma = (x - denoised) / sigma``.
    """
    for sigma, following in pairwise(sigmas[:-1]):
        guess = _euler_step(sigma, following)
        yield Call(sigma, sigma, None, guess)
        yield Call(following, following, _trapezium(sigma, following, guess))
    yield Call(sigmas[-2], sigmas[-1], FINAL)


def _trapezium(sigma: Weight, following: Weight, guess: Combination) -> Combination:
    half = (following - sigma) / 2
    start, end = half / sigma, half / following
    state = 1 + start + end * guess.state
    return Combination(state, (-end, end * guess.denoised[0] - start))


def dpmpp_2m(sigmas: Sequence[Weight]) -> Iterator[Call]:
    """Yield the calls of DPM-Solver++(2M) (Lu et al., arXiv 2211.01095, Alg. 2)."""
    previous = None
    for sigma, following in pairwise(sigmas[:-1]):
        yield Call(sigma, following, _step_2m(previous, sigma, following))
        previous = sigma
    yield Call(sigmas[-2], sigmas[-1], FINAL)


def _step_2m(previous: Weight, sigma: Weight, following: Weight) -> Combination:
    step = _euler_step(sigma, following)
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


def exponential_step(
    sigma: Weight, following: Weight, nodes: Sequence[Weight]
) -> Combination:
    """Return the step that is exact where denoised is a polynomial in ln sigma.

    Parameters
    ----------
    nodes
        Levels of the denoised images that are interpolated, the newest first.
    """
    span = np.log(sigma / following)
    offsets = [np.log(sigma / node) for node in nodes]
    # Moments of exp(tau - span) over [0, span], by parts.
    moments = [-np.expm1(-span)]
    for power in range(1, len(nodes)):
        moments.append(span**power - power * moments[-1])
    weights = _interpolation_weights(offsets, moments)
    return Combination(following / sigma, weights)


def _interpolation_weights(
    offsets: Sequence[Weight], moments: Sequence[Weight]
) -> tuple[Weight, ...]:
    """Return the integral of each node's Lagrange polynomial, from moments."""
    weights = []
    for index, own in enumerate(offsets):
        others = [*offsets[:index], *offsets[index + 1 :]]
        polynomial = [1.0]  # coefficients of the product of (tau - other), low to high
        for other in others:
            raised = [0.0, *polynomial]
            lowered = [*(-other * value for value in polynomial), 0.0]
            polynomial = [a + b for a, b in zip(raised, lowered, strict=True)]
        scale = np.prod([own - other for other in others], axis=0)
        integral = sum(a * b for a, b in zip(polynomial, moments, strict=True))
        weights.append(integral / scale)
    return tuple(weights)


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


KEEP = Combination(1.0, ())
"""The state as it is."""


def _corrector(
    sigma: Weight, following: Weight, older: Sequence[Weight]
) -> Combination:
    if len(older) > 1:
        return exponential_step(sigma, following, [following, *older])
    step = _euler_step(sigma, following)
    return Combination(step.state, (step.denoised[0] / 2, step.denoised[0] / 2))


def _predictor(
    sigma: Weight, following: Weight, nodes: Sequence[Weight]
) -> Combination:
    if len(nodes) > 2:
        return exponential_step(sigma, following, nodes)
    return _step_2m(nodes[1] if len(nodes) > 1 else None, sigma, following)


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
        steps = _interpolation_weights(offsets, moments)
        yield Call(sigma, following, _slopes(steps, levels))
    yield Call(sigmas[-2], sigmas[-1], FINAL)


RENEWING_NOISE = {"sde-dpmpp-2m": 1.0}
"""How strongly a sampler renews noise within steps: 1 is the reverse diffusion."""


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
    decay = (following / sigma) ** RENEWING_NOISE["sde-dpmpp-2m"]
    state = following / sigma * decay
    noise = following * np.sqrt(1 - decay**2)
    if previous is None:
        return Combination(state, (1 - state,), noise=noise)
    share = np.log(sigma / following) / (2 * np.log(previous / sigma))
    weights = ((1 - state) * (1 + share), -(1 - state) * share)
    return Combination(state, weights, noise=noise)


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
        guess = _euler_step(raised, following)
        yield Call(raised, raised, None, guess)
        step = _trapezium(raised, following, guess)
        raised = following * factor
        noise = following * np.sqrt(factor**2 - 1)
        yield Call(following, raised, step._replace(noise=noise))
    yield Call(raised, sigmas[-1], FINAL)


ADDING_NOISE = frozenset({"heun-churn"})
"""Samplers that raise the noise between steps, beyond renewing it."""

SAMPLERS: Mapping[str, Callable[[Sequence[Weight]], Iterator[Call]]] = {
    "dpmpp-2m": dpmpp_2m,
    "euler": euler,
    "heun": heun,
    "dpmpp-3m": dpmpp_3m,
    "unipc": partial(unipc, order=2),
    "unipc-3": partial(unipc, order=3),
    "ipndm": ipndm,
    "deis": deis,
    "sde-dpmpp-2m": sde_dpmpp_2m,
    "heun-churn": heun_churn,
}
"""Solvers by the names used in commands and files, the default first."""


STOCHASTIC = frozenset({*RENEWING_NOISE, *ADDING_NOISE})
"""Samplers that need fresh noise after the start."""

FLOW_SAMPLERS = tuple(name for name in SAMPLERS if name not in STOCHASTIC)
"""Samplers that follow the probability flow, without fresh noise."""

ONE_STEP = frozenset({"euler", "heun"})
"""Those of them whose steps see nothing from before they began."""

DEPTH = 4
"""Network calls that are remembered: as many as the deepest solver looks back on."""


def solver_calls(sampler: str, table: SigmaTable) -> list[Call]:
    """Return the network calls of a sampler over a table, one after the other."""
    return [call.mapped(float) for call in SAMPLERS[sampler](table.sigmas)]


def batch_calls(sampler: str, tables: Sequence[SigmaTable]) -> list[Call]:
    """Return the network calls of a sampler over one table per picture.

    The tables have the same number of steps. Weights are arrays with one number per
    picture, (B,), or floats where they are the same for all.
    """
    levels = np.array([table.sigmas for table in tables]).T
    return list(SAMPLERS[sampler](list(levels)))


Value = TypeVar("Value")


class Play(Generic[Value]):
    """A solver under way on arrays or tensors.

    It plays floats, or weights that multiply the states, as from many tables at once.

    Parameters
    ----------
    start
        State at the first noise level.
    noise
        Source of fresh unit noise; solvers of the flow never ask.

    Attributes
    ----------
    state, point
        Where the solver is, and where the network is to be called next.
    """

    def __init__(self, start: Value, noise: Callable[[], Value]) -> None:
        self.state = self.point = start
        self._noise = noise
        self._denoised: list[Value] = []
        self._points: list[Value] = []

    def take(self, call: Call, denoised: Value) -> None:
        """Take what the network saw at the point, and go on to the next."""
        self._points = [self.point, *self._points[: DEPTH - 1]]
        self._denoised = [denoised, *self._denoised[: DEPTH - 1]]
        if call.state is not None:
            self.state = self._combined(call.state)
        self.point = self.state if call.point is None else self._combined(call.point)

    def _combined(self, weights: Combination) -> Value:
        terms: list[tuple[Weight, Any]] = [
            (weights.state, self.state),
            *zip(weights.denoised, self._denoised, strict=False),
            *zip(weights.points, self._points, strict=False),
        ]
        if weights.adds_noise:
            terms.append((weights.noise, self._noise()))
        first, *others = (weight * value for weight, value in terms)
        total: Value = sum(others, first)
        return total
