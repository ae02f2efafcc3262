"""Where images come from: a stream of items, each one image not yet decoded.

A source is a folder, an image, an archive (zip, tar), a stack of arrays (npy, npz), a
Parquet or Arrow file, what instruments and scanners store (`science`), a folder or a
list of any of these, or the URL of one; its name tells which. Nothing is sorted and
nothing is kept, so the first item is there at once however long the listing, and
results must not (and do not) depend on the order. What is damaged inside a source
becomes an item that is skipped and counted; what is no image is told to an `Aside`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from spectral_sched.discovery import declared
from spectral_sched.errors import InputError, UsageError
from spectral_sched.images.bands import checked_bands
from spectral_sched.images.stacks import check_place_of_channels

from . import science
from .arrays import array_items
from .aside import Aside
from .folder import Shards, folder_items, is_among, remote_folder_items
from .item import Choices, Item, Reader, is_picture, quote_name, refused
from .list_file import read_list
from .location import Remote, expand_pattern, is_url, last_name
from .planes import checked_planes
from .science.tiff import divided

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Place = str | os.PathLike[str]
    Source = Place | Sequence[Place]

__all__ = ["Aside", "Item", "array_items", "is_among", "items", "source_names"]

CHOICES = ("array", "column", "channels", "planes", "bands", "all_files")
"""Names of the fields of `Choices` that users set."""

READERS: tuple[Reader, ...] = (
    *declared(__name__, "READERS"),
    *declared(science.__name__, "READERS"),
)
"""Kinds of sources that files of this package declare."""


def items(
    source: Source | None = None,
    *,
    files_from: str | None = None,
    array: str | None = None,
    column: str | None = None,
    channels: str | None = None,
    planes: str | int | None = None,
    bands: str | Sequence[int] | None = None,
    all_files: bool = False,
    aside: Aside | None = None,
) -> Iterator[Item]:
    """Stream the images of a source, or of several, one after the other.

    Parameters
    ----------
    source
        A path or URL, or a sequence of them; ``{000..010}``, ``{a,b}``, ``*`` and ``?``
        in it stand for several.
    files_from
        Instead of a source, a file that lists some, ``-`` being standard input.
    array, column, channels, planes, bands, all_files
        What is read of it: the fields of `Choices`.
    aside
        Takes what is not streamed.

    Raises
    ------
    InputError
        If a source does not exist or none holds an image.
    """
    check_place_of_channels(channels)
    choices = Choices(
        *(array, column, channels, all_files),
        planes=checked_planes(planes),
        bands=checked_bands(bands),
        aside=aside or Aside(),
    )
    sources = source_names(source)
    if bool(sources) == (files_from is not None):
        message = "name either a source of images or a list of them with --files-from"
        raise UsageError(message)
    found = False
    for place, folder in _places(sources, files_from):
        empty = True
        for whole in _place_items(place, choices):
            for item in divided(whole, choices):
                found, empty = True, False
                yield item.within(folder)
        if empty:
            choices.aside.remark(f"{place} holds no images")
    if not found:
        what = f"the list {files_from}" if files_from is not None else sources[0]
        instead = choices.aside.instead()
        message = (
            f"{what} holds no images{instead}; name PNG, JPEG, WebP or other images"
        )
        raise InputError(message)


def source_names(source: Source | None) -> list[str]:
    """Return a source, or several, as text."""
    if source is None:
        return []
    several = [source] if isinstance(source, str | os.PathLike) else source
    return [os.fspath(each) for each in several]


def _places(sources: list[str], files_from: str | None) -> Iterator[tuple[str, str]]:
    """Yield places, and the folder that names in each begin with."""
    if files_from is not None:
        yield from ((place, "") for place in read_list(files_from))
    for source in sources:
        for place in expand_pattern(source):
            _check_there(place)
    for source in sources:
        for place in expand_pattern(source):
            yield place, _folder_of(place) if len(sources) > 1 else ""


def _folder_of(place: str) -> str:
    """Return what tells the items of one source from those of others."""
    if not is_url(place) and os.path.isdir(place):  # noqa: PTH112 - never raises
        return quote_name(place.rstrip("/"))
    return quote_name(place.rpartition("/")[0])


def _check_there(place: str) -> None:
    # A shard that is missing shall be known at once and not after hours.
    if not is_url(place) and not os.path.exists(_split(place)[0]):  # noqa: PTH110
        message = f"{place} does not exist; name a folder of images"
        raise InputError(message)


def _place_items(place: str, choices: Choices) -> Iterator[Item]:
    place, inner = _split(place)
    if inner is not None:
        return _archive_items(place, replace(choices, inner=inner))
    name = last_name(place.rstrip("/")).lower()
    is_folder = not is_url(place) and os.path.isdir(place)  # noqa: PTH112 - never raises
    if is_folder and not name.endswith(SHARDS.folders):
        return folder_items(Path(place), choices, SHARDS)
    if name.endswith(SHARDS.endings):
        return _archive_items(place, choices)
    if name.endswith(PACKED):
        problem = "is packed in a way that is not read; unpack it first"
        return iter([refused(name_of(place), problem, "packed")])
    if is_url(place) and not is_picture(name):
        return remote_folder_items(place, choices, SHARDS)
    picture = Remote(place) if is_url(place) else Path(place)
    return iter(
        [Item(quote_name(place if is_url(place) else name_of(place)), "", picture)]
    )


def _archive_items(place: str, choices: Choices) -> Iterator[Item]:
    name = last_name(place.rstrip("/")).lower()
    reader = next(reader for reader in READERS if name.endswith(reader.endings))
    return reader.items(place, choices)


def _endings(readers: Iterable[Reader]) -> tuple[str, ...]:
    return tuple(ending for reader in readers for ending in reader.endings)


SHARDS = Shards(
    _endings(READERS),
    _archive_items,
    folders=_endings(reader for reader in READERS if reader.folders),
    hold_one=_endings(reader for reader in READERS if reader.holds_one),
)
"""Everything but folders and images."""

PACKED = (".zst", ".zstd", ".lz4", ".br", ".7z", ".rar")
"""Endings of what holds archives and images, and of archives, that are not read."""

INSIDE = _endings(reader for reader in READERS if reader.inside)
"""Endings of files that a data set can be named in."""


def _split(place: str) -> tuple[str, str | None]:
    """Return a place and the data set inside it that is named after a colon, if any."""
    path, colon, inner = place.rpartition(":/")
    if colon and path.lower().endswith(INSIDE):
        return path, f"/{inner}"
    return place, None


def name_of(path: str) -> str:
    """Return the last part of a path, for messages."""
    return Path(path).name
