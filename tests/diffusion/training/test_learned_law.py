"""The learned law: its conditions, and where it goes on losses with a known answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from spectral_sched.diffusion.training.learned_law import (
    FLAT_SHARE,
    LearnedNoise,
    MonotoneNetwork,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

REACH = (0.01, 100.0)


def bent_network() -> MonotoneNetwork:
    network = MonotoneNetwork()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator))
    return network.double()


def test_function_meets_both_ends_and_rises() -> None:
    network = bent_network()
    values = network(torch.linspace(0, 1, 401, dtype=torch.float64))
    assert values[0].item() == pytest.approx(0, abs=1e-12)
    assert values[-1].item() == pytest.approx(1, abs=1e-12)
    assert bool((values.diff() > 0).all())


def test_derivatives_are_those_of_the_function() -> None:
    network = bent_network()
    place = torch.linspace(0.01, 0.99, 57, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(network(place).sum(), place, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), place)
    torch.testing.assert_close(network.density(place), slope, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(network.curvature(place), bend, rtol=1e-9, atol=1e-9)
    assert bool((network.density(place) >= FLAT_SHARE).all())


def test_fresh_law_is_near_uniform_and_stays_in_its_range() -> None:
    noise = LearnedNoise(REACH)
    positions = (np.arange(1000) + 0.5) / 1000
    levels = noise.levels(positions, np.zeros(1000, dtype=np.int64), 0.0)
    assert REACH[0] <= levels.min() < levels.max() <= REACH[1]
    assert np.all(np.diff(levels) > 0)
    assert np.abs(noise.weights(levels) - 1).max() < 0.2


def test_weights_leave_the_mean_of_any_loss_alone() -> None:
    noise = LearnedNoise(REACH)
    noise.network = bent_network().float()
    positions = (np.arange(200_000) + 0.5) / 200_000
    levels = noise.levels(positions, np.zeros(len(positions), dtype=np.int64), 0.0)
    place = np.log(levels / REACH[0]) / np.log(REACH[1] / REACH[0])
    weighted = np.mean(noise.weights(levels) * np.cos(place) ** 2)
    assert weighted == pytest.approx(0.5 + np.sin(2) / 4, rel=1e-3)


def test_law_goes_where_losses_are_large() -> None:
    """The variance is least where density is in proportion to the loss (VDM)."""
    noise, rng = LearnedNoise(REACH), np.random.default_rng(0)

    def losses(levels: NDArray[np.float64]) -> NDArray[np.float64]:
        place = np.log(levels / REACH[0]) / np.log(REACH[1] / REACH[0])
        rising: NDArray[np.float64] = 0.2 + 1.6 * place
        return rising

    for _ in range(600):
        positions = (np.arange(64) + rng.random(64)) / 64
        levels = noise.levels(positions, np.zeros(64, dtype=np.int64), 0.0)
        noise.learn(levels, losses(levels))
    levels = np.geomspace(0.02, 50.0, 30)
    density = 1 / noise.weights(levels)
    # The share of uniform draws and the units' width are all that it differs by.
    np.testing.assert_allclose(density, losses(levels), atol=0.15)


def test_state_goes_on_exactly() -> None:
    def learn(noise: LearnedNoise, seed: int) -> None:
        rng = np.random.default_rng(seed)
        levels = noise.levels(rng.random(32), np.zeros(32, dtype=np.int64), 0.0)
        noise.learn(levels, levels)

    first, second = LearnedNoise(REACH), LearnedNoise(REACH)
    learn(first, 1)
    second.restore({name: value.clone() for name, value in first.state().items()})
    learn(first, 2)
    learn(second, 2)
    for name, value in first.state().items():
        torch.testing.assert_close(second.state()[name], value, rtol=0, atol=0)
