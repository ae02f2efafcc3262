"""Files that an earlier build wrote open, and give the same tables.

``files_of_before/`` was written by specsched 0.1.0 before its modules were moved about,
and ``expected.json`` there holds what that build read in each file and planned from it;
what depends on the objective of kind optimal (``errors``, ``exported``, ``again``,
``per image``) is of the present one, and so is the noise of ``picture`` and ``per
image``.
What is stored comes back to the last bit. What is computed anew does so on one machine;
another processor rounds the last digits otherwise, and where an optimiser then ends has
been seen to differ by 2e-10.
"""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spectral_sched
from spectral_sched import targets
from spectral_sched.files.schedule import read_plan
from spectral_sched.images.preprocessing import preprocessing_members
from spectral_sched.planning.replan import replan
from spectral_sched.planning.request import TableRequest
from tests.support.commands import sentence, specsched

Facts = dict[str, Any]

FILES = Path(__file__).parent / "files_of_before"
EXPECTED: Facts = json.loads((FILES / "expected.json").read_text())

SPECTRA = ("spectrum.json", "mixture.json")
SCHEDULES = (
    *("optimal.json", "karras.json", "gaussian.json", "blend.json", "gits.json"),
    *("mixed.json", "partial.json", "mean_start.json", "spectral_start.json"),
    "per_image.json",
)
LAWS = ("training.json", "laplace.json")
MODELS = ("model.safetensors", "conditioned.safetensors")
SHARDS = ("spectrum.0-of-2.partial.json", "spectrum.1-of-2.partial.json")
OTHERS = ("comparison.json", "samples/samples.json", "target.json")

PROVENANCE = ("tool", "created", "arguments")
STORED, COMPUTED, OPTIMISED = 0.0, 1e-12, 1e-7
"""Relative tolerances of what is read, of closed forms and of kind optimal."""


def command(*arguments: object, cwd: Path) -> str:
    """Return what a command prints, in this process."""
    return specsched(*arguments, cwd=cwd).stdout


def as_json(value: object) -> Any:
    """Return a value as a file would hold it."""
    return json.loads(json.dumps(value, default=lambda each: each.tolist()))


def check_same(found: Any, expected: Any, tolerance: float) -> None:
    """Hold values to others of the same form."""
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            check_same(found[key], value, tolerance)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            check_same(one, other, tolerance)
    elif isinstance(expected, float):
        assert math.isclose(found, expected, rel_tol=tolerance), (found, expected)
    else:
        assert found == expected


def document_of(path: Path) -> Facts:
    """Return the document in a file, without what says when it was made."""
    document: Facts = json.loads(path.read_text())
    return {key: value for key, value in document.items() if key not in PROVENANCE}


def spectrum_facts(path: Path) -> Facts:
    """Return what is stored in a spectrum file."""
    measured = spectral_sched.read_spectrum(path)
    spectrum, field = measured.spectrum, measured.spectrum.field
    return {
        "data_key": spectrum.data_key,
        "num_images": spectrum.num_images,
        "classes": dict(spectrum.class_counts),
        "shape": field.shape,
        "sigma_data": field.sigma_data,
        "mean_color": field.mean_color,
        "power": field.power,
        "num_modes": field.num_modes,
        "bounds": asdict(measured.bounds),
        "intervals": asdict(measured.intervals),
        "preprocessing": preprocessing_members(measured.preprocessing),
        "mixture": measured.mixture and asdict(measured.mixture),
    }


def request_facts(request: TableRequest) -> Facts:
    """Return what was asked for, as far as files hold it."""
    facts = asdict(request)
    # Of a model, which no file tells of.
    assert facts["limits"].pop("floor") == 0
    assert facts["limits"].pop("from_top") is False
    return facts


def schedule_facts(path: Path) -> Facts:
    """Return what is stored in a schedule file."""
    plan = spectral_sched.read_schedule(path)
    return {
        "kind": plan.kind,
        "request": request_facts(plan.request),
        "sigmas": plan.table.sigmas,
        "ends": plan.ends,
        "calls": plan.num_calls,
        "spent": plan.spent and asdict(plan.spent),
        "bounds": asdict(plan.data_set.bounds),
        "source_key": plan.data_set.data_key,
    }


