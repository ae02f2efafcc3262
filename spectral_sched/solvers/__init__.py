"""Solvers as linear recurrences, one file for each method.

`recurrence` says what a solver is; a file that ends in `SOLVERS` adds some, and
`registry` finds them there.
"""

from .recurrence import Call, Combination, Solver
from .registry import (
    FLOW_SAMPLERS,
    SAMPLERS,
    batch_calls,
    sampler_named,
    solver_calls,
)

__all__ = [
    "FLOW_SAMPLERS",
    "SAMPLERS",
    "Call",
    "Combination",
    "Solver",
    "batch_calls",
    "sampler_named",
    "solver_calls",
]
