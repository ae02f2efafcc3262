"""All kinds of tables by name: the optimiser's and those of the families."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .defaults import KIND
from .end_to_end import OBJECTIVES
from .errors import known
from .schedules import SCHEDULES, Parameter, Setting, read_settings
from .schedules.parameters import check_values, choice, parameters
from .solvers import SAMPLERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .documents import Document


@dataclass(frozen=True)
class KindInfo:
    """What a kind of table is.

    Attributes
    ----------
    formula, source
        One line of mathematics, and where it was published.
    parameters
        What can be set, by name.
    """

    name: str
    formula: str
    source: str
    parameters: Mapping[str, Parameter]


OPTIMAL = KindInfo(
    name=KIND,
    formula="least sum of squared step errors of the sampler over single-image spectra",
    source="ours; cf. Benita, Elad & Keshet, arXiv 2502.00180",
    parameters={},
)


@dataclass(frozen=True, kw_only=True)
class GaussianSettings:
    """What can be set for tables that are best end to end on Gaussian data.

    Raises
    ------
    UsageError
        If there is no such objective.
    """

    objective: str = choice("w2", tuple(OBJECTIVES), "distance to the Gaussian field")

    def __post_init__(self) -> None:
        check_values(self)


GAUSSIAN = KindInfo(
    name="gaussian",
    formula="least W2 or KL from the sampled to the true Gaussian of the mean spectrum",
    source="Benita, Elad & Keshet, arXiv 2502.00180, with free ends",
    parameters={item.name: item for item in parameters(GaussianSettings)},
)

KINDS: Mapping[str, KindInfo] = {
    OPTIMAL.name: OPTIMAL,
    GAUSSIAN.name: GAUSSIAN,
    **{
        name: KindInfo(name, family.formula, family.source, family.parameters)
        for name, family in SCHEDULES.items()
    },
}
"""Kinds by the names used in commands and files, the default first."""


def check_kind(kind: str) -> None:
    """Raise `UsageError`, with the nearest name, if there is no such kind."""
    known(kind, KINDS, "kind", "--kind")


def kind_settings(kind: str, texts: Sequence[str]) -> dict[str, Setting]:
    """Return the settings that ``name=value`` texts stand for.

    Raises
    ------
    UsageError
        If there is no such kind or parameter, or a value is none.
    """
    check_kind(kind)
    return read_settings(kind, KINDS[kind].parameters, texts)


def checked_settings(kind: str, settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """Return settings that a kind takes, given as values.

    Raises
    ------
    UsageError
        If there is no such kind or parameter, or a value is none.
    """
    return kind_settings(kind, [f"{name}={value}" for name, value in settings.items()])


def kinds_document() -> Document:
    """Return all kinds with their parameters, and the samplers, for programs."""
    return {
        "format": "specsched.kinds",
        "version": 1,
        "kinds": [
            {
                "name": kind.name,
                "parameters": [_described(item) for item in kind.parameters.values()],
                "formula": kind.formula,
                "source": kind.source,
            }
            for kind in KINDS.values()
        ],
        "samplers": list(SAMPLERS),
    }


def _described(parameter: Parameter) -> Document:
    limits: Document = {"low": parameter.low, "high": parameter.high}
    if parameter.choices:
        limits = {"choices": parameter.choices}
    about = {"name": parameter.name, "default": parameter.default}
    return about | limits | {"what": parameter.what}
