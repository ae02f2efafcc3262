"""Kinds whose levels are given: a list, and a model's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from spectral_sched.errors import UsageError
from spectral_sched.schedules.parameters import choice, words
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.words import number_of

from .kind import KindInfo, KindSettings, parameters_of, refuse_terminal, settings_of
from .model_searches import needs_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.request import TableRequest
    from spectral_sched.schedules import Setting

EXAMPLE = "80/20/5/1/0.1"


@dataclass(frozen=True, kw_only=True)
class ListSettings(KindSettings):
    """What can be set for a table that is given level by level."""

    levels: str = words(EXAMPLE, "falling levels, with / between")


@dataclass(frozen=True, kw_only=True)
class NativeSettings(KindSettings):
    """What can be set for a model's own levels."""

    spacing: str = choice(
        "own",
        ("own", "leading", "trailing", "linspace"),
        "of discrete timesteps, as diffusers calls it; own is its scheduler's",
    )


def list_levels(settings: Mapping[str, Setting]) -> list[float]:
    """Return the levels that a list asks for, without a final 0.

    Raises
    ------
    UsageError
        If they are no numbers.

    Examples
    --------
    >>> list_levels({"levels": "80/5,0.1 0"})
    [80.0, 5.0, 0.1]
    """
    text = settings_of(ListSettings, settings).levels
    try:
        levels = [float(part) for part in re.split(r"[/;,\s]+", text.strip("/;, "))]
    except ValueError as error:
        message = f"levels= takes numbers, as in levels={EXAMPLE}, not {text!r}"
        raise UsageError(message) from error
    return levels[:-1] if levels[-1] == 0 else levels


def _list_table(_: DataSet, request: TableRequest) -> SigmaTable:
    refuse_terminal("list", request)
    levels, limits = list_levels(request.settings), request.limits
    if limits.partial or limits.sigma_min or limits.sigma_max:
        message = (
            "kind list has its levels already; leave out --sigma-min, --sigma-max, "
            "--start-sigma and --strength"
        )
        raise UsageError(message)
    if len(levels) != request.num_steps:
        message = (
            f"the list has {number_of(len(levels), 'level')} and "
            f"{number_of(request.num_steps, 'step is', 'steps are')} asked for; ask "
            f"for --steps {len(levels)}"
        )
        raise UsageError(message)
    return SigmaTable.of(levels)


KINDS = (
    KindInfo(
        "list",
        "the levels that you give",
        "yours",
        parameters_of(ListSettings),
        _list_table,
        given=True,
        num_steps=lambda settings: len(list_levels(settings)),
    ),
    KindInfo(
        "native",
        "the model's own timesteps, evenly as its scheduler spaces them",
        "DDIM, Song et al., arXiv 2010.02502; spacings as in Lin et al., "
        "arXiv 2305.08891, Table 2",
        parameters_of(NativeSettings),
        partial(needs_model, "native"),
        runs_model=True,
        given=True,
    ),
)
