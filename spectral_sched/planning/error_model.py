"""What a table gets wrong, mode by mode: how the errors of its steps add up.

The local error of each step and the global error of the way from noise to picture are
exact (`local_errors`). How they and that of the start make the error of a table is our
own, and so are the constants here: they were chosen by what trained networks do
(docs/networks.md).

Sigmas are (N + 1, ...) with the final 0, powers are (M,); results are (..., M), complex
where the sigmas are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spectral_sched.solvers.registry import SAMPLERS
from spectral_sched.spectra.power_distribution import power_variation

from .local_errors import GaussianValue, columns, local_errors, transfer_by_source
from .mode_powers import image_powers, mode_powers, power_measure, set_powers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from spectral_sched.spectra.bounds import Start
    from spectral_sched.spectra.power_distribution import PowerDistribution

    from .local_errors import LocalErrors, Numbers
    from .mode_powers import ModePowers


KURTOSIS_DISTANCE = 3 / 32


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
    local: LocalErrors,
    highest: LocalErrors,
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
    spread, mean = _start(local, offset, start)
    if SAMPLERS[sampler].adds_noise:
        return StartError(spread, mean)
    least_spread, least_mean = _start(highest, offset, start)
    unmended = least_spread**2 + least_mean**2
    return StartError(spread - least_spread, mean - least_mean, unmended)


def _start(
    local: LocalErrors, offset: NDArray[np.float64], start: Start
) -> tuple[Numbers, Numbers]:
    missed = np.sqrt(offset * local.mean_kept) if start == "zero" else 0.0
    return local.amplitudes[0], missed


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
    exact = power + columns(sigmas)[0] ** 2
    kept = local_errors(sampler, sigmas, power).mean_kept
    squared = KURTOSIS_DISTANCE * (variation * power**2) ** 2 / exact**3 * kept
    return StartError(apart=squared)


def squared_errors(
    sampler: str, local: LocalErrors, begun: StartError
) -> list[Numbers]:
    """Return terms, (..., M), that sum to the expected squared error at the end (ours).

    There is one term for the start and one for each step. How they add up was measured
    on networks. Errors of one-step solvers do with their signs. Those of multistep
    solvers alternate in sign, but networks do not make good what that promises: their
    squares are summed. So are those of solvers with fresh noise, which makes errors
    independent.
    """
    _, *steps = local.amplitudes
    made = [begun.spread + 0 * steps[0], *steps]
    solver = SAMPLERS[sampler]
    signed = solver.one_step and not solver.stochastic
    first, *others = _shares(made) if signed else [part**2 for part in made]
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
    count_unavoidable
        Whether what even that start gets wrong is counted, which no table can mend.
    """

    start: Start | None
    offset: NDArray[np.float64]
    highest: LocalErrors
    count_unavoidable: bool = False

    def error(self, sampler: str, local: LocalErrors) -> StartError:
        """Return what is wrong at the end because of the start."""
        if self.start is None or self.start == "spectral":
            return EXACT_START
        modes = (local, self.highest, self.offset)
        error = noise_start_error(sampler, *modes, self.start)
        return error if self.count_unavoidable else error._replace(apart=0.0)


def reference_start(
    sampler: str, top: float, power: NDArray[np.float64]
) -> LocalErrors:
    """Return the local errors of a table whose start is the highest level there is."""
    return local_errors(sampler, np.array([top, 0.0]), power)


def mode_errors(
    sampler: str, sigmas: Numbers, power: NDArray[np.float64], origin: Origin
) -> list[Numbers]:
    """Return terms, (..., M), that sum to the expected squared error of a table."""
    share = global_share(sampler, len(sigmas) - 1)
    whole = [share * _global_error(sampler, sigmas, power, origin)] if share else []
    if share == 1:
        return whole
    local = local_errors(sampler, sigmas, power)
    steps = squared_errors(sampler, local, origin.error(sampler, local))
    return [*((1 - share) * step for step in steps), *whole]


FEW_STEPS = 5
"""Steps up to which the error of a solver that renews noise is the global error.

Steps so long leave little of what was before them: what one blurs, the next sharpens.
"""

SHARE_BY_STEPS = {3: 1.0, 7: 0.5, 9: 0.5, 10: 0.0}
"""Share of the global error in that of multistep solvers, straight between.

With few steps, what one gets wrong is made good by the next in networks too; with many
they do not follow so closely.
"""

