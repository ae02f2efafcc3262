"""What a process keeps of the memory that it frees."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from spectral_sched.system import memory
from spectral_sched.system.memory import MOST_KEPT, Heap
from tests.support.helpers import ROOT

BEGINNING = """
import struct, zlib
import numpy as np
from spectral_sched.analysis.chunk import AnalysisSettings, Task, analyse_chunk
from spectral_sched.images import make_preprocessing
from spectral_sched.images.beside import PNG_MARK
from spectral_sched.sources import Item
from spectral_sched.system.memory import keep_freed_memory, resident_bytes
from tests.support.picture_files import png_chunk

SIDE, SMALL = 7000, 200

def png(side, share=1):
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    tile = np.random.default_rng(0).integers(0, 256, (100, 1 + 3 * side), np.uint8)
    tile[:, 0] = 0
    pixels = zlib.compress(tile.tobytes() * (side // 100), 0)
    part = pixels[: int(share * len(pixels))]
    chunks = (b"IHDR", header), (b"IDAT", part), (b"IEND", b"")
    return PNG_MARK + b"".join(png_chunk(*chunk) for chunk in chunks)

settings = AnalysisSettings(make_preprocessing(SMALL), "float32")

def analysed(*contents):
    items = [Item("x", "", content) for content in contents]
    return analyse_chunk(settings, Task(items, 0))

keep_freed_memory()
before = resident_bytes()
"""

ENDINGS = {
    "whole": "chunk = analysed(png(SIDE), png(SMALL))",
    "damaged": "chunk = analysed(png(SIDE, 1 / 2), png(SMALL))",
}


@pytest.mark.skipif(not memory._trimmer(), reason="needs the allocator of glibc")
@pytest.mark.parametrize("kind", ENDINGS)
def test_a_large_image_leaves_the_memory_that_there_was(kind: str) -> None:
    program = f"{BEGINNING}{ENDINGS[kind]}\nprint(resident_bytes() - before)"
    program += "\nprint(chunk.num_images, *chunk.skipped.messages)"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    left, told = ended.stdout.splitlines()
    assert told.startswith("2" if kind == "whole" else "1 x is damaged: image file is")
    # Four bytes for each of 49 million pixels are kept otherwise.
    assert int(left) < MOST_KEPT


def test_only_much_memory_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    resident = [MOST_KEPT, MOST_KEPT + 1, 700]
    calls: list[int] = []
    monkeypatch.setattr(memory, "resident_bytes", lambda: resident.pop(0))
    monkeypatch.setattr(memory, "_trimmer", lambda: calls.append)
    heap = Heap()
    heap.give_back()
    assert not calls
    heap.give_back()
    assert calls == [0]
    assert heap.needed == 700
    # What is needed does not count as kept.
    resident += [MOST_KEPT + 700]
    heap.give_back()
    assert calls == [0]


def test_systems_that_do_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "STATISTICS", ROOT / "none")
    assert memory.resident_bytes() == 0
    monkeypatch.setattr(memory, "_trimmer", lambda: None)
    Heap().give_back()
