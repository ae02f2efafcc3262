"""Names of outputs that promise another format than they would get."""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import TYPE_CHECKING

from spectral_sched.errors import UsageError
from spectral_sched.system import shell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KNOWN = frozenset(
    (
        *(".json", ".csv", ".tsv", ".txt", ".py", ".yaml", ".yml", ".toml", ".xml"),
        *(".npy", ".npz", ".safetensors", ".parquet", ".pt", ".pth", ".ckpt", ".pkl"),
        *(".png", ".jpg", ".jpeg", ".webp", ".svg", ".pdf", ".html", ".htm", ".md"),
        *(".zip", ".tar", ".gz", ".xlsx"),
    )
)
"""Endings by which a format is known."""


OUTPUT_FLAGS = ("-o", "--output")


def promises(path: Path, own: Sequence[str] = ()) -> bool:
    """Return whether a name has the ending of a format other than one's own."""
    return path.suffix.lower() in KNOWN - set(own) and str(path) != "-"


def typed(output: Path, name: Path | str, *more: str) -> str:
    """Return the line that was typed, with another output and what it lacks."""
    typed_words = sys.argv[1:]
    words = list(typed_words)
    # What is read may have the same name, so that flags are looked for.
    for place, (before, word) in enumerate(pairwise(["", *typed_words])):
        flag, equals, _ = word.partition("=")
        if before in OUTPUT_FLAGS:
            words[place] = str(name)
        elif equals and flag in OUTPUT_FLAGS:
            words[place] = f"{flag}={name}"
        elif word == f"-o{output}":
            words[place] = f"-o{name}"
    return shell.line(*words, *more)


def check_ending(path: Path, own: Sequence[str], what: str) -> None:
    """Raise `UsageError` where a file would not hold what its name promises.

    Parameters
    ----------
    own
        Endings of what is written, the usual one first.
    what
        What that is.
    """
    if promises(path, own):
        line = typed(path, path.with_suffix(own[0]))
        message = f"{path} would hold {what}, not {path.suffix}; type: {line}"
        raise UsageError(message)


def check_folder(path: Path) -> None:
    """Raise `UsageError` where a folder would have the name of a file."""
    if promises(path) and not path.is_dir():
        line = typed(path, path.with_suffix(""))
        message = f"{path} would be a folder, and is named like a file; type: {line}"
        raise UsageError(message)
