"""Tables that are best end to end on Gaussian data.

A stationary Gaussian field falls into independent modes, one for each Fourier mode and
axis that decorrelates its ring's colours. A solver with Wiener's denoiser maps the
starting noise of a mode to the image by one factor, so the distance between the
images sampled and the field is known in closed form, and the table that minimises it
can be searched for (Benita, Elad & Keshet, arXiv 2502.00180).

Theirs has fixed ends; here they are free inside the noise range, as for all tables
that are searched for. Errors of one step make up for those of another: a multistep
solver may get two first levels as close as the search allows, and an error of
`table_error` that rises with a step more. Networks do not follow it there, which is why
`optimal` plans on images that are not Gaussian.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.errors import UsageError
from spectral_sched.planning.search import best_table, inner_ends, minimal_table
from spectral_sched.planning.transfer import transfer_by_source
from spectral_sched.schedules import KarrasLaw, Schedule, sigma_table
from spectral_sched.schedules.parameters import choice

from .kind import KindInfo, KindSettings, parameters_of, refuse_terminal, settings_of
from .optimal import optimal_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.request import TableRequest
    from spectral_sched.planning.transfer import Numbers
    from spectral_sched.schedules.table import SigmaTable
    from spectral_sched.spectra.bounds import Start
    from spectral_sched.spectra.gaussian_field import GaussianField
    from spectral_sched.spectra.power_distribution import PowerDistribution


RHOS = (1.0, 3.0, 10.0)
"""Of the Karras tables that searches begin at: for each, the best between some ends."""


@dataclass(frozen=True, eq=False)
class FieldModes:
    """Independent modes of a Gaussian field, those alike taken together.

    Attributes
    ----------
    power
        Their variances, (M,).
    weight
        How many there are, (M,).
    squared_mean
        Squares of their means, (M,).
    """

    power: NDArray[np.float64]
    weight: NDArray[np.float64]
    squared_mean: NDArray[np.float64]


def field_modes(field: GaussianField) -> FieldModes:
    """Return the modes of a field that have any power.

    Those without are the same in every image, and no distance to them is finite but
    that of getting them exactly right.
    """
    power, _, of_mean = field.color_axes
    weight = np.broadcast_to(field.num_modes[:, None], power.shape)
    squared_mean = np.zeros_like(power)
    squared_mean[0] = of_mean
    used = power > np.finfo(np.float32).eps ** 2 * power.max()
    return FieldModes(power[used], weight[used], squared_mean[used])


def squared_distance(variance: Numbers, missed: Numbers, power: Numbers) -> Numbers:
    """Return the squared Wasserstein distance between two Gaussians.

    Parameters
    ----------
    variance, power
        Of the sampled and of the true one.
    missed
        Squared distance of their means.
    """
    return (np.sqrt(variance) - np.sqrt(power)) ** 2 + missed


def divergence(variance: Numbers, missed: Numbers, power: Numbers) -> Numbers:
    """Return the divergence of one Gaussian from another, in nats.

    The parameters are those of `squared_distance`.
    """
    ratio = variance / power
    return (ratio - 1 - np.log(ratio) + missed / power) / 2


OBJECTIVES: Mapping[str, Callable[[Numbers, Numbers, Numbers], Numbers]] = {
    "w2": squared_distance,
    "kl": divergence,
}
"""Distances by the names used in commands and files, the default first."""


def end_to_end_error(
    modes: FieldModes, sampler: str, sigmas: Numbers, start: Start, objective: str
) -> Numbers:
    """Return the distance of the sampled images from the field, per mode.

    Parameters
    ----------
    sigmas
        (N + 1, ...) with the final 0.
    start
        Where sampling starts; a spectral start is exact, and so is an image with
        noise.
    """
    sigma = np.asarray(sigmas)[0][..., None]
    first, *fresh = transfer_by_source(sampler, sigmas, modes.power).weights
    kept = (first / sigma) ** 2
    own = modes.power if start == "spectral" else 0.0
    variance = kept * (own + sigma**2) + sum(factor**2 for factor in fresh)
    missed = kept * (modes.squared_mean if start == "zero" else 0.0)
    distance = OBJECTIVES[objective](variance, missed, modes.power)
    return distance @ modes.weight / modes.weight.sum()


def gaussian_table(
    distribution: PowerDistribution,
    sampler: str,
    num_steps: int,
    ends: tuple[float, float],
    *,
    start: Start = "zero",
    objective: str = "w2",
    first: float | None = None,
) -> SigmaTable:
    """Return the table of least end-to-end error on the Gaussian field of a data set.

    The error has several minima. Searches begin at the optimal table and at the best
    of many Karras tables, and the best table of all is returned.

    Parameters
    ----------
    ends
        Lowest and highest level allowed.
    objective
        Name of the distance, in `OBJECTIVES`.
    first
        Level of the noise on the images that sampling starts from, if it starts from
        images. It is the first level then, and the start is without error.
    """
    modes = field_modes(distribution.field)
    origin: Start = start if first is None else "spectral"

    def errors(sigmas: Numbers) -> Numbers:
        return end_to_end_error(modes, sampler, sigmas, origin, objective)[None]

    local = optimal_table(
        distribution, sampler, num_steps, ends, start=start, first=first
    )
    begun = [
        local,
        *(best_table(errors, _karras(num_steps, ends, first, rho)) for rho in RHOS),
    ]
    found = [
        minimal_table(errors, num_steps, ends, first=first, near=table)
        for table in begun
    ]
    return best_table(errors, [*begun, *found])


def _karras(
    num_steps: int, ends: tuple[float, float], first: float | None, rho: float
) -> list[SigmaTable]:
    """Return Karras tables between ends inside the range."""
    law = KarrasLaw(rho=rho)
    return [
        sigma_table(Schedule(law, bottom, top), num_steps)
        for top, bottom in inner_ends(ends, first)
    ]


@dataclass(frozen=True, kw_only=True)
class GaussianSettings(KindSettings):
    """What can be set for tables that are best end to end on Gaussian data."""

    objective: str = choice("w2", tuple(OBJECTIVES), "distance to the Gaussian field")


def _table(data_set: DataSet, request: TableRequest) -> SigmaTable:
    refuse_terminal("gaussian", request)
    ends = request.limits.ends(data_set.bounds, request.start)
    first = request.limits.first(ends)
    if request.start == "spectral" and first is None:
        message = (
            "kind gaussian has nothing to do from a spectral start, which is "
            "of the Gaussian already; choose --start mean"
        )
        raise UsageError(message)
    return gaussian_table(
        data_set.power,
        request.sampler,
        request.num_steps,
        ends,
        objective=settings_of(GaussianSettings, request.settings).objective,
        start=request.start,
        first=first,
    )


KINDS = (
    KindInfo(
        name="gaussian",
        formula=(
            "least W2 or KL from the sampled to the true Gaussian of the mean spectrum"
        ),
        reference="Benita, Elad & Keshet, arXiv 2502.00180, with free ends",
        parameters=parameters_of(GaussianSettings),
        table=_table,
        from_noise=True,
    ),
)
