"""The bench tells what it should, on models whose answers are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from spectral_sched.comparisons import METRICS, Row, verdict
from spectral_sched.comparisons.cache import Cache
from spectral_sched.comparisons.entries import (
    CellKey,
    FileEntry,
    cell_keys,
    read_file_entries,
)
from spectral_sched.comparisons.files import Comparison, comparison_document
from spectral_sched.comparisons.results import squared_errors
from spectral_sched.diffusion.evaluation import bench as bench_module
from spectral_sched.diffusion.evaluation.bench import Bench, BenchOptions
from spectral_sched.diffusion.evaluation.real_pictures import real_pictures
from spectral_sched.diffusion.evaluation.yardsticks import Yardsticks
from spectral_sched.documents.write import write_document
from spectral_sched.errors import InputError, UsageError
from spectral_sched.files.model import BUNDLED, read_model_header
from spectral_sched.files.schedule import plan_document
from spectral_sched.planning.data_set import DataSet, resize_data_set
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import TableRequest
from spectral_sched.schedules.table import SigmaTable
from tests.support.helpers import write_pictures
from tests.support.pink import pink_source

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data_set() -> DataSet:
    return resize_data_set(pink_source(), 16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cells")


def options(
    *kinds: str,
    samples: int = 64,
    seed: int = 0,
    file_entries: tuple[FileEntry, ...] = (),
    features: str = "random",
) -> BenchOptions:
    cells = tuple(cell_keys(["dpmpp-2m"], [8], []))
    return BenchOptions(
        *("wiener", kinds or ("karras",), file_entries, cells),
        num_samples=samples,
        seed=seed,
        reference_steps=48,
        features=features,
    )


def bench(data_set: DataSet, folder: Path, wanted: BenchOptions) -> Bench:
    return Bench(data_set, wanted, Cache(folder), CPU)


def rows(compared: Comparison) -> list[Row]:
    (cell,) = compared.cells
    return list(cell.rows)


@pytest.fixture(scope="module")
def karras(data_set: DataSet, folder: Path) -> Row:
    """Return 256 samples of a table, measured."""
    return rows(bench(data_set, folder, options(samples=256))())[0]


def test_one_table_with_other_seeds_is_no_different(
    data_set: DataSet, folder: Path, karras: Row
) -> None:
    again = rows(bench(data_set, folder, options(samples=256, seed=5000))())[0]
    assert again.seeds != karras.seeds
    words = {name: verdict(karras, again, name).word for name in METRICS}
    assert set(words.values()) == {"no difference"}, words


@pytest.mark.parametrize("last", [1.0, 1e-9])
def test_a_wrong_last_level_is_caught(
    data_set: DataSet, folder: Path, tmp_path: Path, last: float
) -> None:
    """Too high, where detail is lost; or so low that the step to it is too long."""
    plan = make_plan(data_set, "karras", TableRequest.of("dpmpp-2m", 8, "zero"))
    levels = [level for level in plan.table.levels[:-1] if level > last]
    between = np.geomspace(levels[-1], last, 9 - len(levels))[1:]
    wrong = replace(plan, table=SigmaTable.of([*levels, *between]))
    path = tmp_path / "wrong.json"
    write_document(plan_document(wrong, {}), path)
    wanted = options(samples=128, file_entries=read_file_entries([path]))
    right, bad = rows(bench(data_set, folder, wanted)())
    assert bad.name == "wrong.json"
    assert verdict(bad, right, "error").word == "worse"
    assert verdict(right, bad, "error").word == "better"


def test_features_do_not_mix_in_one_folder(data_set: DataSet, tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite_pytorch")
    names = ("random", "imagenet", "random")
    found = [
        bench(data_set, tmp_path, options(samples=40, features=name))()
        for name in names
    ]
    prefixes = [each.facts["features"].partition("-")[0] for each in found]
    assert prefixes == list(names)
    first, second, again = (rows(each)[0].judgement.scores for each in found)
    assert second["frechet"].value > 1.5 * first["frechet"].value > 0
    np.testing.assert_array_equal(again["kernel"].left, first["kernel"].left)


def test_shuffled_noise_shows_in_the_error_alone(
    data_set: DataSet, folder: Path
) -> None:
    """Paired with other noise, samples are as far as two images of the set are."""
    ready = bench(data_set, folder, options(samples=128))
    samples = ready._play(ready.fine)
    order = np.roll(np.arange(128), 1)
    paired, shuffled = (
        ready.yardsticks.judge(each) for each in (samples, samples[order])
    )
    field = data_set.power.field
    independent = 2**0.5 * field.sigma_data
    assert paired.estimate("error").value < 1e-3 * independent
    assert shuffled.estimate("error").value == pytest.approx(independent, rel=0.1)
    for name in METRICS:
        if name not in ("error", "patches"):
            values = [each.estimate(name).value for each in (paired, shuffled)]
            assert values[0] == pytest.approx(values[1], rel=1e-6, abs=1e-9), name


def test_tables_are_compared_on_one_noise(data_set: DataSet, folder: Path) -> None:
    """Exact samples of the field: a fine table is at the floor, a coarse one is not."""
    wanted = options("optimal", "gaussian", "karras:sigma_max=5", samples=128)
    compared = bench(data_set, folder, wanted)()
    ours, gaussian, starved = rows(compared)
    assert ours.seeds == gaussian.seeds == starved.seeds
    assert verdict(gaussian, starved, "error").word == "better"
    assert verdict(gaussian, starved, "frechet").word == "better"
    floor, fine = compared.floor, compared.reference
    for name in ("frechet", "patches", "log_spectral"):
        assert abs(fine.estimate(name).value - floor.estimate(name).value) < 3 * (
            floor.estimate(name).high - floor.estimate(name).value
        )
    starved_db = starved.judgement.decibels.value
    assert np.abs(starved_db).max() > np.abs(gaussian.judgement.decibels.value).max()


def test_samples_of_a_solver_with_noise_are_not_paired(
    data_set: DataSet, folder: Path
) -> None:
    wanted = replace(options(), cells=(CellKey("sde-dpmpp-2m", 6),))
    (row,) = rows(bench(data_set, folder, wanted)())
    assert "error" not in row.judgement
    assert "frechet" in row.judgement


@pytest.mark.parametrize(
    ("kind", "sampler", "said"),
    [
        ("score-optimal", "dpmpp-2m", "name some with --search-data"),
        ("entropic-model", "dpmpp-2m", "name some with --search-data"),
        ("klub", "dpmpp-2m", "name some with --search-data"),
        ("fitted", "sde-dpmpp-2m", "kind fitted matches samples to a teacher's"),
        ("ld3", "heun-churn", "kind ld3 matches samples to a teacher's"),
    ],
)
def test_tables_that_cannot_be_are_refused_before_anything_is_measured(
    tmp_path: Path, kind: str, sampler: str, said: str
) -> None:
    source = read_model_header(BUNDLED).data_set
    write_pictures(tmp_path / "real", 80, source.power.field.shape[1:])
    wanted = replace(
        options("optimal", kind),
        model="bundled",
        data=str(tmp_path / "real"),
        cells=(CellKey("euler", 4), CellKey(sampler, 6)),
    )
    with pytest.raises(UsageError, match=said):
        bench(source, tmp_path / "cells", wanted)
    assert not list((tmp_path / "cells").iterdir())


class Killed(BaseException):
    """What ends a run from outside."""


def test_a_run_that_is_killed_goes_on(
    data_set: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = options("optimal", "karras", "exponential")
    whole = bench(data_set, tmp_path / "whole", wanted)()
    played: list[int] = []
    steps = (48 + 8 + 3) * 4  # the reference, one table, and a part of the second

    def advance(_: int) -> None:
        played.append(1)
        if len(played) == steps:
            raise Killed

    cut = tmp_path / "cut"
    with pytest.raises(Killed):
        bench(data_set, cut, wanted)(advance)
    assert len(list(cut.glob("row-*.json"))) == 1
    played.clear()
    again = bench(data_set, cut, wanted)(lambda _: played.append(1))
    assert len(played) == 2 * 8 * 4
    assert figures(again) == figures(whole)
    monkeypatch.setattr(bench_module, "Player", None)
    assert figures(bench(data_set, cut, wanted)()) == figures(whole)


def figures(compared: Comparison) -> object:
    document = comparison_document(compared, {})
    del document["digest"]
    for cell in document["cells"]:
        for row in cell["rows"]:
            del row["seconds"], row["cost"]
    return repr(document)


def test_what_depends_on_other_things_is_measured_again(
    data_set: DataSet, folder: Path
) -> None:
    """Other seeds, samples or real images are other rows."""
    ready = bench(data_set, folder, options())
    keys = {repr([ready._key(ready.fine), *ready._marks()])}
    for other in (options(seed=1), options(samples=65)):
        changed = bench(data_set, folder, other)
        keys.add(repr([changed._key(changed.fine), *changed._marks()]))
    smaller = resize_data_set(data_set, 8)
    changed = bench(smaller, folder, options())
    keys.add(repr([changed._key(changed.fine), *changed._marks()]))
    assert len(keys) == 4


def test_the_tuned_table_is_the_best_of_its_grid_and_says_what_it_took(
    data_set: DataSet, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spectral_sched.diffusion.search.grid.RHO", (7.0,))
    wanted = options("grid", "karras:sigma_min=0.1:sigma_max=20", samples=48)
    tuned, one = rows(bench(data_set, folder, wanted)())
    assert tuned.cost is not None
    # Twelve tables of eight steps and a fine reference of 64 Heun steps, 24 samples.
    assert tuned.cost.calls == (12 * 8 + 127) * 24
    best = tuned.judgement.estimate("error").value
    assert best <= one.judgement.estimate("error").value
    again = rows(bench(data_set, folder, wanted)())[0]
    assert again.cost == tuned.cost


def test_networks_need_pictures_to_be_compared_with(
    data_set: DataSet,
) -> None:
    plan = make_plan(data_set, "karras", TableRequest.of("heun", 2, "zero"))
    with pytest.raises(UsageError, match="name them with --data"):
        real_pictures("net.safetensors", None, plan, 40)


def test_too_few_real_pictures_are_told() -> None:
    real = np.zeros((90, 1, 8, 8), np.float32)
    with pytest.raises(InputError, match="50 samples are compared with twice as many"):
        Yardsticks(real, 50)


def test_squared_errors_are_means_over_pixels() -> None:
    samples, reference = np.zeros((2, 1, 2, 2)), np.ones((3, 1, 2, 2))
    samples[1] = 3
    np.testing.assert_array_equal(squared_errors(samples, reference), [1, 4])
