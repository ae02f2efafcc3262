"""What a program is given, and what it will do with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

Values = Any
"""Numbers in one dimension, in the type that the program computes in."""

FORMS = ("text", "json", "csv", "npy", "npz", "safetensors", "python")
"""Formats of a list of numbers."""

MANY = 16
"""Levels that are told one by one; of longer tables, the ends."""

EXACT = 1e-6
"""Relative deviation below which a program steps through our table."""


@dataclass(frozen=True, eq=False)
class Artifact:
    """What a program is given, and what it will do with it.

    Attributes
    ----------
    values
        Numbers in the program's order and type, (M,); none where it takes parameters.
    variable
        What the program calls them.
    coordinate
        What they are, in the words of `spectral_sched.schedules.coordinates` where it
        has one.
    wanted, played
        Levels of the table and those that the program steps through, with the final 0
        where it goes there, both in `played_in`.
    start_scale
        Standard deviation of the noise that the program starts from, as a sigma; None
        where the caller scales it, or for noise alone, which is of no sigma.
    separator, brackets
        How a text of the values is written.
    text, fields
        The text and the parameters of a program that takes those.
    snippet
        Python lines to use them with.
    remarks
        How near fitted parameters are, and other facts to announce.
    warnings
        What will not go as planned.
    usage
        Where it goes, for people.
    """

    values: Values = field(default_factory=lambda: np.empty(0))
    variable: str = "sigmas"
    coordinate: str = "sigma"
    wanted: Values = None
    played: Values = None
    played_in: str = "sigma"
    start_scale: float | None = None
    separator: str = ", "
    brackets: bool = False
    text: str | None = None
    fields: Mapping[str, Any] | None = None
    snippet: str = ""
    remarks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    usage: str = ""

    @property
    def deviation(self) -> float:
        """Largest relative deviation of what is played from what was wanted."""
        if self.played is None:
            return 0.0
        wanted, played = (np.asarray(each)[:-1] for each in (self.wanted, self.played))
        return float(np.max(np.abs(played / wanted - 1)))

    @property
    def forms(self) -> frozenset[str]:
        """Formats that there is something to write in."""
        if self.values.size:
            return frozenset(FORMS)
        there = {"text": self.text, "json": self.fields}
        return frozenset(name for name, what in there.items() if what is not None)

    @property
    def announcements(self) -> tuple[str, ...]:
        """What to tell before somebody is surprised, a sentence each."""
        if self.deviation <= EXACT:
            return self.remarks
        shown = [f"{level:.4g}" for level in self.played]
        if len(shown) > MANY:
            shown[MANY // 2 : -MANY // 2] = ["..."]
        note = (
            f"the program steps through {self.played_in} {', '.join(shown)}: up to "
            f"{self.deviation:.2g} (relative) off the table"
        )
        return (note, *self.remarks)


def float32_levels(levels: NDArray[np.float64], program: str) -> NDArray[np.float32]:
    """Return levels in the type that most programs compute in.

    Raises
    ------
    UsageError
        If two levels cannot be told apart in it.
    """
    largest = np.finfo(np.float32).max
    narrow: NDArray[np.float32] = np.minimum(levels, largest).astype(np.float32)
    steps = np.diff(narrow)
    if not np.all(steps):
        index = int(np.argmin(np.abs(steps)))
        message = (
            f"{program} computes in float32, where {levels[index]!s} and "
            f"{levels[index + 1]!s} are one number; ask for fewer --steps"
        )
        raise UsageError(message)
    return narrow
