"""How many pages a TIFF has and what the first is said to be, without decoding it."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

KIND_OF_PAGE, BESIDE_PAGES = 254, 0b101
"""A tag, and its bits that mark smaller copies of a page and masks of its opacity."""

SHORT = 3
NODATA = 42113
"""The tag that GDAL writes the value that stands for a missing one to, as text."""

MOST_TAGS, MOST_TEXT = 512, 1 << 16
TEXTS = frozenset({270, NODATA})
"""Tags whose content is wanted; of others it is enough that they are there."""


class _Layout(NamedTuple):
    """Letters of `struct` for offsets and counts, and sizes in bytes."""

    order: str
    offset: str
    entries: str
    entry: int
    value: int

    def number(self, letter: str, content: bytes, place: int) -> int:
        found: int = struct.unpack_from(self.order + letter, content, place)[0]
        return found


def pages_left(content: bytes) -> int:
    """Return how many pages follow the first one, as far as that can be read."""
    layout, start = _layout(content)
    count = -1
    with suppress(struct.error, OverflowError):
        for kind in _kinds(content, layout, start):
            count += not kind & BESIDE_PAGES or count < 0
    return max(count, 0)


def _kinds(content: bytes, layout: _Layout, start: int) -> Iterator[int]:
    """Yield the kind of each page; `start` is where the place of the first stands."""
    seen = set()
    while place := layout.number(layout.offset, content, start):
        if place in seen:
            return
        seen.add(place)
        num_entries = layout.number(layout.entries, content, place)
        place += struct.calcsize(layout.order + layout.entries)
        start = place + num_entries * layout.entry
        yield _kind(content, layout, range(place, start, layout.entry))


def _kind(content: bytes, layout: _Layout, entries: range) -> int:
    for place in entries:
        if layout.number("H", content, place) == KIND_OF_PAGE:
            short = layout.number("H", content, place + 2) == SHORT
            return layout.number("H" if short else "L", content, place + layout.value)
    return 0


def first_tags(file: BinaryIO) -> dict[int, bytes]:
    """Return the tags of the first page, with the beginning of the texts among them.

    None are returned of what is no TIFF, or damaged.
    """
    head = file.read(16)
    if len(head) < 8 or head[:2] not in (b"II", b"MM"):
        return {}
    layout, start = _layout(head)
    tags: dict[int, bytes] = {}
    with suppress(struct.error, OverflowError, ValueError, OSError):
        place = layout.number(layout.offset, head, start)
        width = struct.calcsize(layout.order + layout.entries)
        file.seek(place)
        count = layout.number(layout.entries, file.read(width), 0)
        entries = file.read(min(count, MOST_TAGS) * layout.entry)
        for at in range(0, len(entries) - layout.entry + 1, layout.entry):
            tag = layout.number("H", entries, at)
            tags[tag] = _text(file, layout, entries, at) if tag in TEXTS else b""
    return tags


def _text(file: BinaryIO, layout: _Layout, entries: bytes, at: int) -> bytes:
    count = layout.number(layout.offset, entries, at + 4)
    inline = layout.entry - layout.value
    if count <= inline:
        return entries[at + layout.value : at + layout.value + count]
    file.seek(layout.number(layout.offset, entries, at + layout.value))
    return file.read(min(count, MOST_TEXT))


def nodata_of(text: object) -> float | None:
    """Return the value that a text of GDAL's says stands for a missing one."""
    stated = text.decode("latin-1") if isinstance(text, bytes) else str(text)
    try:
        return float(stated.strip("\0 "))
    except ValueError:
        return None


def _layout(head: bytes) -> tuple[_Layout, int]:
    """Return how offsets and counts are stored, and where the first offset is."""
    order = "<" if head.startswith(b"II") else ">"
    if b"+" in head[2:4]:
        return _Layout(order, "Q", "Q", 20, 12), 8
    return _Layout(order, "L", "H", 12, 8), 4
