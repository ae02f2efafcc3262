"""One picture of a source, not yet decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from spectral_sched.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from spectral_sched.images.pixels import Data

SUFFIXES = frozenset(
    {".avif", ".bmp", ".dib", ".gif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg"}
    | {".jpg", ".pbm", ".pfm", ".pgm", ".png", ".pnm", ".ppm", ".qoi", ".tga"}
    | {".tif", ".tiff", ".webp"}
)
"""Endings, in lower case, of the files that are taken for pictures."""


@dataclass(frozen=True, eq=False)
class Item:
    """One picture not yet decoded; it can be sent to another process.

    Attributes
    ----------
    name
        What to call it in messages, relative to the source.
    label
        Its class, or the empty string.
    data
        A path, the bytes of an encoded picture, something that fetches them, an array
        (H, W) or (H, W, C), or the error that says why the picture cannot be had.
    """

    name: str
    label: str
    data: Data


class Choices(NamedTuple):
    """What is chosen inside a source that holds several things.

    Attributes
    ----------
    array, column
        Which array of an npz file and which column of a Parquet file to read.
    """

    array: str | None = None
    column: str | None = None


class Reader(NamedTuple):
    """A kind of source, known by how its name ends.

    Attributes
    ----------
    endings
        In lower case, with the dot.
    items
        Streams the pictures of a path or URL.
    """

    endings: tuple[str, ...]
    items: Callable[[str, Choices], Iterator[Item]]


def is_picture(path: str) -> bool:
    """Return whether a file or a member of an archive is taken for a picture.

    Hidden files are not: archives made on a Mac hold a ``._`` one beside each picture.
    """
    place = PurePosixPath(path)
    return place.suffix.lower() in SUFFIXES and not place.name.startswith(".")


def folder_label(path: str) -> str:
    """Return the class of a path relative to its source: its first folder."""
    parts = [part for part in PurePosixPath(path).parts if part != "/"]
    return quote_name(parts[0]) if len(parts) > 1 else ""


def quote_name(name: str) -> str:
    """Return a file's name as text that can be written anywhere."""
    return name.encode("utf-8", "backslashreplace").decode()


def refused(name: str, problem: str, reason: str) -> Item:
    """Return an item that is counted as skipped, for what cannot be read."""
    return Item(
        quote_name(name), "", ImageError(f"{quote_name(name)} {problem}", reason)
    )
