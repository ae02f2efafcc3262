"""How much comes out of what was deflated, of which nothing is kept."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PACKED_AT_ONCE, UNPACKED_AT_ONCE = 1 << 16, 1 << 20


def inflated_size(pieces: Iterable[memoryview], most: int) -> int:
    """Return how many bytes come out of pieces, or any number above the most.

    Raises
    ------
    zlib.error
        If they are not what was deflated.
    """
    unpacker, size = zlib.decompressobj(), 0
    for piece in pieces:
        for start in range(0, len(piece), PACKED_AT_ONCE):
            # A little at a time, so that nothing is kept of what comes out.
            left: bytes | memoryview = piece[start : start + PACKED_AT_ONCE]
            waiting = True
            while waiting and not unpacker.eof and size <= most:
                found = len(unpacker.decompress(left, UNPACKED_AT_ONCE))
                size, left = size + found, unpacker.unconsumed_tail
                # More may come of what is taken already, after as much as may come.
                waiting = bool(left) or found == UNPACKED_AT_ONCE
    return size