START_SHARE = 0.5
"""Share of the highest start's own error that the global error is measured beside.

It is for solvers that correct their steps; for others it is all of it, as a fine
reference has it on Gaussian data. Networks know more of the pictures than their spectra
and make good a part, which a higher start is paid for.
"""


def global_share(sampler: str, num_steps: int) -> float:
    """Return the share of the global error in that of a table, from 0 to 1 (ours).

    The rest is that of single steps. It was found by what networks do. Local errors of
    a solver that corrects its steps come out too large where steps are long: it makes
    good in the next step what it got wrong in one.
    """
    solver = SAMPLERS[sampler]
    if solver.renewal:
        return float(num_steps <= FEW_STEPS)
    if solver.adds_noise:
        return 0.0
    if solver.one_step:
        return float(solver.corrects)
    shares = list(SHARE_BY_STEPS.values())
    return float(np.interp(num_steps, list(SHARE_BY_STEPS), shares))


def _global_error(
    sampler: str, sigmas: Numbers, power: NDArray[np.float64], origin: Origin
) -> Numbers:
    """Return the squared difference from what the highest start gives, (..., M).

    Solvers with fresh noise have no reference of the same noise, and all of what they
    get wrong is theirs.
    """
    first, wanted = columns(sigmas)[0], np.sqrt(power)
    begun, *fresh = transfer_by_source(sampler, sigmas, power).weights
    if origin.start not in {"zero", "mean"}:
        # The state has the right variance from the start.
        exact = begun / first * np.sqrt(power + first**2)
        return (GaussianValue((exact, *fresh)).size - wanted) ** 2
    share = 0.0 if fresh else START_SHARE if SAMPLERS[sampler].corrects else 1.0
    beside = _start(origin.highest, origin.offset, origin.start)
    least_spread, least_mean = (share * part for part in beside)
    spread = GaussianValue((begun, *fresh)).size - wanted - least_spread
    missed = np.sqrt(origin.offset) if origin.start == "zero" else 0.0
    squared = spread**2 + (missed * begun / first - least_mean) ** 2
    return (
        squared + least_spread**2 + least_mean**2
        if origin.count_unavoidable
        else squared
    )


SPREAD = 1.0
"""Log-normal spread of mode power about its ring, chosen on networks."""


def table_errors(
    distribution: PowerDistribution,
    sampler: str,
    num_steps: int,
    start: Start | None,
    top: float,
) -> Callable[[Numbers], Numbers]:
    """Return the objective of `optimal_table`: what a table gets wrong.

    It maps sigmas of shape (N + 1, B) to terms of the squared error, (J, B), as shares
    of the energy of the pictures.

    Parameters
    ----------
    start
        Where sampling starts; None for pictures that were given noise.
    top
        Highest level there is. What even a start there gets wrong is not counted.
    """
    powers = powers_for(distribution, sampler, num_steps)
    measure = power_measure(powers, distribution.field.num_modes)
    energy = measure.weight @ measure.power
    highest = reference_start(sampler, top, measure.power)
    # With many steps, what no table can mend would hide the rest.
    origin = Origin(start, measure.offset, highest, count_unavoidable=False)

    def errors(sigmas: Numbers) -> Numbers:
        terms = mode_errors(sampler, sigmas, measure.power, origin)
        return np.stack([term @ measure.weight / energy for term in terms])

    if start != "spectral":
        return errors
    field = distribution.field
    variation = power_variation(distribution, SPREAD)

    def spectral_errors(sigmas: Numbers) -> Numbers:
        first = spectral_start_error(sampler, sigmas, field.power, variation)
        return np.stack([first.apart @ field.num_modes / energy, *errors(sigmas)])

    return spectral_errors


def powers_for(
    distribution: PowerDistribution, sampler: str, num_steps: int
) -> ModePowers:
    """Return the powers of modes that errors of a solver are expected over.

    The global error needs no spread, which is there to blur errors of one step, and is
    about the pictures that all images make together.
    Fresh noise draws the brightness and the colours of a picture anew, and tables for
    solvers that add it are planned for single images as they are: what such a table
    gives has no reference from the same noise, and by distances these did better.
    """
    if global_share(sampler, num_steps) == 1:
        return set_powers(distribution)
    if SAMPLERS[sampler].stochastic:
        return image_powers(distribution, SPREAD)
    return mode_powers(distribution, SPREAD)
