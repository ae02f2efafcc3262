"""Folders of image files, and counting them aside for the progress bar."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from spectral_sched.errors import ImageError, InputError
from spectral_sched.images.pixels import encoded
from spectral_sched.images.png import SHEET_NAME, is_our_png
from spectral_sched.words import number_of

from .item import (
    LABELS_NAME,
    Choices,
    Item,
    folder_label,
    is_hidden,
    is_picture,
    quote_name,
)
from .labels import Labels
from .location import Remote, is_url, remote_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .aside import Aside


CACHED = re.compile(r"cache-.*\.arrow")
"""Files that datasets of Hugging Face leaves beside its own, with the same images."""


def folder_items(folder: Path, choices: Choices, shards: Shards) -> Iterator[Item]:
    """Stream the images below a folder, or those of its shards if it has no others.

    Raises
    ------
    InputError
        If there is none, or the folder may not be read.
    """
    found = _Found(shards)
    labels = _labels(folder / LABELS_NAME, choices.aside)
    for path, relative in files(folder, shards.folders):
        if isinstance(path, InputError):
            found.num_items += 1
            yield _unreadable(path, relative)
        elif labels.are_in(relative):
            continue
        elif path.name == SHEET_NAME and not choices.all_files and is_our_png(path):
            choices.aside.other(quote_name(relative))
        elif not found.is_shard(relative) and choices.wants(relative):
            found.count(relative)
            yield Item(quote_name(relative), labels.of(relative), path)
    labels.tell()
    yield from found.in_shards(str(folder), choices)
    if not found.num_items:
        raise _nothing_found(folder, choices.aside)


def is_among(file: Path, source: str) -> bool:
    """Return whether a file would be read among the images of a source.

    Parameters
    ----------
    file
        It need not be there yet.
    """
    folder, place = Path(source).resolve(), file.resolve()
    if is_url(source) or not folder.is_dir() or not place.is_relative_to(folder):
        return False
    return not is_hidden(str(place.relative_to(folder)))


class Shards(NamedTuple):
    """What reads archives and tables in a folder.

    Attributes
    ----------
    endings
        How their names end, in lower case.
    items
        Streams the images of one.
    folders
        Those of the endings that folders may have, which are then not looked into.
    hold_one
        Those of files that are one image or stack, whose folder is its class.
    """

    endings: tuple[str, ...]
    items: Callable[[str, Choices], Iterator[Item]]
    folders: tuple[str, ...] = ()
    hold_one: tuple[str, ...] = ()


@dataclass
class _Found:
    """What was found in a folder: how many items and images, and which archives."""

    shards: Shards
    num_items: int = 0
    num_pictures: int = 0
    names: list[str] = field(default_factory=list)

    def is_shard(self, relative: str) -> bool:
        """Return whether a file is an archive or a table, and keep its name."""
        name = relative.rpartition("/")[2]
        if not name.lower().endswith(self.shards.endings) or is_hidden(relative):
            return False
        if CACHED.fullmatch(name):
            return False
        self.names.append(relative)
        return True

    def count(self, relative: str) -> None:
        """Count an item of a file."""
        self.num_items += 1
        self.num_pictures += is_picture(relative)

    def in_shards(self, folder: str, choices: Choices) -> Iterator[Item]:
        """Stream the images in shards, or leave these out if others were found."""
        self.names.sort()
        if self.num_pictures:
            self._leave_out(choices.aside)
            return
        for name in self.names:
            parent = quote_name(name.rpartition("/")[0])
            place = f"{folder.rstrip('/')}/{name}"
            try:
                alone = name.lower().endswith(self.shards.hold_one)
                label = folder_label(name) if alone else ""
                for item in self.shards.items(place, choices):
                    self.num_items += 1
                    yield item.within(parent).labelled(label)
            except InputError as error:
                # Another table may lie beside those of images.
                self.num_items += 1
                yield Item(quote_name(name), "", ImageError(str(error), "no images"))

    def _leave_out(self, aside: Aside) -> None:
        for name in self.names:
            aside.other(quote_name(name))
        if self.names:
            beside = "archive or table beside images is"
            several = "archives or tables beside images are"
            left_out = number_of(len(self.names), beside, several)
            aside.remark(
                f"{left_out} not read (the first: {quote_name(self.names[0])}); name "
                "them as sources too"
            )


def _unreadable(error: InputError, relative: str) -> Item:
    return Item(quote_name(relative), "", ImageError(str(error), "unreadable folder"))


def _nothing_found(folder: Path, aside: Aside) -> InputError:
    if not aside.instead():
        return InputError(f"{folder} is empty; name a folder of images")
    return InputError(
        f"{folder} holds no images{aside.instead()}; "
        "name a folder of PNG, JPEG, WebP or other images, or of archives of them"
    )


def _labels(path: Path, aside: Aside) -> Labels:
    """Return the classes of a folder, which may be listed in a file."""
    try:
        content = encoded(path, path.name) if path.exists() else None
    except ImageError:
        content = b""
    return Labels(f"{path.parent.name}/{path.name}".lstrip("/"), content, aside)


def files(
    folder: Path, whole: tuple[str, ...] = ()
) -> Iterator[tuple[Path | InputError, str]]:
    """Stream the files and links below a folder, each folder once, linked ones too.

    Parameters
    ----------
    whole
        Endings of folders that are streamed as files are, and not looked into.

    Yields
    ------
    The path of each and the same relative to the folder; or, for a folder in it that
    cannot be listed, why.

    Raises
    ------
    InputError
        If the folder itself cannot be listed.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [(folder, "")]
    while waiting:
        place, prefix = waiting.pop()
        try:
            status = place.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(place) as entries:
                for entry in entries:
                    relative = f"{prefix}{entry.name}"
                    is_whole = bool(whole) and entry.name.lower().endswith(whole)
                    if not is_whole and _is_folder(entry):
                        waiting.append((Path(entry.path), f"{relative}/"))
                    else:
                        # Links that lead nowhere and pipes are items that are skipped.
                        yield Path(entry.path), relative
        except OSError as error:
            because = (error.strerror or str(error)).lower()
            unlisted = InputError(f"cannot read the folder {place}: {because}")
            if not prefix:
                raise unlisted from error
            yield unlisted, prefix.rstrip("/")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    # Most entries say so by themselves; only a link has to be followed, and one that
    # leads to itself cannot be.
    try:
        return entry.is_dir()
    except OSError:
        return False


