"""Which of two tables is better, by the interval of their difference.

Tables that were played from the same noise are compared sample by sample, others as
independent sets. The word for a difference whose interval holds 0 is "no difference":
such a comparison does not tell, with so many samples.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, NamedTuple

from spectral_sched.words import number_of

from .metrics import Estimate, bootstrap_difference, difference
from .results import METRICS, VERDICTS_ON

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .results import Cell, Row

Word = Literal["better", "no difference", "worse"]


class Verdict(NamedTuple):
    """How one table compares with another on one metric.

    Attributes
    ----------
    metric, rival
        What is compared, and with which table.
    word
        Whether the first table is better, worse or neither.
    apart
        First minus second, with its interval.
    """

    metric: str
    rival: str
    word: Word
    apart: Estimate


def verdict(first: Row, second: Row, metric: str) -> Verdict:
    """Return how the first table compares with the second on a metric.

    Both must have been measured by it.
    """
    apart = _apart(first, second, metric)
    word: Word = "no difference"
    if not apart.low <= 0 <= apart.high:
        less = apart.value < 0
        word = "better" if less == METRICS[metric].less_is_better else "worse"
    return Verdict(metric, second.name, word, apart)


def _apart(first: Row, second: Row, metric: str) -> Estimate:
    paired = first.seeds == second.seeds
    one, other = first.judgement, second.judgement
    if metric == "error" and one.squares is not None and other.squares is not None:
        return bootstrap_difference(one.squares, other.squares, paired=paired)
    return difference(one.scores[metric], other.scores[metric], paired=paired)


def best_of(rows: Sequence[Row], metric: str) -> Row:
    """Return the table with the best value of a metric."""
    sign = 1 if METRICS[metric].less_is_better else -1
    return min(rows, key=lambda row: sign * row.judgement.estimate(metric).value)


def rival_verdicts(cell: Cell) -> Iterator[Verdict]:
    """Yield how the first table of a cell compares with the best of the others."""
    ours, *others = cell.rows
    for metric in VERDICTS_ON:
        if others and all(metric in row.judgement for row in cell.rows):
            yield verdict(ours, best_of(others, metric), metric)


def summary_lines(cells: Sequence[Cell]) -> list[str]:
    """Return, for each metric, in how many cells the first table is lowest or tied."""
    lines = []
    for metric in VERDICTS_ON:
        found = Counter(
            (cell.rows[0].name, told.word)
            for cell in cells
            for told in rival_verdicts(cell)
            if told.metric == metric
        )
        for name in dict.fromkeys(cell.rows[0].name for cell in cells):
            counts = [found[name, word] for word in WORDS]
            if sum(counts):
                lines.append(_summary(name, metric, counts))
    return lines


WORDS: tuple[Word, ...] = ("better", "no difference", "worse")


def _summary(name: str, metric: str, counts: Sequence[int]) -> str:
    wins, ties, losses = counts
    return (
        f"{METRICS[metric].label}: {name} is lowest or tied in {wins + ties} of "
        f"{number_of(sum(counts), 'cell')} ({wins} lowest, {ties} tied, {losses} "
        "beaten)"
    )
