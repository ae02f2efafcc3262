"""What `benchmarks/per_image.py` compares is what its page says."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spectral_sched.comparisons.cache import Cache
from spectral_sched.comparisons.entries import CellKey
from spectral_sched.comparisons.metrics import LeftOut
from spectral_sched.diffusion.training.noise import parse_law
from spectral_sched.planning.data_set import DataSet, resize_data_set
from tests.support.helpers import ROOT
from tests.support.pink import pink_source


def loaded(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module(name)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    return loaded("per_image", monkeypatch)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Any:
    return loaded("per_image_page", monkeypatch)


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Any:
    return loaded("per_image_tables", monkeypatch)


@pytest.fixture(scope="module")
def data_set() -> DataSet:
    return resize_data_set(pink_source(), 16)


def known_of(tables: Any, data_set: DataSet) -> Any:
    """Return two images: one as the data set, one of four times its power."""
    usual = np.log(data_set.power.field.power)
    low, high = data_set.bounds.sigma_min, data_set.bounds.sigma_max
    ends = np.array([[low, high], [2 * low, high / 2]])
    return tables.Known(data_set, np.array([usual, usual + np.log(4)]), ends, ())


class Told:
    """A network that answers with the lower end that it was told of last."""

    def __init__(self, low: float = 0.0) -> None:
        self.low = low

    def between(self, low: Any, high: Any) -> Told:
        assert float(torch.as_tensor(high)) > float(torch.as_tensor(low))
        return Told(float(torch.as_tensor(low)))

    def __call__(self, x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        assert float(torch.as_tensor(sigma).min()) > 0
        return torch.full_like(x, self.low)


def test_a_network_is_told_other_ends_below_the_turn_alone(tables: Any) -> None:
    turning = tables.Turning(Told(), 0.5, (0.01, 10.0))
    own = turning.between(torch.tensor(0.25), torch.tensor(3.0))
    x = torch.zeros(1, 3, 4, 4)
    found = [float(own(x, sigma).mean()) for sigma in (2.0, 0.5, torch.tensor([0.4]))]
    assert found == pytest.approx([0.01, 0.01, 0.25])


def test_replanned_images_share_the_head_of_the_one_table(
    tables: Any, data_set: DataSet, tmp_path: Path
) -> None:
    known, cache = known_of(tables, data_set), Cache(tmp_path)
    made = tables.Tables(known, CellKey("heun", 4), cache)
    one = made.plan.table.levels
    plans = [made.own("replanned", place) for place in (0, 1)]
    for plan in plans:
        assert plan.table.levels[:3] == pytest.approx(one[:3])
        assert plan.table.num_steps == 4
    assert plans[1].table.levels[3] > 1.1 * plans[0].table.levels[3] > 0
    assert made.head.table.levels == one[:3]


def test_tables_of_training_images_lie_inside_their_ends(
    tables: Any, data_set: DataSet, tmp_path: Path
) -> None:
    known = known_of(tables, data_set)
    made = tables.Tables(known, CellKey("dpmpp-2m", 3), Cache(tmp_path))
    plan = made.own("training", 1)
    low, high = known.ends[1].tolist()
    assert plan.ends == pytest.approx((low, high))
    assert low < 1.001 * plan.table.levels[-1] < plan.table.levels[0] < 1.001 * high
    assert plan.table.levels != made.plan.table.levels


def test_spectra_are_known_again_by_their_modes(tables: Any, data_set: DataSet) -> None:
    known = known_of(tables, data_set)
    for place in (0, 1):
        near = known.log_power[place] + 0.3
        assert known.nearest(near) == place
    coarse = known.log_power[0].copy()
    coarse[:3] += np.log(4)
    assert known.nearest(coarse) == 0


CELL = CellKey("heun", 4)
METRIC = "random Frechet"


def left_out(value: float) -> LeftOut:
    return LeftOut(np.array(value), np.linspace(value, value + 0.1, 20))


def made_rows(page: Any, law: str, values: list[float], way: str = "one") -> list[Any]:
    return [
        page.Row(CELL, law, way, seed, {METRIC: left_out(value)})
        for seed, value in enumerate(values)
    ]


def test_differences_of_laws_are_paired_by_seed(page: Any) -> None:
    """Student's interval of three differences 1, 2 and 3."""
    first = made_rows(page, "film", [11.0, 22.0, 33.0])
    second = made_rows(page, "lognormal", [10.0, 20.0, 30.0])[::-1]
    reach = 4.303 * 1 / 3**0.5
    told = f"+2 [{2 - reach:+.3g}, {2 + reach:+.3g}]"
    assert page.gap(first, second, METRIC) == told
    assert page.gap(first, second[:1], METRIC) == "one seed"
    assert page.gap(first, [], METRIC) == ""
    mean = page.over_seeds(first, METRIC)
    assert float(mean.value) == 22
    assert mean.left[-1] == pytest.approx(22.1)


