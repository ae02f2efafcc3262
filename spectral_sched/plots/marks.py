"""How files that are not JSON are known to be ours: by what they say made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spectral_sched.documents.write import is_ours

if TYPE_CHECKING:
    from pathlib import Path

AT_EITHER_END = 1 << 16
MARKS = (
    (b"\x89PNG", b"Software\0specsched "),
    (b"<?xml", b"<dc:title>specsched "),
    (b"%PDF", b"/Creator (specsched "),
    (b"<!doctype html>", b'<meta name="generator" content="specsched '),
)
"""How files of each format begin, and what says that they are ours."""


def is_our_picture(path: Path) -> bool:
    """Return whether an image, a page or a document is one of this project's."""
    try:
        with path.open("rb") as file:
            head = file.read(AT_EITHER_END)
            file.seek(max(0, path.stat().st_size - AT_EITHER_END))
            ends = head + file.read()
    except OSError:
        return False
    marked = any(head.startswith(begin) and mark in ends for begin, mark in MARKS)
    return marked or is_ours(path)