def error_facts(path: Path) -> Facts:
    """Return what is computed of the table of a schedule file."""
    plan = spectral_sched.read_schedule(path)
    return {
        "error": plan.predicted.error,
        "per_ring": plan.predicted.per_ring,
        "enough_steps": plan.enough_steps,
    }


def source_of(path: Path) -> Any:
    """Return what tables are planned from."""
    if path.name in SPECTRA:
        return spectral_sched.read_spectrum(path)
    return spectral_sched.read_schedule(path)


def planned_facts(path: Path) -> Facts:
    """Return a table, ends and a law planned from a file with Python."""
    source = source_of(path)
    plan = spectral_sched.make_schedule(source, 5, kind="karras", start="mean")
    law = spectral_sched.training_schedule(source, "mixed")
    return {
        "karras": plan.table.sigmas,
        "bounds": asdict(spectral_sched.bounds(source)),
        "looser bounds": asdict(spectral_sched.bounds(source, epsilon=0.05)),
        "law": law(np.linspace(0, 1, 9)),
    }


def exported_facts(path: Path, folder: Path) -> Facts:
    """Return the table for 5 steps of heun that the command plans from a file."""
    line = ("export", "--spectrum", path, "--steps", 5, "--sampler", "heun")
    command(*line, "-o", "anew.json", cwd=folder)
    made = document_of(folder / "anew.json")
    names = ("sigmas", "sigma_min", "sigma_max", "nfe", "predicted", "source_key")
    return {name: made[name] for name in names}


def again_facts(path: Path) -> list[float]:
    """Return 5 steps of heun of the kind that a schedule file is of."""
    return list(replan(read_plan(path), 5, "heun").table.sigmas)


def drawn_lines(path: Path, folder: Path) -> list[str]:
    """Return what is drawn of a file with letters."""
    return command("plot", path, "--terminal", cwd=folder).splitlines()


def target_facts(name: str) -> list[float | int]:
    """Return the numbers in a file for another program, in the folder of its format."""
    path = FILES / "targets" / name
    values = targets.read(path.read_bytes(), path.parent.name)
    numbers: list[float | int] = values.tolist()
    return numbers


def target_names() -> list[str]:
    """Return the names of the files for other programs."""
    paths = sorted((FILES / "targets").glob("*/*"))
    return [f"{path.parent.name}/{path.name}" for path in paths]


def model_picture() -> Any:
    """Return an image that the trained network makes, (3, 16, 16)."""
    model, table = FILES / MODELS[0], FILES / "optimal.json"
    return spectral_sched.sample(table, [3], model=str(model), device="cpu")[0]


def image_pictures() -> Any:
    """Return images of one table each, drawn from the mixture, (2, 3, 16, 16)."""
    return spectral_sched.sample(
        FILES / "per_image.json",
        [0, 1],
        model="wiener",
        device="cpu",
        precision="float64",
        per_image=True,
        label="shapes",
    )


@pytest.mark.parametrize("name", SPECTRA)
def test_spectra_hold_what_they_held(name: str) -> None:
    check_same(as_json(spectrum_facts(FILES / name)), EXPECTED["stored"][name], STORED)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_hold_what_they_held(name: str) -> None:
    check_same(as_json(schedule_facts(FILES / name)), EXPECTED["stored"][name], STORED)


@pytest.mark.parametrize("name", SCHEDULES)
def test_predicted_errors_stay(name: str) -> None:
    facts = as_json(error_facts(FILES / name))
    check_same(facts, EXPECTED["errors"][name], OPTIMISED)


@pytest.mark.parametrize("name", [*SPECTRA, *SCHEDULES])
def test_the_same_tables_are_planned(name: str) -> None:
    check_same(
        as_json(planned_facts(FILES / name)), EXPECTED["planned"][name], COMPUTED
    )


@pytest.mark.parametrize("name", [*SPECTRA, *SCHEDULES, *MODELS])
def test_the_command_plans_the_same_table(name: str, tmp_path: Path) -> None:
    facts = exported_facts(FILES / name, tmp_path)
    check_same(facts, EXPECTED["exported"][name], OPTIMISED)
    if name not in MODELS:
        table = spectral_sched.optimal_table(source_of(FILES / name), 5, "heun")
        assert list(table.sigmas) == facts["sigmas"]


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_kind_stays_itself_when_it_is_planned_again(name: str) -> None:
    sigmas = again_facts(FILES / name)
    np.testing.assert_allclose(sigmas, EXPECTED["again"][name], rtol=1e-6)


