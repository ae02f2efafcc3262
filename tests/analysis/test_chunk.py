"""What a run of images adds up to when some of them cannot be used."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from spectral_sched.analysis import chunk
from spectral_sched.analysis.chunk import AnalysisSettings, Task, analyse_chunk
from spectral_sched.images import make_preprocessing
from spectral_sched.sources import Item
from spectral_sched.spectra.periodogram import ring_powers
from spectral_sched.spectra.quality import pages_warning


def test_a_picture_whose_transform_is_beyond_memory_is_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = ring_powers

    def full_for_large(pixels: Any, **settings: Any) -> Any:
        if pixels.shape[1] > 8:
            raise MemoryError
        return whole(pixels, **settings)

    monkeypatch.setattr(chunk, "ring_powers", full_for_large)
    rng = np.random.default_rng(0)
    sides = {"large": 16, "a": 8, "b": 8}
    items = [
        Item(name, "", rng.integers(0, 256, (side, side), np.uint8))
        for name, side in sides.items()
    ]
    settings = AnalysisSettings(make_preprocessing(), "float32")
    found = analyse_chunk(settings, Task(items, 0))
    assert found.num_images == 2
    assert found.other is None
    assert dict(found.skipped.reasons) == {"too large": 1}
    assert found.skipped.messages[0].startswith("large does not fit into the memory")


def test_pages_that_are_not_read_are_told() -> None:
    rng = np.random.default_rng(1)
    pictures = [Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)) for _ in "abc"]
    first, *more = pictures
    files = {1: io.BytesIO(), 2: io.BytesIO()}
    for count, file in files.items():
        first.save(file, "tiff", save_all=True, append_images=more[:count])
    items = [Item(str(count), "", file.getvalue()) for count, file in files.items()]
    settings = AnalysisSettings(make_preprocessing(), "float32")
    found = analyse_chunk(settings, Task(items, 0))
    assert found.num_images == 2
    assert found.num_pages_left == 3
    other = analyse_chunk(settings, Task(items, 0))
    other.merge(found)
    assert other.num_pages_left == 6
    assert "3 pages of TIFFs" in next(pages_warning(3))
    assert not list(pages_warning(0))
