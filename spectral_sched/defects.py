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

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .solvers import (
    ADDING_NOISE,
    DEPTH,
    ONE_STEP,
    RENEWING_NOISE,
    SAMPLERS,
    Call,
    Combination,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .sigma_bounds import Start

Numbers = Any
"""Real or complex arrays."""

KURTOSIS_DISTANCE = 3 / 32

Value = tuple[Numbers, ...]
"""Weights of one value on independent sources of unit variance."""


class _Run:
    """A solver under way on one mode per power, with Wiener's denoiser.

    A value is its weights on independent sources of unit variance, the first being the
    start and each fresh noise one more, so that variances of stochastic samplers are
    exact.
    """

    def __init__(self, start: Numbers, power: NDArray[np.float64]) -> None:
        self.power = power
        self.state: Value = (start,)
        self.point: Value = self.state
        self.denoised: list[Value] = []
        self.points: list[Value] = []
        self.num_sources = 1

    def call(self, call: Call) -> None:
        """Call the denoiser at the point and update the state."""
        share = self.power / (self.power + call.sigma**2)
        self._see(self.point, tuple(share * part for part in self.point))
        if call.state is not None:
            self.state = self.combined(call.state)

    def _see(self, point: Value, denoised: Value) -> None:
        self.points = [point, *self.points[: DEPTH - 1]]
        self.denoised = [denoised, *self.denoised[: DEPTH - 1]]

    def move(self, call: Call) -> None:
        """Go to the point of the next call."""
        self.point = self.state if call.point is None else self.combined(call.point)

    def combined(self, weights: Combination) -> Value:
        """Return the weighted sum of the state, denoised values, points and noise."""
        terms = [
            (weights.state, self.state),
            *zip(weights.denoised, self.denoised, strict=False),
            *zip(weights.points, self.points, strict=False),
        ]
        weighted = [[weight * part for part in value] for weight, value in terms]
        total = [sum(parts) for parts in zip_longest(*weighted, fillvalue=0.0)]
        if np.any(weights.noise):
            total += [0.0] * (self.num_sources - len(total)) + [weights.noise]
            self.num_sources += 1
        return tuple(total)

    def restart(self, call: Call, renewal: float) -> None:
        """Forget the errors made so far: the state and what was seen are exact.

        `renewal` is the exponent by which the exact process of the step forgets.
        """
        exact, before = (
            np.sqrt(self.power + level**2) for level in (call.level, call.sigma)
        )
        self.state, self.num_sources = (exact,), 1
        point: Value = (before,)
        if renewal:
            kept = (exact / before) ** renewal
            point, self.num_sources = (before * kept, before * np.sqrt(1 - kept**2)), 2
        share = self.power / before**2
        self.points, self.denoised = self.points[1:], self.denoised[1:]
        self._see(point, tuple(share * part for part in point))


def _size(value: Value) -> Numbers:
    """Return the standard deviation of a value, with its sign where it has one."""
    return value[0] if len(value) == 1 else np.sqrt(sum(part**2 for part in value))


def transfer(sampler: str, sigmas: Numbers, power: NDArray[np.float64]) -> Numbers:
    """Return the factor from starting noise of unit variance to the picture.

    The end-to-end error of a mode is ``transfer - sqrt(power)``. For a stochastic
    sampler it is the standard deviation of the picture.
    """
    return _size(transfer_by_source(sampler, sigmas, power))


def transfer_by_source(
    sampler: str, sigmas: Numbers, power: NDArray[np.float64]
) -> Value:
    """Return the factors from the starting noise and from each later noise."""
    levels = _columns(sigmas)
    run = _Run(levels[0] * np.ones_like(power), power)
    for call in SAMPLERS[sampler](levels):
        run.call(call)
        run.move(call)
    return run.state


def _columns(sigmas: Numbers) -> Sequence[Numbers]:
    return list(np.asarray(sigmas)[..., None])


class Defects(NamedTuple):
    """Errors of a table at the end, each made once and then carried by exact steps.

    Attributes
    ----------
    amplitudes
        Errors in the standard deviation, of the start and of each step, (N + 1, ...).
    mean_kept
        Share of a squared error in the starting mean that is left.
    """

    amplitudes: list[Numbers]
    mean_kept: Numbers


def local_defects(sampler: str, sigmas: Numbers, power: NDArray[np.float64]) -> Defects:
    """Return what the start and each step get wrong, carried to the end exactly.

    The start is noise alone, though the exact start has variance ``power + sigma**2``.
    Each step begins with the exact value and sees exact denoised values of the steps
    before it; wrong is the standard deviation of the state after it. Noise that a
    sampler adds or renews makes it forget earlier errors.
    """
    first, *_ = levels = _columns(sigmas)
    run, renewal = _Run(np.sqrt(power + first**2), power), _renewal(sampler)
    made = [_Made((first - run.state[0]) * run.state[0], first, 1.0)]
    for call in SAMPLERS[sampler](levels):
        run.call(call)
        if call.state is not None:
            exact = np.sqrt(power + call.level**2)
            diluted = 1 - (0 if renewal else call.state.noise**2 / exact**2)
            wrong = (_size(run.state) - exact) * exact
            made.append(_Made(wrong, call.level, diluted))
            run.restart(call, renewal)
        run.move(call)
    return _carried(made, power, renewal)


class _Made(NamedTuple):
    """Half an error in variance, the level it is made at, and what noise leaves there.

    Noise that is added raises the variance and leaves the error in it as it is, so
    errors from before are diluted.
    """

    error: Numbers
    level: Numbers
    diluted: Numbers


def _renewal(sampler: str) -> float:
    return RENEWING_NOISE.get(sampler, 0.0)


def _carried(
    made: Sequence[_Made], power: NDArray[np.float64], renewal: float
) -> Defects:
    amplitudes: list[Numbers] = []
    diluted: Numbers = 1.0
    kept: Numbers = 1.0
    for error, level, dilution in reversed(made):
        kept = power / (power + level**2)
        kept = (kept ** (1 + renewal) if renewal else kept) * diluted
        amplitudes.append(error * kept / np.sqrt(power))
        diluted = diluted * dilution
    return Defects(amplitudes[::-1], kept)


class StartError(NamedTuple):
    """What is wrong at the end because of how sampling starts, per mode, (..., M).

    Attributes
    ----------
    spread
        Error in the standard deviation, with its sign.
    mean
        Error in the size of the mean.
    apart
        Squared error that has nothing to do with those of steps.
    """

    spread: Numbers = 0.0
    mean: Numbers = 0.0
    apart: Numbers = 0.0


EXACT_START = StartError()
"""That of pictures that were given noise."""


def noise_start_error(
    sampler: str,
    defects: Defects,
    highest: Defects,
    offset: NDArray[np.float64],
    start: Start,
) -> StartError:
    """Return the error of a start from noise alone, about zero or the mean.

    It is what the start gets wrong beside the highest one from the same noise. What
    even that one gets wrong is apart, because no table can mend it; solvers that add
    noise can.

    Parameters
    ----------
    highest
        Defects of a table that starts at the highest level there is.
    offset
        Square of the mean that a start about zero misses, per mode, (M,).
    """
    spread, mean = _start(defects, offset, start)
    if sampler in ADDING_NOISE:
        return StartError(spread, mean)
    least_spread, least_mean = _start(highest, offset, start)
    unmended = least_spread**2 + least_mean**2
    return StartError(spread - least_spread, mean - least_mean, unmended)


def _start(
    defects: Defects, offset: NDArray[np.float64], start: Start
) -> tuple[Numbers, Numbers]:
    missed = np.sqrt(offset * defects.mean_kept) if start == "zero" else 0.0
    return defects.amplitudes[0], missed


def spectral_start_error(
    sampler: str,
    sigmas: Numbers,
    power: NDArray[np.float64],
    variation: NDArray[np.float64],
) -> StartError:
    """Return the error of a start from noise with the spectrum of the pictures.

    It is Gaussian of the right variance, ``power + sigma**2``. A mode of noised
    pictures has that variance too, but in each picture another one, so it is not
    Gaussian. To leading order its excess kurtosis is ``3 v``, v the variance of the
    variance over its squared mean, and the squared Wasserstein distance is 3/32 of
    ``v**2`` times the mean (ours; by the third Hermite polynomial in the quantiles).

    Parameters
    ----------
    variation
        Variance of the power of a mode over its squared mean, (M,).
    """
    exact = power + _columns(sigmas)[0] ** 2
    kept = local_defects(sampler, sigmas, power).mean_kept
    squared = KURTOSIS_DISTANCE * (variation * power**2) ** 2 / exact**3 * kept
    return StartError(apart=squared)


def squared_errors(sampler: str, defects: Defects, begun: StartError) -> list[Numbers]:
    """Return terms, (..., M), that sum to the expected squared error at the end (ours).

    There is one term for the start and one for each step. How they add up was measured
    on networks. Errors of one-step solvers do with their signs. Those of multistep
    solvers alternate in sign, but networks do not make good what that promises: their
    squares are summed. So are those of solvers with fresh noise, which makes errors
    independent.
    """
    _, *steps = defects.amplitudes
    made = [begun.spread + 0 * steps[0], *steps]
    first, *others = _shares(made) if sampler in ONE_STEP else [d**2 for d in made]
    return [first + begun.mean**2 + begun.apart, *others]


def _shares(parts: Sequence[Numbers]) -> list[Numbers]:
    """Return what each part has in the square of their sum.

    An imaginary step of a part is felt by its own share alone, twice, in place of once
    by every share: the slopes have the right sum, and each depends on few levels.
    """
    total = sum(part.real for part in parts)
    return [total * (part + (part - np.conj(part)) / 2) for part in parts]


@dataclass(frozen=True, eq=False)
class Origin:
    """Where sampling starts, for errors beside the highest start of the same noise.

    Attributes
    ----------
    start
        None for pictures that were given noise.
    offset
        Square of the mean that a start about zero misses, per mode, (M,).
    highest
        Defects of a table that starts at the highest level there is.
    whole
        Whether what even that start gets wrong is counted, which no table can mend.
    """

    start: Start | None
    offset: NDArray[np.float64]
    highest: Defects
    whole: bool = False

    def error(self, sampler: str, defects: Defects) -> StartError:
        """Return what is wrong at the end because of the start."""
        if self.start is None or self.start == "spectral":
            return EXACT_START
        modes = (defects, self.highest, self.offset)
        error = noise_start_error(sampler, *modes, self.start)
        return error if self.whole else error._replace(apart=0.0)


def mode_errors(
    sampler: str, sigmas: Numbers, power: NDArray[np.float64], origin: Origin
) -> list[Numbers]:
    """Return terms, (..., M), that sum to the expected squared error of a table."""
    share = share_end_to_end(sampler, len(sigmas) - 1)
    whole = [share * _end_to_end(sampler, sigmas, power, origin)] if share else []
    if share == 1:
        return whole
    defects = local_defects(sampler, sigmas, power)
    steps = squared_errors(sampler, defects, origin.error(sampler, defects))
    return [*((1 - share) * step for step in steps), *whole]


END_TO_END = frozenset({"heun"})
"""Solvers whose errors on networks are those of the whole way from noise to picture.

Local errors of Heun's method come out too large where steps are long: it makes good in
the next step what it got wrong in one.
"""

FEW_STEPS = 5
"""Steps up to which errors of solvers that renew noise are those of the whole way.

Steps so long leave little of what was before them: what one blurs, the next sharpens.
"""

LONG_STEPS, SHORT_STEPS = 3, 11
"""Steps of multistep solvers that errors of the whole way are all of, and none of.

With few steps, what one gets wrong is made good by the next in networks too; with many
they do not follow so closely.
"""

START_SHARE = {"heun": 0.7}
"""Share of the highest start's own error that end-to-end errors are measured beside.

All of it, if not named here, as a fine reference has it on Gaussian data. Networks know
more of the pictures than their spectra and make good a part, which a higher start is
paid for.
"""


def share_end_to_end(sampler: str, num_steps: int) -> float:
    """Return how much of an error is that of the whole way, from 0 to 1 (ours).

    The rest is that of single steps. It was found by what networks do.
    """
    if sampler in END_TO_END:
        return 1.0
    if sampler in RENEWING_NOISE:
        return float(num_steps <= FEW_STEPS)
    if sampler in ONE_STEP | ADDING_NOISE:
        return 0.0
    share = (SHORT_STEPS - num_steps) / (SHORT_STEPS - LONG_STEPS)
    return min(max(share, 0.0), 1.0)


def _end_to_end(
    sampler: str, sigmas: Numbers, power: NDArray[np.float64], origin: Origin
) -> Numbers:
    """Return the squared difference from what the highest start gives, (..., M).

    Solvers with fresh noise have no reference of the same noise, and all of what they
    get wrong is theirs.
    """
    first, wanted = _columns(sigmas)[0], np.sqrt(power)
    begun, *fresh = transfer_by_source(sampler, sigmas, power)
    if origin.start not in {"zero", "mean"}:
        # The state has the right variance from the start.
        exact = begun / first * np.sqrt(power + first**2)
        return (_size((exact, *fresh)) - wanted) ** 2
    share = 0.0 if fresh else START_SHARE.get(sampler, 1.0)
    beside = _start(origin.highest, origin.offset, origin.start)
    least_spread, least_mean = (share * part for part in beside)
    spread = _size((begun, *fresh)) - wanted - least_spread
    missed = np.sqrt(origin.offset) if origin.start == "zero" else 0.0
    squared = spread**2 + (missed * begun / first - least_mean) ** 2
    return squared + least_spread**2 + least_mean**2 if origin.whole else squared


def transfer_kl(sampler: str, sigmas: Numbers, power: NDArray[np.float64]) -> Numbers:
    """Return the divergence per mode of the sampled from the true Gaussian, (..., M).

    Benita, Elad & Keshet (arXiv 2502.00180); in nats.
    """
    ratio = transfer(sampler, sigmas, power) ** 2 / power
    return (ratio - 1 - np.log(ratio)) / 2
