"""All targets by name: those that the files of `programs` declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spectral_sched.discovery import declared
from spectral_sched.errors import check_choice
from spectral_sched.schedules import Setting, read_settings

from . import programs
from .target import FLAG, Alias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spectral_sched.documents.strict_json import Document

    from .target import Target


_DECLARED: list[Target] = list(declared(programs.__name__, "TARGETS"))

TARGETS: Mapping[str, Target] = {
    target.name: target for target in sorted(_DECLARED, key=lambda each: each.name)
}
"""Targets by the names used in commands."""


ALIASES: Mapping[str, tuple[Target, Alias]] = {
    alias.name: (target, alias)
    for target in TARGETS.values()
    for alias in target.aliases
}
"""Targets by what the programs call them, and what such a name says besides."""


def target_named(name: str) -> Target:
    """Return a target by our name of it or the program's.

    Raises
    ------
    UsageError
        With the nearest name, if there is no such target.
    """
    return target_and_alias(name)[0]


def target_and_alias(name: str) -> tuple[Target, Alias]:
    """Return a target and what its name says of the program besides.

    Examples
    --------
    >>> target, alias = target_and_alias("sample_heun")
    >>> target.name, alias.sampler
    ('k-diffusion', 'heun')

    Raises
    ------
    UsageError
        With the nearest name, if there is no such target.
    """
    if name in ALIASES:
        return ALIASES[name]
    check_choice(name, TARGETS, "target", "--target")
    return TARGETS[name], Alias(name)


def target_settings(target: Target, texts: Sequence[str]) -> dict[str, Setting]:
    """Return the settings that ``name=value`` texts stand for.

    Raises
    ------
    UsageError
        If the target has no such parameter, or a value is none.
    """
    parameters = {item.name: item for item in target.parameters}
    return read_settings(target.name, parameters, texts, noun="target", flag=FLAG)


def targets_document() -> Document:
    """Return all targets with their formats and parameters, for programs."""
    return {
        "format": "specsched.targets",
        "version": 1,
        "targets": [
            {
                "name": target.name,
                "what": target.what,
                "purposes": target.purposes,
                "formats": target.formats,
                "aliases": [alias.name for alias in target.aliases],
                "parameters": [
                    {"name": item.name, "default": item.default, "what": item.what}
                    for item in target.parameters
                ],
            }
            for target in TARGETS.values()
        ],
    }
