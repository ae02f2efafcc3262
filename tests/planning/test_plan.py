from __future__ import annotations

import numpy as np
import pytest

from spectral_sched.errors import UsageError
from spectral_sched.planning.kinds.optimal import optimal_table
from spectral_sched.planning.kinds.registry import check_kind
from spectral_sched.planning.prediction import enough_steps, predicted_error
from spectral_sched.planning.request import TableRequest
from spectral_sched.schedules import KarrasLaw, Schedule, sigma_table
from tests.support.planned import ends, planning


def test_enough_steps_is_where_the_best_tables_stop_getting_better() -> None:
    data = planning()
    request = TableRequest("dpmpp-2m", 8, "zero")
    low_high = ends(data)
    enough = enough_steps(data, low_high, request)
    few, there, many = (
        predicted_error(
            data,
            optimal_table(data, "dpmpp-2m", count, low_high),
            request,
            low_high[1],
        ).error
        for count in (enough // 4, enough, 2 * enough)
    )
    # It is told for levels from end to end; free ones gain a little by a lower start.
    assert there < 1.05 * many
    assert few > 1.01 * there


@pytest.mark.parametrize(
    ("sampler", "share"), [("dpmpp-2m", 0.02), ("heun", 0.5), ("unipc", 0.1)]
)
def test_enough_steps_are_known_under_a_raised_lower_end(
    sampler: str, share: float
) -> None:
    # So high that the best table ends on it.
    data = planning()
    high = ends(data)[1]
    request = TableRequest(sampler, 4)
    enough = enough_steps(data, (share * high, high), request)
    assert 1 <= enough <= enough_steps(data, ends(data), request)


def test_predicted_error_is_the_mean_over_modes() -> None:
    data = planning()
    table = sigma_table(Schedule(KarrasLaw(), *ends(data)), 5)
    predicted = predicted_error(
        data, table, TableRequest("euler", 5, "zero"), ends(data)[1]
    )
    modes = data.field.num_modes
    mean = np.sqrt(modes @ predicted.per_ring**2 / modes.sum())
    assert predicted.error == pytest.approx(mean, rel=1e-12)


def test_unknown_kinds_suggest_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean --kind exponential"):
        check_kind("exponental")
