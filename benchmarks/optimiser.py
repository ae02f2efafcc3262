"""Hold the optimal table against others in its own objective, and time the search.

Against the best of 6 x 6 x 6 Karras tables (highest level, lowest level, rho) inside
the same bounds, for every solver and for 2 to 20 steps; and against searches that begin
at random tables. Prints the ratios, the error beside that with a step less, which must
not rise, and the seconds of the searches, start-up not counted.

    python benchmarks/optimiser.py [SPECTRUM.json | MODEL.safetensors ...]

Without files: the images of sample_images, and a field of power 1/f^2.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spectral_sched.analysis.measurement import measure
from spectral_sched.files.any_format import read_data_set
from spectral_sched.images.preprocessing import Preprocessing
from spectral_sched.planning.kinds.optimal import optimal_table
from spectral_sched.planning.search import least_squares_table
from spectral_sched.planning.table_error import table_error, total_error
from spectral_sched.schedules import KarrasLaw, Schedule, sigma_table
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import SAMPLERS
from spectral_sched.sources import items
from spectral_sched.spectra.bounds import sigma_bounds
from spectral_sched.spectra.gaussian_field import GaussianField
from spectral_sched.spectra.power_distribution import (
    PowerDistribution,
    power_distribution,
)
from spectral_sched.spectra.rings import rings

if TYPE_CHECKING:
    from collections.abc import Iterator

STEPS = range(2, 21)
GRID = 6
STARTS = 3

ROOT = Path(__file__).parents[1]


def power_law_planning(side: int = 256, spread: float = 0.8) -> PowerDistribution:
    """Return images of power 1/f^2 whose contrast varies log-normally."""
    plane = rings(side, side)
    power = 1e-3 / np.maximum(plane.frequency, 1 / side) ** 2
    field = GaussianField((1, side, side), np.zeros(1), power[:, None, None])
    scores = np.linspace(-1.8, 1.8, 32)
    return PowerDistribution(field, np.log(power)[:, None] + spread * scores)


def data_sets(paths: list[Path]) -> Iterator[tuple[str, PowerDistribution]]:
    """Yield the names and plannings of the data sets."""
    for path in paths:
        yield path.stem, read_data_set(path).power
    if not paths:
        measured = measure(items(ROOT / "sample_images"), Preprocessing())
        yield "sample_images", power_distribution(measured.spectrum)
        yield "1/f^2 at 256", power_law_planning()


def karras_tables(ends: tuple[float, float], num_steps: int) -> list[SigmaTable]:
    """Return the grid of Karras tables."""
    low, high = ends
    return [
        sigma_table(
            Schedule(KarrasLaw(rho=rho), top ** (1 - span) * low**span, top), num_steps
        )
        for top, span, rho in itertools.product(
            np.geomspace(high / 30, high, GRID),
            np.linspace(0.1, 1, GRID),
            np.geomspace(1, 20, GRID),
        )
    ]


class Cell(NamedTuple):
    """One solver and number of steps: ratios of errors, and seconds."""

    name: str
    to_grid: float
    to_others: float
    to_step_less: float
    seconds: float


def compare(name: str, distribution: PowerDistribution) -> Iterator[Cell]:
    """Yield the cells of a data set."""
    bounds = sigma_bounds(distribution.field)
    ends = bounds.sigma_min, bounds.sigma_max
    for sampler in SAMPLERS:
        errors, before = table_error(distribution, sampler, "zero", ends[1]), np.inf
        error = partial(total_error, errors)
        for num_steps in STEPS:
            began = time.perf_counter()
            ours = error(optimal_table(distribution, sampler, num_steps, ends))
            seconds = time.perf_counter() - began
            grid = min(map(error, karras_tables(ends, num_steps)))
            rng = np.random.default_rng(num_steps)
            low, high = np.log(ends)
            begun = np.exp(rng.uniform(low, high, (STARTS, num_steps)))
            others = [
                error(least_squares_table(errors, SigmaTable.of(levels), ends))
                for levels in np.sort(begun)[:, ::-1]
            ]
            cell = f"{name:14} {sampler:12} {num_steps:3}"
            yield Cell(cell, ours / grid, ours / min(others), ours / before, seconds)
            before = ours


def main() -> None:
    """Print every cell and the worst of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spectra", nargs="*", type=Path)
    sys.stdout.write(
        "data solver steps: error / best of grid, / best of starts, / a step less, s\n"
    )
    rows = []
    for name, planning in data_sets(parser.parse_args().spectra):
        for row in compare(name, planning):
            rows.append(row)
            sys.stdout.write(
                f"{row.name}  {row.to_grid:.4f}  {row.to_others:.4f}  "
                f"{row.to_step_less:.4f}  {row.seconds:.2f}\n"
            )
            sys.stdout.flush()
    _, *columns = zip(*rows, strict=True)
    sys.stdout.write(f"worst: {' '.join(f'{max(each):.4f}' for each in columns)}\n")


if __name__ == "__main__":
    main()
