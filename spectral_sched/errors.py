"""Every error a user can meet, and the exit code it ends with.

::

    SpecschedError            1
    ├── NoAnswerError         1   valid input for which there is no answer
    ├── KilledError           1   work whose processes were killed again and again
    ├── UsageError            2   a flag, a value or an output that cannot be used
    ├── InputError            3   input that is missing, unreadable, empty or invalid
    │   └── ImageError        3   one image; carries the reason it is counted under
    └── UnavailableError      4   an extra or a device that is not there

A message is one sentence that names the thing, says what is wrong and what to do.
Mistakes of a caller in Python (a wrong shape, say) are plain ``ValueError``.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class SpecschedError(Exception):
    """Base of all errors that end a command with one sentence."""

    exit_code = 1


class NoAnswerError(SpecschedError):
    """The input is valid, but there is nothing to compute from it."""


class KilledError(SpecschedError):
    """Processes or machines were lost again and again over one piece of the work.

    Parameters
    ----------
    what
        What happened, up to the cure.
    cure
        What to do.
    """

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(f"{what}; {cure}")
        self.what, self.cure = what, cure

    def __reduce__(self) -> tuple[type[KilledError], tuple[str, str]]:
        return type(self), (self.what, self.cure)


class UsageError(SpecschedError):
    """A flag, a value or an output place cannot be used."""

    exit_code = 2


class InputError(SpecschedError):
    """Input is missing, unreadable, empty or invalid."""

    exit_code = 3


class ImageError(InputError):
    """One image cannot be used.

    Parameters
    ----------
    message
        The sentence for people.
    reason
        The few words under which skipped images are counted.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self) -> tuple[type[ImageError], tuple[str, str]]:
        # Exceptions are pickled with their message alone, which would lose the reason
        # on the way back from another process.
        return type(self), (str(self), self.reason)


class UnavailableError(SpecschedError):
    """An optional package or a device is not there."""

    exit_code = 4


def check_choice(name: str, names: Iterable[str], what: str, flag: str) -> None:
    """Raise `UsageError` with the nearest name if `name` is not one of `names`.

    Examples
    --------
    >>> check_choice("karas", ["karras", "mixed"], "kind", "--kind")
    Traceback (most recent call last):
    spectral_sched.errors.UsageError: there is no kind 'karas'; did you mean --kind karras? (known: karras, mixed)
    """  # noqa: E501
    names = list(names)
    if name in names:
        return
    near = difflib.get_close_matches(name, names, 1, cutoff=0.4)
    written = flag if flag.endswith("=") else f"{flag} "
    hint = f"did you mean {written}{near[0]}?" if near else f"choose one with {flag}"
    message = f"there is no {what} {name!r}; {hint} (known: {', '.join(names)})"
    raise UsageError(message)


def why(error: OSError) -> str:
    """Return what the system says was wrong, for the middle of a sentence."""
    return (error.strerror or str(error)).lower()
