"""Writing: atomically, and never over what specsched did not write."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from spectral_sched.errors import UsageError, why

from .strict_json import FORMAT_PREFIX, canonical, layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from .strict_json import Document


BESIDE = frozenset(("--write",))
"""Flags that take no name: the file has its place beside another."""


def check_output(
    path: Path,
    *,
    force: bool = False,
    marked: bool = True,
    ours: Callable[[Path], bool] | None = None,
    flag: str = "-o",
) -> None:
    """Raise `UsageError` where a file may not be written, before it is made.

    Parameters
    ----------
    force
        Replace any file.
    marked
        Whether files of the kind to be written can be told from those of others.
    ours
        Tells whether a file is one of this project's; if not given, `is_ours`.
    flag
        What names the file.
    """
    try:
        reason = _why_not(path, flag)
    except OSError as error:
        # Names that are too long, and folders that may not be looked into.
        reason = f"{why(error)}; {_elsewhere('choose another place', flag)}"
    if reason:
        message = f"cannot write {path}: {reason}"
        raise UsageError(message)
    if path.exists() and not force and not (ours or is_ours)(path):
        reason = "was not written" if marked else "cannot be known to be written"
        message = (
            f"{path} {reason} by specsched; {_elsewhere('name another file', flag)}, "
            "or replace it with --force"
        )
        raise UsageError(message)


def _why_not(path: Path, flag: str) -> str | None:
    """Return why there can be no file at a place, and a cure; None if there can."""
    if path.is_dir():
        return f"it is a folder; {_elsewhere('name a file', flag)}"
    if not path.parent.is_dir():
        return "its folder does not exist; make it first"
    if path.exists() and not path.is_file():
        cure = _elsewhere("name a file", flag)
        return f"it is no regular file but a device or a pipe; {cure}"
    # Where a link leads to is where the file is made.
    if not os.access(Path(os.path.realpath(path)).parent, os.W_OK):
        return (
            "its folder cannot be written (permission denied, or a read-only disk); "
            f"{_elsewhere('choose another place', flag)}"
        )
    return None


def _elsewhere(what: str, flag: str) -> str:
    """Return what to do where a file cannot be, for the flag that asked for it."""
    return f"leave out {flag}" if flag in BESIDE else f"{what} with {flag}"


REQUEST_KEYS = (
    *("format", "arguments", "preprocessing", "precision"),
    *("data_key", "source_key", "items"),
)
"""What a document says of what was asked for, and of which images."""

NOT_CONTENT = ("tool", "created", "arguments")


def check_replaced(path: Path, document: Document, *, force: bool) -> None:
    """Raise `UsageError` where the answer to another request would be lost.

    Parameters
    ----------
    document
        What is to be written, or, before that is known, some of its `REQUEST_KEYS`.
    force
        Replace it.
    """
    before = None if force else _document(path)
    if before is None:
        return
    now = json.loads(canonical(document))
    if "format" in now and now["format"] != before["format"]:
        kind = str(before["format"]).removeprefix(FORMAT_PREFIX)
        message = (
            f"{path} holds a {kind} of specsched; name another file with -o, or "
            "replace it with --force"
        )
        raise UsageError(message)
    whole = all(key in now for key in ("format", "tool"))
    if whole and _content(before) == _content(now):
        return
    changed = [
        name
        for key in REQUEST_KEYS
        if key in now or whole
        for name in _changed(key, before.get(key), now.get(key), whole=whole)
    ]
    if changed:
        message = (
            f"{path} holds the answer to another request "
            f"(other {', '.join(changed)}); name another file with -o, or replace it "
            "with --force"
        )
        raise UsageError(message)


def _document(path: Path) -> Document | None:
    """Return what is in a document of this project, None for anything else."""
    if not is_ours(path):
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and "format" in found else None


def _content(document: Document) -> Document:
    return {key: document[key] for key in document if key not in NOT_CONTENT}


def _changed(key: str, before: object, now: object, *, whole: bool) -> list[str]:
    """Return what changed, in words: the arguments one by one."""
    if key in TOLD:
        return [] if before == now else [TOLD[key]]
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return [] if before == now else [key]
    names = sorted({*now, *before} if whole else now)
    return [name for name in names if before.get(name) != now.get(name)]


TOLD = {"data_key": "images", "source_key": "images", "items": "images"}


def open_folder(folder: Path, record: str, *, force: bool) -> Path:
    """Return a folder to write several files to, made if need be.

    Parameters
    ----------
    record
        Name of the document that says that the files are ours.

    Raises
    ------
    UsageError
        If it cannot be made, or holds files of someone else and `force` is off.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        foreign = any(folder.iterdir()) and not is_ours(folder / record)
    except OSError as error:
        reason = why(error)
        message = f"cannot write to {folder}: {reason}; name another folder with -o"
        raise UsageError(message) from error
    if foreign and not force:
        message = (
            f"{folder} holds files that specsched did not write; "
            "name another folder with -o, or add to it with --force"
        )
        raise UsageError(message)
    return folder


def write_document(document: Document, path: Path, *, flag: str = "-o") -> None:
    """Write a document atomically.

    Parameters
    ----------
    flag
        What asked for the file.

    Raises
    ------
    UsageError
        If the place cannot be written.
    """
    write_atomically(path, layout(document).encode(), flag=flag)


def write_atomically(path: Path, *parts: bytes | memoryview, flag: str = "-o") -> None:
    """Write parts to a file so that it is there whole or not at all.

    A power cut changes nothing about that. Where the path is a link, the file that it
    leads to is written.

    Parameters
    ----------
    flag
        What asked for the file.

    Raises
    ------
    UsageError
        If the place cannot be written.
    """
    path = Path(os.path.realpath(path))
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(parts)
                # Else some systems keep the new name of content that they lost.
                file.flush()
                os.fsync(handle)
            Path(name).chmod(0o666 & ~_umask())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        cure = _elsewhere("choose another place", flag)
        message = f"cannot write {path}: {why(error)}; {cure}"
        raise UsageError(message) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def is_ours(path: Path) -> bool:
    """Return whether a file is a document of this project."""
    try:
        if not path.is_file():  # opening a pipe would wait for who writes to it
            return False
        with path.open(encoding="utf-8") as file:
            head = file.read(200)
    except (OSError, UnicodeDecodeError):
        return False
    return head.startswith("{") and f'"format": "{FORMAT_PREFIX}' in head
