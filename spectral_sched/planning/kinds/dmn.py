"""Tables of DM-NonUniform: a solver's weights times an assumed error of the network.

Xue et al. (arXiv 2402.17376) look at no network and no image. A sampled image is a
weighted sum of the denoised images that a solver saw; if each of them is off by an
assumed amount, the sum of the absolute weights times these amounts bounds what the
image is off by. Their table is the one with the least such bound, with both ends of
the noise range fixed.

Weights of one image in several steps may cancel, and at few steps a search finds tables
that do little else. As in the authors' programs, the first three steps are therefore
bounded each for itself, by the root of the sum of squares.

The network is taken to err by ``sigma_vp**exponent / alpha_vp`` of a
variance-preserving process. Their last level is sigma_min, which the weights below end
at; in tables of ours 0 takes its place, as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.planning.search import minimal_table
from spectral_sched.schedules import KarrasLaw, Schedule, sigma_table
from spectral_sched.schedules.coordinates import COORDINATES
from spectral_sched.schedules.parameters import number
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.recurrence import Call, Combination, Play
from spectral_sched.solvers.registry import SAMPLERS

from .kind import KindInfo, KindSettings, parameters_of, refuse_terminal, settings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.request import TableRequest
    from spectral_sched.planning.transfer import Numbers


@dataclass(frozen=True, kw_only=True)
class DmnSettings(KindSettings):
    """What can be set for tables of DM-NonUniform."""

    exponent: float = number(1.0, 0.0, 4.0, "of the error that a network is taken for")


RHOS = (1.0, 3.0, 7.0, 20.0)
"""Of the Karras tables that searches begin at, beside even steps in ln sigma."""

NUM_ALONE = 3
"""First steps that are bounded each for itself."""


def assumed_error(sigma: Numbers, exponent: float) -> Numbers:
    """Return what a network is taken to get wrong: ``sigma_vp**exponent / alpha_vp``.

    As ``sigma_vp`` is ``sigma * alpha_vp`` and abar ``alpha_vp**2``, this is
    ``sigma**exponent * abar**((exponent - 1) / 2)``.

    Parameters
    ----------
    exponent
        Of the noise's share: 1, which the authors recommend for pixels, makes it sigma
        itself; 2, for latents, ``sigma**2 / sqrt(1 + sigma**2)``.
    """
    abar = COORDINATES["abar"].from_sigma(sigma)
    return sigma**exponent * abar ** ((exponent - 1) / 2)


def calls_to(sampler: str, sigmas: Numbers, sigma_min: float) -> list[Call]:
    """Return the network calls of a solver whose last step ends above 0.

    Parameters
    ----------
    sigmas
        (N + 1, B) with the final 0.
    sigma_min
        Where the last step, which is Euler's, ends.
    """
    # The authors leave correctors out.
    solver = SAMPLERS[sampler]
    *calls, last = (solver.predictor or solver.calls)(list(sigmas))
    ratio = sigma_min / last.sigma
    return [*calls, last._replace(state=Combination(0.0, (1 - ratio,), (ratio,)))]


def picture_weights(calls: Sequence[Call], steps: Sequence[int]) -> Numbers:
    """Return the weights of all denoised images in the last one, (J, B).

    Parameters
    ----------
    steps
        The steps whose weights count, from 0; the weights of all steps together are
        the sums of those of each.
    """
    taken = [index for index, call in enumerate(calls) if call.state is not None]
    counted = {taken[step] for step in steps}
    levels = np.stack([call.sigma for call in calls])
    nothing = np.zeros_like(levels)
    play = Play(nothing, lambda: nothing)
    for index, call in enumerate(calls):
        seen = nothing.copy()
        seen[index] = 1
        play.take(call if index in counted else _blind(call), seen)
    return play.state


def _blind(call: Call) -> Call:
    """Return a call that sees nothing."""
    state, point = (
        weights and weights._replace(denoised=tuple(0.0 for _ in weights.denoised))
        for weights in (call.state, call.point)
    )
    return call._replace(state=state, point=point)


def error_bound(
    sampler: str, sigmas: Numbers, sigma_min: float, exponent: float
) -> Numbers:
    """Return the terms of the bound on the error of the image, (T, B).

    The parameters are those of `calls_to` and `assumed_error`. Complex levels give
    complex terms, whose imaginary parts are their derivatives.
    """
    calls = calls_to(sampler, sigmas, sigma_min)
    wrong = assumed_error(np.stack([call.sigma for call in calls]), exponent)
    num_steps = len(sigmas) - 1
    alone = range(min(NUM_ALONE, num_steps))
    first = [
        np.sqrt(np.sum((picture_weights(calls, [step]) * wrong) ** 2, axis=0))
        for step in alone
    ]
    others = picture_weights(calls, range(len(alone), num_steps)) * wrong
    bound: Numbers = np.stack([*first, *np.where(others.real < 0, -others, others)])
    return bound


def dmn_table(
    sampler: str, num_steps: int, ends: tuple[float, float], exponent: float
) -> SigmaTable:
    """Return the table with the least bound on an image's error.

    The bound has kinks and several minima. Searches begin at even steps in ln sigma, as
    theirs, and at Karras tables; the best table of all is returned. For iPNDM, whose
    weights do not follow the steps, there are lower minima on odd tables; they come
    from weights that cancel, and are not looked for.

    Parameters
    ----------
    ends
        Noise range: the first level is its upper end, and the lower one is where the
        last step is taken to end.
    """
    low, high = ends

    def errors(sigmas: Numbers) -> Numbers:
        return error_bound(sampler, sigmas, low, exponent)

    begun = [
        sigma_table(Schedule(law, low, high), num_steps, "zero")
        for law in (KarrasLaw(rho=rho) for rho in RHOS)
    ]
    even = np.geomspace(high, low, num_steps + 1)[:-1]
    begun.append(SigmaTable.of(even))
    found = [
        minimal_table(errors, num_steps, ends, first=high, near=table)
        for table in begun
    ]
    return min([*begun, *found], key=lambda table: _total(errors(_column(table))))


def _table(data_set: DataSet, request: TableRequest) -> SigmaTable:
    refuse_terminal("dmn", request)
    low, high = request.limits.ends(data_set.bounds, request.start)
    ends = (low, request.limits.first((low, high)) or high)
    settings = settings_of(DmnSettings, request.settings)
    return dmn_table(request.sampler, request.num_steps, ends, settings.exponent)


def _column(table: SigmaTable) -> NDArray[np.float64]:
    return np.array(table.sigmas)[:, None]


def _total(errors: Numbers) -> float:
    return float(errors.sum())


KINDS = (
    KindInfo(
        name="dmn",
        formula=(
            "least sum of abs(solver weight) * sigma_vp^exponent / alpha_vp, no model"
        ),
        reference="DM-NonUniform, Xue et al., arXiv 2402.17376",
        parameters=parameters_of(DmnSettings),
        table=_table,
    ),
)
