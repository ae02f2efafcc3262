"""Predicted errors of kinds of tables by network calls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.prediction import REFERENCE_STEPS
from spectral_sched.planning.request import NoiseLimits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spectral_sched.planning.plan import Plan

COMPARED_KINDS = ("optimal", "karras", "exponential")
"""Kinds whose errors are drawn by network calls: ours, and the two copied most."""


@dataclass(frozen=True, eq=False)
class CallsCurve:
    """Predicted error of a kind of table by its number of steps.

    Attributes
    ----------
    name
        The kind.
    sampler
        The solver that it is for.
    num_steps, num_calls
        Steps of each table and network calls for one image, rising, (N,).
    error
        Root mean square error over all modes, (N,).
    enough
        Number of steps beyond which more reduce the error by less than 1 %.
    """

    name: str
    sampler: str
    num_steps: NDArray[np.int64]
    num_calls: NDArray[np.int64]
    error: NDArray[np.float64]
    enough: int


def calls_curves(plan: Plan) -> list[CallsCurve]:
    """Return the errors of `COMPARED_KINDS` in the range of a plan, and for its solver.

    Steps are powers of two and the number that is enough. The first kind stops at
    `REFERENCE_STEPS`: a search for many more takes a minute.
    """
    low, high = plan.ends
    enough, first = plan.enough_steps, COMPARED_KINDS[0]
    steps = sorted({2**power for power in range(1, enough.bit_length())} | {enough})
    request = replace(plan.request, settings={}, terminal=None)
    if not request.limits.partial:
        request = replace(request, limits=NoiseLimits(low, high))
    curves = []
    for kind in COMPARED_KINDS:
        most = REFERENCE_STEPS if kind == first else enough
        plans = [
            make_plan(plan.data_set, kind, replace(request, num_steps=count))
            for count in steps
            if count <= most or count == steps[0]
        ]
        calls = [each.num_calls for each in plans]
        error = np.array([each.predicted.error for each in plans])
        numbers = np.array(steps[: len(plans)]), np.array(calls), error
        curves.append(CallsCurve(kind, request.sampler, *numbers, enough))
    return curves
