"""What programs are told of a law, and that they draw that law from it.

Their draws are restated from their sources; diffusers' helper is the released one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import spectral_sched
from spectral_sched.planning.training_advice import COPIED, PROGRAMS, NormalLaw
from spectral_sched.schedules import FLOW_MODELS
from tests.support.handed import given_law
from tests.support.pink import pink_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

COUNT = 40_000
UNIT = np.random.default_rng(0).standard_normal(COUNT)


def sigmoid(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    time: NDArray[np.float64] = 1 / (1 + np.exp(-logit))
    return time


def jit(told: dict[str, Any]) -> NDArray[np.float64]:
    """Time is 1 at the image; the noise is as strong as it says."""
    time = sigmoid(told["P_mean"] + told["P_std"] * UNIT)
    sigma: NDArray[np.float64] = told["noise_scale"] * (1 - time) / time
    return sigma


def pmf(told: dict[str, Any]) -> NDArray[np.float64]:
    time = sigmoid(told["P_mean"] + told["P_std"] * UNIT)
    sigma: NDArray[np.float64] = told["noise_scale"] * time / (1 - time)
    return sigma


def shifted(scale: float, shift: float) -> NDArray[np.float64]:
    time = sigmoid(scale * UNIT)
    time = shift * time / (1 + (shift - 1) * time)
    return time / (1 - time)


def kohya(told: dict[str, Any]) -> NDArray[np.float64]:
    assert told["timestep_sampling"] == "shift"
    return shifted(told["sigmoid_scale"], told["discrete_flow_shift"])


def simpletuner(told: dict[str, Any]) -> NDArray[np.float64]:
    return shifted(told["flow_sigmoid_scale"], told["flow_schedule_shift"])


def onetrainer(told: dict[str, Any]) -> NDArray[np.float64]:
    normal = told["noising_bias"] + (told["noising_weight"] + 1) * UNIT
    assert (told["timestep_distribution"], told["timestep_shift"]) == (
        "LOGIT_NORMAL",
        1,
    )
    return sigmoid(normal) / (1 - sigmoid(normal))


def edm(told: dict[str, Any]) -> NDArray[np.float64]:
    sigma: NDArray[np.float64] = np.exp(told["P_mean"] + told["P_std"] * UNIT)
    return sigma


def k_diffusion(told: dict[str, Any]) -> NDArray[np.float64]:
    density = told["sigma_sample_density"]
    assert density["type"] == "lognormal"
    sigma: NDArray[np.float64] = np.exp(density["mean"] + density["std"] * UNIT)
    return sigma


def diffusers(told: dict[str, Any]) -> NDArray[np.float64]:
    """Draw as its training scripts do: u counts timesteps, the first of which is 1."""
    import torch

    library = pytest.importorskip("diffusers")
    helpers = pytest.importorskip("diffusers.training_utils")
    torch.manual_seed(0)
    u = helpers.compute_density_for_timestep_sampling(batch_size=COUNT, **told)
    scheduler = library.FlowMatchEulerDiscreteScheduler(shift=1.0)
    steps = (u * 1000).long()
    times = scheduler.timesteps[steps].double().numpy() / 1000 - 0.0005
    sigma: NDArray[np.float64] = times / (1 - times)
    return sigma


DRAWS: dict[str, Callable[[dict[str, Any]], NDArray[np.float64]]] = {
    "edm": edm,
    "k-diffusion": k_diffusion,
    "jit": jit,
    "pmf": pmf,
    "diffusers": diffusers,
    "kohya": kohya,
    "simpletuner": simpletuner,
    "onetrainer": onetrainer,
}


def test_every_program_is_drawn_from_below() -> None:
    assert DRAWS.keys() == PROGRAMS.keys()


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("program", DRAWS)
def test_programs_draw_the_law_that_they_are_told(program: str, scale: float) -> None:
    """Programs that know no strength of noise have it in what they multiply by."""
    advice = spectral_sched.training_advice(pink_source(), noise_scale=scale)
    sigma = DRAWS[program](advice.words(program))
    told = program in ("edm", "k-diffusion", "jit", "pmf")
    logs = np.log(sigma if told else scale * sigma)
    # Thousandths hold the tails of diffusers' draws.
    slack = 0.02 if program == "diffusers" else 0.01
    assert logs.mean() == pytest.approx(advice.law.mean, abs=1.7 * 3 / 200 + slack)
    assert logs.std() == pytest.approx(advice.law.std, rel=0.02 + slack)


def test_the_advice_is_the_law_that_train_has_and_export_writes() -> None:
    advice = spectral_sched.training_advice(pink_source())
    # Cut at the ends of the range, a normal law is a little narrower.
    assert advice.law.mean == pytest.approx(-0.6, abs=0.05)
    assert advice.law.std == pytest.approx(1.7, rel=0.05)
    law = spectral_sched.training_schedule(pink_source())
    told = spectral_sched.training_schedule(
        pink_source(), "lognormal", {"mean": -0.6, "std": 1.7}
    )
    assert law == told
    exported = given_law("edm", "lognormal").fields
    assert exported is not None
    other = spectral_sched.training_advice(pink_source(), "lognormal")
    assert exported["P_mean"] == pytest.approx(other.words("edm")["P_mean"], rel=1e-12)


def test_a_model_stands_for_the_strength_of_its_noise() -> None:
    by_name = spectral_sched.training_advice(pink_source(), flow="pmf-h32")
    assert by_name.noise_scale == FLOW_MODELS["pmf-h32"].noise_scale
    assert by_name.logit_mean == pytest.approx(by_name.law.mean - math.log(4))
    fields = given_law("jit", "lognormal", "model=jit-512").fields
    assert fields is not None
    assert fields["noise_scale"] == 2.0


def test_copied_laws_are_where_their_papers_have_them() -> None:
    low, high = NormalLaw(0.0, 1.0).most
    assert (low, high) == pytest.approx((0.1409, 7.099), rel=1e-3)
    # JiT's P_mean -0.8 is of the logit of a time that is 1 at the image.
    assert COPIED["JiT at 256, PixelGen"].mean == 0.8
    assert COPIED["JiT at 512, MiniT2I"].mean == pytest.approx(0.8 + math.log(2))


@pytest.mark.parametrize(
    ("name", "shift"),
    [("SD3, PixNerd, DeCo", 1), ("PixelDiT at 512", 3), ("DeCo T2I at 512", 4)],
)
def test_copied_shifts_move_the_draws_of_those_programs(name: str, shift: int) -> None:
    """Their time is 1 at the image, and goes to ``t / (t + (1 - t) * timeshift)``."""
    base = sigmoid(UNIT)
    time = base / (base + (1 - base) * shift)
    logs = np.log((1 - time) / time)
    assert logs.mean() == pytest.approx(COPIED[name].mean, abs=0.02)
    assert logs.std() == pytest.approx(COPIED[name].std, rel=0.01)


def test_advice_is_shown_in_a_few_lines() -> None:
    shown = repr(spectral_sched.training_advice(pink_source()))
    assert all(f"\n  {program}: " in shown for program in PROGRAMS)
    assert len(shown.splitlines()) < 20
