"""Lines to type in a shell, which mean what they say whatever names are in them."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from .streams import UNPRINTABLE


def line(*words: str | Path) -> str:
    r"""Return the line that calls ``specsched`` with words.

    Parameters
    ----------
    words
        Names of files as paths: those that look like flags get their folder.

    Examples
    --------
    >>> print(line("show", Path("my table.json")))
    specsched show 'my table.json'
    >>> print(line("show", Path("-o.json")), line("show", Path("a\n.json")))
    specsched show ./-o.json specsched show $'a\x0a.json'
    """
    return " ".join(("specsched", *map(quoted, words)))


def quoted(word: str | Path) -> str:
    """Return a word as shells take it; a path is one of a file, whatever it looks like.

    What a terminal cannot show is written byte by byte, as shells read it.
    """
    text = str(word)
    if isinstance(word, Path) and text.startswith("-"):
        text = f"./{text}"
    if not UNPRINTABLE.search(text):
        return shlex.quote(text)
    return "$'" + "".join(map(_escaped, text)) + "'"


def _escaped(letter: str) -> str:
    if UNPRINTABLE.match(letter):
        return "".join(f"\\x{byte:02x}" for byte in os.fsencode(letter))
    return f"\\{letter}" if letter in "\\'" else letter
