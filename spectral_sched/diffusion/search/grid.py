"""Hand tuning by the book: tables are played, and the best one is kept.

The judge is the distance of a table's samples from those of a fine reference that
started from the same noise.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.comparisons.results import squared_errors
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import NoiseLimits, TableRequest
from spectral_sched.schedules import ExponentialLaw, Schedule, sigma_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from spectral_sched.diffusion.sampling.player import Player
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.schedules.table import SigmaTable

HIGH, RHO, LOW = (20.0, 40.0, 80.0, None), (3.0, 5.0, 7.0, 10.0), (0.002, 0.02, 0.1)
"""The grid of tuned tables; None stands for the measured upper end."""

REFERENCE = ("heun", 64)
"""Solver and steps of the fine reference, at even steps in ln sigma."""


def karras_grid(
    data_set: DataSet,
    sampler: str,
    num_steps: int,
    known: tuple[float, float] = (0.0, np.inf),
) -> dict[str, SigmaTable]:
    """Return the 48 tables, by names that say what they are.

    Parameters
    ----------
    known
        Lowest and highest level that the model knows and whose steps arrive: ends
        outside move there, which may leave fewer tables.
    """
    tables = {}
    for high, rho, low in itertools.product(HIGH, RHO, LOW):
        top = min(high or data_set.bounds.sigma_max, known[1])
        low = max(low, known[0])
        if low >= top:
            continue
        request = TableRequest.of(
            sampler,
            num_steps,
            "zero",
            settings={"rho": rho},
            limits=NoiseLimits(low, top),
        )
        name = f"karras {low:g}-{top:.4g} rho {rho:g}"
        tables[name] = make_plan(data_set, "karras", request).table
    return tables


def best_by_running(
    player: Player,
    tables: Mapping[str, SigmaTable],
    sampler: str,
    reference: NDArray[np.floating],
) -> str:
    """Return the name of the table with the least error on the first samples.

    This is what hand tuning amounts to, and it costs the network calls of all of them.

    Parameters
    ----------
    reference
        Samples of a fine table from the same noise, (N, C, H, W): as many as each
        table is played for.
    """
    return min(
        tables,
        key=lambda name: paired_error(player, tables[name], sampler, reference),
    )


def paired_error(
    player: Player, table: SigmaTable, sampler: str, reference: NDArray[np.floating]
) -> float:
    """Return the root-mean-square distance of samples from the reference's."""
    samples = player.play_table(table, sampler, len(reference))
    return float(np.sqrt(squared_errors(samples, reference).mean()))


def fine_reference(player: Player, ends: tuple[float, float]) -> NDArray[np.float32]:
    """Return the samples of the fine reference over a noise range."""
    sampler, num_steps = REFERENCE
    table = sigma_table(Schedule(ExponentialLaw(), *ends), num_steps)
    return player.play_table(table, sampler)