@pytest.mark.parametrize("name", [*SPECTRA, *SCHEDULES])
def test_a_file_that_is_read_and_written_is_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / "again.json"
    if name in SPECTRA:
        spectral_sched.write_spectrum(spectral_sched.read_spectrum(FILES / name), path)
    else:
        spectral_sched.write_schedule(spectral_sched.read_schedule(FILES / name), path)
    # The error is predicted anew, the digest covers it, the coordinate is not kept.
    left_out = ("digest", "predicted", "values_coordinate", "values")
    found, before = (
        {key: value for key, value in document_of(each).items() if key not in left_out}
        for each in (path, FILES / name)
    )
    check_same(found, before, COMPUTED)


@pytest.mark.parametrize(
    "name", [*SPECTRA, *SCHEDULES, *LAWS, *MODELS, *SHARDS, *OTHERS]
)
def test_every_file_is_shown(name: str, tmp_path: Path) -> None:
    assert command("show", FILES / name, cwd=tmp_path).strip()
    document = json.loads(command("show", FILES / name, "--json", cwd=tmp_path))
    if name in MODELS:
        document = {key: document[key] for key in EXPECTED["models"][name]}
        check_same(document, EXPECTED["models"][name], STORED)
    else:
        check_same(document, json.loads((FILES / name).read_text()), STORED)


@pytest.mark.parametrize("name", [*SPECTRA, *SCHEDULES, *LAWS, *MODELS])
def test_every_curve_is_drawn(name: str, tmp_path: Path) -> None:
    drawn = drawn_lines(FILES / name, tmp_path)
    assert len(drawn) >= 3
    if name in LAWS:
        before = EXPECTED["drawn"][name]
        assert drawn[: len(before)] == before
        assert drawn[len(before)].startswith("EDM, often copied: ")  # new beside it


def test_shards_are_merged_to_the_same_spectrum(tmp_path: Path) -> None:
    run = specsched("merge", *(FILES / name for name in SHARDS), cwd=tmp_path)
    assert "copies among the images were not counted" in run.stderr
    found, before = (
        {key: value for key, value in document_of(each).items() if key != "digest"}
        for each in (tmp_path / "spectrum.json", FILES / "spectrum.json")
    )
    assert found["data_key"] == before["data_key"]
    check_same(found, before, COMPUTED)


@pytest.mark.parametrize("name", target_names())
def test_what_other_programs_were_given_is_read(name: str) -> None:
    assert target_facts(name) == EXPECTED["targets"][name]


def test_a_model_makes_the_same_picture() -> None:
    np.testing.assert_allclose(model_picture(), EXPECTED["picture"], atol=1e-3)


def test_each_picture_has_the_same_table_of_its_own() -> None:
    pictures = image_pictures()
    np.testing.assert_allclose(pictures, EXPECTED["per image"], atol=1e-7)


def test_a_scheduler_that_diffusers_saved_is_loaded() -> None:
    pytest.importorskip("diffusers")
    from spectral_sched.diffusers import SpectralScheduler

    loaded = SpectralScheduler.from_pretrained(FILES / "scheduler")
    loaded.set_timesteps(5)
    found = {"timesteps": loaded.timesteps.tolist(), "sigmas": loaded.sigmas.tolist()}
    for key, values in EXPECTED["scheduler"].items():
        np.testing.assert_allclose(found[key], values, rtol=1e-6)


def test_files_of_before_are_known_as_ours(tmp_path: Path) -> None:
    """It is told what they hold, and ``--force`` replaces them."""
    shutil.copytree(FILES, tmp_path / "files")
    folder = tmp_path / "files"
    other = ("export", "--steps", 2, "-o", "optimal.json")
    told = sentence(*other, cwd=folder, code=2)
    assert "optimal.json holds the answer to another request (other sampler, s" in told
    command(*other, "--force", cwd=folder)
    law = ("export", "--for", "training", "-o", "laplace.json", "--force")
    command(*law, cwd=folder)
    flags = ("--model", "wiener", "--seeds", 0, "--device", "cpu", "--force")
    command("sample", "--schedule", "optimal.json", *flags, cwd=folder)
    assert document_of(folder / "optimal.json")["num_steps"] == 2
    assert document_of(folder / "samples/samples.json")["pictures"] == ["000000.png"]
