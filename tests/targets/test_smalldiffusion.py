"""The released smalldiffusion on our tables."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.testing import assert_allclose, assert_array_equal

from tests.support.handed import LEVELS, delivered, delivered_law, law, plan_of_levels
from tests.support.networks import SHAPE, network, ours, unit_noise
from tests.support.released import released


class Recorder(torch.nn.Module):
    """Our network in smalldiffusion's protocol, which predicts the noise."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def rand_input(self, count: int) -> torch.Tensor:
        assert count == SHAPE[0]
        return unit_noise()

    def predict_eps_cfg(
        self, x: torch.Tensor, sigma: torch.Tensor, *_others: object
    ) -> torch.Tensor:
        self.seen.append(float(sigma))
        noise: torch.Tensor = (x - network()(x, float(sigma))) / sigma
        return noise


def test_samples_steps_through_our_table() -> None:
    small, recorder = released("smalldiffusion"), Recorder()

    def samples(model: Recorder, sigmas: torch.Tensor) -> Any:
        here = SimpleNamespace(device="cpu")
        return small.samples(model, sigmas, batchsize=SHAPE[0], accelerator=here)

    names: dict[str, Any] = {"torch": torch, "samples": samples, "model": recorder}
    exec(delivered("smalldiffusion").content.decode(), names)
    assert_allclose(recorder.seen, LEVELS, rtol=1e-6)
    expected = ours("euler", plan_of_levels(LEVELS).table, LEVELS[0] * unit_noise())
    assert expected.std() > 0.1
    torch.testing.assert_close(names["pictures"], expected, atol=1e-4, rtol=0)


def test_a_schedule_to_train_with_draws_from_our_law() -> None:
    small = released("smalldiffusion")
    names: dict[str, Any] = {"torch": torch, "Schedule": small.Schedule}
    exec(delivered_law("smalldiffusion").content.decode(), names)
    schedule = names["schedule"]
    assert len(schedule) == 1000
    assert np.all(np.diff(schedule.sigmas) > 0)
    torch.manual_seed(0)
    drawn = np.sort(schedule.sample_batch(torch.zeros(100_000)).numpy())
    places = np.linspace(0, 1, 19)[1:-1]
    # One level of 1000, and the scatter of 100,000 draws (0.0016).
    found = np.searchsorted(drawn, np.sort(law()(places))) / len(drawn)
    assert_allclose(found, places, atol=0.008)
    # Its own way to sample stops at the lowest level, not at 0.
    assert_array_equal(schedule.sample_sigmas(4)[-1], schedule.sigmas[0])
