"""Every way in which pipelines of diffusers call a scheduler, and each of them played.

The call sites are read from the installed package, so that a new release that calls in
a new way fails here.
"""

from __future__ import annotations

import copy
import inspect
import math
import pickle
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from spectral_sched.documents.provenance import provenance
from spectral_sched.documents.write import write_document
from spectral_sched.errors import InputError, UsageError
from spectral_sched.files.schedule import plan_document
from spectral_sched.solvers.registry import SAMPLERS
from tests.support.pink import trained_plan
from tests.support.scheduler_calls import calls

diffusers = pytest.importorskip("diffusers")

from spectral_sched.diffusers import SpectralScheduler  # noqa: E402

LEVELS = (150.0, 40.0, 9.7, 3.1, 1.13, 0.4, 0.1, 0.02)

REFUSED = {
    "start_time": "proteins",
    "is_amplify_first_chunk": "video in chunks",
    "all_timesteps": "distilled video",
    "cur_sampling_step": "distilled video",
    "dmd_noisy_tensor": "distilled video",
    "dmd_sigmas": "distilled video",
    "dmd_timesteps": "distilled video",
    "per_token_timesteps": "a time for each token",
    "pred_original_sample": "pictures that the pipeline has denoised",
    "block_length": "text",
    "editing_threshold": "text",
    "mask_token_id": "text",
    "minimal_topk": "text",
    "prompt_mask": "text",
    "sampling_method": "text",
    "temperature": "text",
    "threshold": "text",
    "top_k": "text",
    "top_p": "text",
    "starting_mask_ratio": "masked tokens",
}
"""Arguments that only one kind of scheduler can take, and what they are about."""

TOO_MANY = {"step": 4, "set_timesteps": 2, "add_noise": 4, "scale_noise": 4}
"""Unnamed arguments from which on a call is for one kind of scheduler."""


def for_any_scheduler() -> list[Any]:
    return [
        call
        for call in sorted(calls(), key=str)
        if call.unnamed < TOO_MANY.get(call.method, 9)
        and (call.method, call.named) != ("add_noise", ("generator",))  # tokens
        and not REFUSED.keys() & set(call.named)
    ]


def named(call: Any) -> str:
    return f"{call.method}-{call.unnamed}-{'-'.join(call.named)}"


def test_the_call_sites_are_found() -> None:
    by_method = {call.method for call in calls()}
    assert len(calls()) >= 25
    assert by_method >= {"step", "set_timesteps", "add_noise", "scale_noise"}
    assert len(for_any_scheduler()) >= 30


@pytest.mark.parametrize("call", for_any_scheduler(), ids=named)
def test_every_call_is_understood(call: Any) -> None:
    signature = inspect.signature(getattr(SpectralScheduler, call.method))
    bound = signature.bind(None, *[None] * call.unnamed, **dict.fromkeys(call.named))
    others = bound.arguments.get("others", {})
    scheduler = SpectralScheduler(sigmas=LEVELS, prediction_type="sample")
    x = torch.zeros(1, 3, 8, 8)
    if call.method == "step":
        scheduler.step(x, scheduler.timesteps[0], x, **others)


@pytest.mark.parametrize("name", ["accepts_eta", "accepts_generator"])
def test_pipelines_find_what_they_look_for_in_a_step(name: str) -> None:
    word = name.removeprefix("accepts_")
    assert word in inspect.signature(SpectralScheduler.step).parameters
    for option in ("sigmas", "timesteps"):
        assert option in inspect.signature(SpectralScheduler.set_timesteps).parameters


def network(**config: Any) -> Any:
    torch.manual_seed(0)
    made = diffusers.UNet2DModel(
        **{
            "sample_size": 8,
            "layers_per_block": 1,
            "block_out_channels": (8, 16),
            "norm_num_groups": 4,
            "down_block_types": ("DownBlock2D", "DownBlock2D"),
            "up_block_types": ("UpBlock2D", "UpBlock2D"),
            **config,
        }
    )
    return made.eval().requires_grad_(False)


def run(pipe: Any, scheduler: Any, **call: Any) -> np.ndarray[Any, Any]:
    pipe.scheduler = scheduler  # the constructor of DDIMPipeline would convert it
    pipe.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(1)
    pictures = pipe(generator=generator, output_type="np", **call).images
    return np.asarray(pictures)


