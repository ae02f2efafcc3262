from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import softmax

from spectral_sched.diffusion.models.exact import FiniteSetDenoiser
from spectral_sched.exact_models.finite_set import FiniteSet
from spectral_sched.exact_models.trajectories import exact_flow, sampled, solver_states
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import FLOW_SAMPLERS

RNG = np.random.default_rng(0)
PICTURES = RNG.normal(size=(5, 1, 3, 4))
NOISE = RNG.normal(size=(3, 1, 3, 4))


@pytest.mark.parametrize("offset", [0.0, 1e5])
def test_it_is_the_bayes_mean(offset: float) -> None:
    x = NOISE + PICTURES[:3]
    distance = ((x[:, None] - PICTURES) ** 2).sum(axis=(2, 3, 4))
    weights = softmax(-distance / (2 * 0.8**2), axis=1)
    model = FiniteSet(PICTURES + offset)
    # An image at 1e5 keeps eleven digits of its own.
    np.testing.assert_allclose(model.weights(x + offset, 0.8), weights, atol=1e-9)
    expected = np.einsum("bm,mchw->bchw", weights, PICTURES)
    np.testing.assert_allclose(
        model.denoise(x + offset, 0.8) - offset, expected, atol=1e-9
    )


def test_it_is_the_denoiser_that_samples() -> None:
    twin = FiniteSetDenoiser(torch.tensor(PICTURES))
    expected = twin(torch.tensor(NOISE), 0.3).numpy()
    np.testing.assert_allclose(FiniteSet(PICTURES).denoise(NOISE, 0.3), expected)


def test_one_picture_is_reached_in_a_straight_line() -> None:
    model, x = FiniteSet(PICTURES[:1]), 7 * NOISE
    line = PICTURES[:1] + (x - PICTURES[:1]) * 2 / 7
    np.testing.assert_allclose(exact_flow(model.denoise, x, 7.0, 2.0), line, rtol=1e-8)
    for sampler in FLOW_SAMPLERS:
        picture = sampled(model.denoise, x, sampler, SigmaTable.of([7.0, 1.0]))
        np.testing.assert_allclose(picture, np.broadcast_to(PICTURES[:1], x.shape))


def test_opposite_pictures_take_their_own_half() -> None:
    pair = np.stack([PICTURES[0], -PICTURES[0]])
    ends = FiniteSet(pair).picture_under(30 * NOISE, 30.0)
    side = np.sign(np.tensordot(NOISE, PICTURES[0], axes=3))
    expected = side[:, None, None, None] * PICTURES[0]
    np.testing.assert_allclose(ends, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("sampler", "order"), [("euler", 1), ("heun", 2), ("dpmpp-2m", 2)]
)
def test_tables_converge_to_the_exact_flow(sampler: str, order: int) -> None:
    model, x = FiniteSet(PICTURES), 20 * NOISE
    exact = exact_flow(model.denoise, x, 20.0, 0.5)
    errors, steps = [], np.array([64, 128, 256])
    for count in steps:
        table = SigmaTable.of(np.geomspace(20, 0.5, count + 1))
        *_, state, _ = solver_states(model.denoise, x, sampler, table)
        errors.append(np.linalg.norm(state - exact))
    slope = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
def test_fine_tables_end_at_the_picture_of_the_flow(sampler: str) -> None:
    model, x = FiniteSet(PICTURES), 20 * NOISE
    found = sampled(
        model.denoise, x, sampler, SigmaTable.of(np.geomspace(20, 0.01, 80))
    )
    np.testing.assert_allclose(found, model.picture_under(x, 20.0), atol=1e-6)
    nearest = np.abs(found[:, None] - PICTURES).max(axis=(2, 3, 4)).min(axis=1)
    assert nearest.max() < 1e-6


def test_one_state_needs_no_batch_and_copies_no_distance() -> None:
    model = FiniteSet(np.stack([PICTURES[0], PICTURES[0]]))
    assert model.least_distance == 1.0
    assert model.weights(NOISE[0], 2.0).tolist() == [0.5, 0.5]
    np.testing.assert_allclose(model.denoise(NOISE[0], 2.0), PICTURES[0])
    with pytest.raises(ValueError, match=r"is \(M, ...\)"):
        FiniteSet(np.ones(3))
