"""The page of `benchmarks/per_image.py`: distances and how far they differ."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spectral_sched.comparisons.entries import CellKey
from spectral_sched.comparisons.metrics import LeftOut, difference

STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
"""Quantile 0.975 of Student's t for the mean of so many seeds."""

SAMPLERS = {"dpmpp-2m": "DPM-Solver++(2M)", "heun": "Heun", "euler": "Euler"}
"""Titles of samplers; others go by their names."""

NETWORKS = {
    "lognormal": "log-normal",
    "narrow": "narrow log-normal",
    "std-1.0": "log-normal, std 1.0",
    "std-1.4": "log-normal, std 1.4",
    "mixed": "mixed law",
    "laplace": "Laplace",
}
"""Titles of laws; others go by their names."""

PLAYED = {"mixed": "mixed in drawn", "replanned": "planned anew"}
"""Titles of ways; others go by their names."""

Played = tuple[str, str]
"""A law and a way to play networks of it."""

GAPS: tuple[tuple[Played, Played], ...] = (
    (("film", "drawn"), ("lognormal", "one")),
    (("film", "one"), ("lognormal", "one")),
    (("film", "drawn"), ("narrow", "one")),
    (("film", "one"), ("narrow", "one")),
    (("narrow", "one"), ("lognormal", "one")),
    (("std-1.0", "one"), ("narrow", "one")),
    (("std-1.4", "one"), ("narrow", "one")),
    (("mixed", "one"), ("narrow", "one")),
    (("mixed", "one"), ("lognormal", "one")),
    (("laplace", "one"), ("lognormal", "one")),
    (("laplace", "one"), ("narrow", "one")),
    (("film", "one"), ("film", "drawn")),
    (("film", "typical"), ("film", "drawn")),
    (("film", "told"), ("film", "drawn")),
    (("film", "class"), ("film", "drawn")),
    (("film", "training"), ("film", "drawn")),
    (("film", "mixed"), ("film", "drawn")),
    (("film", "replanned"), ("film", "one")),
)
"""What is compared with what, where both were measured."""


class Row(NamedTuple):
    """One network played in one way in one cell, and how it was judged."""

    cell: CellKey
    law: str
    way: str
    seed: int
    found: dict[str, LeftOut]


def title(law: str, way: str) -> str:
    """Return what a row of the table is called."""
    network = NETWORKS.get(law, law)
    return f"{network}, {PLAYED.get(way, way)}" if law == "film" else network


def heading(cell: CellKey) -> str:
    """Return what a column is called: the sampler and its network calls."""
    return f"{SAMPLERS.get(cell.sampler, cell.sampler)}, {cell.num_calls}"


def spread(values: Sequence[float]) -> str:
    """Return a mean over seeds, with the least and the most."""
    return f"{np.mean(values):.3g} [{min(values):.3g}, {max(values):.3g}]"


def over_seeds(rows: Sequence[Row], metric: str) -> LeftOut:
    """Return the mean of a metric over networks that were played from one noise."""
    found = [row.found[metric] for row in rows]
    value = np.mean([each.value for each in found], axis=0)
    return LeftOut(value, np.mean([each.left for each in found], axis=0))


def apart(first: Sequence[Row], second: Sequence[Row], metric: str) -> str:
    """Return the mean difference of networks of equal seeds, with its interval."""
    by_seed = {row.seed: float(row.found[metric].value) for row in second}
    gaps = np.array(
        [float(row.found[metric].value) - by_seed[row.seed] for row in first]
    )
    reach = STUDENT[len(gaps)] * gaps.std(ddof=1) / len(gaps) ** 0.5
    return (
        f"{gaps.mean():+.3g} [{gaps.mean() - reach:+.3g}, {gaps.mean() + reach:+.3g}]"
    )


def gap(first: Sequence[Row], second: Sequence[Row], metric: str) -> str:
    """Return the difference of rows with its interval; nothing where one is missing.

    Ways of the same networks are compared by the samples, laws by the seeds.
    """
    seeds = {row.seed for row in first} & {row.seed for row in second}
    first, second = ([r for r in part if r.seed in seeds] for part in (first, second))
    if not seeds:
        return ""
    if first[0].law != second[0].law:
        return apart(first, second, metric) if len(seeds) in STUDENT else "one seed"
    pair = over_seeds(first, metric), over_seeds(second, metric)
    value, low, high = difference(*pair, paired=True)
    return f"{value:+.3g} [{low:+.3g}, {high:+.3g}]"


def table(first: str, cells: Sequence[CellKey]) -> Iterator[str]:
    """Yield the head of a table that has a column for every cell."""
    yield f"| {first} | {' | '.join(map(heading, cells))} |"
    yield f"|---{'|---' * len(cells)}|"


def metric_lines(rows: Sequence[Row], metric: str, floor: LeftOut) -> Iterator[str]:
    """Yield a metric of all networks and ways, and its differences."""
    cells = list(dict.fromkeys(row.cell for row in rows))
    played = list(dict.fromkeys((row.law, row.way) for row in rows))

    def of(which: Played, cell: CellKey) -> list[Row]:
        return [row for row in rows if row[:3] == (cell, *which)]

    def line(name: str, entries: Iterator[str]) -> str:
        return f"| {name} | {' | '.join(entries)} |"

    value, low, high = floor.estimate
    yield f"{metric}; the floor is {value:.2g} [{low:.2g}, {high:.2g}]"
    yield ""
    yield from table("network, way", cells)
    for which in played:
        values = ([float(r.found[metric].value) for r in of(which, c)] for c in cells)
        yield line(title(*which), (spread(each) if each else "" for each in values))
    yield ""
    yield from table("difference", cells)
    for ours, theirs in GAPS:
        if {ours, theirs} <= set(played):
            gaps = (gap(of(ours, c), of(theirs, c), metric) for c in cells)
            yield line(f"{title(*ours)} less {title(*theirs)}", gaps)
    yield ""


def loss_lines(losses: dict[tuple[str, int], NDArray[np.float32]]) -> Iterator[str]:
    """Yield the held-out loss of every law, by what the network is told."""
    yield "| network | own ends | another's | the set's |"
    yield "|---|---|---|---|"
    for law in dict.fromkeys(law for law, _ in losses):
        found = np.array([each for (of, _), each in losses.items() if of == law])
        entries = [spread([float(value) for value in told]) for told in found.T]
        blanks = [""] * (3 - len(entries))
        yield f"| {NETWORKS.get(law, law)} | {' | '.join((*entries, *blanks))} |"
    yield ""