def test_ddim_and_ddpm_pipelines_make_one_picture() -> None:
    made = []
    for name in ("DDIMPipeline", "DDPMPipeline"):
        pipe = getattr(diffusers, name)(network(), diffusers.DDIMScheduler())
        scheduler = SpectralScheduler(sigmas=LEVELS, prediction_type="sample")
        made.append(run(pipe, scheduler, num_inference_steps=len(LEVELS)))
    assert made[0].std() > 0.05
    assert_allclose(made[0], made[1], atol=1e-6)


def test_noise_that_ddim_would_add_is_warned_of() -> None:
    pipe = diffusers.DDIMPipeline(network(), diffusers.DDIMScheduler())
    scheduler = SpectralScheduler(sigmas=LEVELS, prediction_type="sample")
    with pytest.warns(UserWarning, match="eta is of DDIM and does nothing to dpmpp-2m"):
        run(pipe, scheduler, num_inference_steps=len(LEVELS), eta=0.5)


def test_a_variance_that_the_network_predicts_is_left_out() -> None:
    plain, wide = network(), network(out_channels=6)
    weights = plain.state_dict()
    for name in ("conv_out.weight", "conv_out.bias"):
        weights[name] = torch.cat([weights[name], 7 + weights[name]])
    wide.load_state_dict(weights)
    made = []
    for unet in (plain, wide):
        pipe = diffusers.DDPMPipeline(unet, diffusers.DDIMScheduler())
        scheduler = SpectralScheduler(sigmas=LEVELS, prediction_type="sample")
        made.append(run(pipe, scheduler, num_inference_steps=len(LEVELS)))
    assert_allclose(made[0], made[1], atol=1e-5)
    assert SpectralScheduler(sigmas=LEVELS).config.variance_type == "fixed_small"


def test_the_consistency_pipeline_takes_timesteps() -> None:
    pipe = diffusers.ConsistencyModelPipeline(
        network(), diffusers.CMStochasticIterativeScheduler()
    )
    scheduler = SpectralScheduler(sigmas=LEVELS, prediction_type="sample")
    run(pipe, scheduler, timesteps=[900, 500, 20], num_inference_steps=None)
    abar = diffusers.DDPMScheduler().alphas_cumprod[[900, 500, 20]].double()
    assert_allclose(scheduler.table.levels, ((1 - abar) / abar) ** 0.5, rtol=1e-4)
    assert_allclose(scheduler.timesteps, [900, 500, 20], rtol=1e-6)


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "int64", "float32"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_known_regions_have_the_noise_of_the_step_that_follows(
    sampler: str, kind: str
) -> None:
    """The loop of inpainting pipelines: noise for the timestep that comes next."""
    scheduler = SpectralScheduler(
        sigmas=LEVELS, sampler=sampler, prediction_type="sample"
    )
    scheduler.set_begin_index(0)
    picture, noise = torch.zeros(1, 3, 32, 32), torch.ones(1, 3, 32, 32)
    times = scheduler.timesteps
    x = scheduler.add_noise(picture, noise, times[:1].to(getattr(torch, kind)))
    assert x.mean() == pytest.approx(1, rel=1e-6)  # the start is noise alone
    for place, now in enumerate(times[:-1]):
        x = scheduler.step(picture, now, x).prev_sample
        told = times[place + 1 : place + 2].to(getattr(torch, kind))
        sigma = float(scheduler._calls[place + 1].sigma)
        level = float(scheduler.add_noise(picture, noise, told).mean())
        assert level == pytest.approx(sigma / math.hypot(1, sigma), rel=1e-5)


