"""What is read from files to be drawn, and which panels that makes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spectral_sched.documents.tensor_file import METADATA_KEY
from spectral_sched.errors import InputError, UsageError
from spectral_sched.files.model import read_model_document
from spectral_sched.plots.panels import ASKED_FOR, PANELS, panels_document, panels_of
from spectral_sched.plots.subjects import read_subjects, shown_names


def test_every_file_gives_what_it_has(files: Path) -> None:
    names = ("spectrum.json", "tight.json", "training.json", "model.safetensors")
    spectrum, table, law, model = read_subjects([files / name for name in names])
    assert spectrum.data_set
    assert not spectrum.plan
    assert table.plan
    assert law.law
    assert not law.data_set
    assert model.data_set
    assert model.law
    assert model.law.sigma_min == model.data_set.bounds.sigma_min


def test_panels_follow_from_the_files(files: Path) -> None:
    def kinds(*names: str) -> list[str]:
        subjects = read_subjects([files / name for name in names])
        return [panel.kind for panel in panels_of(subjects)]

    assert kinds("spectrum.json") == ["spectrum"]
    assert kinds("training.json") == ["law"]  # and no errors by calls unasked
    assert kinds("tight.json") == ["spectrum", "step", "t", "log_snr", "error"]
    # A spectrum is drawn with its schedules; each of them has floors of its own.
    both = kinds("spectrum.json", "tight.json", "k.json")
    assert both == ["spectrum", "spectrum", "step", "t", "log_snr", "error"]
    assert kinds("tight.json", "model.safetensors").count("spectrum") == 2


def test_schedules_share_their_panels(files: Path) -> None:
    subjects = read_subjects([files / "tight.json", files / "k.json"])
    for panel in panels_of(subjects, ["step", "t", "log_snr", "error"]):
        assert [curve.name for curve in panel.curves] == ["tight.json", "k.json"]


def test_names_tell_files_apart() -> None:
    paths = [Path("a/tight.json"), Path("b/tight.json"), Path("k.json")]
    assert shown_names(paths) == ["a/tight.json", "b/tight.json", "k.json"]
    assert shown_names([Path("a\nb\x1b.json")]) == ["a?b?.json"]


def test_panels_that_cannot_be_had(files: Path) -> None:
    subjects = read_subjects([files / "spectrum.json"])
    with pytest.raises(UsageError, match=r"did you mean --panel spectrum\?"):
        panels_of(subjects, ["spectra"])
    with pytest.raises(InputError, match=r"nothing for a panel step in spectrum\.json"):
        panels_of(subjects, ["step"])


def test_files_with_nothing_to_draw(tmp_path: Path) -> None:
    record = tmp_path / "samples.json"
    record.write_text(json.dumps({"format": "specsched.samples", "version": 1}))
    with pytest.raises(InputError, match="which has nothing to plot; name a spectrum"):
        read_subjects([record])


@pytest.mark.parametrize("law", ["learned", "spectral"])
def test_laws_that_are_not_in_a_file_are_left_out(
    files: Path, tmp_path: Path, law: str
) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    document = read_model_document(files / "model.safetensors")
    text = json.dumps(document | {"law": {"name": law, "set": {}}})
    path = tmp_path / "other.safetensors"
    save_file({"weight": np.zeros(1)}, path, {METADATA_KEY: text})
    (subject,) = read_subjects([path])
    assert subject.law is None
    assert subject.remark == f"the {law} law of {path.name} is not in its file, " + (
        "and is not drawn"
    )
    assert [panel.kind for panel in panels_of([subject])] == ["spectrum"]


def test_the_document_holds_all_numbers(files: Path) -> None:
    from spectral_sched.documents.strict_json import canonical

    names = ("tight.json", "training.json")
    panels = panels_of(read_subjects([files / name for name in names]))
    text = canonical(panels_document(panels, ()))
    document = json.loads(text, parse_constant=pytest.fail)
    unasked = [name for name in PANELS if name not in ASKED_FOR]
    assert [panel["panel"] for panel in document["panels"]] == unasked
    table = json.loads((files / "tight.json").read_text())
    (steps,) = document["panels"][1]["curves"]
    assert steps["levels"] == table["sigmas"][:-1]
    (error,) = document["panels"][4]["curves"]
    assert error["error"] == pytest.approx(table["predicted"]["per_ring"])
