"""Contenders by their texts, and the cells that numbers of calls or steps mean."""

from __future__ import annotations

import pytest

from spectral_sched.comparisons.entries import (
    CellKey,
    cell_keys,
    num_calls,
    parse_entry,
    steps_within,
)
from spectral_sched.errors import UsageError
from spectral_sched.planning.data_set import DataSet
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import NoiseLimits, TableRequest
from tests.support.pink import pink_source


@pytest.fixture(scope="module")
def data_set() -> DataSet:
    return pink_source()


def test_settings_are_those_of_the_kind_and_of_all_kinds(data_set: DataSet) -> None:
    text = "karras:rho=5:sigma_min=0.01:sigma_max=60:terminal=zero:start=mean"
    plan = parse_entry(text).plan(data_set, "heun", 4)
    request = TableRequest.of(
        *("heun", 4, "mean"),
        settings={"rho": 5.0},
        limits=NoiseLimits(0.01, 60.0),
        terminal="zero",
    )
    assert plan.request == request
    assert plan.table == make_plan(data_set, "karras", request).table
    assert plan.table.sigmas[0] == 60


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("karas", "did you mean --kinds karras?"),
        ("karras:rho", "rho"),
        ("karras:tho=5", "did you mean"),
        ("karras:sigma_max=high", "sigma_max needs a number, not 'high'"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        parse_entry(text)


@pytest.mark.parametrize(
    ("sampler", "calls", "steps"),
    [("euler", 8, 8), ("heun", 8, 4), ("heun", 7, 4), ("heun", 1, 1), ("unipc", 5, 5)],
)
def test_calls_are_the_most_steps_within_them(
    sampler: str, calls: int, steps: int
) -> None:
    assert steps_within(sampler, calls) == steps
    assert num_calls(sampler, steps) <= calls < num_calls(sampler, steps + 1)


def test_cells_of_calls_and_of_steps() -> None:
    assert cell_keys(["heun", "euler"], [7, 8], []) == [
        *(CellKey("heun", 4), CellKey("euler", 7), CellKey("euler", 8)),
    ]
    assert [key.num_calls for key in cell_keys(["heun", "euler"], [], [4])] == [
        7,
        4,
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((["huen"], [8], []), "did you mean --samplers heun?"),
        ((["heun"], [8], [4]), "--calls and --steps both say"),
        ((["heun"], [0], []), "at least one call, not 0"),
        ((["heun"], [2001], []), "--calls must be at most 2,000, not 2001"),
        ((["euler"], [], [10**21]), "--steps must be at most 1,000, not 1e\\+21"),
    ],
)
def test_cells_that_cannot_be_are_refused(
    given: tuple[list[str], list[int], list[int]], message: str
) -> None:
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        cell_keys(*given)
