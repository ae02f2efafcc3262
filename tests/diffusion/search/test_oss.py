"""Optimal steps on a field whose denoiser is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from spectral_sched.diffusion.models.exact import WienerDenoiser
from spectral_sched.diffusion.sampling.sampler import sample
from spectral_sched.diffusion.search.counting import CountingDenoiser
from spectral_sched.diffusion.search.oss import oss_table, teacher_states
from spectral_sched.errors import UsageError
from spectral_sched.schedules import KarrasLaw, Schedule, sigma_table
from spectral_sched.solvers.registry import solver_calls
from tests.support.pink import pink_field

NUM_LEVELS = 24


def teacher() -> tuple[CountingDenoiser, torch.Tensor, tuple[float, ...]]:
    field = pink_field(side=8)
    denoise = CountingDenoiser(
        WienerDenoiser(field, torch.device("cpu"), torch.float64)
    )
    rng = np.random.default_rng(0)
    noise = torch.from_numpy(rng.standard_normal((3, *field.shape)))
    return (
        denoise,
        noise,
        sigma_table(Schedule(KarrasLaw(), 0.002, 80.0), NUM_LEVELS).sigmas,
    )


def played(
    denoise: CountingDenoiser, noise: torch.Tensor, sigmas: tuple[float, ...]
) -> torch.Tensor:
    calls = solver_calls("euler", sigmas)
    *_, picture = sample(denoise, sigmas[0] * noise, calls, pytest.fail)
    return picture


def test_the_teacher_is_eulers_method() -> None:
    denoise, noise, sigmas = teacher()
    states = teacher_states(denoise, noise, sigmas)
    assert denoise.num_calls == len(noise) * NUM_LEVELS
    torch.testing.assert_close(states[-1], played(denoise, noise, sigmas))
    assert len(states) == len(sigmas)


def test_as_many_steps_as_levels_are_the_teacher() -> None:
    denoise, noise, sigmas = teacher()
    assert oss_table(denoise, noise, sigmas, NUM_LEVELS).sigmas == sigmas


def test_one_step_is_from_the_top() -> None:
    denoise, noise, sigmas = teacher()
    assert oss_table(denoise, noise, sigmas, 1).sigmas == (sigmas[0], 0.0)


def test_two_steps_are_those_of_brute_force() -> None:
    denoise, noise, sigmas = teacher()
    taught = played(denoise, noise, sigmas)
    ways = [(sigmas[0], middle, 0.0) for middle in sigmas[1:-1]]
    best = min(
        ways,
        key=lambda way: float((played(denoise, noise, way) - taught).square().mean()),
    )
    assert oss_table(denoise, noise, sigmas, 2).sigmas == best


@pytest.mark.parametrize("steps", [4, 8])
def test_the_student_is_nearer_than_even_steps(steps: int) -> None:
    denoise, noise, sigmas = teacher()
    taught = played(denoise, noise, sigmas)
    found = oss_table(denoise, noise, sigmas, steps)
    assert found.num_steps == steps
    even = sigma_table(Schedule(KarrasLaw(), 0.002, 80.0), steps).sigmas
    errors = [
        float((played(denoise, noise, each) - taught).square().mean())
        for each in (found.sigmas, even)
    ]
    assert errors[0] < 0.5 * errors[1]


def test_more_steps_than_levels_are_refused() -> None:
    denoise, noise, sigmas = teacher()
    with pytest.raises(UsageError, match="kind oss chooses among 24 levels and cannot"):
        oss_table(denoise, noise, sigmas, 25)