def test_differences_of_ways_are_paired_by_sample(page: Any) -> None:
    """Samples that differ by the same in every block leave no doubt."""
    first = made_rows(page, "film", [12.0, 24.0, 36.0])
    second = made_rows(page, "film", [10.0, 22.0, 34.0], "drawn")
    assert page.gap(first, second, METRIC) == "+2 [+2, +2]"


def test_a_page_has_a_row_for_each_way_and_what_differs(page: Any) -> None:
    rows = [
        *made_rows(page, "lognormal", [10.0, 20.0, 30.0]),
        *made_rows(page, "film", [11.0, 22.0, 33.0], "drawn"),
        *made_rows(page, "film", [21.0, 32.0, 43.0]),
    ]
    lines = list(page.metric_lines(rows, METRIC, left_out(0.5)))
    assert lines[2:4] == ["| network, way | Heun, 7 |", "|---|---|"]
    assert "| log-normal | 20 [10, 30] |" in lines
    assert "| film, drawn | 22 [11, 33] |" in lines
    assert "| film, one less film, drawn | +10 [+10, +10] |" in lines
    assert not [line for line in lines if line.startswith("| Laplace")]
    assert lines[0].startswith("random Frechet; the floor is 0.5 [")


def test_losses_stand_under_what_the_network_is_told(page: Any) -> None:
    losses = {("lognormal", 0): [0.5], ("film", 0): [0.25, 0.75, 1.0]}
    found = list(page.loss_lines({k: np.array(v) for k, v in losses.items()}))
    assert found[2] == "| log-normal | 0.5 [0.5, 0.5] |  |  |"
    assert found[3].endswith("| 0.25 [0.25, 0.25] | 0.75 [0.75, 0.75] | 1 [1, 1] |")


def test_what_was_judged_is_not_played_again(script: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    real = rng.normal(size=(96, 3, 8, 8)).astype(np.float32)
    judge = script.Judge(real, 48, Cache(tmp_path))
    played = judge.stand_ins / 2

    def fails() -> Any:
        raise AssertionError

    first = judge.kept(["a"], lambda: played)
    again = judge.kept(["a"], fails)
    for name, found in judge(played).items():
        for each in (first, again):
            assert float(each[name].value) == pytest.approx(float(found.value), 1e-6)
            np.testing.assert_allclose(each[name].left, found.left, rtol=1e-6)
    other = script.Judge(real[:90], 48, Cache(tmp_path)).kept(["a"], fails)
    assert float(other[METRIC].value) != float(first[METRIC].value)


def test_photos_to_judge_by_are_of_other_scenes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = loaded("per_image_networks", monkeypatch)
    monkeypatch.setattr(networks, "HELD_OUT", 2)
    scenes = np.repeat(np.arange(6), 5)
    images = np.zeros((30, 4, 4, 3), dtype=np.uint8) + scenes[:, None, None, None]
    images = images.astype(np.uint8)
    images[:, :, 0] += 100
    np.savez(tmp_path / "tiles.npz", images=images, source_image=scenes)
    networks.write_photos(tmp_path / "tiles.npz", tmp_path, 20)
    train, real = (np.load(tmp_path / f"photos-{n}.npy") for n in ("train", "real"))
    assert (len(train), len(real)) == (40, 10)
    assert not set(train[:, 0, 1, 0]) & set(real[:, 0, 1, 0])
    np.testing.assert_array_equal(train[:20], train[20:, :, ::-1])
    assert train[0, 0, 0, 0] == train[0, 0, 1, 0] + 100


def test_only_networks_that_are_told_ends_are_played_in_many_ways(
    script: Any, tables: Any, data_set: DataSet
) -> None:
    known = known_of(tables, data_set)
    assert script.ways_of("lognormal", script.WAYS, known) == ["one"]
    assert "class" not in script.ways_of("film", script.WAYS, known)
    classes = replace(known, class_names=("a", "b"))
    assert script.ways_of("film", script.WAYS, classes) == list(script.WAYS)


def test_the_default_law_is_that_of_train(monkeypatch: pytest.MonkeyPatch) -> None:
    networks = loaded("per_image_networks", monkeypatch)
    found = networks.LAWS["lognormal"].settings(32)
    assert parse_law("lognormal", found) == parse_law(None, ())
    assert networks.LAWS["lognormal"].settings(16) == ("mean=-1.293", "std=1.7")
    assert networks.LAWS["film"].settings(16) == ()
