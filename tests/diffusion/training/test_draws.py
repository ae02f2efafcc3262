"""What a step draws: laws, strata, shares, and the same again."""

from __future__ import annotations

import numpy as np
import torch
from scipy import stats

from spectral_sched.diffusion.philox import HOST, Purpose
from spectral_sched.diffusion.training.draws import StepDraws


def draws(
    step: int, count: int = 8, share: range | None = None, seed: int = 3
) -> StepDraws:
    mine = np.array(range(count) if share is None else share)
    return StepDraws(seed, step, count, mine)


def test_pictures_are_equally_likely() -> None:
    chosen = np.concatenate([draws(step, 64).chosen(10) for step in range(200)])
    counts = np.bincount(chosen, minlength=10)
    assert len(counts) == 10
    assert stats.chisquare(counts).pvalue > 0.01


def test_positions_are_one_in_each_part_in_any_order() -> None:
    orders = set()
    for step in range(50):
        positions = draws(step).positions()
        np.testing.assert_array_equal(np.sort(np.floor(positions * 8)), np.arange(8))
        orders.add(tuple(np.argsort(positions)))
    assert len(orders) > 45
    # One seed in a hundred is as odd as one in a hundred; all of them together are not.
    odds = [
        stats.kstest(
            np.concatenate([draws(step, seed=seed).positions() for step in range(30)])
            * 8
            % 1,
            "uniform",
        ).pvalue
        for seed in range(40)
    ]
    assert stats.kstest(odds, "uniform").pvalue > 0.01
    parts = np.array([np.floor(draws(step).positions() * 8) for step in range(400)])
    # Every image of the batch gets every part alike.
    assert stats.chisquare(np.bincount(parts[:, 2].astype(int))).pvalue > 0.01


def test_a_share_is_a_part_of_the_whole() -> None:
    whole, share = draws(5), draws(5, share=range(1, 8, 3))
    places = [1, 4, 7]
    np.testing.assert_array_equal(share.chosen(99), whole.chosen(99)[places])
    np.testing.assert_array_equal(share.positions(), whole.positions()[places])
    np.testing.assert_array_equal(share.among(0.5), whole.among(0.5)[places])
    for purpose in (Purpose.TRAINING_NOISE, Purpose.DEGRADATION):
        noise = whole.noise((3, 5, 5), HOST, purpose)
        assert torch.equal(share.noise((3, 5, 5), HOST, purpose), noise[places])


def test_steps_seeds_and_purposes_draw_others() -> None:
    noises = [
        each.noise((4, 4, 4), HOST, purpose).flatten()
        for each in (draws(0), draws(1), draws(0, seed=4))
        for purpose in (Purpose.TRAINING_NOISE, Purpose.DEGRADATION)
    ]
    found = np.corrcoef(torch.stack(noises).numpy())
    assert np.abs(found - np.eye(len(noises))).max() < 0.2


def test_a_tenth_is_a_tenth() -> None:
    told = np.concatenate([draws(step, 100).among(0.1) for step in range(100)])
    assert stats.binomtest(int(told.sum()), len(told), 0.1).pvalue > 0.01
