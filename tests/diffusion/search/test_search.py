"""``specsched export --model``: tables found by running models, and their cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spectral_sched.diffusion.models.exact import WienerDenoiser
from spectral_sched.diffusion.search.counting import LARGEST, CountingDenoiser
from spectral_sched.diffusion.search.gits import NUM_LEVELS
from spectral_sched.diffusion.search.grid import HIGH, LOW, REFERENCE, RHO, karras_grid
from spectral_sched.diffusion.search.search import SEARCHES, ModelSearch
from spectral_sched.errors import UsageError
from spectral_sched.files.any_format import read_data_set
from spectral_sched.files.schedule import read_plan
from spectral_sched.planning.data_set import resize_data_set
from spectral_sched.planning.kinds.registry import (
    KINDS,
    is_given,
    parse_kind_settings,
)
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.replan import replan
from spectral_sched.planning.request import NoiseLimits, TableRequest
from tests.support.commands import sentence, specsched
from tests.support.helpers import write_pictures
from tests.support.pink import pink_field, pink_source

FEW = {
    "klub": ("--set", "samples=1", "--set", "sweeps=1"),
    "gits": ("--set", "samples=2"),
    "oss": ("--set", "samples=2", "--set", "levels=12"),
    "grid": ("--set", "samples=2"),
    "sharp-euler": ("--set", "samples=2"),
    "sdm": ("--set", "samples=2"),
    "score-optimal": ("--set", "samples=2"),
    "entropic-model": ("--set", "samples=2"),
    "ld3": ("--set", "samples=2", "--set", "iterations=2"),
    "fitted": ("--set", "samples=2", "--set", "iterations=2"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("measured")
    write_pictures(path / "images", 12, (8, 8))
    specsched("analyze", "images", cwd=path)
    return path


def found(folder: Path, *arguments: object) -> dict[str, Any]:
    run = specsched("export", "--steps", 4, *arguments, "-o", "-", cwd=folder)
    document: dict[str, Any] = json.loads(run.stdout)
    return document


def test_every_kind_that_runs_a_model_has_a_search() -> None:
    assert set(SEARCHES) == {kind.name for kind in KINDS.values() if kind.runs_model}


@pytest.mark.parametrize("kind", [kind for kind in SEARCHES if not is_given(kind)])
@pytest.mark.parametrize("model", ["wiener", "images:images"])
def test_tables_are_found_with_models_of_known_answers(
    folder: Path, kind: str, model: str
) -> None:
    document = found(folder, "--kind", kind, "--model", model, *FEW[kind])
    assert document["kind"] == kind
    assert document["num_steps"] == 4
    assert document["spent"]["model"] == model
    assert document["spent"]["network_calls"] > 0
    assert document["arguments"]["model"] == model
    assert (np.diff(document["sigmas"]) < 0).all()


def test_the_calls_of_a_path_and_of_a_grid_are_those_that_were_made(
    folder: Path,
) -> None:
    path = found(folder, *("--kind", "gits", "--model", "wiener"), "--set", "samples=3")
    assert path["spent"]["network_calls"] == 3 * (NUM_LEVELS - 1)
    grid = found(folder, *("--kind", "grid", "--model", "wiener"), "--set", "samples=2")
    tables = len(HIGH) * len(RHO) * len(LOW)
    assert tables == 48
    reference = 2 * REFERENCE[1] - 1
    assert grid["spent"]["network_calls"] == 2 * (tables * 4 + reference)


def test_a_file_says_what_its_table_cost(folder: Path) -> None:
    settings = ("--set", "seed=3", "--set", "samples=2")
    search = ("--kind", "gits", "--model", "wiener", *settings)
    shown = specsched("export", *search, "-o", "gits.json", cwd=folder).stdout
    told = "found by running wiener: 120 network calls (NFE) of one image each"
    assert told in shown
    assert told in specsched("show", "gits.json", cwd=folder).stdout
    plan = read_plan(folder / "gits.json")
    assert plan.spent is not None
    assert plan.spent.num_calls == 120
    assert plan.request.settings == {"seed": 3, "samples": 2}


def test_seeds_decide(folder: Path) -> None:
    def sigmas(seed: int) -> list[float]:
        settings = ("--set", f"seed={seed}", "--set", "samples=1")
        document = found(folder, "--kind", "gits", "--model", "wiener", *settings)
        levels: list[float] = document["sigmas"]
        return levels

    assert sigmas(0) == sigmas(0)
    assert sigmas(0) != sigmas(1)


def test_names_of_places_stay_out_of_files(folder: Path) -> None:
    model = f"images:{folder / 'images'}"
    document = found(folder, "--kind", "gits", "--model", model)
    assert str(folder) not in json.dumps(document)
    assert document["spent"]["model"] == "images:images"


def test_pictures_for_the_bound_may_be_others(folder: Path, tmp_path: Path) -> None:
    write_pictures(tmp_path / "others", 3, (8, 8), seed=5)
    search = ("--kind", "klub", "--model", "wiener", *FEW["klub"])
    search = (*search, "--set", "stop=converged")
    own = found(folder, *search)
    shown = found(folder, *search, "--data", tmp_path / "others")
    assert shown["sigmas"] != own["sigmas"]
    assert "others" not in json.dumps(shown["arguments"])


def test_the_grids_best_is_no_worse_than_the_copied_table() -> None:
    data_set = pink_source()
    request = TableRequest("euler", 4, settings={"samples": 4})
    plan = ModelSearch("wiener", None, torch.device("cpu"))(data_set, "grid", request)
    assert plan.table in karras_grid(data_set, "euler", 4).values()
    copied = karras_grid(data_set, "euler", 4)["karras 0.002-80 rho 7"]
    assert make_error(plan.table.sigmas) < make_error(copied.sigmas)


@pytest.mark.parametrize("known", [(0.15, np.inf), (0.0, 15.0), (0.05, 30.0)])
def test_the_grid_keeps_to_what_the_model_knows(known: tuple[float, float]) -> None:
    data_set = pink_source()
    tables = karras_grid(data_set, "euler", 4, known)
    levels = [level for table in tables.values() for level in table.levels]
    assert known[0] <= min(levels) < max(levels) <= known[1]
    assert len(set(tables.values())) == len(tables)
    limits = NoiseLimits(floor=0.15)
    request = TableRequest("euler", 4, settings={"samples": 1}, limits=limits)
    plan = ModelSearch("wiener", None, torch.device("cpu"))(data_set, "grid", request)
    assert plan.table.levels[-1] >= 0.15


def make_error(sigmas: tuple[float, ...]) -> float:
    """Return the distance of Euler's samples from the pink field."""
    from spectral_sched.planning.kinds.gaussian import end_to_end_error, field_modes

    modes = field_modes(pink_field())
    return float(end_to_end_error(modes, "euler", np.array(sigmas), "zero", "w2"))


