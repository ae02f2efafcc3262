"""Align Your Steps on its authors' toy: 64 narrow Gaussians on an 8 x 8 grid."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from spectral_sched.diffusion.models.exact import FiniteSetDenoiser
from spectral_sched.diffusion.sampling.sampler import sample
from spectral_sched.diffusion.search.counting import CountingDenoiser
from spectral_sched.diffusion.search.klub import Klub, KlubSearch, resample_levels
from spectral_sched.schedules import (
    ExponentialLaw,
    KarrasLaw,
    Law,
    Schedule,
    sigma_table,
)
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import solver_calls

ENDS = (0.002, 80.0)
SPREAD = 0.05
LINE = torch.linspace(-1, 1, 8, dtype=torch.float64)
MEANS = torch.cartesian_prod(LINE, LINE).reshape(64, 2, 1, 1)
NUM_POINTS = 1000


def denoiser() -> CountingDenoiser:
    return CountingDenoiser(FiniteSetDenoiser(MEANS, SPREAD))


def points(count: int, rng: np.random.Generator) -> Tensor:
    chosen = MEANS[torch.from_numpy(rng.integers(64, size=count))]
    return chosen + SPREAD * torch.from_numpy(rng.standard_normal(chosen.shape))


def table(law: Law, num_steps: int) -> SigmaTable:
    return sigma_table(Schedule(law, *ENDS), num_steps)


def samples(levels: SigmaTable, sampler: str) -> Tensor:
    rng = np.random.default_rng(7)
    noise = torch.from_numpy(rng.standard_normal((NUM_POINTS, 2, 1, 1)))
    calls = solver_calls(sampler, levels.sigmas)
    *_, last = sample(denoiser(), levels.sigmas[0] * noise, calls, lambda: noise)
    return last


def surprise(x: Tensor) -> float:
    """Return the mean negative log-likelihood of points, in nats."""
    squares = (x.flatten(1)[:, None] - MEANS.flatten(1)).square().sum(dim=2)
    logs = torch.logsumexp(-squares / (2 * SPREAD**2), dim=1)
    return float(-(logs - np.log(64 * 2 * np.pi * SPREAD**2)).mean())


@cache
def aligned() -> tuple[float, ...]:
    """Return the levels found for 40 steps, and where the last one ends."""
    variance = float(MEANS.var(correction=0)) + SPREAD**2
    klub = Klub(denoiser(), points, variance**0.5)
    search = KlubSearch(klub, 40, None, num_samples=32, num_sweeps=4)
    begun = np.array(table(KarrasLaw(rho=7.0), 11).levels)
    return (*search(begun, np.random.default_rng(0)).levels, ENDS[0])


def test_the_denoiser_of_a_mixture_is_that_of_a_gaussian_where_there_is_one() -> None:
    one = FiniteSetDenoiser(MEANS[:1], SPREAD)
    x, sigma = torch.full((1, 2, 1, 1), 0.3, dtype=torch.float64), 0.1
    share = SPREAD**2 / (SPREAD**2 + sigma**2)
    expected = MEANS[:1] + share * (x - MEANS[:1])
    torch.testing.assert_close(one(x, sigma), expected)


def test_the_denoiser_of_a_mixture_is_the_slope_of_its_likelihood() -> None:
    # Tweedie: denoised = x + sigma^2 * gradient of the log density under noise.
    sigma, total = 0.2, (SPREAD**2 + 0.2**2) ** 0.5
    x = torch.tensor([[0.1, -0.35], [1.4, 0.2]], dtype=torch.float64)
    x.requires_grad_()
    squares = (x[:, None] - MEANS.flatten(1)).square().sum(dim=2)
    logs = torch.logsumexp(-squares / (2 * total**2), dim=1)
    (slope,) = torch.autograd.grad(logs.sum(), x)
    expected = (x + sigma**2 * slope).detach()
    found = denoiser()(x.detach().reshape(2, 2, 1, 1), sigma).flatten(1)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("num_steps", [6, 8, 10])
@pytest.mark.parametrize("sampler", ["euler", "dpmpp-2m"])
def test_the_toy_ranks_it_above_the_copied_table(sampler: str, num_steps: int) -> None:
    reference = samples(table(ExponentialLaw(), 64), "heun")

    def judged(levels: SigmaTable) -> tuple[float, float]:
        found = samples(levels, sampler)
        error = (found - reference).square().mean().sqrt()
        return float(error), surprise(found) - surprise(reference)

    error, surprised = judged(resample_levels(np.array(aligned()), num_steps))
    copied, copied_surprised = judged(table(KarrasLaw(rho=7.0), num_steps))
    assert error < 0.75 * copied
    assert abs(surprised) < abs(copied_surprised)
