"""Hand tuning, done by a machine: the best of a grid of tables, by running them.

The grid is of Karras tables (Karras et al., arXiv 2206.00364, Eq. 5): four upper ends,
three lower ends and four exponents. Each is played from the first seeds, and the one
with the least error against the fine reference is taken. That is what trying things out
amounts to; it costs the network calls of all of them and of the reference.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from spectral_sched.plans import make_plan
from spectral_sched.requests import Limits, request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from spectral_sched.comparisons.contenders import Place
    from spectral_sched.plans import Plan, PlanSource

    Squares = Callable[[Plan, int], NDArray[np.float64]]

NUM_TRIED = 24
"""Samples that each table is tried on."""

HIGH, RHO, LOW = (20.0, 40.0, 80.0, None), (3.0, 5.0, 7.0, 10.0), (0.002, 0.02, 0.1)
"""The grid; None stands for the measured upper end."""


def tuned(source: PlanSource, place: Place, squares: Squares) -> tuple[Plan, int]:
    """Return the table of the grid with the least error, and the calls it took.

    Parameters
    ----------
    squares
        Plays a plan from so many seeds and returns the squared error of each sample.
    """
    plans = list(grid(source, place))
    best = min(plans, key=lambda plan: squares(plan, NUM_TRIED).mean())
    return best, len(plans) * place.num_calls * NUM_TRIED


def grid(source: PlanSource, place: Place) -> Iterator[Plan]:
    """Yield the 48 tables."""
    for high, rho, low in itertools.product(HIGH, RHO, LOW):
        limits = Limits(low, high or source.bounds.sigma_max)
        settings = {"rho": rho}
        wanted = request(
            place.sampler, place.num_steps, "zero", settings=settings, limits=limits
        )
        yield make_plan(source, "karras", wanted)
