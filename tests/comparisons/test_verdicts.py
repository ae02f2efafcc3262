"""Verdicts: which way they go, what they rest on, and how they are counted."""

from __future__ import annotations

import pytest

from spectral_sched.comparisons import (
    METRICS,
    Cell,
    best_of,
    rival_verdicts,
    summary_lines,
    verdict,
)
from tests.support.made_comparisons import NAMES, row


@pytest.mark.parametrize("metric", ["error", *NAMES])
def test_less_is_better_or_worse_as_the_metric_says(metric: str) -> None:
    low, high = row("low", 0.90), row("high", 0.95)
    words = ("better", "worse")
    expected = words if METRICS[metric].less_is_better else words[::-1]
    assert verdict(low, high, metric).word == expected[0]
    assert verdict(high, low, metric).word == expected[1]
    assert verdict(low, low, metric).word == "no difference"


def test_a_verdict_tells_the_difference_and_its_rival() -> None:
    told = verdict(row("low", 0.9), row("high", 1.0), "frechet")
    assert told.rival == "high"
    assert told.apart.value == pytest.approx(-0.1, rel=0.1)
    assert told.apart.low <= told.apart.value <= told.apart.high < 0


@pytest.mark.parametrize("metric", ["error", "frechet"])
def test_only_samples_of_one_noise_are_paired(metric: str) -> None:
    """Five per cent are seen between pairs, and lost between sets of their own."""
    assert verdict(row("a", 0.90), row("b", 0.92), metric).word == "better"
    other = verdict(row("a", 0.90, seed=1), row("b", 0.92, seed=2), metric)
    assert other.word == "no difference"


def test_the_best_is_the_lowest_or_the_highest() -> None:
    rows = [row("a", 0.3), row("b", 0.1), row("c", 0.2)]
    assert best_of(rows, "error").name == "b"
    assert best_of(rows, "recall").name == "a"


def test_cells_are_counted_against_the_best_of_the_others() -> None:
    cells = [
        Cell("heun", 3, [row("ours", 1.0), row("a", 1.2), row("b", 1.1)]),
        Cell("heun", 5, [row("ours", 1.0), row("a", 0.9), row("b", 1.1)]),
        Cell("heun", 7, [row("ours", 1.0), row("a", 1.0), row("b", 1.1)]),
    ]
    (told, _) = rival_verdicts(cells[1])
    assert (told.metric, told.rival, told.word) == ("error", "a", "worse")
    assert summary_lines(cells) == [
        "error: ours is lowest or tied in 2 of 3 cells (1 lowest, 1 tied, 1 beaten)",
        "Frechet: ours is lowest or tied in 2 of 3 cells (1 lowest, 1 tied, 1 beaten)",
    ]


def test_where_nothing_is_paired_distances_alone_are_judged() -> None:
    rows = [row("ours", 1.0, paired=False), row("a", 1.2, paired=False)]
    assert [told.metric for told in rival_verdicts(Cell("heun", 3, rows))] == [
        "frechet"
    ]


def test_one_table_alone_has_no_rival() -> None:
    cell = Cell("heun", 3, [row("ours", 1.0)])
    assert list(rival_verdicts(cell)) == []
    assert summary_lines([cell]) == []
