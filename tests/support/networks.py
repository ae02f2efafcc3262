"""A small network as a denoiser, and our sampler on it."""

from __future__ import annotations

from functools import cache

import pytest
import torch

from spectral_sched.diffusion.models.network import NetworkDenoiser
from spectral_sched.diffusion.sampling.sampler import sample
from spectral_sched.files.network_config import NetworkConfig
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import solver_calls

SHAPE = (2, 3, 8, 8)


@cache
def network() -> NetworkDenoiser:
    """Return a network whose answers depend on everything it is shown."""
    torch.manual_seed(0)
    denoise = NetworkDenoiser(NetworkConfig(3, (16, 16), 1, 0.5)).double().eval()
    with torch.no_grad():
        for parameter in denoise.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return denoise.requires_grad_(False)


def unit_noise(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(SHAPE, generator=generator, dtype=torch.float64)


def ours(sampler: str, table: SigmaTable, start: torch.Tensor) -> torch.Tensor:
    """Return the image that our sampler makes of a start."""
    calls = solver_calls(sampler, table.sigmas)
    *_, picture = sample(network(), start, calls, pytest.fail)
    return picture
