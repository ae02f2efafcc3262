"""Rules that the values of a document obey, put together to a table for each format.

A rule is called with a value of JSON and its `Place`, and raises `InputError` with the
file, the field and what is wrong with it. Rules are checked before anything is built
from a document, so lengths that a file claims cost nothing until they are there. A name
in place of a length, as in ``numbers("K", "C")``, stands for the same length wherever
it occurs in one document.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from spectral_sched.errors import InputError

from .strict_json import as_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray


MAX_WHOLE = 1 << 53
"""Largest whole number in a document if its rule does not say: doubles hold it."""

MAX_NUMBER = 1e40
"""Largest number in a document, likewise: its square and cube are finite."""


@dataclass(frozen=True)
class Place:
    """Where a value stands, and which lengths are known so far.

    Attributes
    ----------
    path, remedy
        The file, and what to do when it is damaged.
    key
        Name of the value, as ``cells[0].sampler``.
    sizes
        Lengths by name; one mapping for the whole document.
    """

    path: Path
    remedy: str
    key: str = ""
    sizes: dict[str, int] = field(default_factory=dict)

    def at(self, key: str) -> Place:
        """Return the place of a member of the object here."""
        return replace(self, key=f"{self.key}.{key}" if self.key else key)

    def item(self, number: int) -> Place:
        """Return the place of an item of the list here."""
        return replace(self, key=f"{self.key}[{number}]")

    def wrong(self, what: str) -> InputError:
        """Return the error that says what is wrong with the value."""
        return damaged(self.path, self.key, what, self.remedy)

    def cannot_be(self, value: object) -> InputError:
        """Return the error that shows the value."""
        return self.wrong(f"cannot be {shown(value)}")


def damaged(path: Path, key: str, what: str, remedy: str) -> InputError:
    """Return the error that says what is wrong with one value of a file."""
    return InputError(f"{path} is damaged: {key!r} {what}; {remedy}")


def shown(value: object) -> str:
    """Return a value in a few letters.

    Examples
    --------
    >>> shown([1] * 1000)
    'a list of 1000'
    """
    if isinstance(value, dict | list):
        kind = "an object" if isinstance(value, dict) else "a list"
        return f"{kind} of {len(value)}" if len(value) > 4 else f"{value!r:.60}"
    return f"{value!r:.60}"


Rule = Callable[[object, Place], None]
"""Lets a value pass or raises `InputError`."""

Order = Literal["rising", "falling", "not falling"]


def anything(_value: object, _place: Place) -> None:
    """Let every value pass."""


def text(*names: str, pattern: str = "") -> Rule:
    """Return the rule for a text: one of `names` if there are any, or of a pattern."""

    def check(value: object, place: Place) -> None:
        fits = isinstance(value, str) and (not names or value in names)
        if not (fits and (not pattern or re.fullmatch(pattern, str(value)))):
            raise place.cannot_be(value)

    return check


def flag(value: object, place: Place) -> None:
    """Hold a value to true or false."""
    if not isinstance(value, bool):
        raise place.cannot_be(value)


def whole(least: int = 0, most: int = MAX_WHOLE, size: str = "") -> Rule:
    """Return the rule for an integer.

    Parameters
    ----------
    size
        Name of the length that it states.
    """

    def check(value: object, place: Place) -> None:
        if type(value) is not int or not least <= value <= most:
            raise place.cannot_be(value)
        if size:
            place.sizes[size] = value

    return check


def number(
    least: float = -MAX_NUMBER, most: float = MAX_NUMBER, *, above: float = -math.inf
) -> Rule:
    """Return the rule for a finite number from `least` to `most`, and over `above`."""

    def check(value: object, place: Place) -> None:
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        if not (plain and least <= value <= most and value > above):  # type: ignore[operator]
            raise place.cannot_be(value)

    return check


positive = number(above=0)
"""The rule for a finite number above 0."""


def setting(value: object, place: Place) -> None:
    """Hold a value to a text or a finite number: what a parameter can be."""
    if not isinstance(value, str):
        number()(value, place)


def fixed(expected: object) -> Rule:
    """Return the rule for a value that never changes."""

    def check(value: object, place: Place) -> None:
        if value != expected or isinstance(value, bool) != isinstance(expected, bool):
            raise place.wrong(f"is {shown(value)} in place of {shown(expected)}")

    return check


def nullable(
    rule: Rule,
) -> Rule:
    """Return the rule for null, or what another rule lets pass."""

    def check(value: object, place: Place) -> None:
        if value is not None:
            rule(value, place)

    return check


def each(rule: Rule, least: int = 0, size: str = "") -> Rule:
    """Return the rule for a list whose items obey another rule.

    Parameters
    ----------
    least
        How many there are at least.
    size
        Name of the length of the list.
    """

    def check(value: object, place: Place) -> None:
        if not isinstance(value, list) or len(value) < least:
            raise place.cannot_be(value)
        if size:
            _same_length(size, len(value), place)
        for position, item in enumerate(value):
            rule(item, place.item(position))

    return check


def named(
    rule: Rule,
) -> Rule:
    """Return the rule for an object of any names, whose values obey another rule."""

    def check(value: object, place: Place) -> None:
        if not isinstance(value, dict):
            raise place.cannot_be(value)
        for name, item in value.items():
            rule(item, place.at(name))

    return check


def members(
    required: Mapping[str, Rule],
    optional: Mapping[str, Rule] | None = None,
    *,
    closed: bool = False,
) -> Rule:
    """Return the rule for an object, its values checked in the order of the rules.

    Parameters
    ----------
    required, optional
        Rules by name, of what has to be there and of what may be.
    closed
        Whether there is nothing else; otherwise later builds may say more, but for
        names that are nearly those of what is not there.
    """
    rules = {**required, **(optional or {})}

    def check(value: object, place: Place) -> None:
        if not isinstance(value, dict):
            raise place.cannot_be(value)
        for name, rule in rules.items():
            if name in value:
                rule(value[name], place.at(name))
            elif name in required:
                raise place.at(name).wrong("is missing")
        for name in value.keys() - rules.keys():
            _check_unknown(name, rules.keys() - value.keys(), place, closed=closed)

    return check


def _check_unknown(
    name: str, absent: Iterable[str], place: Place, *, closed: bool
) -> None:
    """Raise `InputError` for a name that is no addition of a later build."""
    meant = difflib.get_close_matches(name, absent, 1, cutoff=0.8)
    if meant or closed:
        hint = f" (is it {meant[0]!r}?)" if meant else ""
        raise place.at(name).wrong(f"has no meaning{hint}")


def numbers(
    *lengths: int | str | None,
    least: float = -MAX_NUMBER,
    most: float = MAX_NUMBER,
    above: float = -math.inf,
    whole: bool = False,
    order: Order | None = None,
) -> Rule:
    """Return the rule for finite numbers in lists of lists.

    Parameters
    ----------
    lengths
        Of each axis: a number, a name, or None for any.
    least, most, above
        Between what each number is.
    whole
        Whether all are integers.
    order
        How they follow one another along the last axis.
    """

    def check(value: object, place: Place) -> None:
        array = _array(value, place, whole=whole)
        if array.ndim != len(lengths) or not array.size:
            raise place.wrong(f"has the wrong shape {array.shape}")
        for length, found in zip(lengths, array.shape, strict=True):
            _fits(length, found, array, place)
        outside = ~((array >= least) & (array <= most) & (array > above))
        if outside.any():
            raise place.wrong(f"cannot hold {array[outside].flat[0]:g}")
        if order is not None:
            _in_order(array, order, place)

    return check


def _array(value: object, place: Place, *, whole: bool) -> NDArray[np.float64]:
    """Return the numbers of lists of lists, as they are in the document."""
    if not isinstance(value, list):
        raise place.cannot_be(value)
    kinds = {int} if whole else {int, float}
    try:
        array = as_numbers(value)
        found = set().union(*(map(type, row) for row in _rows(value, array.ndim)))
    except (TypeError, ValueError, OverflowError) as error:
        raise place.wrong("is not an array of numbers") from error
    if not found <= kinds:
        raise place.wrong("holds what is no integer" if whole else "holds no numbers")
    return array


def _rows(value: list[object], depth: int) -> Iterator[list[object]]:
    """Yield the innermost lists."""
    if depth <= 1:
        yield value
        return
    for item in value:
        if isinstance(item, list):
            yield from _rows(item, depth - 1)


def _fits(
    length: int | str | None, found: int, array: NDArray[np.float64], place: Place
) -> None:
    if isinstance(length, str):
        _same_length(length, found, place, array.shape)
    elif length not in (None, found):
        raise place.wrong(f"has the wrong shape {array.shape}")


def _same_length(
    size: str, found: int, place: Place, shape: tuple[int, ...] = ()
) -> None:
    if place.sizes.setdefault(size, found) != found:
        raise place.wrong(f"has the wrong shape {shape or (found,)}")


def _in_order(array: NDArray[np.float64], order: Order, place: Place) -> None:
    before, after = array[..., :-1], array[..., 1:]
    wrong = {
        "rising": after <= before,
        "falling": after >= before,
        "not falling": after < before,
    }[order]
    if wrong.any():
        pair = f"{after[wrong][0]} follows {before[wrong][0]}"
        what = "falls" if order == "not falling" else f"is not {order}"
        raise place.wrong(f"{what}: {pair}")


def agree(
    value: object,
    expected: object,
    place: Place,
    *,
    tolerance: float = 1e-6,
    slack: float = 0.0,
) -> None:
    """Raise `InputError` if what a document says twice is not the same.

    Parameters
    ----------
    value
        What is there, numbers of a shape that was checked.
    expected
        What it follows to be from other fields.
    tolerance, slack
        Relative and absolute differences that may be: other processors round otherwise.
    """
    found, wanted = np.asarray(value, float), np.asarray(expected, float)
    if found.shape != wanted.shape:
        raise place.wrong(f"has the wrong shape {found.shape}")
    if not np.allclose(found, wanted, rtol=tolerance, atol=slack):
        raise place.wrong("does not agree with the other fields")