def test_levels_on_one_timestep_are_told_apart_by_the_step() -> None:
    with pytest.warns(UserWarning, match="above the range"):
        scheduler = SpectralScheduler(
            sigmas=(900.0, 300.0, 5.0), sampler="euler", prediction_type="sample"
        )
    assert scheduler.timesteps[0] == scheduler.timesteps[1] == 999
    picture = torch.zeros(1, 1, 4, 4)
    scheduler.step(picture, scheduler.timesteps[0], picture)
    held = scheduler.add_noise(picture, picture + 1, scheduler.timesteps[1:2])
    assert held.mean() == pytest.approx(300 / math.hypot(1, 300), rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_holds_any_level(dtype: torch.dtype) -> None:
    scheduler = SpectralScheduler(
        sigmas=(90_000.0, 100.0, 1.0, 0.1), timestep_type="c_noise", sampler="euler"
    )
    picture, noise = torch.full((1, 3, 8, 8), 0.5), torch.ones(1, 3, 8, 8)
    for told in scheduler.timesteps:
        exact = scheduler.add_noise(picture, noise, told)
        half = scheduler.add_noise(picture.to(dtype), noise.to(dtype), told)
        assert half.dtype == dtype
        torch.testing.assert_close(half.float(), exact, rtol=8e-3, atol=0)
    x = noise.to(dtype)
    for told in scheduler.timesteps:
        answer = scheduler.scale_model_input(x, told)
        x = scheduler.step(answer, told, x).prev_sample
        assert x.isfinite().all()


def test_noise_is_given_or_drawn() -> None:
    scheduler = SpectralScheduler(
        sigmas=LEVELS, sampler="sde-dpmpp-2m", prediction_type="sample"
    )
    x, zero = torch.ones(1, 3, 8, 8), torch.zeros(1, 3, 8, 8)
    given = scheduler.step(x, scheduler.timesteps[0], x, variance_noise=zero)
    scheduler.set_timesteps()
    generator = torch.Generator().manual_seed(3)
    first, _ = scheduler.step(x, scheduler.timesteps[0], x, generator, False)
    assert given.prev_sample.std() < 1e-6
    assert first.std() > 0.1


def test_flow_pipelines_speak_of_times_from_one_to_zero() -> None:
    levels = (9.0, 1.0, 0.25)
    scheduler = SpectralScheduler(
        sigmas=levels,
        prediction_type="flow_prediction",
        timestep_type="flow_time",
        timestep_scale=1000,
    )
    assert_allclose(scheduler.sigmas, [0.9, 0.5, 0.2, 0], rtol=1e-6)
    # The ramp that pipelines fill in is no wish.
    scheduler.set_timesteps(sigmas=np.linspace(1, 1 / 3, 3), mu=1.15, device="cpu")
    assert scheduler.table.levels == levels
    scheduler.set_timesteps(sigmas=[0.8, 0.5, 0.1])
    assert_allclose(scheduler.table.levels, [4, 1, 1 / 9], rtol=1e-6)
    assert_allclose(scheduler.timesteps, [800, 500, 100], rtol=1e-6)
    picture, noise = torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)
    held = scheduler.scale_noise(picture, scheduler.timesteps[1], noise)
    assert held.mean() == pytest.approx(0.5)


def test_what_a_step_cannot_take_is_named() -> None:
    scheduler = SpectralScheduler(sigmas=LEVELS, prediction_type="sample")
    x = torch.zeros(1, 3, 8, 8)
    scheduler.step(x, 1.0, x, use_clipped_model_output=None, prev_timestep=3)
    with pytest.raises(UsageError, match="takes no per_token_timesteps, which is of"):
        scheduler.step(x, 1.0, x, per_token_timesteps=x)


