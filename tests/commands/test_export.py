"""``specsched export`` and ``kinds`` with all their options, in this process."""

from __future__ import annotations

import json
import math
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from spectral_sched.commands.app import app
from spectral_sched.defaults import TRAINING_LAW
from spectral_sched.errors import SpecschedError
from spectral_sched.files.schedule import read_plan
from spectral_sched.planning.kinds.registry import KINDS, from_spectrum
from spectral_sched.schedules import SCHEDULES
from spectral_sched.targets.trained_levels import trained_sigmas
from tests.support.helpers import write_pictures

Document = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("measured")
    write_pictures(path / "images", 12)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        invoked("analyze", "images")
        invoked("export", "--steps", "6")
    return path


@pytest.fixture(autouse=True)
def _there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def invoked(*arguments: object) -> str:
    """Run a command in this process and return its standard output."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception:
        raise result.exception
    return result.stdout


def exported(*arguments: object) -> Document:
    text = invoked("export", *arguments, "-o", "-")
    document: Document = json.loads(text, parse_constant=pytest.fail)
    return document


@pytest.mark.parametrize("kind", [kind for kind in KINDS if from_spectrum(kind)])
def test_every_kind_is_exported(kind: str) -> None:
    document = exported("--kind", kind, "--steps", 5)
    assert document["kind"] == kind
    assert document["num_steps"] == 5
    assert document["coordinate"] == "sigma"
    assert document["arguments"]["kind"] == kind


def test_settings_change_the_table_and_are_written_down() -> None:
    plain = exported("--kind", "karras")
    steep = exported("--kind", "karras", "--set", "rho=3")
    assert steep["arguments"]["set"] == {"rho": 3.0}
    assert "set" not in plain["arguments"]
    high, low = steep["sigmas"][0], steep["sigmas"][-2]
    roots = np.linspace(high ** (1 / 3), low ** (1 / 3), 8)
    np.testing.assert_allclose(steep["sigmas"][:-1], roots**3, rtol=1e-12)
    table = exported("--kind", "ays", "--set", "table=svd", "--set", "end=append")
    assert table["arguments"]["set"] == {"table": "svd", "end": "append"}
    assert table["sigmas"][0] == 700


def test_ends_are_those_asked_for() -> None:
    for kind in ("optimal", "karras", "vp"):
        document = exported(
            "--kind", kind, "--sigma-min", 0.01, "--sigma-max", 30, "--steps", 4
        )
        assert (document["sigma_min"], document["sigma_max"]) == (0.01, 30)
        assert document["sigmas"][0] <= 30
        assert document["sigmas"][-2] >= 0.01
    assert document["sigmas"][0] == 30
    assert document["sigmas"][-2] == 0.01


@pytest.mark.parametrize("kind", ["optimal", "karras", "mixed", "ays"])
def test_a_start_below_the_top_keeps_all_steps(kind: str) -> None:
    document = exported("--kind", kind, "--start-sigma", 2.5, "--steps", 7)
    assert document["sigmas"][0] == document["start_sigma"] == 2.5
    assert document["sigma_max"] == 2.5
    assert document["num_steps"] == 7


def test_a_start_from_a_picture_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "partial.json"
    invoked("export", "--start-sigma", 1, "--steps", 60, "-o", path)
    errors = [
        exported("--sigma-max", 1, "--steps", 60)["predicted"]["error"],
        json.loads(path.read_text())["predicted"]["error"],
    ]
    assert errors[1] < 0.1 * errors[0]
    assert read_plan(path).request.limits.start_sigma == 1
    again = ("export", "--start-sigma", 1, "--steps", 60, "-o", path)
    assert invoked("show", path) == invoked(*again)


def test_the_best_table_from_a_picture_with_noise_is_planned_from_it() -> None:
    # The whole range allows a better start from noise alone than its top, so the table
    # that must start at the top differs from the one that may not start above it.
    top = exported("--sampler", "heun", "--steps", 3)["sigma_max"]
    fixed = exported("--sampler", "heun", "--steps", 3, "--start-sigma", top)
    free = exported("--sampler", "heun", "--steps", 3)
    assert fixed["sigmas"][0] == top > 1.5 * free["sigmas"][0]
    cut = exported(
        "--sampler", "heun", "--steps", 3, "--kind", "karras", "--start-sigma", top
    )
    assert fixed["predicted"]["error"] < cut["predicted"]["error"]
    once = exported("--sampler", "heun", "--steps", 1, "--start-sigma", 0.7)
    assert once["sigmas"] == [0.7, 0.0]


def test_a_spectral_start_goes_through_files(tmp_path: Path) -> None:
    path = tmp_path / "spectral.json"
    told = invoked("export", "--start", "spectral", "--steps", 6, "-o", path)
    assert "start from noise with your spectrum" in told
    assert invoked("show", path) == told
    plan, mean = read_plan(path), exported("--start", "mean", "--steps", 6)
    assert plan.request.start == "spectral"
    assert plan.ends == (mean["sigma_min"], mean["sigma_max"])
    assert plan.table.levels[0] < mean["sigmas"][0]
    again = exported("--start", "spectral", "--steps", 6, "--spectrum", path)
    assert again["sigmas"] == list(plan.table.sigmas)
    invoked(
        "sample",
        "--model",
        "wiener",
        "--schedule",
        path,
        "--seeds",
        "0-2",
        "-o",
        tmp_path / "seen",
    )
    assert len(list((tmp_path / "seen").glob("*.png"))) == 4


def test_the_predicted_error_of_the_mean_term_by_term() -> None:
    # The mean of images is Gaussian, so Euler's steps multiply it by known factors.
    document = exported(
        *("--start", "mean", "--sampler", "euler", "--steps", 3),
        *("--kind", "karras", "--sigma-max", 20),
    )
    sigmas, squared = document["sigmas"], []
    powers = np.linalg.eigvalsh(document["spectrum"]["cross_power"][0])
    for power in powers:
        made = sigmas[0]
        for level, following in pairwise(sigmas):
            made *= (level * following + power) / (level**2 + power)
        exact = 20 * math.sqrt(power / (power + 20**2))
        squared.append((made - exact) ** 2 + (exact - math.sqrt(power)) ** 2)
    predicted = document["predicted"]
    wanted = math.sqrt(sum(squared) / len(powers))
    assert predicted["per_ring"][0] == pytest.approx(wanted, rel=1e-5)
    modes = document["spectrum"]["num_modes"]
    mean_square = np.dot(np.square(predicted["per_ring"]), modes) / sum(modes)
    assert predicted["error"] == pytest.approx(math.sqrt(mean_square), rel=1e-5)


def test_the_gaussian_kind_has_two_objectives() -> None:
    wanted = ("--kind", "gaussian", "--sampler", "heun", "--steps", 4)
    by_distance, by_nats = (
        exported(*wanted, "--set", f"objective={name}") for name in ("w2", "kl")
    )
    assert exported(*wanted)["sigmas"] == by_distance["sigmas"] != by_nats["sigmas"]
    assert by_nats["arguments"]["set"] == {"objective": "kl"}
    below = exported(*wanted, "--start-sigma", 2, "--start", "spectral")
    assert below["sigmas"][0] == 2


def test_strength_is_a_share_of_noise() -> None:
    whole = exported("--kind", "karras", "--sigma-max", 3)
    assert (
        exported("--kind", "karras", "--sigma-max", 3, "--strength", 1)["sigmas"]
        == (whole["sigmas"])
    )
    # The top is three parts noise in four; two thirds of that is one half: sigma 1.
    part = exported("--kind", "karras", "--sigma-max", 3, "--strength", 2 / 3)
    assert part["sigmas"][0] == pytest.approx(1, rel=1e-12)
    assert part["arguments"]["strength"] == pytest.approx(2 / 3)


def test_terminals() -> None:
    pinned = exported("--kind", "exponential", "--sigma-min", 0.01, "--sigma-max", 10)
    free = exported(
        *("--kind", "exponential", "--sigma-min", 0.01, "--sigma-max", 10),
        *("--terminal", "zero", "--steps", 3),
    )
    assert pinned["sigmas"][-2:] == [0.01, 0]
    assert free["sigmas"] == pytest.approx([10, 1, 0.1, 0])


def test_a_schedule_file_is_as_good_as_the_spectrum() -> None:
    for arguments in (
        ("--steps", 11),
        ("--sampler", "heun", "--steps", 5),
        ("--start", "mean"),
        ("--resolution", 32),
        ("--resolution", 8, "--kind", "mixed"),
        ("--kind", "information"),
    ):
        again = exported("--spectrum", "tight.json", *arguments)
        first = exported(*arguments)
        assert again["sigmas"] == first["sigmas"], arguments
        assert again["bounds"] == first["bounds"]
        assert again["planning"] == first["planning"]


def test_another_size_is_planned_for() -> None:
    small, large = exported(), exported("--resolution", 32)
    assert large["shape"] == [3, 32, 32]
    assert large["sigma_max"] == pytest.approx(2 * small["sigma_max"], rel=1e-9)
    assert large["sigmas"][0] > 1.3 * small["sigmas"][0]


def test_a_file_for_another_size_is_planned_from(tmp_path: Path) -> None:
    there = tmp_path / "large.json"
    invoked("export", "--resolution", 32, "-o", there)
    once = exported("--spectrum", there, "--steps", 5)
    assert once["sigmas"] == exported("--resolution", 32, "--steps", 5)["sigmas"]


def test_blends_are_means_of_ln_sigma(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    invoked("export", "--kind", "exponential", "--steps", 8, "-o", other)
    karras, exponential = (
        exported("--kind", "karras"),
        exported("--kind", "exponential"),
    )
    for weight in (0.0, 0.25, 1.0):
        blend = exported("--kind", "karras", "--blend", other, "--weight", weight)
        logs = [np.log(each["sigmas"][:-1]) for each in (karras, exponential, blend)]
        mean = (1 - weight) * logs[0] + weight * logs[1]
        np.testing.assert_allclose(logs[2], mean, rtol=1e-12)
    assert blend["kind"] == "blend"
    assert blend["arguments"]["blend"]["kind"] == "exponential"
    assert str(tmp_path) not in json.dumps(blend)
    even = exported("--kind", "karras", "--blend", other, "--steps", 15)
    assert len(even["sigmas"]) == 16


def test_levels_in_another_coordinate() -> None:
    document = exported("--coordinate", "flow_time", "--kind", "karras")
    sigmas = np.array(document["sigmas"])
    assert document["values_coordinate"] == "flow_time"
    np.testing.assert_allclose(document["values"], sigmas / (1 + sigmas))
    # Strict JSON has no infinity: null stands for the log_snr of a clean image.
    log_snr = exported("--coordinate", "log_snr", "--kind", "karras")["values"]
    assert log_snr[-1] is None
    np.testing.assert_allclose(log_snr[:-1], -2 * np.log(sigmas[:-1]))
    assert "values" not in exported()


def test_laws_to_train_with() -> None:
    document = exported("--for", "training", "--kind", "lognormal")
    assert document["format"] == "specsched.training"
    assert len(document["quantiles"]) == len(document["probability"]) == 257
    assert document["edm"]["P_mean"] == pytest.approx(-1.2, rel=0.01)
    assert document["edm"]["P_std"] == pytest.approx(1.2, rel=0.01)
    assert set(document["fits"]) == {
        *("lognormal", "split-lognormal", "loguniform", "laplace")
    }
    density = document["k_diffusion"]["sigma_sample_density"]
    assert density["type"] in ("lognormal", "split-lognormal")
    assert document["sigma_data"] > 0


def test_training_defaults() -> None:
    usual = exported("--for", "training")
    assert usual["kind"] == TRAINING_LAW
    assert usual["arguments"]["set"] == {"mean": -0.6, "std": 1.7}
    moved = exported("--for", "training", "--set", "mean=0.2")["arguments"]["set"]
    assert moved == {"mean": 0.2, "std": 1.7}
    optimal = exported("--for", "training", "--kind", "optimal")
    assert optimal["arguments"]["steps"] == 32
    invoked("export", "--for", "training")
    assert json.loads(Path("training.json").read_text())["kind"] == TRAINING_LAW


def test_the_table_of_fits_is_shown() -> None:
    shown = invoked("export", "--for", "training", "--kind", "lognormal", "--force")
    assert "P_mean -1.2, P_std 1." in shown
    assert "flow_sigmoid_scale 1." in shown
    assert "JiT at 512" in shown
    assert "Kolmogorov distance" in shown


def test_files_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    invoked("export", "--kind", "karras", "--coordinate", "abar", "-o", path)
    plan = read_plan(path)
    assert plan.kind == "karras"
    assert plan.data_set.bounds.sigma_min == plan.ends[0]


def test_kinds_are_listed() -> None:
    shown = invoked("kinds")
    for kind, info in KINDS.items():
        assert f"\n{kind} " in shown
        for name in info.parameters:
            assert re.search(rf"\b{name}\b", shown)
    document = json.loads(invoked("kinds", "--json"))
    assert document["format"] == "specsched.kinds"
    assert [kind["name"] for kind in document["kinds"]] == [
        *("optimal", "gaussian", "dmn", "fitted", "klub", "gits", "oss", "grid", "ld3"),
        *("sharp-euler", "sdm", "score-optimal", "entropic-model"),
        *SCHEDULES,
        *("list", "native"),
    ]
    karras = next(kind for kind in document["kinds"] if kind["name"] == "karras")
    assert karras["parameters"] == [
        {
            "name": "rho",
            "default": 7.0,
            "low": 0.1,
            "high": 1000,
            "what": "larger: more levels at low noise",
        }
    ]
    assert "2206.00364" in karras["source"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--kind", "karas"), "there is no kind 'karas'; did you mean --kind karras?"),
        (("--kind", "karras", "--set", "roh=5"), "did you mean --set rho=...?"),
        (("--kind", "karras", "--set", "rho=x"), "rho must be a number, such as rho=7"),
        (
            ("--kind", "karras", "--set", "rho=-1"),
            "rho must be from 0.1 to 1000, not -1",
        ),
        (("--kind", "karras", "--set", "rho=nan"), "not nan; try --set rho=7"),
        (("--set", "rho=5"), "kind optimal has no parameters; leave out --set rho=5"),
        (
            ("--kind", "ays", "--set", "table=sd3"),
            "there is no table 'sd3'; did you mean",
        ),
        (
            ("--kind", "gaussian", "--set", "objective=w3"),
            "there is no objective 'w3'; did you mean --set objective=w2?",
        ),
        (
            ("--kind", "gaussian", "--start", "spectral"),
            "kind gaussian has nothing to do from a spectral start",
        ),
        (("--kind", "gaussian", "--terminal", "zero"), "chooses its last level itself"),
        (("--start", "spectrum"), "did you mean --start spectral?"),
        (("--sigma-min", "5", "--sigma-max", "1"), "not from 5 to 1; set --sigma-min"),
        (("--sigma-min", "-1"), "not from -1 to"),
        (("--sigma-max", "nan"), "to nan; set --sigma-min and --sigma-max"),
        (
            ("--start-sigma", "1e6"),
            "--start-sigma asks for a start at sigma 1e+06, out",
        ),
        (("--start-sigma", "1e-6", "--kind", "karras"), "choose one inside it"),
        (("--strength", "0"), "--strength must be above 0 and at most 1, not 0"),
        (("--strength", "1.2"), "--strength must be above 0 and at most 1, not 1.2"),
        (("--strength", "0.001"), "--strength asks for a start at sigma"),
        (("--strength", "0.5", "--start-sigma", "1"), "say the same thing; leave one"),
        (("--terminal", "sigma_min"), "did you mean --terminal sigma-min?"),
        (("--terminal", "zero"), "kind optimal chooses its last level itself; leave"),
        (("--kind", "mixed", "--sigma-max", "1e5"), "kind mixed reaches from sigma"),
        (("--resolution", "0"), "--resolution must be from 1 to 16384, not 0"),
        (("--coordinate", "logsnr"), "did you mean --coordinate log_snr?"),
        (("--weight", "0.5"), "--weight says how much of the --blend file to take"),
        (
            ("--blend", "tight.json", "--weight", "2"),
            "--weight must be from 0 to 1, not",
        ),
        (
            ("--for", "sample"),
            "there is no purpose 'sample'; did you mean --for sampling?",
        ),
        (
            ("--for", "training", "--start-sigma", "1"),
            "--start-sigma shapes sigma tables, not laws to train with; leave it out",
        ),
        (("--kind", "laplace", "--set", "mu=-45"), "next to no weight between sigma"),
    ],
)
def test_what_cannot_be_exported(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(SpecschedError) as caught:
        exported(*arguments)
    assert caught.value.exit_code == 2
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_blended_or_planned_from(tmp_path: Path) -> None:
    for flag, remedy in (("--blend", "export"), ("--spectrum", "analyze")):
        with pytest.raises(SpecschedError, match=rf"does not exist; make .*{remedy}"):
            exported(flag, tmp_path / "none.json")
    one = tmp_path / "one.json"
    invoked("export", "--steps", 1, "-o", one)
    with pytest.raises(SpecschedError, match="one step cannot be blended"):
        exported("--blend", one)


@pytest.mark.parametrize("betas", ["linear", "scaled-linear", "cosine"])
def test_targets_of_known_levels_are_planned_inside_at_once(betas: str) -> None:
    asked = ("--kind", "karras", "--target", "diffusers-euler", "--with")
    made = ("export", *asked, f"betas={betas}", "--steps", 9, "--json")
    document = json.loads(invoked(*made))
    assert document["warnings"] == []
    levels = document["values"][:-1]
    assert len(levels) == 9
    trained = trained_sigmas(betas)
    assert levels[-1] == pytest.approx(float(trained[0]), rel=1e-6)
    assert levels[0] <= trained[-1] * (1 + 1e-6)
    # A wish is kept, and warned of.
    wished = json.loads(invoked(*made, "--sigma-min", 0.001))
    assert "below the range of the model" in wished["warnings"][-1]


def test_ranges_that_are_said_are_planned_inside() -> None:
    known = ("--with", "model_min=0.05", "--with", "model_max=7")
    made = ("export", "--target", "k-diffusion", *known, "--steps", 5, "--json")
    document = json.loads(invoked(*made))
    assert document["warnings"] == []
    assert 0.05 <= document["values"][-2] < document["values"][0] <= 7


def test_tables_for_a_model_are_inside_its_range(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(folder)
    (folder / "known.py").write_text(
        "def denoise(x, sigma):\n    return x\n\n\ndenoise.sigma_range = (0.05, 9.0)\n"
    )
    free, inside = (
        exported("--steps", 6, *model) for model in ((), ("--model", "known:denoise"))
    )
    assert free["sigmas"][-2] < 0.05
    assert free["sigmas"][0] > 9
    assert 0.05 <= inside["sigmas"][-2] < inside["sigmas"][0] <= 9 * (1 + 1e-9)
    assert inside["sigma_min"] >= 0.05
    assert inside["arguments"]["model"] == "known:denoise"
