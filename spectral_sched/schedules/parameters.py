"""Parameters of families: fields of a dataclass that a user may set by name.

A parameter has a default of its own or is measured on the data set, is a number between
two limits or one of a few words, and is checked when the family is made. Fields with
neither default nor parameter are quantities of the data set and cannot be set.
"""

from __future__ import annotations

import difflib
import math
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from spectral_sched.errors import UsageError, check_choice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Setting = float | int | str
"""Value of a parameter."""


def number(default: float | None, low: float, high: float, what: str) -> Any:
    """Return the field of a number from `low` to `high`."""
    limits = {"low": low, "high": high, "what": what}
    return field(default=default, metadata=limits)


def measured(quantity: str, low: float, high: float, what: str) -> Any:
    """Return the field of a number that a quantity of the data set stands in for."""
    limits = {"low": low, "high": high, "what": what}
    return field(metadata={"quantity": quantity, **limits})


def choice(default: str, choices: Sequence[str], what: str) -> Any:
    """Return the field of one word among several."""
    return field(default=default, metadata={"choices": tuple(choices), "what": what})


def words(default: str, what: str) -> Any:
    """Return the field of any text, which whatever it is a parameter of reads."""
    return field(default=default, metadata={"free": True, "what": what})


@dataclass(frozen=True)
class Parameter:
    """One parameter of a family.

    Attributes
    ----------
    name, what
        Its name and its meaning in a few words.
    default
        Its value if it is not set: a value, or the name of a quantity of the data set.
    whole
        Whether it counts something.
    low, high
        Limits of a number, both allowed.
    choices
        The words that it may be, if it is no number.
    flag
        The option of the command that sets it.
    free
        Whether it is any text.
    """

    name: str
    what: str
    default: Setting | None
    whole: bool = False
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    flag: str = "--set"
    free: bool = False

    @property
    def example(self) -> Setting:
        """A value that is allowed."""
        if isinstance(self.default, str) and not self.choices and not self.free:
            return self.low
        return self.low if self.default is None else self.default

    def read(self, text: str) -> Setting:
        """Return the value that a text stands for.

        Raises
        ------
        UsageError
            If it is not a number where one is wanted; limits are not looked at.
        """
        if self.choices or self.free:
            return text
        try:
            return int(text) if self.whole else float(text)
        except ValueError as error:
            kind = "a whole number" if self.whole else "a number"
            message = (
                f"{self.flag} {self.name}={text}: {self.name} must be {kind}, "
                f"such as {self.name}={self.example:g}"
            )
            raise UsageError(message) from error

    def check(self, value: Setting | None) -> None:
        """Raise `UsageError` if a value is outside the limits or the words."""
        if self.free or (value is None and self.default is None):
            return
        if self.choices:
            check_choice(
                str(value), self.choices, self.name, f"{self.flag} {self.name}="
            )
            return
        inside = isinstance(value, float | int) and self.low <= value <= self.high
        if not inside or not math.isfinite(float(value or 0)):
            message = (
                f"{self.name} must be from {self.low:g} to {self.high:g}, not {value}; "
                f"try {self.flag} {self.name}={self.example:g}"
            )
            raise UsageError(message)


def parameters(family: type) -> tuple[Parameter, ...]:
    """Return the parameters of a family in order."""
    return tuple(_parameter(item) for item in fields(family) if "what" in item.metadata)


def _parameter(item: Field[Any]) -> Parameter:
    about = item.metadata
    default = about.get("quantity") if item.default is MISSING else item.default
    return Parameter(
        name=item.name,
        what=about["what"],
        default=default,
        whole=str(item.type) == "int",
        low=about.get("low", -math.inf),
        high=about.get("high", math.inf),
        choices=about.get("choices", ()),
        free=about.get("free", False),
    )


def quantities(family: type) -> dict[str, str]:
    """Return the fields that the data set fills, with what it fills them with."""
    return {
        item.name: item.metadata.get("quantity", item.name)
        for item in fields(family)
        if item.default is MISSING
    }


def check_values(instance: Any) -> None:
    """Raise `UsageError` if a parameter of an instance is outside its limits."""
    for parameter in parameters(type(instance)):
        parameter.check(getattr(instance, parameter.name))


def read_settings(
    name: str,
    known_parameters: Mapping[str, Parameter],
    texts: Sequence[str],
    *,
    noun: str = "kind",
    flag: str = "--set",
) -> dict[str, Setting]:
    """Return the settings of a thing that ``name=value`` texts stand for.

    Parameters
    ----------
    noun, name
        What has the parameters, for messages.
    flag
        The option that the texts were given with.

    Raises
    ------
    UsageError
        If a text has no value or there is no such parameter.
    """
    settings = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not known_parameters:
            message = f"{noun} {name} has no parameters; leave out {flag} {text}"
            raise UsageError(message)
        if key not in known_parameters:
            raise _unknown(f"{noun} {name}", key, list(known_parameters), flag)
        if not equals or not value:
            example = known_parameters[key].example
            message = f"{flag} {text} has no value; write {flag} {key}={example}"
            raise UsageError(message)
        settings[key] = known_parameters[key].read(value)
    return settings


def _unknown(name: str, key: str, names: list[str], flag: str) -> UsageError:
    near = difflib.get_close_matches(key, names, 1, cutoff=0.4) or names[:1]
    return UsageError(
        f"{name} has no parameter {key!r}; did you mean {flag} {near[0]}=...? "
        f"(known: {', '.join(names)})"
    )
