"""Distances and intervals against closed forms and by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from spectral_sched.metrics import (
    bootstrap_mean_square,
    frechet_distance,
    frechet_floor,
    jackknife,
)


def test_distance_of_normal_samples_is_the_closed_form() -> None:
    """For commuting covariances it is the sum of squared differences of stds."""
    rng = np.random.default_rng(0)
    stds = np.array([0.5, 1.0, 2.0])
    first = rng.normal(size=(200_000, 3)) * stds
    second = 1.0 + rng.normal(size=(200_000, 3)) * stds[::-1]
    expected = 3 * 1.0 + 2 * 1.5**2
    assert frechet_distance(first, second) == pytest.approx(expected, rel=0.01)


def test_distance_does_not_depend_on_the_axes_or_the_order() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(50, 4)), rng.normal(size=(60, 4)) * [1, 2, 3, 4]
    turn, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    plain = frechet_distance(first, second)
    assert frechet_distance(first @ turn, second @ turn) == pytest.approx(plain)
    assert frechet_distance(second, first) == pytest.approx(plain)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-6)


def test_floor_falls_with_the_number_of_samples() -> None:
    real = np.random.default_rng(2).normal(size=(4000, 8))
    few, many = frechet_floor(real, 50), frechet_floor(real, 1000)
    assert few.low <= few.value <= few.high
    assert 0 < many.high < few.low


def test_bootstrap_interval_covers_the_true_error() -> None:
    """Squares of variance 2: 95 of 100 intervals hold the root 1, within chance."""
    rng = np.random.default_rng(3)
    runs = [
        bootstrap_mean_square(np.mean(rng.normal(size=(200, 8)) ** 2, axis=1), seed)
        for seed in range(300)
    ]
    covered = np.mean([run.low <= 1 <= run.high for run in runs])
    assert 0.90 < covered < 0.985


def test_jackknife_interval_covers_the_true_distance() -> None:
    """Samples 2 apart from a large real set: the true distance is 4."""
    rng = np.random.default_rng(4)
    real = rng.normal(size=(100_000, 2))

    def distance(samples: np.ndarray) -> float:
        return frechet_distance(samples, real)

    runs = [
        jackknife(distance, rng.normal([2.0, 0.0], 1.0, size=(400, 2)))
        for _ in range(100)
    ]
    covered = np.mean([run.low <= 4 <= run.high for run in runs])
    assert 0.87 < covered <= 1
    widths = [run.high - run.low for run in runs]
    spread = np.std([run.value for run in runs])
    assert np.mean(widths) == pytest.approx(2 * 2.093 * spread, rel=0.25)
