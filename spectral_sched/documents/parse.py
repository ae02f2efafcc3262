"""JSON texts to values, strictly: one reading of each text, and none that goes astray.

What the standard leaves open is refused: a key twice in one object, numbers beyond
doubles, halves of characters, and objects within objects without end.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .strict_json import Document

MAX_DEPTH = 32
"""Objects and lists within one another; our formats have under ten."""

MAX_DIGITS = 300
"""Of an integer; doubles reach a little further."""


def parse(text: str) -> object:
    """Return the value of a JSON text.

    Raises
    ------
    ValueError
        If it is none, or one that cannot be taken in one way only.
    """
    try:
        value: object = json.loads(
            text,
            object_pairs_hook=_once_each,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_short,
        )
    except RecursionError as error:
        message = f"lists within lists beyond {MAX_DEPTH}"
        raise ValueError(message) from error
    _check_depth(value)
    if "\\ud" in text.lower():
        _check_characters(value)
    return value


def parse_document(text: str) -> Document | None:
    """Return the object of a JSON text, None for another value; otherwise as `parse`.

    Raises
    ------
    ValueError
        As for `parse`.
    """
    value = parse(text)
    return cast("Document", value) if isinstance(value, dict) else None


def _once_each(pairs: list[tuple[str, Any]]) -> Document:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        message = f"the key {twice!r:.60} is there twice"
        raise ValueError(message)
    return found


def _refuse_constant(name: str) -> object:
    message = f"{name} is not a JSON number"
    raise ValueError(message)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        message = f"{text:.40} is too large a number"
        raise ValueError(message)
    return number


def _short(text: str) -> int:
    if len(text) > MAX_DIGITS:
        message = f"an integer of {len(text)} digits is too large a number"
        raise ValueError(message)
    return int(text)


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _containers(outer)]
        if not level:
            return
    message = f"lists within lists beyond {MAX_DEPTH}"
    raise ValueError(message)


def _containers(outer: object) -> Iterable[object]:
    if not isinstance(outer, dict | list):
        return ()
    inner = outer.values() if isinstance(outer, dict) else outer
    return [each for each in inner if isinstance(each, dict | list)]


def _check_characters(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        message = "half a character, an escape of \\ud800 to \\udfff alone"
        raise ValueError(message) from error
