"""What features must do for distances on them to mean anything."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from spectral_sched.comparisons.metrics import FrechetDistance, KernelDistance
from spectral_sched.defaults import FEATURES
from spectral_sched.diffusion.evaluation import batched, imagenet_features
from spectral_sched.diffusion.evaluation.features import Features, features_named
from spectral_sched.errors import UnavailableError, UsageError
from spectral_sched.synthetic import picture

Distance = type[FrechetDistance] | type[KernelDistance]


@pytest.fixture(scope="module")
def images() -> NDArray[np.float32]:
    """Return 48 images of dead leaves, (N, 3, 32, 32) in [-1, 1]."""
    levels = np.stack([picture("dead_leaves", seed, 32) for seed in range(48)])
    return (levels.transpose(0, 3, 1, 2) / 127.5 - 1).astype(np.float32)


@pytest.fixture(params=FEATURES)
def features(request: pytest.FixtureRequest) -> Features:
    if request.param == "imagenet":
        pytest.importorskip("efficientnet_lite_pytorch")
    return features_named(request.param, 3)


def test_features_do_not_depend_on_the_batch(
    features: Features, images: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    together = features(images)
    assert together.std(axis=0).max() > 0.01
    np.testing.assert_array_equal(features(images), together)
    monkeypatch.setattr(batched, "BATCH", 5)
    np.testing.assert_allclose(features(images), together, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("distance", [FrechetDistance, KernelDistance])
def test_distances_are_least_to_the_set_itself_and_grow_under_noise(
    features: Features, images: NDArray[np.float32], distance: Distance
) -> None:
    measured, every = distance(features(images)), np.arange(len(images))
    noise = np.random.default_rng(0).standard_normal(images.shape, dtype=np.float32)
    found = [
        measured.of(features(images + sigma * noise))(every)
        for sigma in (0, 0.05, 0.1, 0.2, 0.4)
    ]
    assert found == sorted(found)
    assert found[-1] > 10 * abs(found[0])
    if distance is FrechetDistance:
        assert found[0] == pytest.approx(0, abs=1e-6 * found[-1])


def test_global_randomness_is_left_alone(
    images: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("efficientnet_lite_pytorch")
    fresh = imagenet_features._network.__wrapped__
    monkeypatch.setattr(imagenet_features, "_network", fresh)
    before = torch.get_rng_state()
    again = imagenet_features.ImageNetFeatures(3, side=32)
    assert torch.equal(torch.get_rng_state(), before)
    twin = imagenet_features.ImageNetFeatures(3, side=32)
    np.testing.assert_array_equal(again(images[:4]), twin(images[:4]))
    assert again.name == twin.name != features_named("imagenet", 3).name


def test_grey_images_are_those_of_equal_colours(images: NDArray[np.float32]) -> None:
    pytest.importorskip("efficientnet_lite_pytorch")
    grey = images[:6, :1]
    found = features_named("imagenet", 1)(grey)
    assert found.shape == (6, 1280)
    colour = features_named("imagenet", 3)(np.repeat(grey, 3, axis=1))
    np.testing.assert_array_equal(found, colour)


def test_other_bands_are_refused() -> None:
    with pytest.raises(UsageError, match="these have 4 channels; leave it out"):
        features_named("imagenet", 4)


def test_a_missing_network_is_named_with_its_cure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fresh = imagenet_features._network.__wrapped__
    monkeypatch.setattr(imagenet_features, "_network", fresh)
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(UnavailableError, match=r"install 'spectral-sched\[features\]'"):
        features_named("imagenet", 3)


def test_unknown_features_are_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean --features imagenet"):
        features_named("imagnet", 3)
