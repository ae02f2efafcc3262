from __future__ import annotations

import pytest

from spectral_sched.errors import UsageError
from spectral_sched.schedules.table import SigmaTable, resample


def test_levels_and_steps() -> None:
    table = SigmaTable.of([80, 2.5, 0.002])
    assert table.sigmas == (80.0, 2.5, 0.002, 0.0)
    assert table.levels == (80.0, 2.5, 0.002)
    assert table.num_steps == 3
    assert table == SigmaTable((80.0, 2.5, 0.002, 0.0))


def test_resampling_is_linear_in_the_log() -> None:
    table = SigmaTable.of([100.0, 10.0, 0.1])
    assert resample(table, 5).levels == pytest.approx((100, 31.6228, 10, 1, 0.1))
    assert resample(table, 3).levels == pytest.approx(table.levels)
    assert resample(table, 1).levels == pytest.approx((100.0,))


@pytest.mark.parametrize(
    ("sigmas", "message"),
    [
        ((0.0,), "one level and a final 0"),
        ((), "one level and a final 0"),
        ((2.0, 1.0), "ends in 0, not in 1.0"),
        ((1.0, 2.0, 0.0), "decreases at every step, but 2.0 follows 1.0"),
        ((1.0, 1.0, 0.0), "decreases at every step"),
        ((1.0, 0.0, 0.0), "decreases at every step, but 0.0 follows 0.0"),
        ((float("nan"), 0.0), "finite numbers only"),
        ((float("inf"), 0.0), "finite numbers only"),
    ],
)
def test_tables_that_cannot_be_stepped_through(
    sigmas: tuple[float, ...], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        SigmaTable(sigmas)
