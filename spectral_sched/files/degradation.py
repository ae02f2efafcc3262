"""Ways to degrade an image that a network can be trained to undo.

Each is a name and a number, written ``box=4``, as in ``--restore box=4``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spectral_sched.errors import UsageError, check_choice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from spectral_sched.images.pixels import Shape

FLAG = "--restore"


@dataclass(frozen=True)
class Kind:
    """What the number of a degradation is, whether one can be, and an example."""

    number: str
    possible: Callable[[float], bool]
    example: str


KINDS: Mapping[str, Kind] = {
    "box": Kind(
        "a whole number of pixels",
        lambda value: value >= 1 and value == math.floor(value),
        "box=4",
    ),
    "noise": Kind(
        "a standard deviation, 0 or more", lambda value: value >= 0, "noise=0.2"
    ),
    "grey": Kind("a share from 0 to 1", lambda value: 0 <= value <= 1, "grey=1"),
}
"""Degradations by name: pixels become the mean of their square of so many a side,
white noise is added, or colours fade to the mean of their channels."""


@dataclass(frozen=True)
class Degradation:
    """One way to degrade images.

    Attributes
    ----------
    name, value
        Which one, and its number.

    Raises
    ------
    UsageError
        If there is none of that name, or not with that number.
    """

    name: str
    value: float

    def __post_init__(self) -> None:
        check_choice(self.name, KINDS, "degradation", FLAG)
        kind = KINDS[self.name]
        if not (math.isfinite(self.value) and kind.possible(self.value)):
            message = (
                f"the number of {self.name} is {kind.number}, not {self.value:g}; "
                f"try {FLAG} {kind.example}"
            )
            raise UsageError(message)

    def __str__(self) -> str:
        return f"{self.name}={self.value:g}"

    def check(self, shape: Shape) -> None:
        """Raise `UsageError` if images of a shape cannot be degraded so."""
        _, height, width = shape
        if self.name == "box" and (height % self.value or width % self.value):
            message = (
                f"squares of {self.value:g} pixels do not fill {width}x{height}; name "
                f"a divisor of both sides, as in {FLAG} box=2"
            )
            raise UsageError(message)


def parse_degradation(text: str) -> Degradation:
    """Return the degradation of a text.

    Examples
    --------
    >>> parse_degradation("box=4")
    Degradation(name='box', value=4.0)

    Raises
    ------
    UsageError
        If there is no such degradation.
    """
    name, _, number = text.partition("=")
    check_choice(name, KINDS, "degradation", FLAG)
    try:
        value = float(number)
    except ValueError:
        message = f"{FLAG} {text} has no number; write {FLAG} {KINDS[name].example}"
        raise UsageError(message) from None
    return Degradation(name, value)
