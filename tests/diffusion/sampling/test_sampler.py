from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from spectral_sched.diffusion.models.exact import FiniteSetDenoiser, WienerDenoiser
from spectral_sched.diffusion.sampling.noise import SeededNoise, starting_point
from spectral_sched.diffusion.sampling.sampler import sample
from spectral_sched.planning.transfer import transfer, transfer_by_source
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import (
    FLOW_SAMPLERS,
    SAMPLERS,
    solver_calls,
)
from spectral_sched.spectra.gaussian_field import GaussianField
from spectral_sched.spectra.rings import rings

CPU = torch.device("cpu")


def initial_noise(seeds: Sequence[int], shape: tuple[int, int, int]) -> torch.Tensor:
    return SeededNoise(seeds, shape, CPU, torch.float64)()


def colour_field(height: int = 12, width: int = 9) -> GaussianField:
    """Return a field whose rings have correlated colours, differently in each."""
    rng = np.random.default_rng(0)
    num_rings = len(rings(height, width))
    mixing = rng.normal(size=(num_rings, 3, 3))
    power = np.geomspace(30, 1e-3, num_rings)[:, None, None]
    cross = power * mixing @ mixing.transpose(0, 2, 1)
    return GaussianField((3, height, width), np.array([0.2, -0.1, 0.4]), cross)


def table_of(num_steps: int) -> SigmaTable:
    return SigmaTable.of(np.geomspace(90, 0.01, num_steps) if num_steps > 1 else [90.0])


def last(
    denoise: WienerDenoiser | FiniteSetDenoiser,
    x: torch.Tensor,
    sampler: str,
    table: SigmaTable,
    noise: Callable[[], torch.Tensor] = pytest.fail,
) -> torch.Tensor:
    *_, picture = sample(denoise, x, solver_calls(sampler, table.sigmas), noise)
    return picture


def decorrelated(field: GaussianField, pictures: torch.Tensor) -> tuple[Any, Any]:
    """Return the modes of images in their rings' colour axes, and the powers."""
    index = rings(*field.shape[1:]).index
    power, axes = np.linalg.eigh(field.cross_power)
    modes = np.fft.rfft2(pictures.numpy(), norm="ortho")
    return np.einsum("hwca,bchw->bhwa", axes[index], modes), power[index]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("num_steps", [1, 2, 8, 40])
def test_the_sampler_plays_the_closed_form(sampler: str, num_steps: int) -> None:
    field, table = colour_field(), table_of(num_steps)
    denoise = WienerDenoiser(field, CPU, torch.float64)
    source = SeededNoise([3, 4], field.shape, CPU, torch.float64)
    drawn: list[torch.Tensor] = []

    def noise() -> torch.Tensor:
        drawn.append(source())
        return drawn[-1]

    x = starting_point(noise(), table.sigmas[0], "mean", field)
    picture = last(denoise, x, sampler, table, noise) - denoise.mean
    after, power = decorrelated(field, picture)
    sigmas = np.array(table.sigmas)
    factors = transfer_by_source(sampler, sigmas, power.ravel()).weights
    assert len(factors) == len(drawn) == (1 if sampler in FLOW_SAMPLERS else num_steps)
    expected = sum(
        decorrelated(field, one)[0] * factor.reshape(power.shape)
        for one, factor in zip(drawn, factors, strict=True)
    )
    np.testing.assert_allclose(after, expected, atol=1e-10 * np.abs(expected).max())
    total = np.sqrt(sum(factor**2 for factor in factors))
    np.testing.assert_allclose(
        np.abs(transfer(sampler, sigmas, power.ravel())), total, rtol=1e-12
    )


