"""Decibels of power over rings, where the ratio is known."""

from __future__ import annotations

import numpy as np
import pytest

from spectral_sched.comparisons.metrics import LogSpectra
from spectral_sched.spectra.rings import rings


def decibels(samples: np.ndarray, real: np.ndarray) -> np.ndarray:
    return LogSpectra(real).of(samples)(np.arange(len(samples)))


def test_half_the_contrast_is_six_decibels_less_in_every_ring() -> None:
    real = np.random.default_rng(0).normal(size=(30, 3, 16, 16))
    real -= real.mean(axis=(0, 2, 3), keepdims=True)
    mean, *each = decibels(real / 2, real)
    # Rounding noise, added to both, is 1e-5 of the power of white noise of std 1.
    np.testing.assert_allclose(each, 20 * np.log10(0.5), atol=1e-3)
    assert mean == pytest.approx(20 * np.log10(2), abs=1e-3)


def test_lost_rings_show_where_they_are_and_no_deeper_than_rounding() -> None:
    rng = np.random.default_rng(1)
    real = rng.normal(size=(40, 1, 16, 16))
    real -= real.mean()
    plane = rings(16, 16)
    modes = np.fft.rfft2(real)
    samples = np.fft.irfft2(modes * (plane.index < 6), s=(16, 16))
    mean, *each = decibels(samples, real)
    np.testing.assert_allclose(each[:6], 0, atol=1e-6)
    rounding = 10 * np.log10((2 / 255) ** 2 / 12)
    np.testing.assert_allclose(each[6:], rounding, atol=1.0)
    assert mean == pytest.approx(np.mean(np.abs(each)))


def test_a_shifted_colour_is_power_in_the_mean_alone() -> None:
    rng = np.random.default_rng(2)
    real = rng.normal(size=(20, 3, 8, 8))
    _, mean, *others = decibels(real + 0.7, real)
    assert mean > 10
    np.testing.assert_allclose(others, 0, atol=1e-9)
