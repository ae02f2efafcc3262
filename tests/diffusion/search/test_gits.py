"""Geometry-inspired time scheduling: dynamic programming against brute force."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spectral_sched.diffusion.models.exact import FiniteSetDenoiser, WienerDenoiser
from spectral_sched.diffusion.search.counting import CountingDenoiser
from spectral_sched.diffusion.search.gits import (
    COSTS,
    NUM_LEVELS,
    TeacherPath,
    cheapest_path,
    gits_table,
    jump_costs,
    teacher_path,
)
from spectral_sched.errors import UsageError
from spectral_sched.schedules import KarrasLaw, Schedule, sigma_table
from tests.support.pink import pink_field

ENDS = (0.002, 80.0)


@given(
    size=st.integers(3, 9),
    growth=st.sampled_from([0.8, 1.0, 1.15]),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_the_cheapest_way_is_that_of_brute_force(
    size: int, growth: float, seed: int, data: st.DataObject
) -> None:
    num_jumps = data.draw(st.integers(1, size - 1))
    # Deviations may be negative: a jump may land nearer to the line than the path.
    costs = np.random.default_rng(seed).normal(size=(size, size))

    def total(places: Sequence[int]) -> float:
        jumps = enumerate(itertools.pairwise(places))
        return float(sum(growth**k * costs[jump] for k, jump in jumps))

    ways = [
        [0, *inner, size - 1]
        for inner in itertools.combinations(range(1, size - 1), num_jumps - 1)
    ]
    assert cheapest_path(costs, num_jumps, growth) == min(ways, key=total)


def path_of(num_paths: int = 4) -> tuple[TeacherPath, CountingDenoiser]:
    field = pink_field(side=8)
    denoise = CountingDenoiser(
        WienerDenoiser(field, torch.device("cpu"), torch.float64)
    )
    rng = np.random.default_rng(0)
    noise = torch.from_numpy(rng.standard_normal((num_paths, *field.shape)))
    return teacher_path(denoise, noise, ENDS), denoise


def test_the_path_is_the_flow_and_costs_one_call_per_level() -> None:
    variance, count = 0.25, 3
    denoise = CountingDenoiser(FiniteSetDenoiser(torch.zeros(1, 1, 1, 1).double(), 0.5))
    noise = torch.ones(count, 1, 1, 1, dtype=torch.float64)
    path = teacher_path(denoise, noise, ENDS)
    assert denoise.num_calls == count * (NUM_LEVELS - 1)
    assert (path.levels[0], path.levels[-1]) == pytest.approx((80.0, 0.002))
    flow = 80 * np.sqrt((variance + path.levels**2) / (variance + 80**2))
    np.testing.assert_allclose(path.points[:, 0, 0], flow, rtol=0.01)


def test_a_jump_costs_what_euler_misses() -> None:
    path, _ = path_of()
    costs = jump_costs(path, "distance")
    start, end = 20, 33
    ratio = path.levels[end] / path.levels[start]
    seen, point = path.denoised[start], path.points[start]
    landed = ratio * point + (1 - ratio) * seen
    missed = (landed - path.points[end]).norm(dim=1).mean()
    assert costs[start, end] == pytest.approx(float(missed), rel=1e-9)
    # A longer jump from the same level misses more, here.
    assert (np.diff(costs[20, 21:34]) > 0).all()


def test_deviation_is_blind_along_the_line_between_the_ends() -> None:
    levels = np.array([2.0, 1.0, 0.5])
    corner = torch.tensor([[[0.0, 0.0]], [[3.0, 1.0]], [[4.0, 0.0]]])
    # The slope (point - denoised) / level is (-2, 0), then (-1, 0.5).
    seen = torch.tensor([[[4.0, 0.0]], [[4.0, 0.5]]])
    path = TeacherPath(levels, corner, seen)
    costs = jump_costs(path, "deviation")
    # The first jump lands on the line, at (2, 0): the path itself is 1 off it.
    assert costs[0, 1] == pytest.approx(-1.0)
    assert costs[0, 2] == pytest.approx(0.0)
    assert costs[1, 2] == pytest.approx(0.75)


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("num_steps", [1, 5, 10])
def test_tables_are_levels_of_the_path(cost: str, num_steps: int) -> None:
    path, _ = path_of()
    table = gits_table(path, num_steps, 1.15, cost)
    assert table.num_steps == num_steps
    assert table.levels[0] == path.levels[0]
    assert set(table.levels) <= set(path.levels[:-1])


def test_more_growth_puts_the_errors_at_the_start() -> None:
    path, _ = path_of()
    tables = [gits_table(path, 6, growth, "distance") for growth in (0.7, 1.0, 1.5)]
    seconds = [table.levels[1] for table in tables]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[0] > seconds[-1]


def test_the_teachers_own_levels_are_the_most_there_can_be() -> None:
    path, _ = path_of()
    karras = sigma_table(Schedule(KarrasLaw(rho=7.0), *ENDS), NUM_LEVELS)
    assert gits_table(path, 60, 1.15, "distance").levels == karras.levels[:-1]
    with pytest.raises(UsageError, match="ask for --steps 60 at most"):
        gits_table(path, 61, 1.15, "distance")
