"""What a run of pictures adds up to when some of them cannot be used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spectral_sched.analysis import chunk
from spectral_sched.analysis.chunk import AnalysisSettings, Task, analyse_chunk
from spectral_sched.images import make_preprocessing
from spectral_sched.sources import Item
from spectral_sched.spectra.periodogram import ring_powers


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