@pytest.fixture(scope="module")
def schedule(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schedule") / "tight.json"
    plan = trained_plan(6)
    write_document(plan_document(plan, provenance({})), path)
    return path


@pytest.mark.parametrize("name", ["DDPMPipeline", "DDIMPipeline"])
def test_a_number_of_steps_that_nobody_asked_for_is_no_wish(
    schedule: Path, name: str
) -> None:
    pipe = getattr(diffusers, name)(network(), diffusers.DDIMScheduler())
    scheduler = SpectralScheduler.from_schedule(schedule, prediction_type="sample")
    began = time.monotonic()
    with pytest.warns(UserWarning, match="steps unasked, and the table has 6, which"):
        run(pipe, scheduler)
    assert time.monotonic() - began < 10
    assert len(scheduler.timesteps) == 6
    run(pipe, scheduler, num_inference_steps=4)
    assert len(scheduler.timesteps) == 4


def test_the_configuration_is_short_and_whole(schedule: Path, tmp_path: Path) -> None:
    scheduler = SpectralScheduler.from_schedule(schedule)
    for text in (repr(scheduler), str(scheduler.config), scheduler.to_json_string()):
        assert len(text.splitlines()) < 20
    assert len(repr(scheduler)) < 1000
    assert "<schedule of 6 steps, kind optimal>" in repr(scheduler)
    long = SpectralScheduler(sigmas=np.geomspace(90, 0.1, 500).tolist())
    assert len(long.to_json_string().splitlines()) < 20
    assert len(repr(long)) < 1000
    scheduler.save_pretrained(tmp_path)
    again = SpectralScheduler.from_pretrained(tmp_path)
    assert again.table == scheduler.table
    again.set_timesteps(4)
    assert len(again.timesteps) == 4


@pytest.mark.parametrize("count", [100, 4000])
@pytest.mark.parametrize("name", ["linear", "scaled_linear", "squaredcos_cap_v2"])
def test_a_network_of_any_training_is_told_its_own_timesteps(
    schedule: Path, count: int, name: str
) -> None:
    theirs = diffusers.DDIMScheduler(num_train_timesteps=count, beta_schedule=name)
    abar = theirs.alphas_cumprod.double().numpy()
    levels = ((1 - abar) / abar) ** 0.5
    with warnings.catch_warnings(action="ignore"):
        scheduler = SpectralScheduler.from_schedule(schedule, theirs)
    assert max(scheduler.timesteps) <= count - 1
    for told in (count // 2, count // 4):
        held = scheduler.add_noise(
            torch.zeros(1, 1), torch.ones(1, 1), torch.tensor([told])
        )
        expected = levels[told] / math.hypot(1, levels[told])
        assert float(held) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("scheduler", "prediction", "told"),
    [
        ("FlowMatchEulerDiscreteScheduler", "flow_prediction", 500.0),
        ("EDMEulerScheduler", "edm", 0.0),
        ("DDPMScheduler", "epsilon", 259.0),
    ],
)
def test_the_own_scheduler_says_how_the_network_is_called(
    schedule: Path, scheduler: str, prediction: str, told: float
) -> None:
    own = getattr(diffusers, scheduler)()
    with warnings.catch_warnings(action="ignore"):
        made = SpectralScheduler.from_schedule(schedule, own)
        made.set_timesteps(sigmas=[0.5] if prediction == "flow_prediction" else [1.0])
    assert made.config.prediction_type == prediction
    assert float(made.timesteps[0]) == pytest.approx(told, abs=1)
    with pytest.raises(InputError, match="which is not supported"):
        SpectralScheduler.from_schedule(schedule, diffusers.VQDiffusionScheduler(10))


@pytest.mark.parametrize("given", [np.array, torch.tensor, tuple])
def test_a_table_may_be_an_array(given: Any, tmp_path: Path) -> None:
    scheduler = SpectralScheduler(sigmas=given(LEVELS), prediction_type="sample")
    assert_allclose(scheduler.table.levels, LEVELS, rtol=1e-6)
    scheduler.save_pretrained(tmp_path)
    assert SpectralScheduler.from_pretrained(tmp_path).table == scheduler.table


def copied_by_pickle(scheduler: Any) -> Any:
    return pickle.loads(pickle.dumps(scheduler))


@pytest.mark.parametrize("copied", [copy.deepcopy, copied_by_pickle])
def test_copies_go_on_alone(copied: Any) -> None:
    settings = {"prediction_type": "sample", "sampler": "sde-dpmpp-2m"}
    scheduler = SpectralScheduler(sigmas=LEVELS, **settings)
    seen = torch.full((1, 3, 8, 8), 0.3)

    def step(scheduler: Any, x: torch.Tensor, number: int) -> torch.Tensor:
        drawn = torch.Generator().manual_seed(number)
        told = scheduler.timesteps[number]
        made = scheduler.step(seen, told, x, generator=drawn).prev_sample
        assert isinstance(made, torch.Tensor)
        return made

    x = step(scheduler, torch.randn(seen.shape), 0)
    other = copied(scheduler)
    expected = step(scheduler, x, 1)
    torch.testing.assert_close(step(other, x, 1), expected)
    assert_allclose(other.add_noise(seen, seen, torch.tensor([300])), 0.3 * 1.34, 0.1)


def test_tables_and_numbers_of_steps_that_are_none() -> None:
    scheduler = SpectralScheduler(sigmas=LEVELS)
    with pytest.raises(UsageError, match="takes sigmas or timesteps; give one of"):
        scheduler.set_timesteps(sigmas=LEVELS, timesteps=[900, 500])
    for steps in (0, -1, 2.5):
        with pytest.raises(UsageError, match="num_inference_steps must be a whole num"):
            scheduler.set_timesteps(steps)
    scheduler.set_timesteps(4.0)
    assert len(scheduler.timesteps) == 4


def test_flow_pipelines_name_times_and_what_is_told_of_them() -> None:
    scheduler = SpectralScheduler(
        sigmas=LEVELS,
        prediction_type="flow_prediction",
        timestep_type="flow_time",
        timestep_scale=1000,
    )
    times = np.linspace(1000, 1, len(LEVELS))
    scheduler.set_timesteps(sigmas=times / 1000, timesteps=times)
    assert_allclose(scheduler.table.levels, LEVELS)


def test_a_table_that_has_come_to_its_end_says_so() -> None:
    scheduler = SpectralScheduler(sigmas=LEVELS, prediction_type="sample")
    x = torch.zeros(1, 3, 8, 8)
    for told in scheduler.timesteps:
        scheduler.step(x, told, x)
    with pytest.raises(UsageError, match="all 8 steps of the table are made; call"):
        scheduler.step(x, scheduler.timesteps[0], x)
    with pytest.raises(UsageError, match="call set_timesteps before you sample again"):
        scheduler.scale_model_input(x, scheduler.timesteps[0])
    scheduler.set_timesteps(8)
    scheduler.step(x, scheduler.timesteps[0], x)


@pytest.mark.parametrize(
    ("own", "settings"),
    [
        ("DDIMScheduler", {"prediction_type": "v_prediction"}),
        ("EulerDiscreteScheduler", {"beta_schedule": "scaled_linear"}),
        ("HeunDiscreteScheduler", {}),
        ("EDMEulerScheduler", {"sigma_data": 0.7}),
        ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0}),
        (
            "UniPCMultistepScheduler",
            {"use_flow_sigmas": True, "prediction_type": "flow_prediction"},
        ),
    ],
)
@pytest.mark.parametrize("saved", [False, True])
@pytest.mark.filterwarnings("ignore:sigma .* the range of the model:UserWarning")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_configuration_of_another_scheduler_says_how_its_network_is_called(
    schedule: Path, tmp_path: Path, own: str, settings: dict[str, Any], saved: bool
) -> None:
    theirs = getattr(diffusers, own)(**settings)
    if saved:
        theirs.save_pretrained(tmp_path)
        theirs = type(theirs).from_pretrained(tmp_path)
    expected = SpectralScheduler.from_schedule(schedule, theirs)
    expected.set_timesteps(sigmas=[0.9, 0.3])
    made = SpectralScheduler.from_config(theirs.config, sigmas=LEVELS)
    made.set_timesteps(sigmas=[0.9, 0.3])
    assert torch.equal(made.timesteps, expected.timesteps)
    for name in ("prediction_type", "sigma_data", "scaled_state"):
        assert made.config[name] == expected.config[name]
    x = torch.full((1, 3, 8, 8), 0.3)
    told = made.timesteps[0]
    assert torch.equal(made.step(x, told, x)[0], expected.step(x, told, x)[0])


def test_a_configuration_of_a_network_that_is_not_known() -> None:
    theirs = diffusers.ScoreSdeVeScheduler()
    with pytest.raises(InputError, match="'unknown', which is not supported; known"):
        SpectralScheduler.from_config(theirs.config, sigmas=LEVELS)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [("timestep-scaled-linear", "scaled_linear"), ("timestep-linear", "linear")],
)
@pytest.mark.filterwarnings("ignore:sigma .* the range of the model:UserWarning")
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_other_schedulers_are_told_the_betas(name: str, theirs: str) -> None:
    ours = SpectralScheduler(sigmas=LEVELS, timestep_type=name)
    # Heun's defaults are the betas of no network in common use.
    other = diffusers.HeunDiscreteScheduler.from_config(ours.config)
    assert other.config.beta_schedule == theirs
    ends = (other.config.beta_start, other.config.beta_end)
    assert ends == ((1e-4, 0.02) if theirs == "linear" else (0.00085, 0.012))
    back = SpectralScheduler.from_config(ours.config, timestep_type="timestep-cosine")
    assert back.config.beta_schedule == "squaredcos_cap_v2"
