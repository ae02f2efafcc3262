"""The fitted table: slopes against the whole way, calls saved, known optima."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from spectral_sched.diffusion.models.exact import FiniteSetDenoiser
from spectral_sched.diffusion.search import counting
from spectral_sched.diffusion.search.counting import CountingDenoiser
from spectral_sched.diffusion.search.fitted import STEP, PlayedTables, fitted_table
from spectral_sched.diffusion.search.search import FITTED_HELD_OUT, ModelSearch
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import TableRequest
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import FLOW_SAMPLERS
from tests.support.commands import sentence, specsched
from tests.support.helpers import write_pictures
from tests.support.pink import pink_source

ENDS = (0.01, 80.0)
TABLE = SigmaTable.of([40.0, 6.0, 1.0, 0.2])


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def played(sampler: str) -> PlayedTables:
    """Return three images of four pixels, played from five starts."""
    model = CountingDenoiser(FiniteSetDenoiser(random(3, 1, 2, 2), 0.3))
    return PlayedTables(
        model, sampler, random(5, 1, 2, 2, seed=1), random(5, 1, 2, 2, seed=2)
    )


@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
def test_slopes_are_those_of_the_whole_way(sampler: str) -> None:
    found = played(sampler).slopes(TABLE)
    here = played(sampler).differences(TABLE)
    for place in range(4):
        levels = np.array(TABLE.levels)
        levels[place] *= np.exp(STEP)
        moved = played(sampler).differences(SigmaTable.of(levels))
        np.testing.assert_allclose(
            found[:, place], (moved - here) / STEP, rtol=1e-6, atol=1e-9
        )


def test_calls_before_a_level_that_moves_are_not_made_again() -> None:
    tables = played("dpmpp-2m")
    tables.differences(TABLE)
    tables.differences(TABLE)
    model = tables.denoise
    assert isinstance(model, CountingDenoiser)
    assert model.num_calls == 5 * 4
    tables.slopes(TABLE)
    assert model.num_calls == 5 * (4 + 4 + 3 + 2 + 1)


def test_a_table_is_found_again_from_its_own_samples() -> None:
    # What a table makes is what that table, and hardly another one, can make.
    tables = played("euler")
    own = tables.differences(TABLE).reshape(5, 1, 2, 2) * np.sqrt(20)
    tables.taught = tables.taught + torch.from_numpy(own)
    tables = PlayedTables(tables.denoise, "euler", tables.noise, tables.taught)
    begun = SigmaTable.of([55.0, 9.0, 1.3, 0.15])
    found = fitted_table(tables, begun, ENDS, 60)
    np.testing.assert_allclose(found.levels, TABLE.levels, rtol=2e-3)


@pytest.mark.parametrize("sampler", ["dpmpp-2m", "heun"])
def test_it_is_no_worse_than_optimal_and_its_calls_are_counted(sampler: str) -> None:
    data_set, request = pink_source(), TableRequest.of(sampler, 4, "zero")
    search = ModelSearch("wiener", None, torch.device("cpu"))
    plan = search(data_set, "fitted", request)
    assert plan.spent is not None
    optimal = make_plan(data_set, "optimal", request).table
    per_start = plan.num_calls
    teacher = 32 * (16 + FITTED_HELD_OUT)
    assert plan.spent.num_calls > teacher + 2 * FITTED_HELD_OUT * per_start
    assert plan.spent.num_calls < 3000
    assert plan.table == search(data_set, "fitted", request).table
    assert plan.table != optimal


def test_what_cannot_be_fitted_is_refused(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", 4)
    specsched("analyze", "images", cwd=tmp_path)
    asked = ("export", "--kind", "fitted", "--model", "wiener")
    told = sentence(*asked, "--sampler", "sde-dpmpp-2m", cwd=tmp_path, code=2)
    assert "depend on more than their start" in told


def test_no_batch_is_larger_than_those_of_other_searches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables = played("heun")
    whole, slopes = tables.differences(TABLE), tables.slopes(TABLE)
    model, sizes = tables.denoise.denoise, []

    def counted(x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        sizes.append(len(x))
        return model(x, sigma)

    monkeypatch.setattr(counting, "LARGEST", 2 * 2 * 2)
    again = played("heun")
    again.denoise = CountingDenoiser(counted)
    np.testing.assert_allclose(again.differences(TABLE), whole, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(again.slopes(TABLE), slopes, rtol=1e-6, atol=1e-9)
    assert set(sizes) == {2, 1}
