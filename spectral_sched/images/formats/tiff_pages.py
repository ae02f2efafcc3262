"""How many pages a TIFF has, without a look at what is on them."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

KIND_OF_PAGE, BESIDE_PAGES = 254, 0b101
"""A tag, and its bits that mark smaller copies of a page and masks of its opacity."""

SHORT = 3


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
    order = "<" if content.startswith(b"II") else ">"
    if b"+" in content[2:4]:
        layout, start = _Layout(order, "Q", "Q", 20, 12), 8
    else:
        layout, start = _Layout(order, "L", "H", 12, 8), 4
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
