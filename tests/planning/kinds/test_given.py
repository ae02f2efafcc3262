"""Tables whose levels are given: lists, and a model's own timesteps."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spectral_sched.diffusion.models.times import (
    NetworkTime,
    flow_time,
    time_named,
    timesteps,
    ve_time,
    vp_time,
)
from spectral_sched.diffusion.models.wrap import wrap
from spectral_sched.errors import UsageError
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.replan import Fitting, ModelLimits, fit_to_model
from spectral_sched.planning.request import NoiseLimits, TableRequest
from tests.support.commands import sentence, specsched
from tests.support.helpers import write_pictures
from tests.support.pink import pink_source

LEVELS = (80.0, 20.0, 5.0, 0.1)


def of_list(text: str, num_steps: int = 4, **limits: Any) -> tuple[float, ...]:
    request = TableRequest.of(
        *("euler", num_steps, "zero"),
        settings={"levels": text},
        limits=NoiseLimits(**limits),
    )
    return make_plan(pink_source(), "list", request).table.sigmas


@pytest.mark.parametrize("text", ["80/20/5/0.1", "80, 20; 5 0.1", "80/20/5/0.1/0"])
def test_a_list_is_played_as_it_is(text: str) -> None:
    assert of_list(text) == (*LEVELS, 0.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("80/20/5", "has 3 levels and 4 steps are asked for; ask for --steps 3"),
        ("80/20/5/low", "levels= takes numbers"),
        ("80/20/30/1", "decreases at every step"),
    ],
)
def test_lists_that_are_no_table(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        of_list(text)


def test_a_list_has_its_ends() -> None:
    with pytest.raises(UsageError, match="has its levels already"):
        of_list("80/20/5/0.1", sigma_max=10.0)


def test_no_range_moves_a_list() -> None:
    request = TableRequest.of("euler", 4, "zero", settings={"levels": "80/20/5/0.1"})
    plan = make_plan(pink_source(), "list", request)
    trusted = ModelLimits(None, (1.0, 9.0), audited=True)
    kept, messages = fit_to_model(plan, trusted, Fitting())
    assert kept is plan
    assert messages[0].startswith("warning: the table runs from sigma 80 to 0.1")


ABAR = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))


@pytest.mark.parametrize(
    ("spacing", "steps"),
    [
        # As DDIMScheduler spaces them, without an offset.
        ("own", [750, 500, 250, 0]),
        ("leading", [750, 500, 250, 0]),
        ("trailing", [999, 749, 499, 249]),
        ("linspace", [999, 666, 333, 0]),
    ],
)
def test_discrete_timesteps_are_spaced_as_their_names_say(
    spacing: str, steps: list[int]
) -> None:
    found = wrap(print, time="timestep-linear").native(4, spacing)
    assert found == pytest.approx(np.sqrt(1 / ABAR[steps] - 1).tolist())


def test_the_spacings_are_those_of_diffusers() -> None:
    diffusers = pytest.importorskip("diffusers")
    for spacing in ("leading", "trailing", "linspace"):
        scheduler = diffusers.DDIMScheduler(timestep_spacing=spacing)
        for count in (7, 50):
            scheduler.set_timesteps(count)
            theirs = scheduler.timesteps.numpy()
            abar = scheduler.alphas_cumprod.double().numpy()[theirs]
            ours = timesteps("linear").native(count, spacing)
            assert ours == pytest.approx(np.sqrt(1 / abar - 1), rel=1e-3)


@pytest.mark.parametrize(
    "time",
    [
        flow_time(),
        flow_time(1000, to_noise=False),
        vp_time("linear", 999),
        vp_time("cosine"),
        vp_time("tangent"),
        ve_time(),
        ve_time(0.02, 90.0, 231, to_noise=False),
    ],
)
def test_times_are_even(time: NetworkTime) -> None:
    ratios = time.native(5)
    assert np.all(np.diff(ratios) < 0)
    assert time.ratios is not None
    assert ratios[0] == pytest.approx(time.ratios[1], rel=1e-6)
    told = np.array([time.told(float(ratio)) for ratio in ratios])
    steps = np.diff(told)
    assert steps == pytest.approx(np.full(4, steps[0]))
    if time.input_type == "ve":
        assert ratios[-1] == pytest.approx(time.ratios[0])
    else:
        # One more step leads to where there is no noise.
        assert told[-1] + steps[0] == pytest.approx(float(time.told(0.0)), abs=1e-9)


def test_levels_are_in_our_pixels_and_noise() -> None:
    plain = wrap(print, time="flow").native(3)
    scaled = wrap(print, time="flow", pixels="0,1", noise_scale=4.0).native(3)
    assert scaled == pytest.approx([8 * level for level in plain])


def test_models_without_a_spacing_of_their_own() -> None:
    with pytest.raises(UsageError, match="does not say how its own levels are spaced"):
        time_named("c_noise").native(4)
    with pytest.raises(UsageError, match="ask for --steps 10 at most"):
        timesteps("linear", 10).native(11)


MODULE = """
import torch
from spectral_sched.diffusion.models import wrap


def noise():
    return wrap(lambda z, t: z / 2, time="timestep-linear")


def plain(x, sigma):
    return x / (1 + torch.as_tensor(sigma).reshape(-1, 1, 1, 1) ** 2)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_pictures(tmp_path / "images", 8, (8, 8))
    specsched("analyze", "images", cwd=tmp_path)
    (tmp_path / "given_nets.py").write_text(MODULE)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "given_nets", raising=False)
    return tmp_path


def test_both_are_exported(folder: Path) -> None:
    specsched("export", "--kind", "list", "--set", "levels=9/3/1", cwd=folder)
    document = json.loads((folder / "tight.json").read_text())
    assert document["sigmas"] == [9.0, 3.0, 1.0, 0.0]
    native = ("export", "--kind", "native", "--steps", 4, "-o", "native.json")
    assert "name one, as in" in sentence(*native, cwd=folder, code=2)
    specsched(*native, "--model", "given_nets:noise", cwd=folder)
    document = json.loads((folder / "native.json").read_text())
    assert document["sigmas"][0] == pytest.approx(math.sqrt(1 / ABAR[750] - 1))
    assert document["spent"]["network_calls"] == 0
    plain = (*native[:-1], "plain.json", "--model", "given_nets:plain")
    assert "does not say how its own" in sentence(*plain, cwd=folder, code=2)


def test_both_are_compared_on_a_denoiser_of_ones_own(folder: Path) -> None:
    specsched(
        *("compare", "--model", "given_nets:noise", "--data", "many", "-o", "out"),
        *("--kinds", "optimal,native,list:levels=9/3/1/0.1"),
        *("--samplers", "euler", "--steps", 4),
        *("--samples", 40, "--reference-steps", 8),
        cwd=_many(folder),
    )
    document = json.loads((folder / "out" / "comparison.json").read_text())
    assert document["model"]["name"] == "given_nets:noise"
    (cell,) = document["cells"]
    assert [row["name"] for row in cell["rows"]] == [
        *("optimal", "native", "list:levels=9/3/1/0.1"),
    ]
    native, listed = (row["sigmas"] for row in cell["rows"][1:])
    assert native[0] == pytest.approx(math.sqrt(1 / ABAR[750] - 1))
    assert listed == [9.0, 3.0, 1.0, 0.1, 0.0]
    assert all(row["judgement"]["frechet"]["value"] > 0 for row in cell["rows"])


def _many(folder: Path) -> Path:
    torch.set_num_threads(1)
    write_pictures(folder / "many", 80, (8, 8), seed=2)
    return folder
