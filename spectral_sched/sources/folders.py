"""Folders of picture files, with the folders in them.

Nothing is sorted, so the first picture is there at once however many there are. The
class of a picture is its first folder below the source.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from spectral_sched.errors import InputError

from .item import Item, folder_label, is_picture, shown
from .places import Remote, remote_files

if TYPE_CHECKING:
    from collections.abc import Iterator


def folder_items(folder: Path) -> Iterator[Item]:
    """Stream the pictures below a folder.

    Raises
    ------
    InputError
        If there is none, or a folder may not be read.
    """
    others = found = 0
    for path in files(folder):
        if not is_picture(path.name):
            others += 1
            continue
        found += 1
        relative = str(path.relative_to(folder))
        yield Item(shown(relative), folder_label(relative), path)
    if not found:
        raise _nothing_found(folder, others)


def _nothing_found(folder: Path, others: int) -> InputError:
    if not others:
        return InputError(f"{folder} is empty; name a folder of images")
    return InputError(
        f"{folder} holds no images, only {others} other file{'s' * (others > 1)}; "
        "name a folder of PNG, JPEG, WebP or other pictures, or an archive itself"
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


def remote_folder_items(url: str) -> Iterator[Item]:
    """Stream the pictures below a URL; each is fetched when it is decoded."""
    for place, relative in remote_files(url):
        if is_picture(relative):
            yield Item(shown(relative), folder_label(relative), Remote(place))
