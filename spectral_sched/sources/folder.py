"""Folders of image files, and counting them aside for the progress bar."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from spectral_sched.errors import InputError

from .item import Item, folder_label, is_picture, quote_name
from .location import Remote, remote_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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
        yield Item(quote_name(relative), folder_label(relative), path)
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
    """Stream the files and links below a folder, each folder once, linked ones too."""
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
                    if _is_folder(entry):
                        waiting.append(Path(entry.path))
                    elif entry.is_symlink() or entry.is_file():
                        # A link that leads nowhere is an item that cannot be read.
                        yield Path(entry.path)
        except PermissionError as error:
            message = f"cannot read the folder {place}: permission denied"
            raise InputError(message) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    # Most entries say so by themselves; only a link has to be followed, and one that
    # leads to itself cannot be.
    try:
        return entry.is_dir()
    except OSError:
        return False


def remote_folder_items(url: str) -> Iterator[Item]:
    """Stream the pictures below a URL; each is fetched when it is decoded."""
    for place, relative in remote_files(url):
        if is_picture(relative):
            yield Item(quote_name(relative), folder_label(relative), Remote(place))


def counted(source: str | None) -> Callable[[], int | None]:
    """Return what tells the number of pictures of a source once it is known.

    Only local folders are counted, from the first time that it is asked; the number of
    all other sources stays unknown, because counting would mean reading them twice.
    """
    if source is None or not os.path.isdir(source):  # noqa: PTH112 - never raises
        return lambda: None
    return _Count(Path(source))


class _Count:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.thread: Thread | None = None
        self.total: int | None = None

    def __call__(self) -> int | None:
        if self.thread is None:
            self.thread = Thread(target=self.count, daemon=True)
            self.thread.start()
        return self.total

    def count(self) -> None:
        try:
            names = (os.fspath(path) for path in files(self.folder))
            self.total = sum(is_picture(name) for name in names)
        except (OSError, InputError):
            self.total = None
