"""All solvers by name: those that the files of this package declare.

To add one, write its calls in a file of its own that ends in a tuple `SOLVERS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.discovery import declared
from spectral_sched.errors import check_choice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .recurrence import Call, Solver

FIRST = ("dpmpp-2m", "euler", "heun", "dpmpp-3m", "unipc", "unipc-3")
"""Solvers that are listed before the others, the default before all."""


def _place(solver: Solver) -> tuple[bool, int]:
    rank = FIRST.index(solver.name) if solver.name in FIRST else len(FIRST)
    return solver.stochastic, rank


SAMPLERS: Mapping[str, Solver] = {
    solver.name: solver
    for solver in sorted(declared(__package__, "SOLVERS"), key=_place)
}
"""Solvers by the names used in commands and files."""

FLOW_SAMPLERS = tuple(name for name in SAMPLERS if not SAMPLERS[name].stochastic)
"""Names of those that follow the probability flow, without fresh noise."""


ALIASES: Mapping[str, str] = {
    alias: solver.name for solver in SAMPLERS.values() for alias in solver.aliases
}
"""Solvers by what other programs call them."""


def sampler_named(name: str, flag: str = "--sampler") -> str:
    """Return our name of a sampler, which may be given as other programs call it.

    Examples
    --------
    >>> sampler_named("sample_heun"), sampler_named("dpmpp_2m")
    ('heun', 'dpmpp-2m')

    Raises
    ------
    UsageError
        With the nearest name, if there is no such sampler.
    """
    known = {_plain(each): sampler for each, sampler in ALIASES.items()}
    known |= {_plain(each): each for each in SAMPLERS}
    found = known.get(_plain(name))
    if found is None:
        check_choice(name, SAMPLERS, "sampler", flag)
    return found or name


def _plain(name: str) -> str:
    """Return a name in small letters, with one sign between its words."""
    return name.strip().lower().replace("_", "-").replace(" ", "-")


def solver_calls(sampler: str, sigmas: Sequence[float]) -> list[Call]:
    """Return the network calls of a sampler over a table, one after the other.

    Parameters
    ----------
    sigmas
        Levels of the table, the final 0 included.
    """
    return [call.mapped(float) for call in SAMPLERS[sampler].calls(sigmas)]


def batch_calls(sampler: str, tables: Sequence[Sequence[float]]) -> list[Call]:
    """Return the network calls of a sampler over one table per image.

    The tables have the same number of steps. Weights are arrays with one number per
    image, (B,), or floats where they are the same for all.
    """
    levels = np.array(tables).T
    return list(SAMPLERS[sampler].calls(list(levels)))
