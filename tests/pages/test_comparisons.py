"""The page of evidence is computed: floors, costs, and where we lose."""

from __future__ import annotations

import argparse
import re
import runpy
from dataclasses import replace
from typing import Any

import pytest

from spectral_sched.comparisons import Cell, Cost, Row
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import TableRequest
from tests.support.helpers import ROOT
from tests.support.made_comparisons import compared, row
from tests.support.pink import pink_source

KINDS = ("optimal", "exponential")


def foretold(_name: str, row: Row) -> float:
    return {"ours": 2.0, "a": 3.0, "b": 4.0, "searched": 1.0}[row.name]


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "benchmarks" / "evidence.py"))


def test_wins_and_losses_are_told_with_floors_and_costs(
    script: dict[str, Any],
) -> None:
    lost = Cell("heun", 5, [row("ours", 1.0), row("a", 0.8), row("b", 1.1)])
    won = Cell("heun", 7, [row("ours", 1.0), row("a", 1.2), row("b", 1.1)])
    whole = compared(lost, won)
    whole.facts["fine"] = {"sampler": "heun", "num_steps": 128}
    page = script["page"](
        {"photos": whole}, {"photos": "A network."}, "--calls 5", foretold
    )
    told = "- in 1 of 2 cells by error and 1 of 2 cells by Frechet, among all"
    assert told in page
    assert "| all | 1, 0, 1 | 1, 0, 1 |" in page
    assert "| `ours` | 7 | 0.5 |" in page
    losing = page.split("## Where the first table loses")[1].split("##")[0]
    assert "| photos, heun, 5 | error | `a` | " in losing
    assert "25%" in losing
    assert "| 1.50 |" in losing
    assert "heun, 7" not in losing
    floor = script["figure"](whole.floor, "frechet")
    assert f"Floor: {floor}." in page
    assert "| 5 | " in page
    assert "evidence.py --calls 5`" in page
    assert "worse, `a` |" in page
    assert "better, `b` |" in page
    best = script["figure"](lost.rows[1].judgement, "error")
    assert f"**{best}**" in page


def test_tables_that_took_calls_are_left_out_where_none_are_allowed(
    script: dict[str, Any],
) -> None:
    searched = row("searched", 0.5)
    given = replace(row("given", 1.2), cost=Cost(0, 0.1))
    cell = Cell("heun", 5, [row("ours", 1.0), searched, given])
    assert [each.name for each in script["free"](cell).rows] == ["ours", "given"]
    whole = compared(cell)
    whole.facts["fine"] = {"sampler": "heun", "num_steps": 128}
    page = script["page"](
        {"photos": whole}, {"photos": "A network."}, "--calls 5", foretold
    )
    assert "| all | 0, 0, 1 | 0, 0, 1 |" in page
    assert "| all, tables that need no network call | 1, 0, 0 | 1, 0, 0 |" in page


def test_closed_form_errors_are_those_of_plans(script: dict[str, Any]) -> None:
    data_set = pink_source()
    plans = {
        kind: make_plan(data_set, kind, TableRequest.of("heun", 4, "zero"))
        for kind in KINDS
    }
    told = script["foretold_by"]({"pink": data_set})
    for kind, plan in plans.items():
        played = replace(row(kind, 1.0), sampler="heun", sigmas=plan.table.sigmas)
        expected = plan.predicted.error
        assert told("pink", played) == pytest.approx(expected, rel=1e-12)


def test_parts_of_a_comparison_are_put_together(script: dict[str, Any]) -> None:
    first = compared(
        Cell("heun", 7, [row("ours", 1.0), row("a", 1.2)]),
        Cell("euler", 5, [row("ours", 2.0), row("a", 2.2)]),
    )
    second = compared(
        Cell("heun", 7, [row("ours", 1.0), row("b", 0.9)]),
        Cell("heun", 3, [row("ours", 3.0), row("b", 3.3)]),
    )
    cells = script["merged"]([first, second]).cells
    found = {(c.sampler, c.num_calls): [r.name for r in c.rows] for c in cells}
    assert found == {
        ("heun", 3): ["ours", "b"],
        ("heun", 7): ["ours", "a", "b"],
        ("euler", 5): ["ours", "a"],
    }
    assert list(found) == [("heun", 3), ("heun", 7), ("euler", 5)]


def test_a_page_without_losses_says_so(script: dict[str, Any]) -> None:
    whole = compared(Cell("heun", 7, [row("ours", 1.0), row("a", 1.2)]))
    whole.facts["fine"] = {"sampler": "heun", "num_steps": 128}
    page = script["page"](
        {"photos": whole}, {"photos": "A network."}, "--calls 5", foretold
    )
    assert "In no cell." in page


def test_judges_are_named_in_full(script: dict[str, Any]) -> None:
    found = script["judge"]("photos=a.npy:b.npy:c.safetensors")
    assert (found.name, found.training, found.held_out) == ("photos", "a.npy", "b.npy")
    with pytest.raises(argparse.ArgumentTypeError, match="write name="):
        script["judge"]("photos=a.npy")


def test_the_page_has_the_words_of_the_script(script: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "explanation" / "benchmarks.md").read_text()
    (options,) = re.findall(r"`python benchmarks/evidence\.py (.*?)`", page)
    (features,) = set(re.findall(r"\((`random-\w+`)\)", page))
    head = script["HEAD"].format(features=features, options=options)
    assert page.startswith(script["TITLE"])
    assert head in page
    assert script["LOSSES"] in page
