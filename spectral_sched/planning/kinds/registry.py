"""All kinds of tables by name: those that the files of this package declare.

To add one, write a file that ends in a tuple `KINDS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spectral_sched.discovery import declared
from spectral_sched.errors import UsageError, check_choice
from spectral_sched.schedules import Parameter, Setting, read_settings
from spectral_sched.solvers.registry import SAMPLERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spectral_sched.documents.strict_json import Document

    from .kind import KindInfo


FIRST = (
    *("optimal", "gaussian", "dmn", "fitted", "klub", "gits", "oss", "grid", "ld3"),
    *("sharp-euler", "sdm", "score-optimal", "entropic-model"),
)
"""Kinds that are listed before the families, the default before all."""


def _place(kind: KindInfo) -> int:
    return FIRST.index(kind.name) if kind.name in FIRST else len(FIRST)


KINDS: Mapping[str, KindInfo] = {
    kind.name: kind for kind in sorted(declared(__package__, "KINDS"), key=_place)
}
"""Kinds by the names used in commands and files, the default first."""


def is_given(kind: str) -> bool:
    """Return whether the levels of a kind are given, so that no range moves them."""
    return kind in KINDS and KINDS[kind].given


def check_kind(kind: str) -> None:
    """Raise `UsageError`, with the nearest name, if there is no such kind."""
    check_choice(kind, KINDS, "kind", "--kind")


def parse_kind_settings(kind: str, texts: Sequence[str]) -> dict[str, Setting]:
    """Return the settings that ``name=value`` texts stand for.

    Raises
    ------
    UsageError
        If there is no such kind or parameter, or a value is none.
    """
    check_kind(kind)
    return read_settings(kind, KINDS[kind].parameters, texts)


def check_runs_model(kind: str) -> None:
    """Raise `UsageError` if a kind is found without running a model."""
    check_kind(kind)
    if not KINDS[kind].runs_model:
        message = f"kind {kind} spends no network call; leave out --model"
        raise UsageError(message)


def from_spectrum(kind: str) -> bool:
    """Return whether tables of a kind follow from a spectrum alone.

    Blends do not, nor do tables that are found by running a model.
    """
    return kind in KINDS and not KINDS[kind].runs_model


def kind_settings_of(kind: str, settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """Return settings that a kind takes, given as values.

    Raises
    ------
    UsageError
        If there is no such kind or parameter, or a value is none.
    """
    return parse_kind_settings(
        kind, [f"{name}={value}" for name, value in settings.items()]
    )


def kinds_document() -> Document:
    """Return all kinds with their parameters, and the samplers, for programs."""
    return {
        "format": "specsched.kinds",
        "version": 1,
        "kinds": [
            {
                "name": kind.name,
                "parameters": [_describe(item) for item in kind.parameters.values()],
                "formula": kind.formula,
                "source": kind.reference,
                "runs_model": kind.runs_model,
            }
            for kind in KINDS.values()
        ],
        "samplers": list(SAMPLERS),
    }


def _describe(parameter: Parameter) -> Document:
    if parameter.free:
        return {
            "name": parameter.name,
            "default": parameter.default,
            "what": parameter.what,
        }
    limits: Document = {"low": parameter.low, "high": parameter.high}
    if parameter.choices:
        limits = {"choices": parameter.choices}
    about = {"name": parameter.name, "default": parameter.default}
    return about | limits | {"what": parameter.what}
