"""Where pictures come from: a stream of items, each one picture not yet decoded.

Nothing is sorted and nothing is kept, so the first item is there at once however long
the listing, and results must not (and do not) depend on the order.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm"}
    | {".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"}
)
"""Endings, in lower case, of the files that are taken for pictures."""


@dataclass(frozen=True)
class Item:
    """One picture not yet decoded.

    Attributes
    ----------
    name
        What to call it in messages, relative to the source.
    label
        Its class: the first folder below the source, or the empty string.
    data
        A path, or the bytes of an encoded picture.
    """

    name: str
    label: str
    data: Path | bytes


def items(source: Path) -> Iterator[Item]:
    """Stream the pictures of a folder (recursively) or a single file.

    Raises
    ------
    InputError
        If the source does not exist or holds no picture.
    """
    if source.is_file():
        yield Item(source.name, "", source)
        return
    if not source.is_dir():
        message = f"{source} does not exist; name a folder of images"
        raise InputError(message)
    others = found = 0
    for path in files(source):
        if path.suffix.lower() not in SUFFIXES:
            others += 1
            continue
        found += 1
        relative = path.relative_to(source)
        label = relative.parts[0] if len(relative.parts) > 1 else ""
        yield Item(str(relative), label, path)
    if not found:
        raise _nothing_found(source, others)


def _nothing_found(source: Path, others: int) -> InputError:
    if not others:
        return InputError(f"{source} is empty; name a folder of images")
    return InputError(
        f"{source} holds no images, only {others} other file{'s' * (others > 1)}; "
        "name a folder of PNG, JPEG, WebP or other pictures"
    )


def files(folder: Path) -> Iterator[Path]:
    """Stream the files below a folder, linked folders included, each folder once."""
    seen = set()
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        status = place.stat()
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir():
                        waiting.append(Path(entry.path))
                    elif entry.is_file():
                        yield Path(entry.path)
        except PermissionError as error:
            message = f"cannot read the folder {place}: permission denied"
            raise InputError(message) from error