def test_a_table_found_for_one_model_is_not_planned_again() -> None:
    data_set = pink_source()
    search = ModelSearch("wiener", None, torch.device("cpu"))
    plan = search(data_set, "gits", TableRequest("euler", 4, settings={"samples": 2}))
    again = replan(plan, 5)
    assert again.kind == "optimal"
    assert again.spent is None
    assert again.table == make_plan(data_set, "optimal", TableRequest("euler", 5)).table


class Overflowing(WienerDenoiser):
    """A model whose answers are not finite from some call on."""

    def __init__(self, answered: int) -> None:
        super().__init__(pink_field(side=8), torch.device("cpu"), torch.float32)
        self.answered = answered

    def __call__(self, x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        self.answered -= 1
        return super().__call__(x, sigma) * (1.0 if self.answered >= 0 else np.nan)


@pytest.mark.parametrize("answered", [0, 8])
@pytest.mark.parametrize("kind", FEW)
def test_answers_that_are_not_finite_are_refused(kind: str, answered: int) -> None:
    few = parse_kind_settings(kind, FEW[kind][1::2])
    request = TableRequest.of("euler", 4, "zero", settings=few)
    search = ModelSearch(Overflowing(answered), None, torch.device("cpu"))
    data_set = resize_data_set(pink_source(), 8)
    with pytest.raises(UsageError, match="is not finite, so no table can be found"):
        search(data_set, kind, request)


def test_calls_are_counted_by_pictures() -> None:
    field = pink_field(side=8)
    denoise = CountingDenoiser(
        WienerDenoiser(field, torch.device("cpu"), torch.float64)
    )
    x = torch.randn(LARGEST // 192 + 7, *field.shape, dtype=torch.float64)
    sigma = torch.linspace(0.1, 2, len(x), dtype=torch.float64)
    together = denoise.many(x, sigma)
    assert denoise.num_calls == len(x)
    torch.testing.assert_close(together[-3:], denoise(x[-3:], sigma[-3:]))
    assert denoise.num_calls == len(x) + 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--kind", "klub"), "name one, as in --kind klub --model bundled"),
        (("--kind", "gits"), "name one, as in --kind gits --model bundled"),
        (("--kind", "gits", "--data", "images"), "--data is for a --model"),
        (("--model", "wiener", "--for", "training"), "--model shapes sigma tables"),
        (("--kind", "gits", "--for", "training"), "makes sigma tables only"),
    ],
)
def test_what_cannot_be_is_refused(
    folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    assert said in sentence("export", *arguments, cwd=folder, code=2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--start", "mean"), "starts from noise about zero; leave out --start"),
        (("--start-sigma", "1"), "leave out --start-sigma and --strength"),
        (("--terminal", "zero"), "chooses its last level itself"),
        (("--steps", "61"), "ask for --steps 60 at most"),
        (("--set", "growth=0"), "growth must be from 0.1 to 10"),
    ],
)
def test_what_a_search_cannot_do_is_refused(
    folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    search = ("export", "--kind", "gits", "--model", "wiener")
    assert said in sentence(*search, *arguments, cwd=folder, code=2)


def test_a_grid_has_its_own_ends(folder: Path) -> None:
    grid = ("export", "--kind", "grid", "--model", "wiener", "--sigma-max", 10)
    assert "leave out --sigma-min, --sigma-max" in sentence(*grid, cwd=folder, code=2)


def test_tables_of_networks_are_planned_for_their_own_size(folder: Path) -> None:
    search = ("export", "--kind", "gits", "--model", "bundled")
    few = ("--steps", 2, "--set", "samples=2", "-o", "sized.json")
    said = specsched(*search, *few, cwd=folder).stderr
    assert "planned for 64x64 images of 3 channels, which the model makes" in said
    assert read_data_set(folder / "sized.json").power.field.shape == (3, 64, 64)
    bound = ("export", "--kind", "klub", "--model", "bundled")
    said = sentence(*bound, cwd=folder, code=2)
    assert "puts noise on real images; name some with --data, or" in said
    assert read_data_set(folder / "spectrum.json").power.field.shape == (3, 8, 8)


@pytest.mark.parametrize(
    ("flags", "own"),
    [
        (("--color", "luma"), "8x8 images of 1 channel"),
        (("--crop", "none"), "12x8 images of 3 channels"),
    ],
)
def test_images_unlike_those_of_a_network_are_refused(
    folder: Path, flags: tuple[str, ...], own: str
) -> None:
    """No resolution is named as a cure: none would help."""
    write_pictures(folder / "wide", 3, (8, 12))
    source = "wide" if "--crop" in flags else "images"
    specsched("analyze", source, *flags, "-o", "other.json", "--force", cwd=folder)
    search = ("export", "--kind", "gits", "--model", "bundled")
    said = sentence(*search, "--spectrum", "other.json", cwd=folder, code=3)
    assert f"the spectrum is of {own} and the model makes 64x64 images" in said
    assert said.endswith("; analyze images like those it was trained on")
