from __future__ import annotations

import hashlib

import numpy as np
import pytest

from spectral_sched.spectra import distinct
from spectral_sched.spectra.distinct import DistinctKeys


def key(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()[:16]


def filled(numbers: list[int]) -> DistinctKeys:
    made = DistinctKeys()
    made.add(map(key, numbers))
    return made


def test_parts_in_any_order_count_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct, "MOST_KEYS", 1000)
    numbers = np.random.default_rng(0).integers(0, 300, 900).tolist()
    expected = len(set(numbers))
    assert filled(numbers).count == expected
    for parts in (range(0, 900, 7), range(893, -1, -7)):
        whole = DistinctKeys()
        for start in parts:
            whole.merge(filled(numbers[start : start + 7]))
        assert whole.count == expected
        # What came twice is not held.
        assert sum(map(len, whole.parts)) == expected
    assert DistinctKeys().count == 0


def test_too_many_are_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct, "MOST_KEYS", 64)
    whole = filled(list(range(60)))
    assert whole.count == 60
    whole.merge(filled(list(range(60, 70))))
    assert whole.count is None
    whole.add([key(1)])
    assert not whole.parts
    assert whole.count is None
    some = DistinctKeys()
    some.merge(whole)
    assert some.count is None
