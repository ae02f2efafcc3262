"""The command ``compare``: cells, files, what it goes on with, and its refusals."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.commands import sentence, specsched
from tests.support.helpers import write_pictures

NARROW = """
from pathlib import Path

from spectral_sched.diffusion.models import WienerDenoiser
from spectral_sched.files.any_format import read_data_set


def narrow(device, dtype):
    field = read_data_set(Path("spectrum.json")).power.field
    model = WienerDenoiser(field, device, dtype)

    def denoise(x, sigma):
        return model(x, sigma)

    denoise.sigma_range = (0.1, 5.0)
    return denoise
"""

QUICK = ("--samples", 40, "--reference-steps", 24)


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("analysed")
    write_pictures(folder / "images", 80, (8, 8))
    specsched("analyze", "images", cwd=folder)
    specsched("export", "--steps", 4, "--sampler", "heun", cwd=folder)
    return folder


def test_cells_are_measured_saved_and_summed_up(analysed: Path) -> None:
    arguments = ("--kinds", "optimal,karras:rho=5", "--samplers", "heun,euler")
    ended = specsched("compare", *arguments, "--calls", 4, *QUICK, cwd=analysed)
    assert "heun, 3 network calls" in ended.stdout
    assert "euler, 4 network calls" in ended.stdout
    assert "error: optimal is lowest or tied in" in ended.stdout
    assert ended.stderr.endswith("show comparison/comparison.json\n")
    folder = analysed / "comparison"
    document = json.loads((folder / "comparison.json").read_text())
    names = [[row["name"] for row in cell["rows"]] for cell in document["cells"]]
    assert names == [["optimal", "karras:rho=5"]] * 2
    assert document["arguments"]["cells"] == [["heun", 3], ["euler", 4]]
    assert str(analysed) not in json.dumps(document)
    lines = (folder / "comparison.csv").read_text().splitlines()
    assert len(lines) == 1 + 4 * 9
    shown = specsched("show", folder / "comparison.json", cwd=analysed).stdout
    assert shown == ended.stdout


def test_a_second_run_measures_nothing_again(analysed: Path) -> None:
    arguments = ("compare", "--kinds", "optimal", *QUICK, "-o", "twice", "--json")
    first = json.loads(specsched(*arguments, cwd=analysed).stdout)
    cells = {
        path: path.stat().st_mtime_ns for path in (analysed / "twice/cells").iterdir()
    }
    again = json.loads(specsched(*arguments, cwd=analysed).stdout)
    assert {path: path.stat().st_mtime_ns for path in cells} == cells
    assert len(list((analysed / "twice/cells").iterdir())) == len(cells)
    rows = [document["cells"][0]["rows"][0] for document in (first, again)]
    assert rows[0]["judgement"] == rows[1]["judgement"]
    assert rows[0]["seconds"] == rows[1]["seconds"]


def test_a_schedule_file_is_played_in_its_own_cell(analysed: Path) -> None:
    arguments = ("--kinds", "optimal,karras", "--schedule", "tight.json")
    ended = specsched(
        *("compare", *arguments, *QUICK, "-o", "filed", "--json"), cwd=analysed
    )
    (cell,) = json.loads(ended.stdout)["cells"]
    assert (cell["sampler"], cell["num_calls"]) == ("heun", 7)
    ours, _, from_file = cell["rows"]
    assert from_file["name"] == "tight.json"
    # What `export` writes is what kind optimal is here, so it is measured once.
    np.testing.assert_allclose(from_file["sigmas"], ours["sigmas"], rtol=1e-12)
    assert from_file["judgement"] == ours["judgement"]
    assert (from_file["cost"], ours["cost"]["calls"]) == (None, 0)


def test_a_finite_set_is_its_own_ground_truth(analysed: Path) -> None:
    arguments = ("--model", "images:images", "--kinds", "optimal,karras", "--calls", 8)
    ended = specsched(
        *("compare", *arguments, *QUICK, "-o", "found", "--json"), cwd=analysed
    )
    document = json.loads(ended.stdout)
    assert document["data"]["num_real"] == 80
    assert document["model"]["name"] == "images:images"
    assert document["reference"]["precision"]["value"] >= 0.9


def test_other_pictures_are_compared_with_if_they_are_named(analysed: Path) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (80, 8, 8, 3), dtype=np.uint8)
    np.save(analysed / "noise.npy", pixels)
    arguments = ("--kinds", "optimal", "--data", "noise.npy", *QUICK)
    ended = specsched("compare", *arguments, "-o", "other", "--json", cwd=analysed)
    row = json.loads(ended.stdout)["cells"][0]["rows"][0]["judgement"]
    assert row["precision"]["value"] < 0.2
    assert max(row["decibels"]) > 0 > min(row["decibels"])
    assert row["decibels"][-1] < -10


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--kinds", "optimal,karas"), 2, "did you mean --kinds karras?"),
        (("--samplers", "huen"), 2, "did you mean --samplers heun?"),
        (("--precision", "half"), 2, "there is no precision 'half'"),
        (("--features", "imagnet"), 2, "did you mean --features imagenet?"),
        (("--calls", "8,x"), 2, "--calls needs whole numbers as in 5,8,12, not '8,x'"),
        (("--calls", "8", "--steps", "8"), 2, "leave one out"),
        (("--samples", "60"), 3, "60 samples are compared with twice as many"),
        (("--spectrum", "none.json"), 3, "none.json does not exist"),
        (("--model", "oops"), 2, "there is no model 'oops'"),
        (("--model", "none.safetensors"), 3, "none.safetensors does not exist"),
        (("-o", "images"), 2, "images holds files that specsched did not write"),
    ],
)
def test_refusals_name_the_cure(
    analysed: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    given = ("--model", "images:images", *arguments)
    assert message in sentence("compare", *given, cwd=analysed, code=code)


def test_files_of_one_name_are_told_apart(analysed: Path) -> None:
    for name, steps in (("a", 4), ("b", 5)):
        (analysed / name).mkdir()
        export = ("export", "--steps", steps, "--sampler", "heun")
        specsched(*export, "-o", f"{name}/tight.json", cwd=analysed)
    files = ("a/tight.json", "b/tight.json", "b/../b/tight.json")
    flags = [word for file in files for word in ("--schedule", file)]
    arguments = ("--kinds", "optimal,optimal", *flags, *QUICK, "-o", "a part", "--json")
    ended = specsched("compare", *arguments, cwd=analysed)
    assert ended.stderr.endswith("specsched show 'a part/comparison.json'\n")
    document = json.loads(ended.stdout)
    named = [[row["name"] for row in cell["rows"]] for cell in document["cells"]]
    assert named == [["optimal", "a/tight.json"], ["optimal", "b/tight.json"]]
    assert document["arguments"]["schedules"] == ["a/tight.json", "b/tight.json"]
    assert str(analysed) not in json.dumps(document)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--kinds", ","), "--kinds names nothing to compare"),
        (("--samplers", ","), "--samplers names nothing to compare"),
        (("--samplers", ""), "--samplers names nothing to compare"),
        (("--calls", ","), "--calls needs whole numbers as in 5,8,12, not ','"),
        (("--seed", (1 << 63) - 39), f"--seed must be from 0 to {(1 << 63) - 40}"),
    ],
)
def test_nothing_is_measured_of_what_cannot_be_compared(
    analysed: Path, flags: tuple[object, ...], told: str
) -> None:
    arguments = ("compare", "--samples", 40, *flags, "-o", "unmeasured")
    assert told in sentence(*arguments, cwd=analysed, code=2)
    assert not list(analysed.glob("unmeasured/cells/*"))


def test_what_is_said_of_a_model_names_no_flag_of_another_command(
    analysed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (analysed / "narrow_nets.py").write_text(NARROW)
    monkeypatch.setattr(sys, "path", [str(analysed), *sys.path])
    flags = ("--model", "narrow_nets:narrow", "--data", "images", "-o", "narrow")
    run = specsched("compare", *flags, "--kinds", "optimal", *QUICK, cwd=analysed)
    said = next(line for line in run.stderr.splitlines() if "the table runs" in line)
    assert said.endswith("the model was trained from 5 to 0.1")
