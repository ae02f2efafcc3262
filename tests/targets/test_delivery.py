"""``specsched export --target`` as it is typed."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from spectral_sched.targets import FORMATS, TARGETS, programs, read
from tests.support.commands import sentence, specsched
from tests.support.helpers import ROOT, write_pictures

SAMPLING = {
    *("k-diffusion", "edm", "edm2", "diffusers-euler", "diffusers-edm"),
    *("diffusers-dpm-timesteps", "diffusers-heun-timesteps", "diffusers-flow"),
    *("diffusers-unipc-flow", "comfy", "comfy-flow", "comfy-api", "kjnodes", "sdnext"),
    *("sdcpp", "forge-extra", "smalldiffusion", "plain", "jit", "hidream-o1"),
    *("prx-pixel", "res4lyf", "mflux", "pixnerd"),
}
TRAINERS = {"kohya", "simpletuner", "onetrainer", "pmf"}
NAMES = sorted({*SAMPLING, *TRAINERS, "k-diffusion-config", "simple-diffusion"})


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("measured")
    write_pictures(path / "images", 12)
    specsched("analyze", "images", cwd=path)
    specsched("export", "--steps", 6, cwd=path)
    return path


def test_all_targets_are_listed(there: Path) -> None:
    listed = specsched("export", "--list-targets", cwd=there)
    document = json.loads(
        specsched("export", "--list-targets", "--json", cwd=there).stdout
    )
    assert document["format"] == "specsched.targets"
    assert [each["name"] for each in document["targets"]] == NAMES
    for name, target in TARGETS.items():
        assert f"\n{name} " in listed.stdout
        assert target.what.split()[0] in listed.stdout
        assert len(target.what) <= 88
    assert "next: specsched export --target" in listed.stderr


@pytest.mark.parametrize("name", NAMES)
def test_every_target_goes_to_stdout_and_says_what_is_next(
    there: Path, name: str
) -> None:
    ended = specsched("export", "--target", name, "--steps", 4, cwd=there)
    assert ended.stdout.endswith("\n")
    assert len(ended.stdout.strip()) > 5
    assert ended.stderr.splitlines()[-1].startswith("next: ")
    document = json.loads(
        specsched("export", "--target", name, "--json", cwd=there).stdout
    )
    assert document["target"] == name
    assert document["arguments"]["kind"] in ("optimal", "lognormal")
    assert ("values" in document) or ("fields" in document)


def test_the_table_of_a_file_is_written_as_it_is(there: Path) -> None:
    sigmas = json.loads((there / "tight.json").read_text())["sigmas"]
    text = specsched(
        *("export", "--schedule", "tight.json", "--target", "plain"), cwd=there
    ).stdout
    assert [float(part) for part in text.split(", ")] == sigmas
    planned = specsched("export", "--steps", 6, "--target", "plain", cwd=there).stdout
    assert planned == text


@pytest.mark.parametrize("form", FORMATS)
def test_files_are_named_by_their_format(there: Path, form: str) -> None:
    path = there / f"sigmas{FORMATS[form].suffix}"
    arguments = ("export", "--schedule", "tight.json", "--target", "k-diffusion")
    ended = specsched(*arguments, "-o", path.name, cwd=there)
    assert f"k-diffusion as {form}" in ended.stdout
    sigmas = json.loads((there / "tight.json").read_text())["sigmas"]
    values = read(path.read_bytes(), form, np.float32)
    np.testing.assert_array_equal(values, np.array(sigmas, np.float32))
    again = specsched(*arguments, "-o", path.name, "--force", "--json", cwd=there)
    assert json.loads(again.stdout)["target"] == "k-diffusion"


def test_a_document_for_a_program_is_shown(there: Path) -> None:
    arguments = ("--schedule", "tight.json", "--target", "sdnext")
    specsched("export", *arguments, "-o", "sdnext.json", cwd=there)
    shown = specsched("show", "sdnext.json", cwd=there).stdout
    assert shown.startswith("for sdnext: optimal table for dpmpp-2m, 6 steps\n")
    assert "the program steps through sigma" in shown
    assert "use: paste it into Timesteps override" in shown
    # Ours, so it is replaced without being forced.
    specsched("export", *arguments, "-o", "sdnext.json", cwd=there)


def test_every_file_of_a_program_is_found() -> None:
    files = {each.name for each in pkgutil.iter_modules(programs.__path__)}
    declared = [
        target.name
        for name in files
        for target in importlib.import_module(f"{programs.__name__}.{name}").TARGETS
    ]
    assert sorted(declared) == list(TARGETS) == NAMES


def test_bytes_go_through_a_pipe(there: Path) -> None:
    command = [sys.executable, "-m", "spectral_sched", "export", "--target", "edm"]
    run = subprocess.run(
        [*command, "--format", "npy", "--schedule", "tight.json"],
        cwd=there,
        capture_output=True,
        check=True,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    sigmas = json.loads((there / "tight.json").read_text())["sigmas"]
    np.testing.assert_array_equal(read(run.stdout, "npy"), sigmas)


def test_warnings_and_deviations_are_told(there: Path) -> None:
    numbers = ("export", "--target", "diffusers-flow", "--format", "text")
    shift = specsched(*numbers, cwd=there).stderr
    assert shift.startswith("warning: a scheduler whose configuration has a shift")
    said = ("export", "--target", "diffusers-flow", "--with", "shift=3")
    quiet = specsched(*said, cwd=there)
    assert "warning" not in quiet.stderr
    assert ast.literal_eval(quiet.stdout.split("= ")[1].splitlines()[0])[0] < 1
    assert json.loads(specsched(*said, "--json", cwd=there).stdout)["arguments"][
        "with"
    ] == ["shift=3"]
    timesteps = specsched("export", "--target", "sdnext", cwd=there).stderr
    assert "the program steps through sigma" in timesteps
    assert "(relative) off the table" in timesteps
    law = specsched("export", "--target", "k-diffusion-config", cwd=there).stderr
    assert "nearest law that k-diffusion can draw from" in law


def test_of_long_tables_the_ends_are_told(there: Path) -> None:
    arguments = ("export", "--target", "sdnext", "--steps", 40, "--sigma-min", 0.1)
    ended = specsched(*arguments, "--sigma-max", 150, cwd=there)
    told = next(line for line in ended.stderr.splitlines() if "steps through" in line)
    assert ", ..., " in told
    assert len(told) < 200
    assert len(ended.stdout.split(",")) == 40


def test_laws_to_train_with(there: Path) -> None:
    ended = specsched(
        *("export", "--for", "training", "--target", "smalldiffusion"),
        *("--format", "text"),
        cwd=there,
    )
    levels = read(ended.stdout.encode(), "text")
    assert len(levels) == 1000
    assert np.all(np.diff(levels) > 0)
    edm = specsched("export", "--for", "training", "--target", "edm", cwd=there)
    assert edm.stdout.startswith("P_mean=")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--target", "comfi"),
            "there is no target 'comfi'; did you mean --target comf",
        ),
        (("--target", "comfy", "--format", "xml"), "no format of target comfy 'xml'"),
        (
            ("--format", "npy"),
            "--format is about a program to write for; name one with",
        ),
        (
            ("--target", "comfy-api", "-o", "n.npy"),
            "no format of target comfy-api 'npy'",
        ),
        (("--with", "shift=3"), "--with is about a program to write for; name one"),
        (("--schedule", "tight.json"), "--schedule is about a program to write for"),
        (
            ("--schedule", "tight.json", "--target", "comfy", "--steps", "5"),
            "--steps plans a table, and --schedule takes one as it is; leave one out",
        ),
        (
            ("--schedule", "tight.json", "--target", "comfy", "--set", "rho=5"),
            "--set plans a table, and --schedule takes one as it is; leave one out",
        ),
        (
            ("--schedule", "tight.json", "--target", "k-diffusion-config"),
            "--schedule shapes sigma tables, not laws to train with; leave it out",
        ),
        (
            ("--for", "training", "--target", "comfy"),
            "target comfy takes a sigma table, not a law to train with; leave out",
        ),
        (
            ("--for", "sampling", "--target", "simple-diffusion"),
            "target simple-diffusion takes a law to train with, not a sigma table; add",
        ),
        (("--start", "mean", "--target", "comfy"), "plan it without --start mean"),
        (("--target", "comfy", "-o", "images/0000.png"), "cannot be known to be writt"),
        (
            ("--for", "training", "--target", "edm", "--format", "npy"),
            "there is no format of target edm 'npy'; choose one with --format",
        ),
    ],
)
def test_what_cannot_be_written(
    there: Path, arguments: tuple[str, ...], message: str
) -> None:
    assert message in sentence("export", *arguments, cwd=there, code=2)
