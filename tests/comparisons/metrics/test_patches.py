"""The sliced Wasserstein distance on patches, and the pyramid it is on."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from spectral_sched.comparisons.metrics import SlicedWasserstein
from spectral_sched.comparisons.metrics.patches import (
    Ordered,
    enlarge,
    laplacian_pyramid,
    quantiles,
)


def distance(samples: np.ndarray, real: np.ndarray) -> float:
    measure = SlicedWasserstein(real, len(samples))
    return measure.of(samples)(np.arange(len(samples)))


@pytest.mark.parametrize("shape", [(2, 3, 32, 32), (1, 1, 29, 40), (1, 1, 5, 6)])
def test_the_pyramid_adds_up_to_the_pictures(shape: tuple[int, ...]) -> None:
    pictures = np.random.default_rng(0).normal(size=shape)
    *bands, rest = laplacian_pyramid(pictures)
    assert len(bands) == (0 if min(shape[2:]) < 14 else 1 + (min(shape[2:]) >= 28))
    for band in reversed(bands):
        rest = band + enlarge(rest, band.shape)
    np.testing.assert_allclose(rest, pictures, atol=1e-12)


def test_detail_is_in_the_finest_band_and_colour_in_what_is_left() -> None:
    checks = np.indices((32, 32)).sum(axis=0) % 2 * 2.0 - 1
    fine, *others = laplacian_pyramid(checks[None, None])
    assert fine.std() > 0.99
    assert max(np.abs(other).max() for other in others) < 1e-12
    *bands, rest = laplacian_pyramid(np.full((1, 3, 32, 32), 0.25))
    assert max(np.abs(band).max() for band in bands) < 1e-12
    np.testing.assert_allclose(rest, 0.25)


def test_in_one_dimension_it_is_the_closed_form() -> None:
    """Two normal distributions apart by 0.5 along a line have a distance of 0.5."""
    rng = np.random.default_rng(1)
    first, second = rng.normal(0.5, 1, (20_000, 1)), rng.normal(0, 1, (30_000, 1))
    placed = [quantiles(np.sort(each, axis=0)) for each in (first, second)]
    found = float(np.abs(placed[0] - placed[1]).mean())
    assert found == pytest.approx(0.5, abs=0.02)
    exact = wasserstein_distance(first[:, 0], second[:, 0])
    assert found == pytest.approx(exact, rel=0.01)


def test_a_contrast_of_half_is_half_as_far_as_none() -> None:
    """Scaled copies: the distance along any direction is the scale times E|x|."""
    rng = np.random.default_rng(2)
    real = rng.normal(size=(400, 1, 16, 16))
    none, half = distance(0 * real, real), distance(real / 2, real)
    assert half == pytest.approx(none / 2, rel=0.05)
    assert distance(real, real) < 0.05 * none


def test_left_out_samples_are_left_out_of_each_direction_in_order() -> None:
    """Against sorting anew what is kept; values come twice, so that some are equal."""
    values = np.random.default_rng(3).normal(size=(6, 4, 5)).round(1)
    kept = np.array([0, 2, 5])
    np.testing.assert_array_equal(
        Ordered(values).of(kept), np.sort(values[kept].reshape(-1, 5), axis=0)
    )


def test_constant_pictures_are_at_the_distance_of_their_colour() -> None:
    real = np.zeros((50, 1, 8, 8))
    assert distance(real, real) == 0
    assert distance(real + 0.5, real) > 0.1
