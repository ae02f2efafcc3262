"""All families by name: those that the files of this package declare.

To add one, write a `Law` in a file of its own in `families` that ends in a tuple
`FAMILIES`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spectral_sched.discovery import declared

from . import families

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .family import FamilyInfo

FIRST = ("frequency", "power", "mixed", "information", "karras", "exponential")
"""Families that are listed before the others, which follow by name."""


def _place(info: FamilyInfo) -> tuple[int, str]:
    return (FIRST.index(info.name) if info.name in FIRST else len(FIRST), info.name)


SCHEDULES: Mapping[str, FamilyInfo] = {
    info.name: info
    for info in sorted(declared(families.__name__, "FAMILIES"), key=_place)
}
"""Families by the names used in commands and files."""
