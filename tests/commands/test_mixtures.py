"""``analyze --mixture`` to ``sample --per-image``, through both files."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from spectral_sched.diffusion.models.network import NetworkDenoiser
from spectral_sched.diffusion.sampling.run import SamplingOptions, SamplingRun
from spectral_sched.documents.write import write_document
from spectral_sched.errors import InputError
from spectral_sched.files.network_config import NetworkConfig
from spectral_sched.files.schedule import read_plan
from spectral_sched.files.spectrum import payload_digest, read_spectrum
from spectral_sched.spectra.mixture import SpectralMixture
from tests.support.commands import sentence, specsched
from tests.support.helpers import power_law_field, write_pictures

pytest.importorskip("sklearn")


def write_faint(folder: Path, count: int) -> None:
    """Write images of a hundredth of the power of `write_pictures`."""
    rng = np.random.default_rng(7)
    folder.mkdir(parents=True)
    for number in range(count):
        field = power_law_field((3, 16, 16), 2.0, rng)
        levels = 128 + 4 * (field / field.std() + rng.normal(size=(3, 1, 1)) / 2)
        picture = np.rint(levels).astype(np.uint8).transpose(1, 2, 0)
        Image.fromarray(picture).save(folder / f"{number}.png")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured")
    write_pictures(folder / "images/loud", 20)
    write_faint(folder / "images/faint", 20)
    specsched("analyze", "images", "--mixture", 2, cwd=folder)
    specsched("export", "--steps", 4, cwd=folder)
    return folder


def assert_same(one: SpectralMixture | None, other: SpectralMixture | None) -> None:
    assert one is not None
    assert other is not None
    names = ("weights", "means", "covariances", "center", "basis", "residual")
    for name in names:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.class_weights.keys() == other.class_weights.keys()
    for label, weights in one.class_weights.items():
        np.testing.assert_array_equal(weights, other.class_weights[label])
        draw, again = (each.draw_for(9, label) for each in (one, other))
        np.testing.assert_array_equal(draw, again)


def test_the_mixture_goes_through_both_files(measured: Path) -> None:
    mixture = read_spectrum(measured / "spectrum.json").mixture
    plan = read_plan(measured / "tight.json")
    assert_same(mixture, plan.data_set.mixture)
    assert mixture is not None
    np.testing.assert_allclose(mixture.weights, 0.5)
    # Planned again from the schedule file alone, and at half the size.
    for flags in ((), ("--resolution", 8)):
        again = ("--spectrum", "tight.json", "-o", "again.json")
        specsched("export", *again, *flags, "--force", cwd=measured)
        carried = read_plan(measured / "again.json").data_set.mixture
        assert carried is not None
        assert len(carried.center) == (7 if flags else 12)
        if not flags:
            assert_same(mixture, carried)


def test_files_say_what_they_hold(measured: Path) -> None:
    for file in ("spectrum.json", "tight.json"):
        shown = specsched("show", file, cwd=measured).stdout
        assert "spectra of single images: 2 Gaussians in" in shown
    document = json.loads((measured / "spectrum.json").read_text())
    assert document["arguments"]["mixture"] == 2
    assert set(document["mixture"]["class_weights"]) == {"faint", "loud"}


def test_without_the_flag_files_are_as_before(measured: Path, tmp_path: Path) -> None:
    specsched("analyze", measured / "images", cwd=tmp_path)
    plain, fitted = (
        json.loads((folder / "spectrum.json").read_text())
        for folder in (tmp_path, measured)
    )
    assert "mixture" not in plain
    del fitted["mixture"]
    assert payload_digest(fitted) == plain["digest"]


def test_shards_and_resumed_runs_give_the_same_mixture(
    measured: Path, tmp_path: Path
) -> None:
    images = measured / "images"
    for index in range(3):
        specsched("analyze", images, "--shard", f"{index}/3", cwd=tmp_path)
    shards = sorted(tmp_path.glob("*.partial.json"))
    specsched("merge", *reversed(shards), "--mixture", 2, cwd=tmp_path)
    specsched(
        *("analyze", images, "--mixture", 2, "--workers", 2, "-o", "two.json"),
        cwd=tmp_path,
    )
    expected = json.loads((measured / "spectrum.json").read_text())["digest"]
    for name in ("spectrum.json", "two.json"):
        assert json.loads((tmp_path / name).read_text())["digest"] == expected


def energy(path: Path) -> float:
    picture: np.ndarray = np.asarray(Image.open(path)).astype(float)
    return float(picture.var(axis=(0, 1)).mean())


def test_a_seed_keeps_its_table_in_any_batch(measured: Path, tmp_path: Path) -> None:
    for name, seeds in (("many", "3-19"), ("one", "19")):
        specsched(
            *(
                "sample",
                "--model",
                "wiener",
                "--per-image",
                "--seeds",
                seeds,
                "-o",
                tmp_path / name,
            ),
            cwd=measured,
        )
    specsched(
        "sample",
        "--model",
        "wiener",
        "--seeds",
        "19",
        "-o",
        tmp_path / "common",
        cwd=measured,
    )
    many, one, common = (
        np.asarray(Image.open(tmp_path / name / "000019.png")).astype(int)
        for name in ("many", "one", "common")
    )
    assert np.abs(many - one).max() <= 1
    assert np.abs(many - common).max() > 1
    record = json.loads((tmp_path / "one/samples.json").read_text())
    assert record["arguments"]["per_image"] is True


@pytest.mark.parametrize("heeding", [True, False])
def test_networks_of_ranges_ask_for_them(measured: Path, *, heeding: bool) -> None:
    plan = read_plan(measured / "tight.json")
    ends = plan.ends if heeding else None
    network = NetworkDenoiser(NetworkConfig(3, (16,), 1, 0.5, ends=ends))
    for per_image in (False, True):
        options = SamplingOptions(network, per_image=per_image)
        run = SamplingRun(plan, options, torch.device("cpu"))
        asked = any("--per-image draws ranges" in each for each in run.messages)
        assert asked is (heeding and not per_image)


def test_classes_have_tables_of_their_own(measured: Path, tmp_path: Path) -> None:
    # One step from the start: the denoised image of faint noise says where it was.
    specsched("export", "--steps", 1, "-o", tmp_path / "one.json", cwd=measured)
    plan = read_plan(tmp_path / "one.json")
    for label in ("faint", "loud"):
        specsched(
            *(
                "sample",
                "--model",
                "wiener",
                "--schedule",
                tmp_path / "one.json",
                "--seeds",
                "0-7",
            ),
            *("--per-image", "--class", label, "-o", tmp_path / label),
            cwd=measured,
        )
    assert plan.table.num_steps == 1
    faint, loud = (
        np.mean([energy(path) for path in (tmp_path / label).glob("0*.png")])
        for label in ("faint", "loud")
    )
    assert faint != pytest.approx(loud, rel=0.05)


def test_refusals(measured: Path, tmp_path: Path) -> None:
    specsched("analyze", measured / "images", cwd=tmp_path)
    specsched("export", "--steps", 2, cwd=tmp_path)
    text = sentence("sample", "--per-image", cwd=tmp_path, code=2)
    assert "carries no distribution of spectra" in text
    assert not (tmp_path / "samples").exists()
    text = sentence("sample", "--class", "loud", cwd=measured, code=2)
    assert "add --per-image" in text
    wrong = ("sample", "--per-image", "--class", "lout")
    assert "did you mean --class loud" in sentence(*wrong, cwd=measured, code=2)
    shard = ("analyze", "images", "--shard", "0/2", "--mixture", 2)
    assert "give it to specsched merge" in sentence(*shard, cwd=measured, code=2)
    write_pictures(tmp_path / "few", 3)
    few = ("analyze", "few", "--mixture", 5, "-o", "few.json")
    assert "there are 3; ask for fewer" in sentence(*few, cwd=tmp_path, code=1)
    assert not (tmp_path / "few.json").exists()
    for number in (1, 2):
        shutil.copy(tmp_path / "few/0000.png", tmp_path / "few" / f"000{number}.png")
    text = sentence("analyze", "few", "--mixture", 1, cwd=tmp_path, code=1)
    assert "all images have the same spectrum" in text
    none = specsched("analyze", "few", "--mixture", 0, cwd=tmp_path, code=2)
    assert "--mixture" in none.stderr


def test_a_missing_extra_is_said_before_the_work(
    measured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    text = sentence("analyze", "nowhere", "--mixture", 2, cwd=measured, code=4)
    assert "pip install 'spectral-sched[mixture]'" in text
    # Drawing from a mixture does without.
    specsched(
        "sample",
        "--model",
        "wiener",
        "--per-image",
        "--seeds",
        0,
        "-o",
        "drawn",
        cwd=measured,
    )


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("weights", [0.5, 0.6], "'mixture.weights' holds no probabilities"),
        ("weights", [1.5, -0.5], "'mixture.weights' cannot hold 1.5"),
        ("means", [[0.0]], "'mixture.means' has the wrong shape"),
        ("basis", [[1.0, 2.0]], "'mixture.basis' has the wrong shape"),
        (
            "class_weights",
            {"loud": [1.0]},
            "'mixture.class_weights.loud' has the wrong shape",
        ),
        ("residual", "none", "'mixture.residual' cannot be 'none'"),
    ],
)
def test_damaged_mixtures(
    key: str, value: object, complaint: str, measured: Path, tmp_path: Path
) -> None:
    document = json.loads((measured / "tight.json").read_text())
    document["mixture"][key] = value
    write_document(document, tmp_path / "bad.json")
    with pytest.raises(InputError, match=complaint):
        read_plan(tmp_path / "bad.json")


def test_choices_of_the_kind_come_back_from_the_file(measured: Path) -> None:
    specsched(
        *("export", "--kind", "karras", "--set", "rho=3", "--terminal", "zero"),
        *("--steps", 5, "-o", "karras.json"),
        cwd=measured,
    )
    plan = read_plan(measured / "karras.json")
    assert plan.request.settings == {"rho": 3.0}
    assert plan.request.terminal == "zero"
    document = json.loads((measured / "karras.json").read_text())
    document["settings"] = {"row": 3}
    write_document(document, measured / "bad.json")
    with pytest.raises(InputError, match=r"bad.json is damaged: .* no parameter 'row'"):
        read_plan(measured / "bad.json")
