"""The law of noise levels to train with, and the levels that stand for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.schedules import SCHEDULES, Schedule, TableLaw

from .kinds.families import family_schedule
from .plan import make_plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .data_set import DataSet
    from .request import TableRequest


NUM_POINTS = 8192
"""Equally likely noise levels that stand for a law in fits."""

NUM_QUANTILES = 257


@dataclass(frozen=True, eq=False)
class LawSample:
    """Equally likely noise levels of a law.

    Attributes
    ----------
    log_sigma
        Ln sigma at the middles of equal probabilities, ascending, (M,).
    log_density
        Natural log of the density of ln sigma there, (M,).
    ends
        Lowest and highest ln sigma.
    """

    log_sigma: NDArray[np.float64]
    log_density: NDArray[np.float64]
    ends: tuple[float, float]

    @property
    def probability(self) -> NDArray[np.float64]:
        """Probability below each level, (M,)."""
        count = len(self.log_sigma)
        middles: NDArray[np.float64] = (np.arange(count) + 0.5) / count
        return middles


def training_schedule(data_set: DataSet, kind: str, request: TableRequest) -> Schedule:
    """Return the schedule of a kind whose law is to be trained with.

    For kinds that search for a table it is the law of its steps: equal weight between
    the levels of a fine one.
    """
    if kind in SCHEDULES:
        return family_schedule(data_set, kind, request)
    levels = make_plan(data_set, kind, request).table.levels
    return Schedule(TableLaw(levels=levels), levels[-1], levels[0])


def law_quantiles(
    schedule: Schedule, count: int = NUM_QUANTILES
) -> NDArray[np.float64]:
    """Return ln sigma at equally spaced probabilities from 0 to 1, ascending."""
    return np.log(schedule(np.linspace(0, 1, count)))


def law_sample(schedule: Schedule, count: int = NUM_POINTS) -> LawSample:
    """Return equally likely noise levels of a schedule's law."""
    middles = (np.arange(count) + 0.5) / count
    log_snr = schedule.quantile(1 - middles)
    # The density of ln sigma is twice that of log_snr.
    density = np.maximum(2 * schedule.density(log_snr), np.finfo(np.float64).tiny)
    ends = (float(np.log(schedule.sigma_min)), float(np.log(schedule.sigma_max)))
    return LawSample(log_snr / -2, np.log(density), ends)


OWN = "spectral"
"""The law in which every image has the schedule of its own spectrum."""

LEARNED = "learned"
"""The law that is learned together with the denoiser."""
