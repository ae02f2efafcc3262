"""What functions are called with: of the types they name, and in sentences about flags.

Errors know of flags. Those who call functions are told of arguments instead.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from typing import ParamSpec, TypeVar

import numpy as np

from .errors import SpecschedError, UsageError

Given = ParamSpec("Given")
Made = TypeVar("Made")

NAMES = {
    "steps": "num_steps",
    "set": "settings",
    "class": "label",
    "input": "inputs",
    "strict": "max_errors=0",
}
"""Arguments whose names are not those of their flags."""

SWITCHES = ("force", "as_is", "clip", "per_image", "fast", "all_files")
"""Arguments that are true or false."""

REST = r"\b(?:[^;,()]*[^;,()\s])?"
"""What is typed behind the name of a command."""

FUNCTIONS = (
    (f"specsched export --for training{REST}", "spectral_sched.training_schedule"),
    (f"specsched export{REST}", "spectral_sched.make_schedule"),
    (f"specsched analyze{REST}", "spectral_sched.analyze"),
    (f"specsched sample{REST}", "spectral_sched.sample"),
)
"""Lines to type, and what is called instead."""

OUTPUT = re.compile(r" with -o\b")
FLAG = re.compile(
    r"(?<![\w-])--(?P<name>[a-z][a-z-]*)"
    r"(?:[ =](?P<value>"
    r"'[^']*'|-?[\d.][\d.,eE+-]*\d|-?\d|[A-Z]+(?:,[A-Z]+)*\b|\w+=[^\s;,)?]+"
    r"|[a-z][\w.:-]*(?=$|[?;,)]| (?:or |and )?--| if | at )))?"
)
NOT_VALUES = frozenset(
    (
        *("and", "or", "to", "must", "needs", "is", "says", "with", "by", "if", "for"),
        *("as", "at", "of", "the", "in", "both", "it", "itself", "describes", "means"),
    )
)
"""Words behind a flag that go on with the sentence."""


def in_python(sentence: str) -> str:
    """Return a sentence with the arguments of functions in place of flags.

    Examples
    --------
    >>> in_python("state them, as in --data-range -1,1; or use --color rgb")
    'state them, as in data_range=(-1, 1); or use color="rgb"'
    >>> in_python("--steps must be from 1 to 1000, not 0; ask for 8")
    'num_steps must be from 1 to 1000, not 0; ask for 8'
    >>> in_python("name another file with -o, or replace it with --force")
    'name another file, or replace it with force=True'
    >>> in_python("it failed; make one with: specsched analyze FOLDER (net.py:3)")
    'it failed; make one with: spectral_sched.analyze (net.py:3)'
    """
    for line, function in FUNCTIONS:
        sentence = re.sub(line, function, sentence)
    sentence = OUTPUT.sub("", sentence).replace("another -o", "another place")
    return FLAG.sub(_argument, sentence)


def _of(*types: type) -> Callable[[object], bool]:
    """Return what tells values of types; True is no number."""
    return lambda value: (
        isinstance(value, types) and (bool in types or not isinstance(value, bool))
    )


def _is_list(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


PLAIN: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "int": (_of(Integral), "a whole number"),
    "float": (_of(Real), "a number"),
    "str": (_of(str), "a string"),
    "bool": (_of(bool, np.bool_), "True or False"),
    "None": (_of(type(None)), "None"),
    "Mapping[str, Setting]": (_of(Mapping), "a dictionary"),
    "Sequence[str]": (_is_list, "a list of strings"),
    "Sequence[int]": (_is_list, "a list of whole numbers"),
}
"""Annotations that are checked: which values they fit, and what these are called."""


def check_types(signature: inspect.Signature, given: Mapping[str, object]) -> None:
    """Raise `UsageError` where an argument is of no type that its annotation names.

    Beside `PLAIN` types an annotation may have others: then anything fits but None.

    Parameters
    ----------
    signature
        With annotations as they are written.
    given
        Arguments by name.
    """
    for name, value in given.items():
        named = str(signature.parameters[name].annotation).split(" | ")
        known = [PLAIN[each] for each in named if each in PLAIN]
        fits = any(fit(value) for fit, _ in known)
        other = len(known) < len(named) and value is not None
        if not (fits or other):
            words = " or ".join(words for _, words in known) or "given"
            message = f"{name} must be {words}, not {value!r:.60}"
            raise UsageError(message)


def names_arguments(function: Callable[Given, Made]) -> Callable[Given, Made]:
    """Return a function that checks types, and whose errors speak of arguments."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def called(*arguments: Given.args, **named: Given.kwargs) -> Made:
        try:
            check_types(signature, signature.bind(*arguments, **named).arguments)
            return function(*arguments, **named)
        except SpecschedError as error:
            error.args = (in_python(str(error)), *error.args[1:])
            raise

    return called


def _argument(found: re.Match[str]) -> str:
    name, value = found["name"].replace("-", "_"), found["value"]
    if name in SWITCHES:
        return f"{name}=True" + found[0].removeprefix(f"--{found['name']}")
    name = NAMES.get(name, name)
    if value is None:
        return name
    if value in NOT_VALUES:
        return name + found[0].removeprefix(f"--{found['name']}")
    return f"{name}={_literal(name, value)}"


def _literal(name: str, value: str) -> str:
    """Return a value as it is written in Python."""
    if name == "settings":
        key, _, given = value.partition("=")
        return f'{{"{key}": {_literal("", given) if given else "..."}}}'
    if "," in value:
        return f"({', '.join(value.split(','))})"
    if re.fullmatch(r"-?[\d.]+(?:[eE][+-]?\d+)?|[A-Z]+|\.\.\.|'.*'", value):
        return value
    return f'"{value}"'
