"""One table per image, played in one batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from spectral_sched.diffusion.models.denoiser import Denoiser
from spectral_sched.diffusion.models.exact import FiniteSetDenoiser, WienerDenoiser
from spectral_sched.diffusion.precision import FLOAT64
from spectral_sched.diffusion.sampling.noise import SeededNoise, starting_point
from spectral_sched.diffusion.sampling.player import Player
from spectral_sched.diffusion.sampling.trajectory import (
    Trajectory,
    common_trajectory,
    own_trajectory,
)
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.planning.data_set import DataSet
from spectral_sched.planning.plan import Plan
from spectral_sched.planning.request import TableRequest
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import SAMPLERS
from spectral_sched.spectra.bounds import sigma_bounds
from spectral_sched.spectra.power_distribution import PowerDistribution
from tests.diffusion.sampling.test_sampler import CPU, colour_field

FIELD = colour_field()
SEEDS = (3, 4, 5)


def plan_of(sampler: str, *levels: float) -> Plan:
    """Return a plan with given levels for the coloured field."""
    distribution = PowerDistribution(FIELD, np.log(FIELD.power)[:, None])
    data_set = DataSet(distribution, sigma_bounds(FIELD), make_preprocessing(), "")
    ends = (levels[-1] / 2, levels[0] * 2)
    request = TableRequest(sampler, len(levels), "mean")
    return Plan("optimal", request, SigmaTable.of(levels), data_set, ends)


def wiener() -> Denoiser:
    return WienerDenoiser(FIELD, CPU, torch.float64)


def finite_set() -> Denoiser:
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randn(9, *FIELD.shape, generator=generator, dtype=torch.float64)
    # So close together that the last levels of the tables do not tell them apart.
    return FiniteSetDenoiser(0.02 * pictures)


def played(
    make: Callable[[], Denoiser],
    follow: Callable[[torch.Tensor], Trajectory],
    seeds: tuple[int, ...] = SEEDS,
) -> torch.Tensor:
    noise = SeededNoise(seeds, FIELD.shape, CPU, torch.float64)
    *_, picture = follow(noise()).play(make(), noise)
    return picture


@pytest.mark.parametrize("make", [wiener, finite_set])
@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("num_steps", [1, 2, 6])
def test_equal_tables_are_one_table(
    sampler: str, num_steps: int, make: Callable[[], Denoiser]
) -> None:
    plan = plan_of(sampler, *np.geomspace(60, 0.05, num_steps + 1)[:-1])
    one = played(make, partial(common_trajectory, plan))
    batch = played(make, partial(own_trajectory, [plan] * 3))
    scale = float(one.abs().max())
    torch.testing.assert_close(batch, one, rtol=0, atol=1e-12 * scale)
    assert scale > 0.01


@pytest.mark.parametrize("make", [wiener, finite_set])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_picture_of_a_mixed_batch_is_that_of_its_table_alone(
    sampler: str, make: Callable[[], Denoiser]
) -> None:
    plans = [
        plan_of(sampler, 90.0, 20.0, 3.0, 0.7, 0.1),
        plan_of(sampler, 30.0, 9.0, 2.0, 0.4, 0.2),
        plan_of(sampler, 55.0, 7.0, 5.0, 1.0, 0.03),
    ]
    batch = played(make, partial(own_trajectory, plans))
    for index, seed in enumerate(SEEDS):
        alone = played(make, partial(common_trajectory, plans[index]), (seed,))
        torch.testing.assert_close(batch[index], alone[0], rtol=0, atol=1e-10)
    others = played(make, partial(own_trajectory, [*plans[1:], plans[0]]))
    assert float((batch - others).abs().max()) > 1e-6


def test_weights_are_placed_like_the_pictures() -> None:
    plans = [plan_of("heun", 9.0, 1.0), plan_of("heun", 5.0, 0.5)]
    unit = torch.ones(2, *FIELD.shape, dtype=torch.float32)
    trajectory = own_trajectory(plans, unit)
    mean = torch.tensor(FIELD.mean_color, dtype=torch.float32).reshape(-1, 1, 1)
    expected = torch.tensor([9.0, 5.0]).reshape(-1, 1, 1, 1)
    torch.testing.assert_close(trajectory.start - mean, expected.expand_as(unit))
    for call in trajectory.calls:
        assert call.sigma.shape == (2,)
        assert call.sigma.dtype == torch.float32
        if call.state:
            assert call.state.state.shape == (2, 1, 1, 1)
    assert [call.sigma.tolist() for call in trajectory.calls] == [
        [9, 5],
        [1, 0.5],
        [1, 0.5],
    ]


class Told:
    """A denoiser that is told the ends of the range, and remembers them."""

    def __init__(self) -> None:
        self.ends: list[tuple[object, object]] = []

    def between(
        self, sigma_min: float | torch.Tensor, sigma_max: float | torch.Tensor
    ) -> Denoiser:
        self.ends.append((sigma_min, sigma_max))
        return lambda x, _: torch.full_like(x, 0.5)

    def __call__(self, x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        pytest.fail(f"called at {sigma} on {len(x)} without having been told the ends")


def test_a_conditioned_network_is_told_the_ends_of_each_range() -> None:
    plans = [plan_of("euler", 9.0, 1.0), plan_of("euler", 5.0, 0.5)]
    told = Told()
    picture = played(lambda: told, partial(common_trajectory, plans[0]))
    torch.testing.assert_close(picture, torch.full_like(picture, 0.5))
    assert told.ends == [(0.5, 18.0)]
    played(lambda: told, partial(own_trajectory, plans), (0, 1))
    low, high = told.ends[1]
    assert isinstance(low, torch.Tensor)
    assert isinstance(high, torch.Tensor)
    assert low.tolist() == [0.5, 0.25]
    assert high.tolist() == [18.0, 10.0]


def test_a_seed_has_its_table_in_any_batch() -> None:
    plan = plan_of("dpmpp-2m", 60.0, 8.0, 1.0, 0.2)

    def own(seed: int) -> Plan:
        levels = np.array(plan.table.levels) / (1 + seed / 7)
        return replace(plan, table=SigmaTable.of(levels))

    def player(*seeds: int) -> Player:
        return Player(wiener(), FIELD.shape, seeds, precision=FLOAT64)

    many = list(player(*range(20)).play_plan(plan, own))
    few = list(player(18, 3).play_plan(plan, own))
    common = list(player(18).play_plan(plan))
    np.testing.assert_allclose(few[0], many[18], atol=1e-10)
    np.testing.assert_allclose(few[1], many[3], atol=1e-10)
    assert np.abs(common[0] - many[18]).max() > 1e-3


def test_a_spectral_start_has_the_spectrum_of_its_own_plan() -> None:
    plan = plan_of("euler", 5.0)
    plan = replace(plan, request=replace(plan.request, start="spectral"))
    fields = {3: FIELD, 4: replace(FIELD, cross_power=9 * FIELD.cross_power)}

    def own(seed: int) -> Plan:
        distribution = replace(plan.power, field=fields[seed])
        return replace(plan, data_set=replace(plan.data_set, power=distribution))

    denoise = wiener()
    player = Player(denoise, FIELD.shape, [3, 4], precision=FLOAT64)
    found = player.play_plan(plan, own)
    for seed, picture in zip(fields, found, strict=True):
        noise = SeededNoise([seed], FIELD.shape, CPU, torch.float64)()
        # One step: the denoised start, by the denoiser of the whole data set.
        expected = denoise(starting_point(noise, 5.0, "spectral", fields[seed]), 5.0)
        np.testing.assert_allclose(picture, expected[0].numpy(), atol=1e-12)
