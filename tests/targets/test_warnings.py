"""What a target warns of, and what it refuses."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from spectral_sched.errors import UsageError
from spectral_sched.planning.plan import Plan, make_plan
from spectral_sched.planning.request import NoiseLimits, TableRequest
from spectral_sched.planning.training_law import training_schedule
from spectral_sched.targets import (
    TARGETS,
    law_artifact,
    table_artifact,
    target_named,
    target_settings,
)
from tests.support.handed import LEVELS, given, given_law, plan_of_levels
from tests.support.pink import pink_source

RANGED = sorted(
    name
    for name, target in TARGETS.items()
    if target.table and "model_max" in {item.name for item in target.parameters}
)
BY_BETAS = ["diffusers-dpm-timesteps", "diffusers-euler", "diffusers-heun-timesteps"]
FLOW = ["diffusers-flow", "diffusers-unipc-flow"]


@pytest.mark.parametrize("name", RANGED)
def test_values_outside_the_range_that_was_said(name: str) -> None:
    high, low = given(name, LEVELS, "model_max=80", "model_min=0.05").warnings
    assert "sigma 150 is above the range of the model, which ends at 80" in high
    assert "--sigma-max 80" in high
    assert "sigma 0.02 is below the range of the model, which begins at 0.05" in low
    assert given(name, LEVELS, "model_max=150", "model_min=0.02").warnings == ()
    assert given(name).warnings == ()


@pytest.mark.parametrize("name", [*BY_BETAS, "sdnext"])
def test_values_outside_the_levels_of_training(name: str) -> None:
    assert given(name).warnings == ()
    high, low = given(name, (20.0, 1.0, 0.02), "betas=scaled-linear").warnings
    assert "above the range of the model, which ends at 14.61" in high
    assert "below the range of the model, which begins at 0.02917" in low


@pytest.mark.parametrize("name", [*BY_BETAS[::2], "sdnext"])
def test_levels_that_fall_onto_one_timestep(name: str) -> None:
    dense = (10.0, 1.0, 0.008, 0.006)
    assert any("fall onto timestep 0" in text for text in given(name, dense).warnings)
    assert not any("fall onto" in text for text in given(name).warnings)


def test_dense_levels_are_duplicates_only_where_timesteps_are_whole() -> None:
    dense = (10.0, 1.0, 0.999, 0.5)
    assert "fall onto timestep" in given("diffusers-dpm-timesteps", dense).warnings[0]
    assert given("diffusers-heun-timesteps", dense).warnings == ()


def test_noise_that_stays_visible() -> None:
    assert given_law("smalldiffusion").warnings == ()
    request = TableRequest.of(
        "dpmpp-2m", 32, "zero", limits=NoiseLimits(sigma_min=0.05)
    )
    schedule = training_schedule(pink_source(), "karras", request)
    warned = law_artifact(TARGETS["smalldiffusion"], schedule, pink_source(), {})
    assert "noise of 6.4 8-bit levels stays visible" in warned.warnings[0]


@pytest.mark.parametrize("name", FLOW)
def test_tables_that_would_be_shifted_again(name: str) -> None:
    (warning,) = given(name, form="npy").warnings
    assert "would shift these values again" in warning
    for said in ("shift=1", "shift=3", "mu=0.5"):
        assert given(name, LEVELS, said, form="npy").warnings == ()
    assert given(name, form="python").warnings == ()  # the lines switch it off
    again = given("sdnext", LEVELS, "model=flow").warnings
    assert any("shift these values again" in text for text in again)
    assert given("comfy-flow").warnings == ()


@pytest.mark.parametrize(
    ("name", "levels", "settings", "message"),
    [
        ("k-diffusion", (2.0, 1.0 + 1e-9, 1.0), (), "computes in float32, where"),
        ("comfy", (1e40, 1e39, 1.0), (), "ComfyUI computes in float32"),
        ("comfy-flow", (1e9, 1e8, 1.0), (), "are one number; ask for fewer --steps"),
        ("diffusers-edm", (0.9, 0.5), (), "start from noise of at least 1"),
        ("sdnext", (9.0, 1e-4), ("model=flow",), "counts flow time in thousandths"),
        ("diffusers-flow", LEVELS, ("shift=3", "mu=1"), "never both; leave"),
        ("diffusers-flow", LEVELS, ("mu=-1", "mu_type=linear"), "a mu above 0, not -1"),
        ("diffusers-flow", LEVELS, ("mu_type=exp",), "--with mu_type=exponential?"),
        ("diffusers-flow", LEVELS, ("shift=0",), "try --with shift=0.001"),
        ("diffusers-flow", LEVELS, ("shyft=3",), "did you mean --with shift=...?"),
        ("k-diffusion-config", LEVELS, ("shift=3",), "no parameters; leave out --with"),
        ("diffusers-flow", LEVELS, ("shift",), "write --with shift="),
        ("sdnext", LEVELS, ("betas=scaled",), "did you mean --with betas=scaled-line"),
        ("simple-diffusion", LEVELS, (), "takes a law to train with, not a sigma tab"),
    ],
)
def test_what_cannot_be_represented(
    name: str, levels: tuple[float, ...], settings: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        given(name, levels, *settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", [name for name, target in TARGETS.items() if target.table]
)
@pytest.mark.parametrize("first", [1e6, 1e17])
def test_a_first_level_that_is_noise_alone(name: str, first: float) -> None:
    found = given(name, (first, 3.0, 0.5))
    assert found.start_scale is None or np.isfinite(found.start_scale)


def test_flags_of_one_step_divide_by_zero() -> None:
    assert len(given("edm", (3.0,)).values) == 2
    with pytest.raises(UsageError, match="its flags cannot ask for one step"):
        given("edm", (3.0,), form="text")


@pytest.mark.parametrize("name", [name for name in TARGETS if TARGETS[name].table])
@pytest.mark.parametrize("start", ["mean", "spectral"])
def test_programs_start_about_zero(name: str, start: str) -> None:
    plan = plan_of_levels(LEVELS, start)
    settings = target_settings(TARGETS[name], ())
    with pytest.raises(UsageError, match=f"plan it without --start {start}"):
        table_artifact(TARGETS[name], plan, settings, TARGETS[name].formats[0])


def test_tables_are_no_laws_and_other_names_are_no_targets() -> None:
    with pytest.raises(UsageError, match="takes a sigma table, not a law to train"):
        given_law("comfy")
    with pytest.raises(UsageError, match=r"did you mean --target k-diffusion\?"):
        target_named("k_diffusion")
    with pytest.raises(UsageError, match="no format of target comfy-api 'csv'"):
        TARGETS["comfy-api"].form("csv")


def test_every_target_takes_the_tables_that_are_planned() -> None:
    for target in (each for each in TARGETS.values() if each.table):
        floor = target.lowest_sigma({})
        for kind in ("optimal", "karras", "mixed"):
            for steps in (1, 2, 20):
                plan = planned_once(kind, steps, floor)
                artifact = table_artifact(target, plan, {}, target.formats[0])
                assert np.all(np.isfinite(artifact.values))
                assert len(artifact.values) in (steps, steps + 1)


@cache
def planned_once(kind: str, steps: int, floor: float) -> Plan:
    limits = NoiseLimits(floor=floor)
    request = TableRequest.of("heun", steps, "zero", limits=limits)
    return make_plan(pink_source(), kind, request)
