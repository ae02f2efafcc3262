"""What the allocator keeps of the memory that is freed.

Kept for the next image, it saves a fifth of the processor time (JPEGs and PNGs of 512
and 1024 pixels a side). After a large image it is too much: Pillow decodes into blocks
of 16 MB, which the allocator of glibc does not give back while something small lies
behind them. A PNG of 134 million pixels leaves 590 MB so, and the next image takes its
memory beside them.
"""

from __future__ import annotations

import ctypes
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

LARGEST_HEAP_BLOCK = 1 << 25
STATISTICS = Path("/proc/self/statm")

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Numbers of settings of mallopt(3): free memory that goes back to the system, and the
size from which a block is asked of it alone."""

MOST_KEPT = 3 << 25
"""Bytes that may be kept, beside those that a process needs.

Images of up to 4 million pixels leave less, 12 to 78 MB, so that all of it is kept.
"""


def keep_freed_memory() -> None:
    """Let the allocator keep what is freed instead of giving it back to the system.

    The allocator of glibc gives back and takes again several megabytes for each
    image, which costs a third of the time, until a larger block was once freed.
    """
    np.empty(LARGEST_HEAP_BLOCK - (1 << 16), np.uint8)
    # This one lies in the heap, as all arrays do from now on. numpy asks for large
    # pages for blocks of over 4 MB, and the heap keeps them when the block is freed.
    np.empty(LARGEST_HEAP_BLOCK - (1 << 18), np.uint8)


def keep_all_freed_memory() -> None:
    """Let this process keep all that it frees, for the networks that it runs.

    Networks ask for the same large blocks at each step. glibc, as it is, hands many of
    them back when they are freed, and the system clears every page of the next
    (docs/research/gpu.md has what that costs). Where the C library is another nothing
    is changed.
    """
    if change := _of_glibc("mallopt"):
        # The largest that glibc itself rises to.
        change(MMAP_THRESHOLD, LARGEST_HEAP_BLOCK)
        change(TRIM_THRESHOLD, -1)


class Heap:
    """The freed memory of this process.

    Attributes
    ----------
    needed
        How many bytes the process had when all that was free was given back.
    """

    def __init__(self) -> None:
        self.needed = 0

    def give_back(self) -> None:
        """Give back what is free if it is much; to see that it is not takes 30 us."""
        trim = _trimmer()
        if trim and resident_bytes() > self.needed + MOST_KEPT:
            trim(0)
            self.needed = resident_bytes()


HEAP = Heap()


def resident_bytes() -> int:
    """Return how much memory this process has; 0 where the system does not tell."""
    try:
        return int(STATISTICS.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@lru_cache(maxsize=1)
def _trimmer() -> Any:
    """Return what gives back free memory; None for allocators that need not be told."""
    return _of_glibc("malloc_trim")


def _of_glibc(name: str) -> Any:
    """Return a function of glibc's allocator; None where the C library is another."""
    try:
        return getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):  # musl and macOS; Windows
        return None
