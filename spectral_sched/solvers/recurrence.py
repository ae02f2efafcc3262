"""Solvers as linear recurrences: the one place where their coefficients are written.

Every sampler combines the state, the denoised images seen so far and the points they
were seen from, with weights that depend on the sigma table alone. The weights are
computed once, on the host; `planning.transfer` turns them into exact errors, and
the torch sampler plays them.

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

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

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


Calls = Callable[[Sequence[Weight]], Iterator[Call]]
"""What makes the network calls of a table from its levels, the final 0 included."""


@dataclass(frozen=True)
class Solver:
    """A solver: the network calls that it makes of a table, and what its steps are.

    Attributes
    ----------
    name
        What commands and files call it.
    calls
        Its network calls, in order.
    calls_per_step
        How many it makes in each step but the last, which takes one.
    one_step
        Whether a step sees nothing from before it began.
    renewal
        How strongly noise is renewed within steps: 0 not at all, 1 as the reverse
        diffusion does.
    adds_noise
        Whether the noise is raised between steps, beyond renewing it.
    flow
        Its calls with all noise turned off, for solvers that add some.
    predictor
        Its calls without correctors, for solvers that correct each step afterwards
        without another call.
    aliases
        What diffusers, k-diffusion and their users call it, beside its own name with
        other signs between the words. Those that begin with ``sample_`` are functions
        of ``k_diffusion.sampling``.
    """

    name: str
    calls: Calls
    calls_per_step: int = 1
    one_step: bool = False
    renewal: float = 0.0
    adds_noise: bool = False
    flow: Calls | None = None
    predictor: Calls | None = None
    aliases: tuple[str, ...] = ()

    @property
    def stochastic(self) -> bool:
        """Whether it needs fresh noise after the start."""
        return self.renewal > 0 or self.adds_noise

    @property
    def corrects(self) -> bool:
        """Whether a second call of the network corrects each step."""
        return self.calls_per_step > 1


FINAL = Combination(0.0, (1.0,))
"""The last step of every solver: the denoised image."""

KEEP = Combination(1.0, ())
"""The state as it is."""

DEPTH = 4
"""Network calls that are remembered: as many as the deepest solver looks back on."""

Value = TypeVar("Value")


class Play(Generic[Value]):
    """A solver under way on values that can be added and multiplied by weights.

    These are floats, arrays, tensors, or `planning.transfer.GaussianValue`. Weights
    may be arrays too, as from many tables at once.

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
        self.update(call, denoised)
        self.move(call)

    def update(self, call: Call, denoised: Value) -> None:
        """Take what the network saw at the point, and update the state."""
        self._points = [self.point, *self._points[: DEPTH - 1]]
        self._denoised = [denoised, *self._denoised[: DEPTH - 1]]
        if call.state is not None:
            self.state = self._combine(call.state)

    def move(self, call: Call) -> None:
        """Go on from the state to the point of the next call."""
        self.point = self.state if call.point is None else self._combine(call.point)

    def replace(self, state: Value, point: Value, denoised: Value) -> None:
        """Go on as if the state and what was seen last were others."""
        self.state = state
        self._points[0], self._denoised[0] = point, denoised

    def _combine(self, weights: Combination) -> Value:
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
