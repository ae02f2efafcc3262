"""Standard output and error wherever a program runs."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from json import dumps

UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls of terminals, of lines and of direction, and halves of characters.

Names of files and what archives hold may have any of them; on a terminal they would
forge lines, colours or the order of words.
"""


def ready_streams() -> None:
    """Let output go on where there is no stream, or one of few characters.

    Services and ``pythonw`` have none, and pipes of Windows know no block characters.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
        elif name == "stdout" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def discard(name: str) -> None:
    """Let nothing be written to a stream any more, at the end of the program least."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, getattr(sys, name).fileno())
        os.close(nowhere)


def say(message: str) -> None:
    """Print one line on standard error, whatever names it has in it."""
    say_lines(f"{printable(message)}\n")


def say_lines(text: str) -> None:
    """Print on standard error, if that can be written."""
    try:
        sys.stderr.write(text)
    except OSError:
        discard("stderr")


def printable(text: str) -> str:
    r"""Return a text of one line in which no character does more than be seen.

    Examples
    --------
    >>> print(printable("a\x1b[2Kb\n.png"))
    a\x1b[2Kb\n.png
    """
    return UNPRINTABLE.sub(lambda found: repr(found[0])[1:-1], text)


def encodable(text: str) -> bool:
    """Return whether standard output has all characters of a text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def in_ascii(text: str) -> str:
    r"""Return a JSON text with its other characters escaped.

    Examples
    --------
    >>> print(in_ascii('{"café":1}'))
    {"caf\u00e9":1}
    """
    return re.sub(r"[^\x00-\x7f]", lambda found: dumps(found[0])[1:-1], text)
