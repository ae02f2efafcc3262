"""Whether a table that one network asks for is best for another of the same images.

Run it as ``python benchmarks/transfer.py a.safetensors b.safetensors``, two networks
trained on the same images. What is planned without a network is one table for both.
So where the tables that `ld3` learns on each are far better than what the other's
gives, no such plan can be as good as both; and where they are not, one could be.

Played on both networks, from the same noise, beside a fine reference of each: the
optimal table, the learned table of either, and their weighted means. Printed are root
mean squared errors over that of the network's own learned table, with the 95 % interval
of the paired difference as a share of it.
"""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from spectral_sched.comparisons.metrics import bootstrap_difference
from spectral_sched.comparisons.results import squared_errors
from spectral_sched.diffusion.models.weights import read_model
from spectral_sched.diffusion.sampling.player import Player
from spectral_sched.diffusion.search.grid import fine_reference
from spectral_sched.diffusion.search.search import ModelSearch
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import TableRequest
from spectral_sched.schedules.table import SigmaTable, blend

if TYPE_CHECKING:
    from spectral_sched.planning.data_set import DataSet

WEIGHTS = (0.25, 0.5, 0.75)
"""Of the second learned table in the means of both."""

FIRST_SEED = 50_000
"""Of the noise that tables are judged by, far from what they learn from."""


class Judge:
    """A network with starting noise and the fine samples of it."""

    def __init__(self, path: Path, num_samples: int) -> None:
        self.path = path
        network, header = read_model(path)
        self.data_set: DataSet = header.data_set
        shape = self.data_set.power.field.shape
        seeds = range(FIRST_SEED, FIRST_SEED + num_samples)
        self.player = Player(network, shape, seeds)
        bounds = self.data_set.bounds
        self.fine = fine_reference(self.player, (bounds.sigma_min, bounds.sigma_max))

    def squares(self, table: SigmaTable, sampler: str) -> NDArray[np.float64]:
        """Return the mean squared error of each sample of a table."""
        return squared_errors(self.player.play_table(table, sampler), self.fine)

    def learned(self, sampler: str, num_steps: int) -> SigmaTable:
        """Return the table that ld3 learns on the network."""
        search = ModelSearch(str(self.path), None, torch.device("cpu"))
        return search(
            self.data_set, "ld3", TableRequest.of(sampler, num_steps, "zero")
        ).table


def told(
    judge: Judge, tables: dict[str, SigmaTable], sampler: str, own: str
) -> list[str]:
    """Return a row per table: its error over that of the network's own."""
    squares = {name: judge.squares(table, sampler) for name, table in tables.items()}
    least = float(np.sqrt(squares[own].mean()))
    rows = [f"on {judge.path.name}: {own} {least:.4g}"]
    for name, found in squares.items():
        apart = bootstrap_difference(found, squares[own], paired=True)
        ratio = float(np.sqrt(found.mean())) / least
        interval = f"[{apart.low / least:+.3f}, {apart.high / least:+.3f}]"
        rows.append(f"  {name:14} {ratio:.3f}  {interval}")
    return rows


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs=2, type=Path)
    parser.add_argument("--sampler", default="dpmpp-2m")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--samples", type=int, default=96)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args()


def main() -> None:
    """Learn a table on each network and play all on both."""
    given = arguments()
    torch.set_num_threads(given.threads)
    judges = [Judge(path, given.samples) for path in given.models]
    request = TableRequest.of(given.sampler, given.steps, "zero")
    plan = make_plan(judges[0].data_set, "optimal", request)
    tables = {"optimal": plan.table}
    for name, judge in zip(("first's", "second's"), judges, strict=True):
        began = time.perf_counter()
        tables[name] = judge.learned(given.sampler, given.steps)
        levels = " ".join(f"{level:.3g}" for level in tables[name].levels)
        print(f"{name}: {levels} ({time.perf_counter() - began:.0f} s)", flush=True)
    for weight in WEIGHTS:
        mean = blend(tables["first's"], tables["second's"], weight)
        tables[f"mean, {weight:g}"] = mean
    for own, judge in zip(("first's", "second's"), judges, strict=True):
        print("\n".join(told(judge, tables, given.sampler, own)), flush=True)


if __name__ == "__main__":
    main()
