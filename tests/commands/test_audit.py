"""``specsched audit``: what it prints, keeps beside a model, and what heeds it."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spectral_sched.files.schedule import read_plan
from spectral_sched.files.spectrum import read_spectrum
from tests.support.commands import sentence, specsched
from tests.support.helpers import write_pictures

MODULE = '''
import torch
from spectral_sched.diffusion.models import WienerDenoiser
from spectral_sched.files.any_format import read_data_set
from pathlib import Path

LEVEL = 2.0


def failing(device, dtype):
    """Return the filter, but for an error above a level that grows with sigma."""
    field = read_data_set(Path("spectrum.json")).power.field
    best = WienerDenoiser(field, device, dtype)

    def denoise(x, sigma):
        wrong = torch.linspace(-1, 1, x[0].numel()).reshape(x[:1].shape).to(x)
        level = torch.as_tensor(sigma).reshape(-1, 1, 1, 1)
        return best(x, sigma) + 0.3 * level * wrong * (level > LEVEL)

    return denoise


def useless(x, sigma):
    return 3 - x
'''

IMAGES = ("--data", "images", "--samples", 12, "--levels", 12)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audited")
    write_pictures(folder / "images", 12, (8, 8))
    specsched("analyze", "images", cwd=folder)
    return folder


@pytest.fixture
def folder(measured: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (measured / "audited_nets.py").write_text(MODULE)
    for kept in measured.glob("*.audit.json"):
        kept.unlink()
    monkeypatch.setattr(sys, "path", [str(measured), *sys.path])
    monkeypatch.delitem(sys.modules, "audited_nets", raising=False)
    return measured


FAILING = ("--model", "audited_nets:failing")


def kept(folder: Path) -> dict[str, Any]:
    path = folder / "audited_nets.audit.json"
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def test_it_says_where_a_model_is_worse(folder: Path) -> None:
    told = specsched("audit", *FAILING, *IMAGES, cwd=folder)
    assert "audited_nets:failing on 12 images" in told.stdout
    assert "found: from sigma" in told.stdout
    assert "it is worse than Wiener's filter" in told.stdout
    assert told.stdout.splitlines()[-1].startswith("trusted from sigma ")
    assert not list(folder.glob("*.audit.json"))
    document = json.loads(
        specsched("audit", *FAILING, *IMAGES, "--json", cwd=folder).stdout
    )
    assert document["network_calls"] >= 12 * 12
    worse = np.array(document["sigmas"])[document["worse"]]
    assert worse.min() > 2.0


def test_a_full_disk_is_told_with_the_flag_that_was_given(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    ended = specsched("audit", *FAILING, *IMAGES, "--write", cwd=folder, code=2)
    assert ended.stderr.endswith("no space left on device; leave out --write\n")


def test_what_is_kept_is_heeded(folder: Path) -> None:
    written = specsched("audit", *FAILING, *IMAGES, "--write", cwd=folder)
    assert "wrote" in written.stderr
    low, high = kept(folder)["trusted_range"]
    bounds = read_spectrum(folder / "spectrum.json").bounds
    assert high < 5 < bounds.sigma_max

    free = specsched("export", "--steps", 6, "-o", "free.json", cwd=folder)
    assert "audit" not in free.stderr
    planned = specsched("export", *FAILING, "--steps", 6, "-o", "in.json", cwd=folder)
    assert "an audit trusts the model from" in planned.stderr
    plan = read_plan(folder / "in.json")
    assert plan.request.start == "spectral"
    assert low * (1 - 1e-6) <= plan.table.levels[-1]
    assert plan.table.levels[0] <= high * (1 + 1e-6)

    told = specsched(
        *("sample", *FAILING, "--schedule", "free.json", "--seeds", 0, "-o", "one"),
        cwd=folder,
    )
    assert "planned again inside that range" in told.stderr
    quiet = specsched(
        *("sample", *FAILING, "--schedule", "in.json", "--seeds", 0, "-o", "two"),
        cwd=folder,
    )
    assert "planned again" not in quiet.stderr
    shown = specsched("show", "audited_nets.audit.json", cwd=folder)
    assert f"trusted from sigma {low:.4g} to {high:.4g}" in shown.stdout


def test_a_start_from_noise_alone_is_had_if_asked(folder: Path) -> None:
    specsched("audit", *FAILING, *IMAGES, "--write", cwd=folder)
    zero = ("export", *FAILING, "--start", "zero", "--steps", 6, "-o", "zero.json")
    assert "lacks power" in specsched(*zero, cwd=folder).stderr
    assert read_plan(folder / "zero.json").request.start == "zero"
    # Another program starts from noise about zero, whatever the model.
    target = ("export", *FAILING, "--steps", 6, "--target", "plain", "--json")
    assert "lacks power" in specsched(*target, cwd=folder).stderr


def test_an_audit_of_another_state_is_not_heeded(folder: Path) -> None:
    specsched("audit", *FAILING, *IMAGES, "--write", cwd=folder)
    changed = MODULE.replace("LEVEL = 2.0", "LEVEL = 1.0")
    (folder / "audited_nets.py").write_text(changed)
    told = specsched("export", *FAILING, "--steps", 4, "-o", "other.json", cwd=folder)
    assert "is of another state of the model and is ignored" in told.stderr
    assert "a look at 24 levels" in told.stderr


def test_models_that_nobody_audited_are_looked_at(folder: Path) -> None:
    told = specsched("export", *FAILING, "--steps", 6, "-o", "seen.json", cwd=folder)
    assert "a look at 24 levels (384 calls) found the model worse" in told.stderr
    blind = ("export", *FAILING, "--no-look", "--steps", 6, "-o", "blind.json")
    assert "a look at" not in specsched(*blind, cwd=folder).stderr
    plan = read_plan(folder / "blind.json")
    assert plan.ends[1] == pytest.approx(plan.data_set.bounds.sigma_max)
    top = read_spectrum(folder / "spectrum.json").bounds.sigma_max
    seen = read_plan(folder / "seen.json")
    assert seen.request.start == "spectral"
    assert seen.table.levels[0] < 5 < top
    useless = ("--model", "audited_nets:useless", "-o", "useless.json")
    told = specsched("export", *useless, cwd=folder)
    assert "worse than Wiener's filter at all of them" in told.stderr
    # What is known well is not looked at.
    quiet = specsched("export", "--model", "wiener", "-o", "known.json", cwd=folder)
    assert "a look at" not in quiet.stderr


def test_a_model_that_is_trusted_nowhere_is_not_planned_for(folder: Path) -> None:
    useless = ("--model", "audited_nets:useless")
    told = specsched("audit", *useless, *IMAGES, "--write", cwd=folder)
    assert "trusted nowhere" in told.stdout
    said = sentence("export", *useless, "-o", "none.json", cwd=folder, code=2)
    assert "found no noise level at which the model can be trusted" in said


def test_without_images_it_takes_samples_of_the_field(folder: Path) -> None:
    told = specsched("audit", "--model", "wiener", "--samples", 8, cwd=folder)
    assert "wiener on 8 samples of the spectrum's field" in told.stdout
    assert "found nothing wrong" in told.stdout


def test_exact_models_have_no_place_for_it(folder: Path) -> None:
    said = sentence("audit", "--model", "wiener", "--write", cwd=folder, code=2)
    assert "has no file of its own to keep an audit beside" in said


def test_it_is_drawn(folder: Path) -> None:
    pytest.importorskip("matplotlib")
    specsched("audit", *FAILING, *IMAGES, "--plot", "a.png", "--force", cwd=folder)
    assert (folder / "a.png").read_bytes().startswith(b"\x89PNG")
    said = sentence("audit", *FAILING, "--plot", "a.txt", cwd=folder, code=2)
    assert "names no image format" in said


def test_a_damaged_file_is_no_audit(folder: Path) -> None:
    specsched("audit", *FAILING, *IMAGES, "--write", cwd=folder)
    path = folder / "audited_nets.audit.json"
    document = kept(folder) | {"trusted_range": [3.0, 1.0]}
    path.write_text(json.dumps(document))
    said = sentence("export", *FAILING, "-o", "none.json", cwd=folder, code=3)
    assert "'trusted_range' is no range of sigma" in said


def test_a_seed_with_too_few_behind_it_is_refused(folder: Path) -> None:
    flags = ("--levels", 4, "--samples", 4, "--seed", (1 << 63) - 15)
    told = sentence("audit", "--model", "wiener", *flags, cwd=folder, code=2)
    assert f"--seed must be from 0 to {(1 << 63) - 16}" in told


def test_a_drawing_that_cannot_be_written_is_refused_by_its_flag(folder: Path) -> None:
    pytest.importorskip("matplotlib")
    (folder / "mine.png").write_bytes(b"mine")
    for place, told in (
        ("none/a.png", "its folder does not exist"),
        ("mine.png", "was not written by specsched; name another file with --plot"),
    ):
        flags = ("--model", "wiener", "--plot", place)
        refused = sentence("audit", *flags, cwd=folder, code=2)
        assert told in refused
        assert "-o" not in refused
