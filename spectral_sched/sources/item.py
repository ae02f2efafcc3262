"""One image of a source, not yet decoded."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from spectral_sched.errors import ImageError

from .aside import Aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from spectral_sched.images.bands import Bands
    from spectral_sched.images.pixels import Data

    from .planes import Planes

SUFFIXES = frozenset(
    {".apng", ".avif", ".avifs", ".bmp", ".dib", ".gif", ".icb", ".j2c", ".j2k"}
    | {".jfif", ".jp2", ".jpc", ".jpe", ".jpeg", ".jpf", ".jpg", ".jpx", ".mpo"}
    | {".pbm", ".pfm", ".pgm", ".png", ".pnm", ".ppm", ".qoi", ".tga", ".tif"}
    | {".tiff", ".vda", ".vst", ".webp"}
)
"""Endings, in lower case, of the files that are taken for images."""


MOST_NAMES = 10
"""Arrays or columns that a sentence names; a file may have one for each image."""

LABELS_NAME = "dataset.json"
"""What a list of classes is called, if there is one (`labels`)."""


@dataclass(frozen=True, eq=False)
class Item:
    """One image not yet decoded; it can be sent to another process.

    Attributes
    ----------
    name
        What to call it in messages, relative to the source.
    label
        Its class, or the empty string.
    data
        A path, the bytes of an encoded image, something that fetches them, an array
        (H, W) or (H, W, C), or the error that says why the image cannot be had.
    """

    name: str
    label: str
    data: Data

    def within(self, folder: str) -> Item:
        """Return the item with a name that begins with a folder, if there is one."""
        return replace(self, name=f"{folder}/{self.name}") if folder else self

    def labelled(self, label: str) -> Item:
        """Return the item with a class, if it has none yet."""
        return replace(self, label=label) if label and not self.label else self


@dataclass(frozen=True)
class Choices:
    """What is chosen inside a source, and who is told of the rest.

    Attributes
    ----------
    array, column
        Which array of an npz file and which column of a table to read.
    channels
        Where the channels of an array are: ``first``, ``last`` or ``none``; None where
        its shape tells.
    all_files
        Whether files of any ending are taken for images.
    planes
        Which planes of stacks are read: ``all``, ``first``, ``middle`` or a number from
        1; None for all, but the first page of a TIFF.
    bands
        Which bands are read; None for the colours of an image, and all elsewhere.
    inner
        Which data set inside a file, named after it as in ``file.h5:/group/data``.
    aside
        Takes what is not streamed.
    """

    array: str | None = None
    column: str | None = None
    channels: str | None = None
    all_files: bool = False
    planes: Planes | None = None
    bands: Bands | None = None
    inner: str | None = None
    aside: Aside = field(default_factory=Aside)

    def wants(self, path: str) -> bool:
        """Return whether a file is taken for an image, and count it if it is not.

        Parameters
        ----------
        path
            Relative to the source.
        """
        if is_hidden(path):
            if _has_suffix(path):
                self.aside.hidden(quote_name(path))
            return False
        if self.all_files or _has_suffix(path):
            return True
        self.aside.other(quote_name(path))
        if path.rpartition("/")[2] == LABELS_NAME:
            self.aside.remark(
                f"labels in {quote_name(path)} are not read; {LABELS_NAME} must be at "
                "the top of a zip archive or a folder"
            )
        return False


class Reader(NamedTuple):
    """A kind of source, known by how its name ends.

    Attributes
    ----------
    endings
        In lower case, with the dot.
    items
        Streams the images of a path or URL.
    folders
        Whether folders with such names are sources, and are not looked into.
    inside
        Whether a data set in it can be named, after a colon.
    holds_one
        Whether a file is one image or one stack, whose folder is its class.
    """

    endings: tuple[str, ...]
    items: Callable[[str, Choices], Iterator[Item]]
    folders: bool = False
    inside: bool = False
    holds_one: bool = False


def is_picture(path: str) -> bool:
    """Return whether a file or a member of an archive is taken for an image."""
    return _has_suffix(path) and not is_hidden(path)


def _has_suffix(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in SUFFIXES  # noqa: PTH122 - 5 times as fast


def is_hidden(path: str) -> bool:
    """Return whether a path relative to its source is hidden, or in a hidden folder.

    Archives made on a Mac hold a hidden file beside each image, or a folder of these.

    Examples
    --------
    >>> [is_hidden(f"{folder}/a.png") for folder in (".old", "__MACOSX", ".")]
    [True, True, False]
    """
    if "/." not in path and "__MACOSX" not in path and not path.startswith("."):
        return False
    parts = path.split("/")
    return any(
        part == "__MACOSX" or (part.startswith(".") and part not in (".", ".."))
        for part in parts
    )


def folder_label(path: str) -> str:
    """Return the class of a path relative to its source: its first folder."""
    parts = [part for part in PurePosixPath(path).parts if part != "/"]
    return quote_name(parts[0]) if len(parts) > 1 else ""


def quote_name(name: str) -> str:
    """Return a file's name as text that can be written anywhere."""
    return name.encode("utf-8", "backslashreplace").decode()


def listed(names: Iterable[str], separator: str = ", ", most: int = MOST_NAMES) -> str:
    """Return names for a sentence: the first of them, and how many more there are.

    Examples
    --------
    >>> listed(str(number) for number in range(12))
    '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more'
    """
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return separator.join(known[:most]) + more


def refused(name: str, problem: str, reason: str) -> Item:
    """Return an item that is counted as skipped, for what cannot be read."""
    return Item(
        quote_name(name), "", ImageError(f"{quote_name(name)} {problem}", reason)
    )