def remote_folder_items(url: str, choices: Choices, shards: Shards) -> Iterator[Item]:
    """Stream the images below a URL; each is fetched when it is decoded."""
    found = _Found(shards)
    for place, relative in remote_files(url):
        if not found.is_shard(relative) and choices.wants(relative):
            found.count(relative)
            yield Item(quote_name(relative), folder_label(relative), Remote(place))
    yield from found.in_shards(url, choices)


def counted(sources: str | Sequence[str] | None) -> Callable[[], int | None]:
    """Return what tells the number of images of sources once it is known.

    Only local folders are counted, from the first time that it is asked; the number of
    all other sources stays unknown, because counting would mean reading them twice.
    """
    places = [sources] if isinstance(sources, str) else sources or []
    if not places or not all(map(os.path.isdir, places)):
        return lambda: None
    return _Count([Path(place) for place in places])


class _Count:
    def __init__(self, folders: list[Path]) -> None:
        self.folders = folders
        self.thread: Thread | None = None
        self.total: int | None = None

    def __call__(self) -> int | None:
        if self.thread is None:
            self.thread = Thread(target=self.count, daemon=True)
            self.thread.start()
        return self.total

    def count(self) -> None:
        try:
            numbers = [_num_pictures(folder) for folder in self.folders]
            # Where there is none, they are in archives.
            self.total = sum(numbers) if all(numbers) else None
        except (OSError, InputError):
            self.total = None


def _num_pictures(folder: Path) -> int:
    return sum(is_picture(name) for _, name in files(folder))
