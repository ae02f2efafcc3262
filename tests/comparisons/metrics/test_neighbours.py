"""Precision, recall, density and coverage of sets that are made for it."""

from __future__ import annotations

import numpy as np
import pytest

from spectral_sched.comparisons.metrics import NUM_NEIGHBOURS, Neighbourhoods


def measured(samples: np.ndarray, real: np.ndarray) -> list[float]:
    figures = Neighbourhoods(real).of(samples)(np.arange(len(samples)))
    found: list[float] = figures.tolist()
    return found


def clusters(*places: float, size: int = 10) -> np.ndarray:
    """Return points on a line, so many about each place, all far apart from others."""
    return np.concatenate([place + np.arange(size) / 100 for place in places])[:, None]


def test_one_of_two_clusters_that_is_never_sampled() -> None:
    """Samples are all right, half of what is real is missing."""
    precision, recall, density, coverage = measured(clusters(0.001), clusters(0, 50))
    assert precision == 1
    assert recall == pytest.approx(0.5)
    assert coverage == pytest.approx(0.5)
    assert density > 0.5


def test_one_of_two_clusters_that_is_not_real() -> None:
    """Half the samples are wrong, nothing real is missing."""
    precision, recall, density, coverage = measured(clusters(0.001, 50), clusters(0))
    assert (precision, recall, coverage) == (0.5, 1, 1)
    assert density == pytest.approx(measured(clusters(0.001), clusters(0))[2] / 2)


def test_samples_far_from_everything_have_nothing() -> None:
    assert measured(clusters(99), clusters(0)) == [0, 0, 0, 0]


def test_density_counts_real_pictures_in_reach() -> None:
    """A sample in the middle of six equal points is in reach of all: 6 of 5."""
    real = np.concatenate([np.eye(6), np.eye(6) + 40])
    samples = np.concatenate([np.full((6, 6), 1 / 6), np.full((6, 6), 200.0)])
    precision, _, density, coverage = measured(samples, real)
    assert precision == 0.5
    assert density == pytest.approx(6 / NUM_NEIGHBOURS / 2)
    assert coverage == 0.5


def test_one_distribution_has_density_and_coverage_near_their_known_means() -> None:
    """For N samples of the distribution itself: density 1, coverage 1 - 2^-5 (k = 5).

    The chance that none of N samples is nearer than the fifth of N - 1 neighbours is
    that the five nearest of both together are all real (Naeem et al., Lemma 2).
    """
    rng = np.random.default_rng(0)
    _, _, density, coverage = measured(
        rng.normal(size=(1500, 3)), rng.normal(size=(1500, 3))
    )
    assert density == pytest.approx(1, abs=0.06)
    assert coverage == pytest.approx(1 - 2**-NUM_NEIGHBOURS, abs=0.015)