@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
def test_many_steps_end_where_an_independent_solver_of_the_ode_does(
    sampler: str,
) -> None:
    # dx/dsigma = (x - D(x)) / sigma, integrated by scipy, which knows none of our
    # coefficients, from 20 to 0.05; a step that ends the table follows on both sides.
    field = colour_field(4, 5)
    denoise = WienerDenoiser(field, CPU, torch.float64)
    noise = initial_noise([0], field.shape)
    x = starting_point(noise, 20.0, "zero", field)

    def slope(sigma: float, flat: np.ndarray) -> np.ndarray:
        state = torch.tensor(flat).reshape(x.shape)
        change: np.ndarray = ((state - denoise(state, sigma)) / sigma).flatten().numpy()
        return change

    solved = solve_ivp(slope, (20, 0.05), x.flatten().numpy(), rtol=1e-10, atol=1e-12)
    exact = denoise(torch.tensor(solved.y[:, -1]).reshape(x.shape), 0.05)
    coarse, middle, fine = (
        last(denoise, x, sampler, SigmaTable.of(np.geomspace(20, 0.05, count + 1)))
        for count in (250, 500, 1000)
    )
    # The limit of many steps: errors in h, then h^2 (or h^2, then h^3) taken out.
    order = 1 if sampler == "euler" else 2
    once, twice = (
        finer + (finer - coarser) / (2**order - 1)
        for coarser, finer in ((coarse, middle), (middle, fine))
    )
    limit = twice + (twice - once) / (2 ** (order + 1) - 1)
    assert float((limit - exact).abs().max()) < 1e-6


@pytest.mark.parametrize(
    ("sampler", "order"), [("euler", 1), ("heun", 2), ("dpmpp-2m", 2)]
)
def test_orders_of_convergence(sampler: str, order: int) -> None:
    field = colour_field(4, 5)
    denoise = WienerDenoiser(field, CPU, torch.float64)
    x = 20.0 * initial_noise([1], field.shape) + denoise.mean
    modes, power = decorrelated(field, x - denoise.mean)
    exact = modes * np.sqrt((power + 0.25) / (power + 400))
    steps, errors = np.array([32, 64, 128, 256]), []
    for count in steps:
        table = SigmaTable.of(np.geomspace(20, 0.5, count + 1))
        *_, state, _ = sample(
            denoise, x, solver_calls(sampler, table.sigmas), pytest.fail
        )
        found, _ = decorrelated(field, state - denoise.mean)
        errors.append(np.linalg.norm(found - exact))
    slope = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
