"""Standard output and error wherever a program runs."""

from __future__ import annotations

import os
import re
import sys
from json import dumps


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
