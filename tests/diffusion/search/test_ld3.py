"""The learned table: gradients against differences, and optima that are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from spectral_sched.diffusion.models.exact import FiniteSetDenoiser, WienerDenoiser
from spectral_sched.diffusion.sampling.noise import SeededNoise
from spectral_sched.diffusion.sampling.player import Player
from spectral_sched.diffusion.search.grid import paired_error
from spectral_sched.diffusion.search.ld3 import (
    BATCH,
    BETWEEN_TABLES,
    TEACHER,
    TEACHER_STEPS,
    Lessons,
    Slopes,
    Student,
    Teaching,
    differentiable_calls,
    forced,
    learned_levels,
    teacher_table,
)
from spectral_sched.diffusion.search.search import (
    HIGHEST_SEED,
    LD3_HELD_OUT,
    ModelSearch,
)
from spectral_sched.errors import NoAnswerError
from spectral_sched.exact_models.gaussian import OneGaussian
from spectral_sched.planning.request import NoiseLimits, TableRequest
from spectral_sched.planning.transfer import transfer
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import FLOW_SAMPLERS, solver_calls
from tests.support.commands import sentence, specsched
from tests.support.helpers import write_pictures
from tests.support.pink import pink_field, pink_source

ENDS = (0.01, 80.0)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def student(sampler: str) -> Student:
    """Return one whose model is three images of four pixels."""
    return Student(FiniteSetDenoiser(random(3, 1, 2, 2), 0.3), sampler, ENDS)


def lessons(count: int = 5) -> Lessons:
    return Lessons(random(count, 1, 2, 2, seed=1), random(count, 1, 2, 2, seed=2))


def test_equal_logits_part_the_range_evenly_and_leave_out_its_lower_end() -> None:
    levels = learned_levels(torch.zeros(4, dtype=torch.float64), ENDS)
    np.testing.assert_allclose(levels, np.geomspace(80, 0.01, 5)[:-1], rtol=1e-12)


def test_levels_fall_from_the_upper_end_and_stay_above_the_lower() -> None:
    levels = learned_levels(3 * random(9), ENDS)
    assert levels[0] == 80.0
    assert (levels.diff() < 0).all()
    assert levels[-1] > 0.01


@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
def test_numbers_of_calls_change_with_the_levels_as_differences_say(
    sampler: str,
) -> None:
    levels = torch.tensor([40.0, 9.0, 3.0, 0.5, 0.1], dtype=torch.float64)
    like, direction = random(2, 1, 1, 1), random(5)

    def numbers(levels: Tensor) -> list[float]:
        found: list[float] = []
        for call in solver_calls(sampler, SigmaTable.of(levels.tolist()).sigmas):
            call.mapped(found.append)
        return found

    found: list[Tensor] = []
    moving = levels.clone().requires_grad_()
    for call in differentiable_calls(sampler, moving, like):
        assert call.sigma.shape == (2,)
        call._replace(sigma=call.sigma[0]).mapped(found.append)
    played = torch.stack(found).detach()
    np.testing.assert_allclose(played, numbers(levels))
    step = 1e-6 * direction * levels
    both = np.array([numbers(levels + step), numbers(levels - step)])
    by_levels = torch.stack(
        [torch.autograd.grad(value, moving, retain_graph=True)[0] for value in found]
    )
    slopes = by_levels @ (direction * levels)
    np.testing.assert_allclose(slopes, (both[0] - both[1]) / 2e-6, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp-2m", "unipc", "deis"])
def test_slopes_are_those_of_differences(sampler: str) -> None:
    taught, given, logits = student(sampler), lessons(), 0.3 * random(6, seed=3)
    slopes = taught.slopes(logits, given)
    for index, slope in enumerate(slopes.by_logits):
        step = 1e-5 * torch.eye(6, dtype=torch.float64)[index]
        above, below = (
            taught.slopes(logits + sign * step, given).errors.mean() for sign in (1, -1)
        )
        assert float(slope) == pytest.approx(float(above - below) / 2e-5, rel=1e-5)
    ahead = random(5, 1, 2, 2, seed=4)
    above, below = (
        taught.slopes(logits, given._replace(noise=given.noise + step * ahead)).errors
        for step in (1e-6, -1e-6)
    )
    along = (slopes.by_noise * ahead).sum(dim=(1, 2, 3))
    np.testing.assert_allclose(along, (above - below) / 2e-6, rtol=1e-4, atol=1e-7)


def test_the_errors_are_those_of_the_table_as_it_is_played() -> None:
    taught, given, logits = student("dpmpp-2m"), lessons(), random(4, seed=5)
    player = Player(taught.denoise, (1, 2, 2), [3, 4])
    table = taught.table(logits)
    made = torch.from_numpy(player.play_table(table, "dpmpp-2m"))
    noise = SeededNoise([3, 4], (1, 2, 2), torch.device("cpu"), torch.float64)()
    pictures = given.pictures[:2]
    errors = taught.slopes(logits, Lessons(noise, pictures)).errors
    squares = (made - pictures).square().mean(dim=(1, 2, 3))
    np.testing.assert_allclose(errors, squares, rtol=1e-4)


def test_noise_goes_to_where_a_straight_error_is_0_within_its_ball() -> None:
    own = torch.zeros(2, 1, 1, 2, dtype=torch.float64)
    by_noise = torch.tensor([[3.0, 4.0], [3.0, 4.0]]).double().reshape(own.shape)
    slopes = Slopes(torch.tensor([5.0, 500.0]).double(), torch.zeros(3), by_noise)
    moved = forced(own, own, slopes, 2.0).flatten(1)
    # 5 / 25 of the slope, which is 1 long, and 500 / 25 of it, cut to 2.
    np.testing.assert_allclose(moved, [[-0.6, -0.8], [-1.2, -1.6]])
    assert torch.equal(forced(own + 1, own, slopes, 0.0), own)


def test_a_flat_error_leaves_noise_where_it_is() -> None:
    own = random(2, 1, 2, 2)
    slopes = Slopes(torch.zeros(2).double(), torch.zeros(3), torch.zeros_like(own))
    for radius in (0.0, 1.0):
        assert torch.equal(forced(own, own, slopes, radius), own)


@pytest.mark.parametrize("num_steps", [2, 4])
def test_on_one_gaussian_it_finds_the_tangent_grid(num_steps: int) -> None:
    # Align Your Steps (arXiv 2404.14507), Thm 3.1: Euler's best table.
    model, tangent = OneGaussian(0.7), OneGaussian(0.7).tangent_table(80.0, num_steps)
    denoise = FiniteSetDenoiser(torch.zeros(1, 1, 1, 1).double(), model.std)
    noise = random(BATCH, 1, 1, 1)
    flow = noise * 80 * model.std / np.hypot(80, model.std)
    logits, variance = torch.zeros(num_steps).double(), np.array([model.std**2])
    tables = list(
        Teaching(100, 0.1, 0.0).tables(
            Student(denoise, "euler", ENDS),
            logits,
            Lessons(noise, flow),
            np.random.default_rng(0),
        )
    )
    assert len(tables) == 1 + 100 // BETWEEN_TABLES
    np.testing.assert_allclose(tables[-1].levels, tangent.levels, rtol=0.05)
    begun, found, best = (
        model.std - float(transfer("euler", np.array(table.sigmas), variance)[0])
        for table in (tables[0], tables[-1], tangent)
    )
    assert best <= found < 1.001 * best
    assert best < begun / 1.02


def test_a_ball_makes_the_match_easier_and_changes_the_table() -> None:
    taught, given, logits = student("euler"), lessons(BATCH), torch.zeros(4).double()
    before = taught.slopes(logits, given)
    moved = forced(given.noise, given.noise, before, 0.1)
    after = taught.slopes(logits, given._replace(noise=moved))
    assert (after.errors < before.errors).all()
    last = [
        list(
            Teaching(20, 0.1, r).tables(taught, logits, given, np.random.default_rng(0))
        )
        for r in (0.0, 0.5)
    ]
    assert last[0][0] == last[1][0]
    assert last[0][-1] != last[1][-1]


def test_levels_that_run_away_are_said_so() -> None:
    with pytest.raises(NoAnswerError, match=r"the levels ran away.*lower --set rate"):
        student("euler").table(torch.tensor([0.0, 900.0, 0.0]).double())


def test_no_table_is_worse_on_held_out_noise_than_the_first() -> None:
    data_set, request = pink_source(), TableRequest("dpmpp-2m", 4)
    settings = {"samples": 4, "iterations": 10, "seed": 3}
    search = ModelSearch("wiener", None, torch.device("cpu"))
    plan = search(data_set, "ld3", TableRequest("dpmpp-2m", 4, settings=settings))
    assert plan.spent is not None
    low, high = ends = request.limits.ends(data_set.bounds, "zero")
    even = SigmaTable.of(np.geomspace(high, low, 5)[:-1])
    assert held_out_error(plan.table, ends) < held_out_error(even, ends)


def held_out_error(table: SigmaTable, ends: tuple[float, float]) -> float:
    """Return the distance of samples of the pink field from the teacher's."""
    model = WienerDenoiser(pink_field(), torch.device("cpu"), torch.float32)
    drawn = np.random.default_rng(4).integers(HIGHEST_SEED, size=LD3_HELD_OUT)
    player = Player(model, pink_field().shape, [int(seed) for seed in drawn])
    reference = player.play_table(teacher_table(ends), TEACHER)
    return paired_error(player, table, "dpmpp-2m", reference)


