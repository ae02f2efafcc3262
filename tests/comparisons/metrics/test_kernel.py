"""The kernel distance: unbiased, and what a closed form says."""

from __future__ import annotations

import numpy as np
import pytest

from spectral_sched.comparisons.metrics import KernelDistance


def distance(first: np.ndarray, second: np.ndarray) -> float:
    return KernelDistance(second).of(first)(np.arange(len(first)))


def test_samples_of_one_distribution_are_at_zero_on_average() -> None:
    """With few samples of unequal numbers, where a biased estimate would be far off."""
    rng = np.random.default_rng(0)
    found = [
        distance(rng.normal(size=(10, 4)), rng.normal(size=(30, 4)))
        for _ in range(2000)
    ]
    error = np.std(found) / len(found) ** 0.5
    assert abs(np.mean(found)) < 3 * error
    assert error < 0.02
    assert min(found) < 0


def test_shifted_normal_numbers_have_the_closed_form() -> None:
    """One feature, (xy + 1)^3: between moments a and b it is 1 + 3ab + 3.. + a3 b3.

    The squared distance is the sum of binomial weights times squared differences of
    moments: 3 (m1 - m1')^2 + 3 (m2 - m2')^2 + (m3 - m3')^2, here of N(0, 1) and
    N(1, 1): moments 0, 1, 0 and 1, 2, 4.
    """
    rng = np.random.default_rng(1)
    first = rng.normal(size=(4000, 1))
    second = rng.normal(1.0, 1.0, size=(4000, 1))
    found = distance(first, second)
    assert found == pytest.approx(3 * 1 + 3 * 1 + 16, rel=0.1)


def test_a_part_of_the_samples_is_what_it_would_be_alone() -> None:
    rng = np.random.default_rng(2)
    samples, real = rng.normal(size=(12, 3)), rng.normal(1, 2, size=(15, 3))
    kept = np.array([0, 3, 4, 11])
    assert KernelDistance(real).of(samples)(kept) == pytest.approx(
        distance(samples[kept], real)
    )


def test_distance_is_that_of_torchmetrics() -> None:
    image = pytest.importorskip("torchmetrics.image.kid")
    import torch

    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(40, 5)), rng.normal(0.5, 1, size=(40, 5))
    pair = torch.from_numpy(first), torch.from_numpy(second)
    theirs = float(image.poly_mmd(*pair))
    assert distance(first, second) == pytest.approx(theirs, rel=1e-9)
