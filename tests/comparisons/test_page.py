"""The page of evidence is computed: floors, costs, and where we lose."""

from __future__ import annotations

import argparse
import runpy
from typing import Any

import pytest

from spectral_sched.comparisons import Cell
from tests.helpers import ROOT

from .made import compared, row


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
    page = script["page"]({"photos": whole}, {"photos": "A network."}, "--calls 5")
    assert "all: error: ours is lowest or tied in 1 of 2 cells" in page
    assert "| `ours` | 7 | 0.5 |" in page
    losing = page.split("## Where the first table loses")[1].split("##")[0]
    assert "| photos, heun, 5 | error | `a` | " in losing
    assert "25%" in losing
    assert "heun, 7" not in losing
    floor = script["figure"](whole.floor, "frechet")
    assert f"Floor: {floor}." in page
    assert "| 5 | " in page
    assert "evidence.py --calls 5`" in page
    assert "worse, `a` |" in page
    assert "better, `b` |" in page
    best = script["figure"](lost.rows[1].judgement, "error")
    assert f"**{best}**" in page


def test_a_page_without_losses_says_so(script: dict[str, Any]) -> None:
    whole = compared(Cell("heun", 7, [row("ours", 1.0), row("a", 1.2)]))
    whole.facts["fine"] = {"sampler": "heun", "num_steps": 128}
    page = script["page"]({"photos": whole}, {"photos": "A network."}, "--calls 5")
    assert "In no cell." in page


def test_data_sets_are_named_in_full(script: dict[str, Any]) -> None:
    found = script["data_set"]("photos=a.npy:b.npy:c.safetensors")
    assert (found.name, found.training, found.held_out) == ("photos", "a.npy", "b.npy")
    with pytest.raises(argparse.ArgumentTypeError, match="write name="):
        script["data_set"]("photos=a.npy")
