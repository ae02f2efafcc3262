from __future__ import annotations

import numpy as np
import pytest

from spectral_sched.errors import UsageError
from spectral_sched.optimize import optimal_table
from spectral_sched.plans import enough_steps, predicted_error
from spectral_sched.requests import Request
from spectral_sched.schedules import KarrasLaw, Schedule, sigma_table
from spectral_sched.table_kinds import check_kind

from .test_optimize import ends, planning


def test_enough_steps_is_where_the_best_tables_stop_getting_better() -> None:
    data = planning()
    wanted = Request("heun", 8, "mean")
    low_high = ends(data, "mean")
    enough = enough_steps(data, low_high, wanted)
    few, there, many = (
        predicted_error(
            data,
            optimal_table(data, "heun", count, low_high, start="mean"),
            wanted,
            low_high[1],
        ).error
        for count in (enough // 2, enough, 3 * enough)
    )
    assert there < 1.03 * many
    assert few > 1.01 * there


def test_predicted_error_is_the_mean_over_modes() -> None:
    data = planning()
    table = sigma_table(Schedule(KarrasLaw(), *ends(data)), 5)
    predicted = predicted_error(data, table, Request("euler", 5, "zero"), ends(data)[1])
    modes = data.field.num_modes
    mean = np.sqrt(modes @ predicted.per_ring**2 / modes.sum())
    assert predicted.error == pytest.approx(mean, rel=1e-12)


def test_unknown_kinds_suggest_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean --kind exponential"):
        check_kind("exponental")
