"""What a kind of table is: its name, its formula and what can be set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from spectral_sched.errors import UsageError
from spectral_sched.schedules.parameters import check_values, parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spectral_sched.planning.request import Request
    from spectral_sched.schedules import Parameter, Setting


@dataclass(frozen=True)
class KindInfo:
    """What a kind of table is.

    Attributes
    ----------
    formula, source
        One line of mathematics, and where it was published.
    parameters
        What can be set, by name.
    runs_model
        Whether it is found by running a model, at the cost of network calls.
    """

    name: str
    formula: str
    source: str
    parameters: Mapping[str, Parameter]
    runs_model: bool = False


@dataclass(frozen=True, kw_only=True)
class KindSettings:
    """What can be set for a kind that is no family.

    Raises
    ------
    UsageError
        If a value is outside its limits.
    """

    def __post_init__(self) -> None:
        check_values(self)


def _by_name(settings: type[KindSettings]) -> Mapping[str, Parameter]:
    return {item.name: item for item in parameters(settings)}


Settings = TypeVar("Settings", bound=KindSettings)


def settings_of(form: type[Settings], values: Mapping[str, Setting]) -> Settings:
    """Return settings as what a kind can be set to.

    Raises
    ------
    UsageError
        If a value is outside its limits.
    """
    return form(**values)


def check_searched(kind: str, wanted: Request) -> None:
    """Raise `UsageError` if what a kind searches for is asked for."""
    if wanted.terminal:
        message = f"kind {kind} chooses its last level itself; leave out --terminal"
        raise UsageError(message)
