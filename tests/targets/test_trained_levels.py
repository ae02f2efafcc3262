"""Levels of training as diffusers has them, and tables that go above them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from spectral_sched.errors import UsageError
from spectral_sched.schedules.betas import Betas
from spectral_sched.targets.trained_levels import trained_sigmas
from tests.support.handed import LEVELS, given

diffusers = pytest.importorskip("diffusers")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TRAININGS = [
    (Betas("linear", 100), {"num_train_timesteps": 100}),
    (Betas("scaled_linear", 4000), {"num_train_timesteps": 4000}),
    (Betas("cosine", 50), {"num_train_timesteps": 50}),
    (Betas("linear", 250, 0.0004, 0.08), {"num_train_timesteps": 250}),
    (Betas("scaled-linear", zero_snr=True), {"rescale_betas_zero_snr": True}),
]
THEIRS = {"scaled-linear": "scaled_linear", "cosine": "squaredcos_cap_v2"}


def theirs(betas: Betas, said: dict[str, Any]) -> Any:
    first, last = betas.ends
    name = THEIRS.get(betas.name, betas.name)
    ends = {"beta_schedule": name, "beta_start": first, "beta_end": last}
    return diffusers.DDIMScheduler(**ends, **said).alphas_cumprod.numpy()


@pytest.mark.parametrize(("betas", "said"), TRAININGS)
def test_any_training_has_the_levels_of_diffusers(
    betas: Betas, said: dict[str, Any]
) -> None:
    wanted = theirs(betas, said).astype(np.float64)
    wanted = wanted[:-1] if betas.zero_snr else wanted
    found = trained_sigmas(betas).astype(np.float64)
    # Rounding of 1 - abar in float32 moves the last, unrescaled ones by 1e-3.
    assert_allclose(1 / (1 + found**2), wanted, rtol=1e-5, atol=1e-9)
    assert_allclose(betas.abar(), wanted, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("count", [100, 4000])
@pytest.mark.parametrize("name", ["diffusers-heun-timesteps", "diffusers-euler"])
def test_a_table_is_played_in_the_range_of_the_network(name: str, count: int) -> None:
    ends = (0.001, 0.2) if count == 100 else (2.5e-5, 0.005)
    config = dict(
        zip(("beta_start", "beta_end"), ends, strict=True), num_train_timesteps=count
    )
    texts = (f"train_timesteps={count}", f"beta_start={ends[0]}", f"beta_end={ends[1]}")
    artifact = given(name, LEVELS[2:], *texts)
    kind = "Heun" if "heun" in name else "Euler"
    scheduler = getattr(diffusers, f"{kind}DiscreteScheduler")(**config)
    scheduler.set_timesteps(**{artifact.variable: artifact.values.tolist()})
    played = scheduler.sigmas.numpy()
    played = played[[0, *range(1, len(played), 2)]] if kind == "Heun" else played
    levels = [
        level
        for level in LEVELS[2:]
        if level >= trained_sigmas(Betas("linear", count, *ends))[0]
    ]
    assert_allclose(played[: len(levels)], levels, rtol=1e-5)
    assert max(scheduler.timesteps) <= count - 1


@pytest.mark.parametrize("above", [(20.0,), (111.0, 37.0), (300.0, 111.0, 37.0)])
@pytest.mark.parametrize(
    "name", ["diffusers-euler", "diffusers-heun-timesteps", "diffusers-dpm-timesteps"]
)
def test_levels_above_the_range_become_one_step_from_it(
    name: str, above: tuple[float, ...]
) -> None:
    below = (9.7, 1.1, 0.3, 0.05)
    artifact = given(name, (*above, *below), "betas=scaled-linear")
    top = trained_sigmas("scaled-linear")[-1]
    assert top == pytest.approx(14.6146, rel=1e-5)
    assert_allclose(artifact.wanted, [top, *below, 0], rtol=1e-6)
    (warning,) = artifact.warnings
    assert "the table is cut there and starts from 14.61" in warning
    assert ("with 5 steps in place of" in warning) == (len(above) > 1)
    assert len(set(artifact.values)) == len(artifact.values)


def test_a_cut_table_runs_to_its_end_in_euler() -> None:
    values = given("diffusers-euler", (111.0, 37.0, 9.7, 1.1), "betas=scaled-linear")
    scheduler = diffusers.EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"
    )
    scheduler.set_timesteps(sigmas=values.values)
    played = []
    for time in scheduler.timesteps:
        scheduler.scale_model_input(values.values, time)
        played.append(float(scheduler.sigmas[scheduler.step_index]))
        scheduler._step_index += 1
    assert_allclose(played, [14.6146, 9.7, 1.1], rtol=1e-5)


@pytest.mark.parametrize(
    ("levels", "advice"),
    [
        ((14.59, 14.58, 1.0), "fewer --steps or a lower --sigma-max"),
        ((10.0, 1.0, 0.9999, 0.5), "fewer --steps"),
        ((10.0, 1.0, 0.025, 0.02), "fewer --steps or a higher --sigma-min"),
    ],
)
def test_the_advice_on_one_timestep_helps_where_it_is(
    levels: tuple[float, ...], advice: str
) -> None:
    warnings = given("diffusers-dpm-timesteps", levels, "betas=scaled-linear").warnings
    (told,) = [text for text in warnings if "fall onto" in text]
    assert told.endswith(f"ask for {advice}")


def test_what_is_no_training() -> None:
    with pytest.raises(UsageError, match="say both ends"):
        given("diffusers-euler", LEVELS, "beta_start=0.5")
    with pytest.raises(UsageError, match="did you mean beta_schedule=linear"):
        Betas("linea")
    with pytest.raises(UsageError, match="train_timesteps must be from 2"):
        given("diffusers-euler", LEVELS, "train_timesteps=1")
