"""What a kind of table is: its formula, what can be set, and how a table is found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from spectral_sched.errors import UsageError
from spectral_sched.schedules.parameters import check_values, parameters

if TYPE_CHECKING:
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.request import TableRequest
    from spectral_sched.schedules import Parameter, Setting
    from spectral_sched.schedules.table import SigmaTable

MakeTable = Callable[["DataSet", "TableRequest"], "SigmaTable"]
"""Makes the table of a kind for a data set."""


@dataclass(frozen=True)
class KindInfo:
    """What a kind of table is.

    Attributes
    ----------
    formula, reference
        One line of mathematics, and where it was published.
    parameters
        What can be set, by name.
    table
        Returns the table of this kind for a data set and a request, or raises
        `UsageError` if it cannot be had as wished.
    runs_model
        Whether it takes a model to find, most often at the cost of network calls.
    given
        Whether its levels are given and not planned: no range moves them.
    from_noise
        Whether it is for a start from noise alone, so that a spectral one is refused.
    num_steps
        How many steps its settings ask for; None where they leave it open.
    """

    name: str
    formula: str
    reference: str
    parameters: Mapping[str, Parameter]
    table: MakeTable
    runs_model: bool = False
    given: bool = False
    from_noise: bool = False
    num_steps: Callable[[Mapping[str, Setting]], int | None] = lambda _: None


def refuse_terminal(kind: str, request: TableRequest) -> None:
    """Raise `UsageError` if a last level is asked for that the kind chooses itself."""
    if request.terminal:
        message = f"kind {kind} chooses its last level itself; leave out --terminal"
        raise UsageError(message)


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


Settings = TypeVar("Settings", bound=KindSettings)


def parameters_of(form: type[KindSettings]) -> Mapping[str, Parameter]:
    """Return what can be set, by name."""
    return {item.name: item for item in parameters(form)}


def settings_of(form: type[Settings], values: Mapping[str, Setting]) -> Settings:
    """Return settings as what a kind can be set to.

    Raises
    ------
    UsageError
        If a value is outside its limits.
    """
    return form(**values)
