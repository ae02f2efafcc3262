"""What takes part in a comparison: kinds by name, as ``ays:table=sdxl``, and files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from spectral_sched.documents.provenance import told_files
from spectral_sched.errors import UsageError, check_choice
from spectral_sched.files.schedule import read_plan
from spectral_sched.planning.kinds.registry import KINDS, parse_kind_settings
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import MAX_STEPS, NoiseLimits, TableRequest
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import sampler_named, solver_calls

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.plan import Plan
    from spectral_sched.schedules import Setting

MOST_CALLS = 2 * MAX_STEPS
"""Of a table of the most steps with a solver that makes two calls in each."""

OF_ALL_KINDS = ("sigma_min", "sigma_max", "start", "terminal")
"""What can be set of every kind, beside its own parameters."""


@dataclass(frozen=True)
class Entry:
    """A kind of table with its settings.

    Attributes
    ----------
    name
        As it was written: ``karras:sigma_max=80:rho=5``.
    kind, settings, limits, start, terminal
        What that means.
    """

    name: str
    kind: str
    settings: Mapping[str, Setting]
    limits: NoiseLimits
    start: str
    terminal: str | None

    def request(self, sampler: str, num_steps: int) -> TableRequest:
        """Return what a table is wanted for."""
        return TableRequest.of(
            sampler,
            num_steps,
            self.start,
            settings=self.settings,
            limits=self.limits,
            terminal=self.terminal,
        )

    def plan(self, data_set: DataSet, sampler: str, num_steps: int) -> Plan:
        """Return the table for a sampler and a number of steps."""
        return make_plan(data_set, self.kind, self.request(sampler, num_steps))


def parse_entry(text: str) -> Entry:
    """Return the entry that a text names.

    Raises
    ------
    UsageError
        If there is no such kind or parameter, or a value is none.

    Examples
    --------
    >>> parse_entry("karras:sigma_max=80:rho=5").settings
    {'rho': 5.0}
    """
    kind, *settings = text.split(":")
    check_choice(kind, KINDS, "kind", "--kinds")
    common = dict(
        setting.split("=", 1)
        for setting in settings
        if setting.split("=")[0] in OF_ALL_KINDS and "=" in setting
    )
    own = [item for item in settings if item.split("=")[0] not in common]
    return Entry(
        text,
        kind,
        parse_kind_settings(kind, own),
        NoiseLimits(_level(common, "sigma_min"), _level(common, "sigma_max")),
        common.get("start", "zero"),
        common.get("terminal"),
    )


def _level(values: Mapping[str, str], name: str) -> float | None:
    if name not in values:
        return None
    try:
        return float(values[name])
    except ValueError as error:
        message = f"{name} needs a number, not {values[name]!r}, as in {name}=80"
        raise UsageError(message) from error


@dataclass(frozen=True, order=True)
class CellKey:
    """A sampler and its number of steps: where a cell is."""

    sampler: str
    num_steps: int

    @property
    def num_calls(self) -> int:
        """Network calls for one sample."""
        return num_calls(self.sampler, self.num_steps)


def num_calls(sampler: str, num_steps: int) -> int:
    """Return the network calls of a number of steps, whatever the table."""
    levels = [1.0 + num_steps - step for step in range(num_steps)]
    return len(solver_calls(sampler, SigmaTable.of(levels).sigmas))


def steps_within(sampler: str, calls: int) -> int:
    """Return the most steps that take no more than so many network calls.

    Examples
    --------
    >>> steps_within("heun", 8), num_calls("heun", 4)
    (4, 7)
    """
    most = min(calls, MAX_STEPS)
    return next(n for n in range(most, 0, -1) if num_calls(sampler, n) <= calls)


def cell_keys(
    samplers: Sequence[str], calls: Sequence[int], steps: Sequence[int]
) -> list[CellKey]:
    """Return the cells of samplers and numbers of calls, or of steps.

    Raises
    ------
    UsageError
        If there is no such sampler, a number is out of range, or both are given.
    """
    samplers = [sampler_named(sampler, "--samplers") for sampler in samplers]
    if calls and steps:
        message = "--calls and --steps both say how long to sample; leave one out"
        raise UsageError(message)
    if min((*calls, *steps), default=1) < 1:
        message = f"a table takes at least one call, not {min(*calls, *steps, 1)}"
        raise UsageError(message)
    for flag, given, most in (
        ("--calls", calls, MOST_CALLS),
        ("--steps", steps, MAX_STEPS),
    ):
        if max(given, default=1) > most:
            message = f"{flag} must be at most {most:,}, not {max(given):.6g}"
            raise UsageError(message)
    by_calls = (CellKey(s, steps_within(s, n)) for s in samplers for n in calls)
    by_steps = (CellKey(s, n) for s in samplers for n in steps)
    return list(dict.fromkeys((*by_calls, *by_steps)))


class FileEntry(NamedTuple):
    """The table of a schedule file: where it is played, its name, the plan."""

    key: CellKey
    name: str
    plan: Plan


def read_file_entries(paths: Iterable[Path]) -> tuple[FileEntry, ...]:
    """Read schedule files to play their tables, each file once.

    Rows and curves go by the names, so that no two files may have the same.
    """
    files = {Path(os.path.abspath(path)): path for path in paths}  # noqa: PTH100
    return tuple(map(_file_entry, files.values(), told_files(list(files))))


def _file_entry(path: Path, name: str) -> FileEntry:
    plan = read_plan(path)
    key = CellKey(plan.request.sampler, plan.table.num_steps)
    return FileEntry(key, name, plan)
