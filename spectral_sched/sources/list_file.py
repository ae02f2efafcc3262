"""Lists of files: one path or URL a line, from a file or standard input.

Paths are relative to the current folder. A line may name a picture or anything else
that is a source; a picture that is missing is skipped and counted.
"""

from __future__ import annotations

import codecs
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from spectral_sched.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_list(source: str) -> Iterator[str]:
    """Stream the lines of a list, ``-`` being standard input.

    Raises
    ------
    InputError
        If the list cannot be read.
    """
    if source == "-":
        yield from _lines(sys.stdin)
        return
    try:
        # Names that are not UTF-8 shall be found all the same.
        encoding = _encoding(Path(source))
        with Path(source).open(encoding=encoding, errors="surrogateescape") as file:
            yield from _lines(file)
    except OSError as error:
        because = (error.strerror or str(error)).lower()
        message = f"cannot read the list {source}: {because}"
        raise InputError(message) from error


def _encoding(path: Path) -> str:
    """Return how a list is written, by the mark that some programs begin it with."""
    with path.open("rb") as file:
        mark = file.read(2)
    return (
        "utf-16" if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
    )


def _lines(file: Iterator[str]) -> Iterator[str]:
    for line in file:
        # ``find -print0`` and others end each name with a NUL.
        yield from filter(None, line.rstrip("\r\n").split("\0"))
