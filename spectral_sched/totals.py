"""How many pictures there will be, counted aside while they are analysed."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from .errors import InputError
from .sources.folders import files
from .sources.item import is_picture

if TYPE_CHECKING:
    from collections.abc import Callable


def counted(source: str | None) -> Callable[[], int | None]:
    """Return what tells the number of pictures of a source once it is known.

    Only local folders are counted, from the first time that it is asked; the number of
    all other sources stays unknown, because counting would mean reading them twice.
    """
    if source is None or not Path(source).is_dir():
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
