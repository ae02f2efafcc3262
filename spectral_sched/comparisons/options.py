"""From the options of ``specsched compare`` to its folder of files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from spectral_sched import defaults
from spectral_sched.documents.provenance import provenance
from spectral_sched.documents.write import (
    is_ours,
    open_folder,
    write_atomically,
    write_document,
)
from spectral_sched.errors import UnavailableError, UsageError, check_choice

from .entries import cell_keys, read_file_entries
from .files import (
    CSV_NAME,
    KIND,
    RECORD_NAME,
    VERSION,
    comparison_csv,
    comparison_document,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from spectral_sched.documents.strict_json import Document

    from .entries import CellKey, FileEntry
    from .files import Comparison

CACHE_NAME = "cells"
FIGURE_NAME = "comparison.png"


@dataclass(frozen=True, kw_only=True)
class Measuring:
    """How tables are measured, whichever they are.

    Attributes
    ----------
    data
        Real images; None for those that the model is a model of.
    search_data
        Real images for kinds that look at some to find a table; not those of `data`.
    num_samples, seed
        Samples of each table, and the first seed.
    reference_steps
        Steps of the fine reference.
    precision
        How it is computed, as for ``--precision``.
    features
        Name of what distances are taken on, as for ``--features``.
    """

    data: str | None = None
    search_data: Path | None = None
    num_samples: int = defaults.NUM_COMPARED
    seed: int = 0
    reference_steps: int = defaults.REFERENCE_STEPS
    precision: str = "float32"
    features: str = defaults.FEATURES[0]

    def __post_init__(self) -> None:
        check_choice(self.features, defaults.FEATURES, "kind of features", "--features")


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """What ``specsched compare`` is asked for; None stands for what was not said.

    Attributes
    ----------
    kinds, samplers, calls, steps
        Lists with commas between.
    schedules, spectrum
        Names of files.
    """

    model: str = defaults.COMPARED_MODEL
    kinds: str = defaults.COMPARED_KINDS
    samplers: str | None = None
    calls: str | None = None
    steps: str | None = None
    schedules: tuple[Path, ...] = ()
    spectrum: Path | None = None
    measuring: Measuring = Measuring()

    @cached_property
    def file_entries(self) -> tuple[FileEntry, ...]:
        """The tables of the schedule files, read once."""
        return read_file_entries(self.schedules)

    def cells(self) -> tuple[CellKey, ...]:
        """Return the cells: those asked for, else those of the files, else one."""
        of_files = {each.key for each in self.file_entries}
        wished = (self.samplers, self.calls, self.steps)
        if of_files and wished == (None, None, None):
            return tuple(sorted(of_files))
        calls, steps = numbers(self.calls, "--calls"), numbers(self.steps, "--steps")
        if not calls and not steps:
            calls = [defaults.NUM_STEPS]
        samplers = defaults.SAMPLER if self.samplers is None else self.samplers
        asked = cell_keys(names(samplers), calls, steps)
        return tuple(dict.fromkeys((*asked, *sorted(of_files))))

    def folder(self, output: Path, *, force: bool) -> Path:
        """Return the folder for the files, marked as ours.

        Raises
        ------
        UsageError
            If it cannot be written, or holds files of someone else.
        """
        folder = open_folder(output, RECORD_NAME, force=force)
        record = folder / RECORD_NAME
        if not is_ours(record):
            begun = {"format": f"specsched.{KIND}", "version": VERSION}
            write_document({**begun, "unfinished": True}, record)
        return folder

    def arguments(self) -> Document:
        """Return what was asked for, without names of files, for the record."""
        return {
            "kinds": names(self.kinds),
            "cells": [[key.sampler, key.num_calls] for key in self.cells()],
            "schedules": [each.name for each in self.file_entries],
        }

    def document(self, compared: Comparison) -> Document:
        """Return the record of a comparison."""
        return comparison_document(compared, provenance(self.arguments()))


def names(text: str) -> list[str]:
    """Return the parts of a list with commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def numbers(text: str | None, flag: str) -> list[int]:
    """Return the whole numbers of a list with commas; none where none is given.

    Raises
    ------
    UsageError
        If it is no such list.
    """
    if text is None:
        return []
    try:
        found = [int(part) for part in names(text)]
    except ValueError:
        found = []
    if not found:
        message = f"{flag} needs whole numbers as in 5,8,12, not {text!r}"
        raise UsageError(message)
    return found


def write_comparison(
    compared: Comparison,
    document: Document,
    folder: Path,
    draw: Callable[[Comparison], bytes],
) -> list[str]:
    """Write the record, the numbers as CSV, and the curves if they can be drawn.

    Returns what has to be said about it.

    Parameters
    ----------
    draw
        Draws the curves as a PNG, or raises `UnavailableError`.
    """
    write_document(document, folder / RECORD_NAME)
    write_atomically(folder / CSV_NAME, comparison_csv(compared).encode())
    try:
        write_atomically(folder / FIGURE_NAME, draw(compared))
    except UnavailableError as error:
        return [f"no curves: {error}"]
    return []
