"""The Frechet distance against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from spectral_sched.comparisons.metrics import FrechetDistance, frechet_distance


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


def test_a_part_of_the_samples_is_what_it_would_be_alone() -> None:
    rng = np.random.default_rng(3)
    samples, real = rng.normal(size=(30, 4)), rng.normal(1, 2, size=(40, 4))
    kept = np.arange(3, 25)
    found = FrechetDistance(real).of(samples)(kept)
    assert found == frechet_distance(samples[kept], real)


def test_distance_is_that_of_torchmetrics() -> None:
    image = pytest.importorskip("torchmetrics.image.fid")
    import torch

    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(80, 6)), rng.normal(0.3, 1.4, size=(90, 6))

    class Flat(torch.nn.Module):
        num_features = 6

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.flatten(1)

    theirs = image.FrechetInceptionDistance(
        feature=Flat(), normalize=True, input_img_size=(1, 1, 6)
    ).set_dtype(torch.float64)
    theirs.update(torch.from_numpy(first).reshape(80, 1, 1, 6), real=True)
    theirs.update(torch.from_numpy(second).reshape(90, 1, 1, 6), real=False)
    assert frechet_distance(first, second) == pytest.approx(
        float(theirs.compute()), rel=1e-4
    )
