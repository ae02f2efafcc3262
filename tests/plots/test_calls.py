"""Predicted errors by network calls, against plans made one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.planning.plan import make_plan
from spectral_sched.plots.calls import COMPARED_KINDS, calls_curves

if TYPE_CHECKING:
    from spectral_sched.planning.plan import Plan


def test_errors_are_those_of_the_tables(plan: Plan) -> None:
    curves = calls_curves(plan)
    assert tuple(curve.name for curve in curves) == COMPARED_KINDS
    for curve in curves:
        assert curve.enough == plan.enough_steps
        assert list(curve.num_steps[:2]) == [2, 4]
        np.testing.assert_array_equal(curve.num_calls, curve.num_steps)  # dpmpp-2m
        made = make_plan(plan.data_set, curve.name, replace(plan.request, num_steps=4))
        assert curve.error[1] == made.predicted.error
    ours, *others = curves
    assert np.all(np.diff(ours.error) < 0)
    assert ours.num_steps[-1] == 16 < plan.enough_steps
    for other in others:
        assert other.num_steps[-1] == plan.enough_steps
        assert np.all(ours.error < other.error[: len(ours.error)])
        assert ours.error[1] < 0.8 * other.error[1]
