"""Memory that networks free, where it stays."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from spectral_sched.system import memory

COUNT = """
import resource, sys
from spectral_sched.system.memory import keep_all_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

if sys.argv[1:]:
    keep_all_freed_memory()
for _ in range(3):
    before = faults()
    blocks = [bytearray(8 << 20) for _ in range(6)]
    del blocks
print(faults() - before)
"""
"""Prints how often the system gives out a page when 48 MiB are asked for again."""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_pages_of_freed_blocks_are_not_given_out_again() -> None:
    given = [
        int(subprocess.check_output([sys.executable, "-c", COUNT, *asked], text=True))
        for asked in ((), ("keep",))
    ]
    pages = (48 << 20) // ctypes.CDLL(None).getpagesize()
    assert given[0] > pages / 2
    assert given[1] < pages / 20


@pytest.mark.parametrize("library", [AttributeError, OSError, TypeError])
def test_other_libraries_are_left_as_they_are(
    monkeypatch: pytest.MonkeyPatch, library: type[Exception]
) -> None:
    def opened(_: object) -> Any:
        if library is AttributeError:
            return SimpleNamespace()
        raise library

    monkeypatch.setattr(ctypes, "CDLL", opened)
    memory.keep_all_freed_memory()


def test_what_glibc_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of malloc.h: M_MMAP_THRESHOLD is -3, M_TRIM_THRESHOLD -1."""
    told = list[tuple[int, int]]()
    library = SimpleNamespace(mallopt=lambda *change: told.append(change))
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    memory.keep_all_freed_memory()
    assert told == [(-3, 32 * 2**20), (-1, -1)]
