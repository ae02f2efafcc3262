from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectral_sched.planning.kinds import optimal
from spectral_sched.planning.kinds.optimal import optimal_table
from spectral_sched.planning.search import PRECISION, least_squares_table
from spectral_sched.planning.table_error import table_error, total_error
from spectral_sched.schedules import KarrasLaw, Schedule, sigma_table
from spectral_sched.schedules.table import SigmaTable, resample
from spectral_sched.solvers.registry import FLOW_SAMPLERS, SAMPLERS
from spectral_sched.spectra.bounds import Start
from tests.support.planned import SPECTRA, ends, planning


@cache
def error(
    sampler: str,
    start: Start | None = "zero",
    top: Start = "zero",
    data: str = "usual",
) -> Callable[[SigmaTable], float]:
    """Return what maps tables to their error on images of one of `SPECTRA`."""
    images = planning(1.0, *SPECTRA[data])
    errors = table_error(images, sampler, start, ends(images, top)[1])
    return lambda table: total_error(errors, table)


def karras_tables(
    num_steps: int, low: float, tops: tuple[float, ...]
) -> list[SigmaTable]:
    return [
        sigma_table(Schedule(KarrasLaw(rho=rho), bottom, top), num_steps)
        for top in tops
        for bottom in np.geomspace(low, top / 5, 5)
        for rho in (1.0, 3.0, 7.0, 20.0)
    ]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize(
    ("num_steps", "start"), [(1, "zero"), (4, "mean"), (7, "zero")]
)
def test_no_karras_table_is_better(sampler: str, num_steps: int, start: Start) -> None:
    data = planning()
    low, high = ends(data, start)
    table = optimal_table(data, sampler, num_steps, (low, high), start=start)
    assert table.num_steps == num_steps
    assert low < table.levels[-1]
    assert table.levels[0] <= high * (1 + 1e-12)
    of = error(sampler, start, start)
    rivals = karras_tables(num_steps, low, tuple(np.geomspace(high / 20, high, 5)))
    assert of(table) <= min(map(of, rivals)) * (1 + 1e-4)


@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
@pytest.mark.parametrize("num_steps", [1, 4])
def test_no_table_from_the_same_image_with_noise_is_better(
    sampler: str, num_steps: int
) -> None:
    data = planning()
    low, high = ends(data)
    of = error(sampler, None)
    for first in (10 * low, 1.0, high):
        table = optimal_table(data, sampler, num_steps, (low, high), first=first)
        assert (table.num_steps, table.levels[0]) == (num_steps, first)
        rivals = karras_tables(num_steps, low, (first,))
        assert of(table) <= min(map(of, rivals)) * (1 + 1e-4)


@cache
def optimum() -> SigmaTable:
    return optimal_table(planning(), "dpmpp-2m", 4, ends(planning()))


@given(st.lists(st.floats(-0.1, 0.1), min_size=4, max_size=4))
def test_the_optimum_is_a_minimum(moves: list[float]) -> None:
    moved = np.array(optimum().levels) * np.exp(moves)
    rival = SigmaTable.of(np.clip(moved, *ends(planning())))
    of = error("dpmpp-2m")
    assert of(optimum()) <= of(rival) * (1 + 10 * PRECISION)


@pytest.mark.parametrize("sampler", ["dpmpp-2m", "heun", "unipc", "sde-dpmpp-2m"])
def test_a_step_more_never_costs(sampler: str) -> None:
    data = planning()
    tables = [optimal_table(data, sampler, count, ends(data)) for count in range(3, 11)]
    errors = np.array([error(sampler)(table) for table in tables])
    assert np.all(np.diff(errors) < 0)
    # Nor do the first levels jump, as those of another minimum would.
    firsts = np.array([table.levels[0] for table in tables])
    assert np.all(firsts[1:] > 0.75 * firsts[:-1])


@pytest.mark.parametrize("first", [None, 1.0])
def test_table_of_many_steps_is_searched_for_in_fewer(
    first: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = planning()
    table = partial(optimal_table, data, "euler", ends=ends(data), first=first)
    searched, few = table(num_steps=30), table(num_steps=20)
    monkeypatch.setattr(optimal, "MOST_SEARCHED", 20)
    resampled = table(num_steps=30)
    assert resampled == resample(few, 30)
    assert resampled.levels[0] == few.levels[0]
    of = error("euler", "zero" if first is None else None)
    assert of(searched) < of(resampled) < 1.05 * of(searched)


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_no_solver_pays_for_a_step_more(sampler: str, spectrum: str) -> None:
    # One pair of numbers each, from 2 to 20 over all of them: benchmarks/optimiser.py
    # tries all numbers with all solvers.
    turn = 7 * list(SAMPLERS).index(sampler) + 5 * list(SPECTRA).index(spectrum)
    few = 2 + turn % 18
    data = planning(1.0, *SPECTRA[spectrum])
    of = error(sampler, data=spectrum)
    fewer, more = (optimal_table(data, sampler, n, ends(data)) for n in (few, few + 1))
    assert of(more) < of(fewer)


@pytest.mark.parametrize("factor", [1e-2, 30.0])
def test_the_optimum_scales_with_the_pixels(factor: float) -> None:
    once = optimal_table(planning(), "heun", 5, ends(planning()))
    scaled_data = planning(factor)
    scaled = optimal_table(scaled_data, "heun", 5, ends(scaled_data, tolerance=factor))
    np.testing.assert_allclose(scaled.levels, factor * np.array(once.levels), rtol=1e-3)


def test_the_optimum_is_deterministic() -> None:
    data = planning()
    tables = [optimal_table(data, "euler", 6, ends(data)) for _ in range(2)]
    assert tables[0] == tables[1]


@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
def test_no_other_beginning_finds_a_better_table(sampler: str) -> None:
    data, rng = planning(), np.random.default_rng(0)
    low, high = ends(data)
    errors = table_error(data, sampler, "zero", high)
    least = error(sampler)(optimal_table(data, sampler, 6, (low, high)))
    for _ in range(4):
        logs = np.sort(rng.uniform(np.log(low), np.log(high), 6))[::-1]
        near = SigmaTable.of(np.exp(logs))
        other = least_squares_table(errors, near, (low, high))
        assert least <= error(sampler)(other) * (1 + 1e-3)


@pytest.mark.parametrize("sampler", ["dpmpp-2m", "heun"])
def test_a_spectral_start_is_lower_and_inside_the_bounds(sampler: str) -> None:
    data = planning()
    low_high = ends(data, "mean")
    spectral, mean = (
        optimal_table(data, sampler, 8, low_high, start=start)
        for start in ("spectral", "mean")
    )
    assert low_high[0] < spectral.levels[-1]
    assert spectral.levels[0] < 0.8 * mean.levels[0]
