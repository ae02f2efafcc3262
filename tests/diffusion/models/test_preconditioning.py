"""Networks that predict anything, wrapped: all of them are the denoiser they came from.

Each network here is made from an exact denoiser by the definition of what it predicts,
in the coordinates it would be trained in.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spectral_sched.diffusion.models.exact import FiniteSetDenoiser
from spectral_sched.diffusion.models.network import NetworkDenoiser
from spectral_sched.diffusion.models.preconditioning import (
    PreconditionedDenoiser,
    Preconditioning,
    discrete,
    edm,
    flow,
)
from spectral_sched.files.network_config import NetworkConfig
from spectral_sched.schedules.coordinates import timestep_coordinate, trained_abar

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Network = Callable[[Tensor, Tensor], Tensor]

SHAPE = (3, 4, 4)
SIGMA_DATA = 0.6
ABAR = trained_abar("linear")

_generator = torch.Generator().manual_seed(1)
PICTURES = torch.rand(5, *SHAPE, generator=_generator, dtype=torch.float64) * 2 - 1
exact = FiniteSetDenoiser(PICTURES)


def batch(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, *SHAPE, generator=generator, dtype=torch.float64)


def column(values: Tensor) -> Tensor:
    return values.reshape(-1, 1, 1, 1)


def of_timesteps(prediction: str) -> Network:
    """Return the network of discrete timesteps: z = sqrt(abar) x0 + sqrt(1-abar) n."""
    levels = timestep_coordinate(ABAR, "")

    def network(z: Tensor, timestep: Tensor) -> Tensor:
        sigma = torch.from_numpy(levels.to_sigma(timestep.double().numpy()))
        alpha, std = 1 / (1 + sigma**2).sqrt(), sigma / (1 + sigma**2).sqrt()
        picture = exact(z / column(alpha), sigma)
        noise = (z - column(alpha) * picture) / column(std)
        if prediction == "v_prediction":
            return column(alpha) * noise - column(std) * picture
        return noise if prediction == "epsilon" else picture

    return network


def of_flow(z: Tensor, timestep: Tensor) -> Tensor:
    """Return the velocity, noise - image, at z = (1 - t) image + t noise."""
    time = timestep.double() / 1000
    picture = exact(z / column(1 - time), time / (1 - time))
    return (z - picture) / column(time)


def of_edm(sign: int) -> Network:
    """Return EDM's inner network: its training target is of unit variance."""

    def network(z: Tensor, noise: Tensor) -> Tensor:
        sigma = column((4 * noise.double()).exp())
        total = (sigma**2 + SIGMA_DATA**2).sqrt()
        x = z * total
        kept = SIGMA_DATA**2 / total**2
        target = exact(x, sigma.flatten()) - kept * x
        return sign * target / (sigma * SIGMA_DATA / total)

    return network


EDM_RANGE = (0.002, 80.0)

WRAPPED: dict[str, tuple[Network, Preconditioning]] = {
    "epsilon": (of_timesteps("epsilon"), discrete("epsilon", ABAR)),
    "v_prediction": (of_timesteps("v_prediction"), discrete("v_prediction", ABAR)),
    "sample": (of_timesteps("sample"), discrete("sample", ABAR)),
    "edm": (of_edm(1), edm(SIGMA_DATA, EDM_RANGE)),
    "edm v": (of_edm(-1), edm(SIGMA_DATA, EDM_RANGE, "v_prediction")),
    "flow": (of_flow, flow(1000)),
}


@pytest.mark.parametrize("name", WRAPPED)
@pytest.mark.parametrize("sigma", [0.02, 0.1, 0.7, 3.0, 40.0])
def test_every_prediction_is_the_same_denoiser(name: str, sigma: float) -> None:
    x = PICTURES[:3] + sigma * batch(3)
    expected = exact(x, sigma)
    assert (expected - x).square().mean().sqrt() > 0.3 * sigma  # something to do
    assert torch.allclose(
        PreconditionedDenoiser(*WRAPPED[name])(x, sigma), expected, atol=1e-10
    )


