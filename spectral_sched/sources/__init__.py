"""Where pictures come from: a stream of items, each one picture not yet decoded.

A source is a folder, a picture, an archive (zip, tar), a stack of arrays (npy, npz), a
Parquet file, a list of any of these, or the URL of one; its name tells which. Nothing
is sorted and nothing is kept, so the first item is there at once however long the
listing, and results must not (and do not) depend on the order. What is damaged inside
a source becomes an item that is skipped and counted.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from spectral_sched.discovery import declared
from spectral_sched.errors import InputError, UsageError

from .arrays import array_items
from .folder import folder_items, remote_folder_items
from .item import Choices, Item, Reader, is_picture, quote_name
from .list_file import read_list
from .location import Remote, expand_braces, is_url, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Item", "array_items", "items"]

READERS: tuple[Reader, ...] = tuple(declared(__name__, "READERS"))
"""Kinds of sources that files of this package declare."""


def items(
    source: str | os.PathLike[str] | None = None,
    *,
    files_from: str | None = None,
    array: str | None = None,
    column: str | None = None,
) -> Iterator[Item]:
    """Stream the pictures of a source.

    Parameters
    ----------
    source
        A path or URL; ``{000..010}`` and ``{a,b}`` in it stand for several.
    files_from
        Instead of a source, a file that lists some, ``-`` being standard input.
    array, column
        Which array of an npz file and which column of a Parquet file to read.

    Raises
    ------
    InputError
        If the source does not exist or holds no picture.
    """
    found = False
    for place in _places(source, files_from):
        for item in _place_items(place, Choices(array, column)):
            found = True
            yield item
    if not found:
        what = f"the list {files_from}" if source is None else os.fspath(source)
        message = f"{what} holds no images; name PNG, JPEG, WebP or other pictures"
        raise InputError(message)


def _places(
    source: str | os.PathLike[str] | None, files_from: str | None
) -> Iterator[str]:
    if (source is None) == (files_from is None):
        message = "name either a source of images or a list of them with --files-from"
        raise UsageError(message)
    if files_from is not None:
        yield from read_list(files_from)
    if source is None:
        return
    for place in expand_braces(os.fspath(source)):
        _check_there(place)
    yield from expand_braces(os.fspath(source))


def _check_there(place: str) -> None:
    # A shard that is missing shall be known at once and not after hours.
    if not is_url(place) and not os.path.exists(place):  # noqa: PTH110 - as in `location`
        message = f"{place} does not exist; name a folder of images"
        raise InputError(message)


def _place_items(place: str, choices: Choices) -> Iterator[Item]:
    name = last_name(place).lower()
    if not is_url(place) and os.path.isdir(place):  # noqa: PTH112 - never raises
        return folder_items(Path(place))
    for reader in READERS:
        if name.endswith(reader.endings):
            return reader.items(place, choices)
    if is_url(place) and not is_picture(name):
        return remote_folder_items(place)
    picture = Remote(place) if is_url(place) else Path(place)
    return iter(
        [Item(quote_name(place if is_url(place) else name_of(place)), "", picture)]
    )


def name_of(path: str) -> str:
    """Return the last part of a path, for messages."""
    return Path(path).name
