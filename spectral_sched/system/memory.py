"""Memory that this process frees: whether the system gets it back at once."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Numbers of settings of mallopt(3): free memory that goes back to the system, and the
size from which a block is asked of it alone."""

LARGEST_THRESHOLD = 32 << 20
"""The largest that glibc itself rises to."""


def keep_freed_memory() -> None:
    """Let this process keep what it frees for what it asks for next.

    Networks ask for the same large blocks at each step. glibc, as it is, hands many of
    them back when they are freed, and the system clears every page of the next: 1 to 5
    % of the time of a training step, as docs/research/gpu.md has it. Where the C
    library is another nothing is changed.
    """
    try:
        change = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl and macOS; Windows
        return
    change(MMAP_THRESHOLD, LARGEST_THRESHOLD)
    change(TRIM_THRESHOLD, -1)