def test_a_picture_does_not_depend_on_its_batch(sampler: str) -> None:
    field = colour_field()
    denoise = WienerDenoiser(field, CPU, torch.float64)
    together = 50 * initial_noise([5, 6, 7], field.shape)
    alone = 50 * initial_noise([6], field.shape)
    assert torch.equal(together[1], alone[0])
    table = SigmaTable.of([50.0, 3.0, 0.2])
    pictures = last(denoise, together, sampler, table)
    torch.testing.assert_close(pictures[1:2], last(denoise, alone, sampler, table))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_calls_and_steps(sampler: str) -> None:
    calls = []

    def denoise(x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        calls.append(sigma)
        return torch.full_like(x, 0.3)

    noise = SeededNoise([0], (1, 2, 2), CPU, torch.float32)
    table = solver_calls(sampler, table_of(5).sigmas)
    states = list(sample(denoise, torch.ones(1, 1, 2, 2), table, noise))
    assert len(states) == 5
    assert len(calls) == (9 if "heun" in sampler else 5)
    assert all(isinstance(sigma, float) for sigma in calls)
    torch.testing.assert_close(states[-1], torch.full((1, 1, 2, 2), 0.3))


def test_wiener_sampling_makes_pictures_of_the_spectrum() -> None:
    field = colour_field(8, 8)
    denoise = WienerDenoiser(field, CPU, torch.float64)
    noise = initial_noise(range(400), field.shape)
    x = starting_point(noise, 1e3, "mean", field)
    pictures = last(denoise, x, "heun", SigmaTable.of(np.geomspace(1e3, 1e-3, 200)))
    modes, power = decorrelated(field, pictures - denoise.mean)
    ratio = np.mean(np.abs(modes) ** 2, axis=0) / power
    assert ratio.mean() == pytest.approx(1, abs=0.015)  # scatter 0.005
    assert np.abs(ratio - 1).max() < 0.5  # 400 draws, exponential: std 0.05 to 0.07


@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
def test_a_spectral_start_is_played_in_closed_form(sampler: str) -> None:
    # The map from unit noise is linear, so second moments are as exact as it is.
    field, table = colour_field(), table_of(6)
    noise = initial_noise([3, 4], field.shape)
    x = starting_point(noise, 90.0, "spectral", field)
    denoise = WienerDenoiser(field, CPU, torch.float64)
    before, power = decorrelated(field, noise)
    started, _ = decorrelated(field, x - denoise.mean)
    np.testing.assert_allclose(started, before * np.sqrt(power + 90**2), rtol=1e-10)
    picture = last(denoise, x, sampler, table) - denoise.mean
    ratio = transfer(sampler, np.array(table.sigmas), power.ravel()) / 90
    expected = started * ratio.reshape(power.shape)
    after, _ = decorrelated(field, picture)
    np.testing.assert_allclose(after, expected, atol=1e-10 * np.abs(expected).max())


def test_many_steps_from_a_spectral_start_give_the_spectrum_from_any_level() -> None:
    field = colour_field()
    denoise = WienerDenoiser(field, CPU, torch.float64)
    noise = initial_noise([0], field.shape)
    before, power = decorrelated(field, noise)
    for first in (0.3, 3.0):
        x = starting_point(noise, first, "spectral", field)
        table = SigmaTable.of(np.geomspace(first, 1e-5, 400))
        after, _ = decorrelated(field, last(denoise, x, "heun", table) - denoise.mean)
        np.testing.assert_allclose(after, before * np.sqrt(power), rtol=2e-4)


def test_wiener_limits_and_one_sigma_per_picture() -> None:
    field = colour_field()
    denoise = WienerDenoiser(field, CPU, torch.float64)
    x = initial_noise([0, 1], field.shape)
    torch.testing.assert_close(denoise(x, 1e-9), x)
    torch.testing.assert_close(
        denoise(x, 1e9), denoise.mean.expand_as(x), atol=1e-6, rtol=0
    )
    mixed = denoise(x, torch.tensor([0.5, 3.0], dtype=torch.float64))
    torch.testing.assert_close(mixed[1:], denoise(x[1:], 3.0))


def test_finite_set_is_the_bayes_mean() -> None:
    pictures = initial_noise(range(5), (3, 4, 4))
    x, sigma = initial_noise([9, 10], (3, 4, 4)), 0.8
    denoise = FiniteSetDenoiser(pictures)
    distance = ((x[:, None] - pictures[None]) ** 2).sum(dim=(2, 3, 4))
    weights = torch.softmax(-distance / (2 * sigma**2), dim=1)
    expected = torch.einsum("bm,mchw->bchw", weights, pictures)
    torch.testing.assert_close(denoise(x, sigma), expected)
    both = denoise(x, torch.tensor([sigma, sigma], dtype=torch.float64))
    torch.testing.assert_close(both, expected)
    torch.testing.assert_close(denoise(pictures, 1e-3), pictures)


def test_wiener_is_the_finite_set_of_many_gaussian_pictures() -> None:
    # 2x2 pixels, so that 200,000 draws fill the space around x.
    cross = np.array([4.0, 1.0])[:, None, None]
    field = GaussianField((1, 2, 2), np.array([0.3]), cross)
    rng = np.random.default_rng(0)
    modes = np.fft.rfft2(rng.normal(size=(200_000, 1, 2, 2)), norm="ortho")
    index = rings(2, 2).index
    drawn = np.fft.irfft2(modes * np.sqrt(cross[index, 0, 0]), (2, 2), norm="ortho")
    x = torch.tensor([[[[0.5, -0.4], [0.9, 0.1]]]], dtype=torch.float64)
    empirical = FiniteSetDenoiser(torch.tensor(drawn + 0.3))(x, 1.0)
    exact = WienerDenoiser(field, CPU, torch.float64)(x, 1.0)
    torch.testing.assert_close(empirical, exact, atol=0.02, rtol=0)


@pytest.mark.parametrize("sampler", sorted(set(SAMPLERS) - set(FLOW_SAMPLERS)))
def test_stochastic_samplers_end_in_the_spectrum_too(sampler: str) -> None:
    sigmas = np.append(np.geomspace(1e3, 1e-3, 400), 0.0)
    power = np.geomspace(1e-2, 1e3, 9)
    np.testing.assert_allclose(
        transfer(sampler, sigmas, power), np.sqrt(power), rtol=5e-3
    )
