"""Our scheduler in diffusers' pipelines, against our own sampler."""

from __future__ import annotations

import json
import math
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from spectral_sched.diffusion.models.diffusers_scheduler import VARIANCE_PRESERVING
from spectral_sched.diffusion.models.preconditioning import discrete, edm, flow
from spectral_sched.diffusion.sampling.sampler import sample
from spectral_sched.documents.provenance import provenance
from spectral_sched.documents.write import write_document
from spectral_sched.errors import InputError, UsageError
from spectral_sched.files.schedule import plan_document
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import NoiseLimits, TableRequest
from spectral_sched.schedules.coordinates import convert, trained_abar
from spectral_sched.schedules.table import SigmaTable, resample
from spectral_sched.solvers.registry import FLOW_SAMPLERS, SAMPLERS, solver_calls
from tests.support.pink import pink_source, trained_plan

diffusers = pytest.importorskip("diffusers")

from spectral_sched.diffusers import (  # noqa: E402
    INPUTS,
    PREDICTIONS,
    SpectralScheduler,
)

LEVELS = (150.0, 40.0, 9.7, 3.1, 1.13, 0.4, 0.1, 0.02)
NETWORK = {
    "sample_size": 8,
    "layers_per_block": 1,
    "block_out_channels": (8, 16),
    "norm_num_groups": 4,
    "down_block_types": ("DownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "UpBlock2D"),
}


@cache
def unet() -> Any:
    torch.manual_seed(0)
    made = diffusers.UNet2DModel(**NETWORK).double().eval()
    return made.requires_grad_(False)


def drawn(seed: int = 1, count: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, 8, 8, generator=generator, dtype=torch.float64)


def piped(scheduler: Any, num_steps: int, seed: int = 1) -> torch.Tensor:
    """Return images in [-1, 1] of DDPM's pipeline, unmodified."""
    pipe = diffusers.DDPMPipeline(unet(), scheduler)
    pipe.set_progress_bar_config(disable=True)
    pictures: torch.Tensor = pipe(
        batch_size=2,
        generator=torch.Generator().manual_seed(seed),
        num_inference_steps=num_steps,
        output_type="pt",
    ).images
    return 2 * pictures - 1


ABAR = trained_abar("linear")


def from_output(prediction: str, x: torch.Tensor, out: torch.Tensor, s: float) -> Any:
    """Return the denoised image for what a network of VP inputs says."""
    if prediction == "sample":
        return out
    if prediction == "epsilon":
        return x - s * out
    return x / (1 + s**2) - out * s / (1 + s**2) ** 0.5


@pytest.mark.parametrize("sigma", [0.02, 1.13, 150.0])
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_predictions_mean_what_they_do_for_our_sampler(
    prediction: str, sigma: float
) -> None:
    ours = {
        **{name: discrete(name, ABAR).scales for name in VARIANCE_PRESERVING},
        "flow_prediction": flow(1000).scales,
        "edm": edm(0.4, None).scales,
    }
    skip, weight, into = ours[prediction](sigma)
    x, out = drawn(1), drawn(2)
    usual, denoise = PREDICTIONS[prediction]
    expected = skip * x + weight * out
    assert_allclose(denoise(x, out, sigma, 0.4), expected, rtol=1e-11, atol=1e-12)
    assert INPUTS[usual](sigma, 0.4) == pytest.approx(into, rel=1e-12)


def denoiser(prediction: str) -> Any:
    """Return the network as our sampler calls it."""

    def denoise(x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        level = float(sigma)
        time = float(convert(level, "sigma", "timestep-linear"))
        told = torch.tensor(time, dtype=torch.float32)
        output = unet()(x / (1 + level**2) ** 0.5, told).sample
        denoised: torch.Tensor = from_output(prediction, x, output, level)
        return denoised

    return denoise


def ours(
    sampler: str, table: SigmaTable, prediction: str, start: torch.Tensor
) -> torch.Tensor:
    """Return the images of our sampler from a start."""
    calls = solver_calls(sampler, table.sigmas)
    *_, pictures = sample(denoiser(prediction), start, calls, pytest.fail)
    return pictures


@pytest.fixture(scope="module")
def schedule(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schedule") / "tight.json"
    plan = trained_plan(6)
    write_document(plan_document(plan, provenance({})), path)
    return path


@pytest.mark.parametrize("prediction", ["sample", "v_prediction"])
@pytest.mark.parametrize("sampler", FLOW_SAMPLERS)
def test_an_unmodified_pipeline_makes_our_pictures(
    sampler: str, prediction: str
) -> None:
    scheduler = SpectralScheduler(
        sigmas=LEVELS, sampler=sampler, prediction_type=prediction
    )
    pictures = piped(scheduler, len(LEVELS))
    table = SigmaTable.of(LEVELS)
    expected = ours(sampler, table, prediction, LEVELS[0] * drawn()).clamp(-1, 1)
    assert expected.std() > 0.05
    assert expected.abs().mean() < 0.9  # not clipped away
    torch.testing.assert_close(pictures, expected, atol=1e-4, rtol=0)


def test_noise_prediction_agrees_to_the_scale_of_its_numbers() -> None:
    """A network that is not trained answers with noise, and images are large."""
    scheduler = SpectralScheduler(sigmas=LEVELS, sampler="euler")
    x = drawn()
    for time in scheduler.timesteps:
        output = unet()(scheduler.scale_model_input(x, time), time).sample
        x = scheduler.step(output, time, x).prev_sample
    expected = ours("euler", SigmaTable.of(LEVELS), "epsilon", LEVELS[0] * drawn())
    # Inputs are scaled in the state, so nothing but rounding is left.
    torch.testing.assert_close(x, expected, atol=0, rtol=1e-9)


@pytest.mark.parametrize("sampler", sorted(set(SAMPLERS) - set(FLOW_SAMPLERS)))
def test_stochastic_samplers_draw_from_the_generator(sampler: str) -> None:
    scheduler = SpectralScheduler(
        sigmas=LEVELS, sampler=sampler, prediction_type="sample"
    )
    first, again, other = (piped(scheduler, len(LEVELS), seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=1e-3)


def said(scheduler: SpectralScheduler) -> dict[str, Any]:
    """Return the configuration less diffusers' notes on it."""
    return {key: each for key, each in scheduler.config.items() if key[0] != "_"}


def test_a_pipeline_is_saved_and_loaded(schedule: Path, tmp_path: Path) -> None:
    scheduler = SpectralScheduler.from_schedule(schedule, prediction_type="sample")
    pipe = diffusers.DDPMPipeline(unet(), scheduler)
    pipe.save_pretrained(tmp_path / "pipe")
    again = diffusers.DDPMPipeline.from_pretrained(tmp_path / "pipe")
    assert type(again.scheduler) is SpectralScheduler
    assert again.scheduler.table == scheduler.table
    for num_steps in (9, 6):
        torch.testing.assert_close(
            piped(again.scheduler, num_steps), piped(scheduler, num_steps)
        )
    scheduler.save_pretrained(tmp_path / "alone")
    alone = SpectralScheduler.from_pretrained(tmp_path / "alone")
    copied = SpectralScheduler.from_config(scheduler.config)
    for each in (alone, copied):
        assert said(each) == said(scheduler)
        assert each.table == scheduler.table
    assert json.loads((tmp_path / "alone" / "scheduler_config.json").read_text())


def test_the_table_of_the_file_is_played_and_others_are_planned(
    schedule: Path,
) -> None:
    scheduler = SpectralScheduler.from_schedule(schedule)
    plan = trained_plan(6)
    assert scheduler.table == plan.table
    scheduler.set_timesteps(6)
    assert scheduler.table == plan.table
    scheduler.set_timesteps(9)
    nine = trained_plan(9)
    assert_allclose(scheduler.table.sigmas, nine.table.sigmas, rtol=1e-6)
    scheduler.set_timesteps(sigmas=[80.0, 2.0, 0.1, 0.0])
    assert scheduler.table.sigmas == (80, 2, 0.1, 0)
    assert scheduler.num_inference_steps == len(scheduler.timesteps) == 3


def test_a_bare_table_is_read_log_linearly() -> None:
    scheduler = SpectralScheduler(sigmas=LEVELS)
    scheduler.set_timesteps(5)
    assert scheduler.table == resample(SigmaTable.of(LEVELS), 5)
    scheduler.set_timesteps(len(LEVELS))
    assert scheduler.table.levels == LEVELS


@pytest.mark.parametrize(
    ("prediction", "coordinate", "scale"),
    [
        ("edm", "c_noise", 1),
        ("flow_prediction", "flow_time", 1000),
        ("sample", "v_time", 1),
    ],
)
@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("sampler", ["heun", "dpmpp-2m"])
def test_other_networks_and_both_ways_to_hold_the_picture(
    prediction: str, coordinate: str, scale: float, scaled: bool, sampler: str
) -> None:
    """The exact denoiser of pixels of variance 0.25, in each network's own terms."""
    scheduler = SpectralScheduler(
        sigmas=LEVELS,
        sampler=sampler,
        prediction_type=prediction,
        timestep_type=coordinate,
        timestep_scale=scale,
        scaled_state=scaled,
    )

    def denoise(x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        return x * (0.25 / (0.25 + float(sigma) ** 2))

    def network(held: torch.Tensor, told: float) -> torch.Tensor:
        sigma = float(convert(told / scale, coordinate, "sigma"))
        total = math.hypot(0.5, sigma)
        if prediction == "edm":
            x = held * total
            added = denoise(x, sigma) - x * (0.5 / total) ** 2
            return added.mul(2 * total / sigma)
        if prediction == "sample":
            return denoise(held * (1 + sigma**2) ** 0.5, sigma)
        x = held * (1 + sigma)
        return (x - denoise(x, sigma)) / sigma - denoise(x, sigma)

    assert scheduler.init_noise_sigma == (1 if scaled else LEVELS[0])
    x = drawn() * scheduler.init_noise_sigma
    for time in scheduler.timesteps:
        output = network(scheduler.scale_model_input(x, time), float(time))
        x, _ = scheduler.step(output, time, x, return_dict=False)
    calls = solver_calls(sampler, SigmaTable.of(LEVELS).sigmas)
    *_, expected = sample(denoise, LEVELS[0] * drawn(), calls, pytest.fail)
    # Timesteps are float32, as diffusers has them.
    torch.testing.assert_close(x, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp-2m", "unipc", "deis"])
@pytest.mark.parametrize("told", [True, False])
def test_beginning_with_a_picture(sampler: str, told: bool) -> None:
    scheduler = SpectralScheduler(
        sigmas=LEVELS, sampler=sampler, prediction_type="sample"
    )
    first = 3 * scheduler.order
    if told:
        scheduler.set_begin_index(first)
    picture, noise = drawn(3), drawn(4)
    times = scheduler.timesteps[first:]
    x = scheduler.add_noise(picture, noise, times[:1])
    torch.testing.assert_close(x * (1 + 3.1**2) ** 0.5, picture + 3.1 * noise)
    for time in times:
        output = unet()(scheduler.scale_model_input(x, time), time).sample
        x = scheduler.step(output, time, x).prev_sample
    start = picture + 3.1 * noise
    expected = ours(sampler, SigmaTable.of(LEVELS[3:]), "sample", start)
    torch.testing.assert_close(x, expected, atol=1e-6, rtol=0)


def test_a_file_that_starts_from_pictures(tmp_path: Path) -> None:
    request = TableRequest.of(
        "euler", 4, "zero", limits=NoiseLimits(sigma_min=0.02, start_sigma=2.0)
    )
    plan = make_plan(pink_source(), "karras", request)
    write_document(plan_document(plan, provenance({})), tmp_path / "half.json")
    scheduler = SpectralScheduler.from_schedule(tmp_path / "half.json")
    picture, noise = drawn(3), drawn(4)
    x = scheduler.add_noise(picture, noise, scheduler.timesteps[:1])
    torch.testing.assert_close(x * 5**0.5, picture + 2 * noise)


def test_noise_for_training_at_any_timestep() -> None:
    scheduler = SpectralScheduler(sigmas=LEVELS)
    picture, noise = drawn(3), drawn(4)
    theirs = diffusers.DDPMScheduler().add_noise
    times = torch.tensor([37, 512])
    # diffusers holds its levels in float32.
    torch.testing.assert_close(
        scheduler.add_noise(picture, noise, times),
        theirs(picture, noise, times),
        atol=1e-4,
        rtol=0,
    )


def test_pipelines_in_half_precision_get_their_type_back() -> None:
    scheduler = SpectralScheduler(sigmas=LEVELS, prediction_type="sample")
    held = drawn().half()
    stepped = scheduler.step(held, scheduler.timesteps[0], held)
    assert stepped.prev_sample.dtype == torch.float16
    assert stepped.pred_original_sample.dtype == torch.float16


def test_levels_that_the_model_never_saw() -> None:
    with pytest.warns(UserWarning, match="above the range of the model, which ends at"):
        SpectralScheduler(sigmas=(300.0, 1.0))
    with pytest.warns(UserWarning, match="below the range of the model"):
        SpectralScheduler(sigmas=(10.0, 0.001), timestep_type="timestep-scaled-linear")
    SpectralScheduler(sigmas=(300.0, 0.001), timestep_type="c_noise")


@pytest.mark.parametrize("name", ["linear", "scaled_linear", "squaredcos_cap_v2"])
def test_schedules_are_planned_inside_the_levels_of_the_network(
    tmp_path: Path, name: str
) -> None:
    """Warnings are errors here: nothing is left to be warned of."""
    request = TableRequest.of("dpmpp-2m", 20, "zero")
    plan = make_plan(pink_source(), "karras", request)
    assert plan.table.levels[-1] < 0.006
    path = tmp_path / "tight.json"
    write_document(plan_document(plan, provenance({})), path)
    own = diffusers.DDPMScheduler(beta_schedule=name)
    made = SpectralScheduler.from_schedule(path, own)
    lowest = float((1 / own.alphas_cumprod[0].double() - 1) ** 0.5)
    for steps in (20, 7):
        made.set_timesteps(steps)
        assert made.table.num_steps == steps
        assert made.table.levels[-1] == pytest.approx(lowest, rel=1e-3)
        assert made.table.levels[0] <= plan.table.levels[0]
    again = SpectralScheduler.from_config(made.config)
    assert again.table.levels[-1] == pytest.approx(lowest, rel=1e-3)


def test_what_is_no_scheduler(tmp_path: Path) -> None:
    for settings, message in (
        ({}, "takes sigmas or a schedule; give one of them"),
        ({"sigmas": LEVELS, "sampler": "huen"}, "there is no sampler 'huen'; did you"),
        ({"sigmas": (1.0, 2.0)}, "a sigma table decreases at every step"),
        ({"sigmas": LEVELS, "prediction_type": "eps"}, "there is no prediction 'eps'"),
        ({"sigmas": LEVELS, "timestep_type": "log_sigma"}, "there is no coordinate"),
        ({"sigmas": LEVELS, "input_type": "vpp"}, "there is no input 'vpp'"),
    ):
        with pytest.raises(UsageError, match=message):
            SpectralScheduler(**settings)
    with pytest.raises(InputError, match="does not exist"):
        SpectralScheduler.from_schedule(tmp_path / "none.json")
    mean = make_plan(pink_source(), "karras", TableRequest.of("euler", 4, "mean"))
    write_document(plan_document(mean, provenance({})), tmp_path / "mean.json")
    with pytest.raises(UsageError, match="plan it without --start mean"):
        SpectralScheduler.from_schedule(tmp_path / "mean.json")
    scheduler = SpectralScheduler(sigmas=LEVELS, sampler="heun")
    scheduler.set_begin_index(3)
    with pytest.raises(ValueError, match="cannot begin in the middle of a step"):
        scheduler.step(drawn(), scheduler.timesteps[3], drawn())


def test_without_diffusers_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    monkeypatch.delitem(sys.modules, "spectral_sched.diffusers")
    with pytest.raises(ImportError, match=r"spectral-sched\[diffusers\]"):
        import spectral_sched.diffusers  # noqa: F401


def test_counts_that_pipelines_ask_for() -> None:
    scheduler = SpectralScheduler(sigmas=LEVELS, sampler="heun")
    assert (scheduler.order, len(scheduler)) == (2, 1000)
    assert len(scheduler.timesteps) == 2 * len(LEVELS) - 1
    assert scheduler.step_index is None
    assert_allclose(scheduler.sigmas, [*LEVELS, 0], rtol=1e-6)
    assert np.all(np.diff(scheduler.timesteps) <= 0)
