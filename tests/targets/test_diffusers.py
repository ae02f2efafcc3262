"""diffusers' own schedulers on our tables, in one of its pipelines where it has one.

Its ``from_config`` forgets values that are the defaults of the old class, as those of a
scheduler made here would be; a checkpoint's are in its file and are kept.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from spectral_sched.diffusion.sampling.sampler import sample
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import solver_calls
from spectral_sched.targets import Artifact
from spectral_sched.targets.trained_levels import trained_sigmas
from tests.support.handed import LEVELS, delivered, given
from tests.support.networks import network, ours, unit_noise

diffusers = pytest.importorskip("diffusers")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

BETAS = {"linear": "linear", "scaled-linear": "scaled_linear"} | {
    "cosine": "squaredcos_cap_v2"
}


@cache
def unet() -> Any:
    torch.manual_seed(0)
    return diffusers.UNet2DConditionModel(
        sample_size=8,
        layers_per_block=1,
        block_out_channels=(8, 16),
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        mid_block_type=None,
        cross_attention_dim=8,
    ).eval()


def pipeline() -> Any:
    """Return Stable Diffusion's pipeline around a small network that predicts v."""
    pytest.importorskip("transformers")
    vae = diffusers.AutoencoderKL(block_out_channels=(8,), norm_num_groups=4)
    pipe = diffusers.StableDiffusionPipeline(
        vae=vae,
        text_encoder=None,
        tokenizer=None,
        unet=unet(),
        scheduler=diffusers.DDIMScheduler(
            beta_start=1e-4,
            beta_end=0.02,
            beta_schedule="linear",
            prediction_type="v_prediction",
            steps_offset=1,
            clip_sample=False,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


class Recorder:
    """Notes what a scheduler steps through, and what it is given first."""

    def __init__(self, scheduler: Any) -> None:
        self.sigmas: list[float] = []
        self.first: torch.Tensor | None = None
        self._scheduler, self._step = scheduler, scheduler.step
        scheduler.step = self

    def __call__(self, output: Any, timestep: Any, held: Any, **others: Any) -> Any:
        if self.first is None:
            self.first = held
        stepped = self._step(output, timestep, held, **others)
        index = self._scheduler.step_index
        self.sigmas.append(float(self._scheduler.sigmas[index - 1]))
        return stepped

    @property
    def played(self) -> list[float]:
        """The sigmas, with the last one that was stepped to."""
        return [*self.sigmas, float(self._scheduler.sigmas[len(self.sigmas)])]


LATENTS = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(5))


def call() -> dict[str, Any]:
    """Return the arguments of the pipeline beside those of the table."""
    return {
        "prompt_embeds": torch.zeros(1, 2, 8),
        "latents": LATENTS,
        "guidance_scale": 1.0,
        "height": 8,
        "width": 8,
        "output_type": "latent",
    }


def piped(name: str) -> tuple[torch.Tensor, Recorder, Artifact]:
    """Paste the lines of a target, and run the pipeline on what they make."""
    names: dict[str, Any] = {"pipe": pipeline()}
    exec(delivered(name).content.decode(), names)
    pipe, artifact = names["pipe"], given(name)
    recorder = Recorder(pipe.scheduler)
    pictures = pipe(**call(), **{artifact.variable: names[artifact.variable]}).images
    return pictures, recorder, artifact


@torch.no_grad()
def by_v(x: torch.Tensor, sigma: float | torch.Tensor, betas: str = "linear") -> Any:
    """Denoise with the network of the pipeline, which predicts v."""
    known = np.log(trained_sigmas(betas).astype(np.float64))
    time = np.interp(np.log(float(sigma)), known, np.arange(len(known)))
    scale = (1 + float(sigma) ** 2) ** 0.5
    told = torch.tensor(time, dtype=torch.float32)
    embeds = torch.zeros(len(x), 2, 8)
    v = unet()((x / scale).float(), told, encoder_hidden_states=embeds).sample
    return x / scale**2 - v * float(sigma) / scale


def expected(sampler: str, artifact: Artifact) -> torch.Tensor:
    """Return what our sampler makes of the table that the export announces."""
    assert artifact.start_scale is not None
    table = SigmaTable(tuple(float(sigma) for sigma in artifact.played))
    start = artifact.start_scale * LATENTS.double()
    *_, picture = sample(by_v, start, solver_calls(sampler, table.sigmas), pytest.fail)
    return picture


@pytest.mark.parametrize("betas", BETAS)
def test_the_levels_of_training_are_those_of_diffusers(betas: str) -> None:
    scheduler = diffusers.EulerDiscreteScheduler(
        beta_schedule=BETAS[betas],
        beta_start=1e-4 if betas == "linear" else 0.00085,
        beta_end=0.02 if betas == "linear" else 0.012,
    )
    theirs = scheduler.sigmas.numpy()[:-1][::-1]
    assert_allclose(trained_sigmas(betas), theirs, rtol=1e-6)


def test_euler_in_a_pipeline_plays_our_table_and_makes_our_picture() -> None:
    picture, recorder, artifact = piped("diffusers-euler")
    assert_allclose(recorder.played, [*LEVELS, 0], rtol=1e-6)
    torch.testing.assert_close(recorder.first, LEVELS[0] * LATENTS)
    wanted = expected("euler", artifact)
    assert wanted.std() > 0.1
    torch.testing.assert_close(picture.double(), wanted, atol=1e-4, rtol=0)


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp-2m"])
def test_our_scheduler_takes_sigmas_from_a_pipeline(sampler: str) -> None:
    from spectral_sched.diffusers import SpectralScheduler

    pipe = pipeline()
    pipe.scheduler = SpectralScheduler(
        sigmas=(9.0, 1.0), sampler=sampler, prediction_type="v_prediction"
    )
    picture = pipe(**call(), sigmas=[*LEVELS, 0.0]).images
    table = SigmaTable.of(LEVELS)
    calls = solver_calls(sampler, table.sigmas)
    *_, wanted = sample(by_v, LEVELS[0] * LATENTS.double(), calls, pytest.fail)
    torch.testing.assert_close(picture.double(), wanted, atol=1e-4, rtol=0)


def test_dpm_solver_in_a_pipeline_plays_the_table_that_was_announced() -> None:
    picture, recorder, artifact = piped("diffusers-dpm-timesteps")
    assert_allclose(recorder.played, artifact.played, rtol=1e-6)
    assert 1e-6 < artifact.deviation < 0.1
    torch.testing.assert_close(recorder.first, LATENTS)  # at VP scale
    assert artifact.start_scale == pytest.approx(np.hypot(1, recorder.played[0]))
    wanted = expected("dpmpp-2m", artifact)
    assert wanted.std() > 0.1
    torch.testing.assert_close(picture.double(), wanted, atol=1e-4, rtol=0)


def test_heun_in_a_pipeline_keeps_fractions() -> None:
    picture, recorder, artifact = piped("diffusers-heun-timesteps")
    assert_allclose(recorder.sigmas[::2], LEVELS, rtol=1e-6)
    assert_allclose(recorder.sigmas[1::2], LEVELS[1:], rtol=1e-6)
    assert recorder.played[-1] == 0
    assert artifact.deviation < 1e-6
    torch.testing.assert_close(recorder.first, LEVELS[0] * LATENTS)
    # Ours is told a timestep that is linear in ln sigma between the levels of training,
    # and theirs one that is linear in sigma: 6e-5 in the image.
    torch.testing.assert_close(
        picture.double(), expected("heun", artifact), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize(
    ("solver", "ours_too"), [("euler", "euler"), ("dpm", "dpmpp-2m")]
)
def test_the_recipe_makes_edm_schedulers_play_our_table(
    solver: str, ours_too: str
) -> None:
    names: dict[str, Any] = {}
    content = delivered("diffusers-edm", LEVELS, f"solver={solver}").content.decode()
    exec(content, names)
    scheduler = names["scheduler"]
    recorder = Recorder(scheduler)
    x = unit_noise() * scheduler.init_noise_sigma
    torch.testing.assert_close(x, LEVELS[0] * unit_noise(), rtol=1e-6, atol=1e-6)
    for time in scheduler.timesteps:
        told = time.double().expand(len(x))
        output = network().network(scheduler.scale_model_input(x, time), told[:, None])
        x = scheduler.step(output, time, x, return_dict=False)[0]
    assert_allclose(recorder.played, [*LEVELS, 0], rtol=1e-6)
    wanted = ours(ours_too, SigmaTable.of(LEVELS), LEVELS[0] * unit_noise())
    assert wanted.std() > 0.1
    torch.testing.assert_close(x, wanted, atol=1e-4, rtol=0)


FLOWS = [
    ((), {}, {}),
    (("shift=3",), {"shift": 3.0}, {}),
    (("mu=1.15",), {"use_dynamic_shifting": True}, {"mu": 1.15}),
    (
        ("mu=1.6", "mu_type=linear"),
        {"use_dynamic_shifting": True, "time_shift_type": "linear"},
        {"mu": 1.6},
    ),
]

AWAY = [
    {"use_karras_sigmas": True, "shift_terminal": 0.1},
    {"use_exponential_sigmas": True},
    {"use_beta_sigmas": True},
]
"""Options that would replace a table, which the lines switch off."""

TIMES = np.array(LEVELS) / (1 + np.array(LEVELS))


def played_by(scheduler: Any) -> tuple[torch.Tensor, list[float]]:
    """Return what a flow scheduler makes of unit noise, and its flow times."""
    recorder = Recorder(scheduler)
    x = unit_noise()
    for time in scheduler.timesteps:
        flow = float(scheduler.sigmas[len(recorder.sigmas)])
        sigma = flow / (1 - flow)
        denoised = network()(x * (1 + sigma), sigma)
        x = scheduler.step((x - denoised) / flow, time, x, return_dict=False)[0]
    return x, recorder.played


@pytest.mark.parametrize("away", [{}, *AWAY])
@pytest.mark.parametrize(("said", "config", "extra"), FLOWS)
@pytest.mark.parametrize(
    ("name", "sampler"),
    [("diffusers-flow", "euler"), ("diffusers-unipc-flow", "unipc")],
)
def test_lines_from_a_flow_configuration_play_our_table(
    name: str,
    sampler: str,
    said: tuple[str, ...],
    config: dict[str, Any],
    extra: dict[str, Any],
    away: dict[str, Any],
) -> None:
    class Pipe:
        scheduler = diffusers.FlowMatchEulerDiscreteScheduler(**config, **away)

    names: dict[str, Any] = {"pipe": Pipe}
    exec(delivered(name, LEVELS, *said).content.decode(), names)
    Pipe.scheduler.set_timesteps(sigmas=np.array(names["sigmas"]), **extra)
    x, played = played_by(Pipe.scheduler)
    assert_allclose(played, [*TIMES, 0], rtol=1e-6)
    start = (1 + LEVELS[0]) * unit_noise()
    assert given(name, LEVELS, *said).start_scale == pytest.approx(1 + LEVELS[0])
    wanted = ours(sampler, SigmaTable.of(LEVELS), start)
    torch.testing.assert_close(x.double(), wanted, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("said", "config", "extra"), FLOWS)
def test_numbers_alone_have_the_shift_taken_out(
    said: tuple[str, ...], config: dict[str, Any], extra: dict[str, Any]
) -> None:
    values = given("diffusers-flow", LEVELS, *said, form="npy").values
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(**config)
    scheduler.set_timesteps(sigmas=values, **extra)
    assert_allclose(scheduler.sigmas, [*TIMES, 0], rtol=1e-6)
    assert_allclose(scheduler.timesteps / 1000, TIMES, rtol=1e-6)


@pytest.mark.parametrize(("said", "config", "extra"), FLOWS[:3])
def test_unipc_shifts_numbers_alone_back(
    said: tuple[str, ...], config: dict[str, Any], extra: dict[str, Any]
) -> None:
    shift = {"flow_shift" if key == "shift" else key: config[key] for key in config}
    scheduler = diffusers.UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, **shift
    )
    values = given("diffusers-unipc-flow", LEVELS, *said, form="npy").values
    scheduler.set_timesteps(sigmas=values, **extra)
    x, played = played_by(scheduler)
    assert_allclose(played, [*TIMES, 0], rtol=1e-6)
    wanted = ours("unipc", SigmaTable.of(LEVELS), (1 + LEVELS[0]) * unit_noise())
    torch.testing.assert_close(x.double(), wanted, atol=1e-4, rtol=0)


def test_a_list_of_levels_is_a_ramp_to_edm_euler() -> None:
    """Why there is a recipe: its argument ``sigmas`` is not what it is called."""
    scheduler = diffusers.EDMEulerScheduler()
    scheduler.set_timesteps(sigmas=torch.tensor(LEVELS))
    assert not np.allclose(scheduler.sigmas[:-1], LEVELS, rtol=0.1)
    assert_array_equal(len(scheduler.timesteps), len(LEVELS))
