"""Lists of files: one path or URL a line, from a file or standard input.

Paths are relative to the current folder. A line may name an image or anything else
that is a source; an image that is missing is skipped and counted.
"""

from __future__ import annotations

import codecs
import sys
from io import BufferedReader, TextIOWrapper
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
        # Opened once, for a pipe gives what it holds but once.
        raw = Path(source).open("rb")  # noqa: SIM115 - closed by what reads its text
        # Names that are not UTF-8 shall be found all the same.
        with TextIOWrapper(raw, _encoding(raw), "surrogateescape") as file:
            yield from _lines(file)
    except OSError as error:
        because = (error.strerror or str(error)).lower()
        message = f"cannot read the list {source}: {because}"
        raise InputError(message) from error


def _encoding(file: BufferedReader) -> str:
    """Return how a list is written, by the mark that some programs begin it with."""
    wide = file.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return "utf-16" if wide else "utf-8-sig"


def _lines(file: Iterator[str]) -> Iterator[str]:
    for line in file:
        # ``find -print0`` and others end each name with a NUL.
        yield from filter(None, line.rstrip("\r\n").split("\0"))
