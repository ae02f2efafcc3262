"""What a file says of its own making: tool, time, arguments. Never a host or a path."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from spectral_sched.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .strict_json import Document

PROVENANCE_KEYS = ("tool", "created", "arguments")


def told_model(name: str) -> str:
    """Return the name of a model as a file may say it: without a folder's place.

    Examples
    --------
    >>> told_model("images:/home/somebody/cats"), told_model("wiener")
    ('images:cats', 'wiener')
    """
    kind, colon, place = name.rpartition(":")
    return f"{kind}{colon}{Path(place).name}" if Path(place).is_absolute() else name


def told_files(paths: Sequence[Path]) -> list[str]:
    """Return names of files as a file may say them, with folders where they need them.

    Parameters
    ----------
    paths
        Of different files, absolute.

    Examples
    --------
    >>> told_files([Path("/home/a/t.json"), Path("/home/b/t.json"), Path("/u.json")])
    ['a/t.json', 'b/t.json', 'u.json']
    """
    names, depth = [path.name for path in paths], 1
    while len(set(names)) < len(names):
        depth += 1
        names = [
            str(Path(*path.parts[-depth:])) if names.count(name) > 1 else name
            for path, name in zip(paths, names, strict=True)
        ]
    return names


def provenance(arguments: Mapping[str, object]) -> Document:
    """Return the provenance block of a document.

    Parameters
    ----------
    arguments
        The settings of the command, without names of files.
    """
    created = datetime.now(UTC).isoformat(timespec="seconds")
    values = (f"specsched {__version__}", created, dict(arguments))
    return dict(zip(PROVENANCE_KEYS, values, strict=True))