def test_ends_that_are_asked_for_are_kept() -> None:
    settings = {"samples": 2, "iterations": 5, "rate": 1.0}
    request = TableRequest("euler", 3, settings=settings, limits=NoiseLimits(0.5, 30.0))
    search = ModelSearch("wiener", None, torch.device("cpu"))
    plan = search(pink_source(), "ld3", request)
    assert plan.table.levels[0] == 30.0
    assert plan.table.levels[-1] > 0.5
    assert plan.table == search(pink_source(), "ld3", request).table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("learned")
    write_pictures(path / "images", 12, (8, 8))
    specsched("analyze", "images", cwd=path)
    return path


LEARN = ("export", "--kind", "ld3", "--model", "wiener", "--set", "samples=2")


def test_forward_calls_are_counted(folder: Path) -> None:
    arguments, calls = ("--set", "iterations=7", "--sampler", "heun", "--steps", 3), 5
    run = specsched(*LEARN, *arguments, "-o", "ld3.json", cwd=folder)
    taught = (2 + LD3_HELD_OUT) * TEACHER_STEPS
    judged = LD3_HELD_OUT * calls * 3  # at first, after five, and the last
    spent = taught + 2 * 7 * calls + judged
    document = json.loads((folder / "ld3.json").read_text())
    assert document["spent"]["network_calls"] == spent
    told = f"found by running wiener: {spent} network calls (NFE)"
    assert told in run.stdout
    assert told in specsched("show", "ld3.json", cwd=folder).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--sampler", "sde-dpmpp-2m"), "depend on more than their start; choose"),
        (("--sampler", "heun-churn"), "choose --sampler dpmpp-2m"),
        (("--steps", 1), "ask for --steps 2 at least"),
        (("--terminal", "zero"), "chooses its last level itself"),
        (("--start-sigma", 1), "leave out --start-sigma and --strength"),
        (("--set", "radius=-1"), "radius must be from 0 to 1"),
        (("--set", "iterations=0"), "iterations must be from 1"),
    ],
)
def test_what_cannot_be_learned_is_refused(
    folder: Path, arguments: tuple[object, ...], said: str
) -> None:
    assert said in sentence(*LEARN, *arguments, cwd=folder, code=2)