@pytest.mark.parametrize("name", WRAPPED)
@given(low=st.floats(0.02, 1.0), high=st.floats(1.0, 100.0))
def test_one_level_per_picture(name: str, low: float, high: float) -> None:
    denoise = PreconditionedDenoiser(*WRAPPED[name])
    sigmas = torch.tensor([high, low], dtype=torch.float64)
    x = PICTURES[:2] + column(sigmas) * batch(2)
    both = denoise(x, sigmas)
    for index, sigma in enumerate((high, low)):
        alone = denoise(x[index : index + 1], sigma)
        # Levels of timesteps are kept in float32 for tensors.
        assert torch.allclose(both[index : index + 1], alone, atol=1e-4)


@pytest.mark.parametrize("name", WRAPPED)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_networks_are_told_levels_in_full_precision(
    name: str, dtype: torch.dtype
) -> None:
    told: list[Tensor] = []

    def network(z: Tensor, noise: Tensor) -> Tensor:
        told.append(noise)
        assert z.dtype == dtype
        return z

    x = batch(2).to(dtype)
    denoise = PreconditionedDenoiser(network, WRAPPED[name][1])
    for sigma in (0.3, torch.full((2,), 0.3, dtype=dtype), torch.full((2,), 0.3)):
        assert denoise(x, sigma).dtype == dtype
        assert told[-1].dtype == torch.float32
        assert told[-1].shape == (2,)
    assert torch.allclose(told[0], told[2], rtol=1e-4)


def timestep(sigma: float | Tensor, abar: np.ndarray = ABAR) -> float:
    told: list[Tensor] = []

    def network(z: Tensor, noise: Tensor) -> Tensor:
        told.append(noise)
        return z

    PreconditionedDenoiser(network, discrete("epsilon", abar))(batch(1), sigma)
    return float(told[0])


@pytest.mark.parametrize("index", [0, 1, 17, 500, 998, 999])
def test_trained_levels_are_whole_timesteps(index: int) -> None:
    sigma = float(np.sqrt((1 - ABAR[index]) / ABAR[index]))
    assert timestep(sigma) == pytest.approx(index, abs=1e-9)
    assert timestep(torch.tensor([sigma])) == pytest.approx(index, abs=1e-2)


def test_between_trained_levels_and_beyond_them() -> None:
    levels = np.sqrt((1 - ABAR) / ABAR)
    halfway = float(np.sqrt(levels[300] * levels[301]))
    for sigma, expected in ((halfway, 300.5), (levels[0] / 9, 0), (9e3, 999)):
        assert timestep(float(sigma)) == pytest.approx(expected, abs=1e-9)
        assert timestep(torch.tensor([sigma])) == pytest.approx(expected, abs=1e-2)


def test_a_last_level_of_pure_noise_is_left_out() -> None:
    with_noise = np.append(ABAR, 0.0)
    assert discrete("v_prediction", with_noise).sigma_range == pytest.approx(
        discrete("v_prediction", ABAR).sigma_range, rel=1e-12
    )
    assert timestep(1e6, with_noise) == 999


def test_ranges_that_were_trained() -> None:
    low, high = discrete("epsilon", ABAR).sigma_range or (0, 0)
    assert low == pytest.approx(math.sqrt(1e-4 / (1 - 1e-4)), rel=1e-9)
    assert high == pytest.approx(math.sqrt(1 / ABAR[-1] - 1), rel=1e-9)
    assert flow(1000).sigma_range == pytest.approx((1 / 999, 999))
    assert PreconditionedDenoiser(*WRAPPED["edm"]).sigma_range == EDM_RANGE


def test_v_of_unit_variance_is_edm_with_the_sign_turned() -> None:
    for sigma in (0.01, 0.5, 2.0, 90.0):
        ours = discrete("v_prediction", ABAR).scales(sigma)
        assert edm(1.0, EDM_RANGE, "v_prediction").scales(sigma) == pytest.approx(ours)


def test_the_own_network_is_one_of_them() -> None:
    config = NetworkConfig(3, (32, 64), 1, SIGMA_DATA)
    torch.manual_seed(0)
    whole = NetworkDenoiser(config).double()
    torch.nn.init.normal_(whole.network.conv_out.weight, std=0.1)
    wrapped = PreconditionedDenoiser(
        lambda z, noise: whole.network(z, noise[:, None]), edm(SIGMA_DATA, EDM_RANGE)
    )
    x = 2 * batch(2)
    with torch.inference_mode():
        for sigma in (0.05, 2.0, torch.tensor([0.5, 30.0], dtype=torch.float64)):
            assert torch.allclose(wrapped(x, sigma), whole(x, sigma), atol=1e-12)
