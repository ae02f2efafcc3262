"""Hold the optimal table against others in its own objective, and time the search.

Against the best of 10 x 10 x 10 Karras tables (highest level, lowest level, rho) inside
the same bounds, for every solver of the flow and for 3 to 40 steps; and against itself
from random starts. Prints the worst ratios and the seconds of the searches, start-up
not counted.

    python benchmarks/optimiser.py [SPECTRUM.json ...]

Without files: the pictures of sample_images, and a field of power 1/f^2.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.analysis.measurement import measure
from spectral_sched.files.spectrum import read_spectrum
from spectral_sched.images.preprocessing import Preprocessing
from spectral_sched.planning.error_model import table_errors
from spectral_sched.planning.kinds.optimal import optimal_table
from spectral_sched.planning.search import minimal_table
from spectral_sched.schedules import KarrasLaw, Schedule, sigma_table
from spectral_sched.solvers.registry import FLOW_SAMPLERS
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

STEPS = (3, 5, 8, 12, 20, 40)
GRID = 10
STARTS = 3

ROOT = Path(__file__).parents[1]


def power_law_planning(side: int = 256, spread: float = 0.8) -> PowerDistribution:
    """Return pictures of power 1/f^2 whose contrast varies log-normally."""
    plane = rings(side, side)
    power = 1e-3 / np.maximum(plane.frequency, 1 / side) ** 2
    field = GaussianField((1, side, side), np.zeros(1), power[:, None, None])
    scores = np.linspace(-1.8, 1.8, 32)
    return PowerDistribution(field, np.log(power)[:, None] + spread * scores)


def data_sets(paths: list[Path]) -> Iterator[tuple[str, PowerDistribution]]:
    """Yield the names and plannings of the data sets."""
    for path in paths:
        yield path.stem, power_distribution(read_spectrum(path).spectrum)
    if not paths:
        measured = measure(items(ROOT / "sample_images"), Preprocessing())
        yield "sample_images", power_distribution(measured.spectrum)
        yield "1/f^2 at 256", power_law_planning()


def karras_tables(ends: tuple[float, float], num_steps: int) -> np.ndarray:
    """Return sigmas, (N + 1, 1000), of the grid of Karras tables."""
    low, high = ends
    tables = [
        (*sigma_table(Schedule(KarrasLaw(rho=rho), bottom, top), num_steps).levels, 0.0)
        for top, span, rho in itertools.product(
            np.geomspace(high / 30, high, GRID),
            np.linspace(0.1, 1, GRID),
            np.geomspace(1, 20, GRID),
        )
        for bottom in [top ** (1 - span) * low**span]
    ]
    return np.array(tables).T


def compare(
    name: str, distribution: PowerDistribution
) -> Iterator[tuple[str, float, float, float]]:
    """Yield for each cell: its name, ours over the grid's best, other starts', time."""
    bounds = sigma_bounds(distribution.field)
    ends = bounds.sigma_min, bounds.sigma_max
    for sampler, num_steps in itertools.product(FLOW_SAMPLERS, STEPS):
        errors = table_errors(distribution, sampler, num_steps, "zero", ends[1])
        began = time.perf_counter()
        table = optimal_table(distribution, sampler, num_steps, ends)
        seconds = time.perf_counter() - began
        ours = errors(np.array(table.sigmas)[:, None]).sum()
        grid = errors(karras_tables(ends, num_steps)).sum(axis=0).min()
        rng = np.random.default_rng(num_steps)
        others = [
            errors(
                np.array(
                    minimal_table(
                        errors, num_steps, ends, gaps=rng.normal(size=num_steps)
                    ).sigmas
                )[:, None]
            ).sum()
            for _ in range(STARTS)
        ]
        cell = f"{name:14} {sampler:9} {num_steps:3}"
        yield cell, ours / grid, ours / min(others), seconds


def main() -> None:
    """Print every cell and the worst of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spectra", nargs="*", type=Path)
    sys.stdout.write("data solver steps: error / best of grid, / best of starts, s\n")
    rows = []
    for name, planning in data_sets(parser.parse_args().spectra):
        for row in compare(name, planning):
            rows.append(row)
            sys.stdout.write("{}  {:.4f}  {:.6f}  {:.2f}\n".format(*row))
            sys.stdout.flush()
    worst = [max(row[column] for row in rows) for column in (1, 2, 3)]
    sys.stdout.write("worst: {:.4f} {:.6f} {:.2f} s\n".format(*worst))


if __name__ == "__main__":
    main()
