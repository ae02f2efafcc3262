"""Which planes of a stack are read as images."""

from __future__ import annotations

from typing import Literal, cast

from spectral_sched.errors import ImageError, UsageError
from spectral_sched.words import number_of

Planes = Literal["all", "first", "middle"] | int
"""All planes, one of two, or the number of one, from 1."""

NAMES = ("all", "first", "middle")


def checked_planes(planes: str | int | None) -> Planes | None:
    """Return planes that were chosen.

    Raises
    ------
    UsageError
        If they are neither a name nor a number from 1.

    Examples
    --------
    >>> checked_planes("middle"), checked_planes("3")
    ('middle', 3)
    """
    if planes is None:
        return None
    if planes in NAMES:
        return cast("Planes", planes)
    try:
        number = int(planes)
    except ValueError:
        number = 0
    if number < 1:
        message = (
            f"--planes needs all, first, middle or a number from 1, not {planes!r}"
        )
        raise UsageError(message)
    return number


def chosen_planes(planes: Planes | None, count: int, name: str) -> range:
    """Return the places, from 0, of the planes that are read of so many.

    Raises
    ------
    ImageError
        If there is no such plane.

    Examples
    --------
    >>> chosen_planes("middle", 5, "x"), chosen_planes(None, 3, "x")
    (range(2, 3), range(0, 3))
    """
    if planes is None or planes == "all":
        return range(count)
    if planes == "first" or planes == "middle":
        first = 0 if planes == "first" else count // 2
    else:
        first = planes - 1
    if first >= count:
        planes_there = number_of(count, "plane")
        message = f"{name} has {planes_there}, and no plane {first + 1}; see --planes"
        raise ImageError(message, "planes")
    return range(first, first + 1)
