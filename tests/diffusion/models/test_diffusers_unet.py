"""Pipelines that diffusers saved, sampled here and there to the same images."""

from __future__ import annotations

import json
import pickle
import shutil
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from spectral_sched.diffusion.models.diffusers_scheduler import (
    DISCRETE,
    EDM,
    FLOW,
    native_levels,
)
from spectral_sched.diffusion.models.diffusers_unet import UNetDenoiser, load_diffusers
from spectral_sched.diffusion.models.guidance import GuidedDenoiser
from spectral_sched.diffusion.sampling.noise import SeededNoise
from spectral_sched.diffusion.sampling.sampler import sample
from spectral_sched.errors import InputError, UnavailableError, UsageError
from spectral_sched.images.png import to_bytes
from spectral_sched.schedules import FlowModel
from spectral_sched.solvers.registry import solver_calls
from tests.support.commands import sentence, specsched
from tests.support.helpers import write_pictures

diffusers = pytest.importorskip("diffusers")

# Its schedulers turn tensors into arrays in a way that numpy 2 will not have.
pytestmark = pytest.mark.filterwarnings("ignore:__array_:DeprecationWarning")

SHAPE = (3, 16, 16)
CPU = torch.device("cpu")
WEIGHTS = "diffusion_pytorch_model.safetensors"


def tiny_unet(**changes: Any) -> Any:
    """Return a random network whose answer is of order one and heeds the timestep."""
    torch.manual_seed(0)
    unet = diffusers.UNet2DModel(
        sample_size=16,
        block_out_channels=(16, 32),
        layers_per_block=1,
        norm_num_groups=8,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        **changes,
    )
    with torch.no_grad():
        unet.conv_out.weight *= 3
        for layer in (unet.time_embedding.linear_1, unet.time_embedding.linear_2):
            layer.weight *= 2
    return unet.eval()


def saved(folder: Path, scheduler: Any, **changes: Any) -> Path:
    """Save a pipeline of a random network."""
    unet = tiny_unet(**changes)
    diffusers.DDPMPipeline(unet, scheduler).save_pretrained(folder)
    return folder


def loaded(folder: Path, dtype: torch.dtype = torch.float32) -> UNetDenoiser:
    return load_diffusers(folder, SHAPE, CPU, dtype)


def unit_noise(count: int = 2) -> torch.Tensor:
    return SeededNoise(range(count), SHAPE, CPU, torch.float32)()


@torch.inference_mode()
def states(
    denoise: Any, x: torch.Tensor, sigmas: list[float], sampler: str = "euler"
) -> list[torch.Tensor]:
    calls = solver_calls(sampler, list(sigmas))
    return list(sample(denoise, x, calls, pytest.fail))


@torch.inference_mode()
def their_states(
    unet: Any, scheduler: Any, x: torch.Tensor, **options: Any
) -> list[torch.Tensor]:
    """Return the states after each step of a scheduler, in its own coordinates."""
    found = []
    for timestep in scheduler.timesteps:
        scale = getattr(scheduler, "scale_model_input", lambda x, _: x)
        answer = unet(scale(x, timestep), timestep).sample
        x = scheduler.step(answer, timestep, x, **options).prev_sample
        found.append(x)
    return found


def sigma_of(scheduler: Any, timestep: int) -> float:
    abar = float(scheduler.alphas_cumprod[timestep])
    return float(((1 - abar) / abar) ** 0.5)


def apart(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Return the largest difference in standard deviations of what is compared.

    Random networks that predict noise leave images as wide as the first sigma.
    """
    assert theirs.std() > 0.1
    return float((ours - theirs).abs().max() / theirs.std())


def test_the_random_network_is_worth_comparing() -> None:
    unet, x = tiny_unet(), unit_noise()
    with torch.inference_mode():
        near, next_to_it, far = (
            unet(x, torch.tensor([t])).sample for t in (500.0, 501.0, 20.0)
        )
    assert near.std() > 0.3
    assert apart(near, next_to_it) > 3e-3  # a timestep off would be seen
    assert apart(near, far) > 0.3


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize(
    "spacing",
    [
        {"timestep_spacing": "leading"},
        {"timestep_spacing": "leading", "steps_offset": 1},
        {"timestep_spacing": "trailing"},
    ],
    ids=["leading", "offset", "trailing"],
)
@pytest.mark.parametrize("betas", ["linear", "squaredcos_cap_v2"])
def test_euler_is_ddim(
    tmp_path: Path, prediction: str, spacing: dict[str, Any], betas: str
) -> None:
    scheduler = diffusers.DDIMScheduler(
        clip_sample=False, beta_schedule=betas, prediction_type=prediction, **spacing
    )
    folder = saved(tmp_path / "model", scheduler)
    scheduler.set_timesteps(10)
    noise = unit_noise()
    theirs = their_states(tiny_unet(), scheduler, noise, eta=0.0)
    sigmas = [sigma_of(scheduler, timestep) for timestep in scheduler.timesteps]
    # DDIM's state is x / sqrt(1 + sigma^2); it starts with unit variance.
    ours = states(loaded(folder), noise * (1 + sigmas[0] ** 2) ** 0.5, [*sigmas, 0.0])
    for state, sigma, expected in zip(ours, [*sigmas[1:], 0.0], theirs, strict=True):
        assert apart(state / (1 + sigma**2) ** 0.5, expected) < 1e-4


def test_euler_is_ddim_that_ends_at_the_first_level(tmp_path: Path) -> None:
    """With ``set_alpha_to_one`` off, DDIM's last step ends at timestep 0, not at 0."""
    scheduler = diffusers.DDIMScheduler(
        clip_sample=False, set_alpha_to_one=False, steps_offset=1
    )
    folder = saved(tmp_path / "model", scheduler)
    scheduler.set_timesteps(8)
    noise = unit_noise()
    theirs = their_states(tiny_unet(), scheduler, noise, eta=0.0)
    sigmas = [sigma_of(scheduler, timestep) for timestep in scheduler.timesteps]
    sigmas.append(sigma_of(scheduler, 0))
    ours = states(loaded(folder), noise * (1 + sigmas[0] ** 2) ** 0.5, [*sigmas, 0.0])
    assert apart(ours[-2] / (1 + sigmas[-1] ** 2) ** 0.5, theirs[-1]) < 1e-4


def test_pictures_are_those_of_the_pipeline(tmp_path: Path) -> None:
    scheduler = diffusers.DDIMScheduler(clip_sample=False, prediction_type="sample")
    folder = saved(tmp_path / "model", scheduler)
    pipeline = diffusers.DDIMPipeline.from_pretrained(folder, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(5)
    theirs = pipeline(
        2, generator, num_inference_steps=10, output_type="np", eta=0.0
    ).images.transpose(0, 3, 1, 2)
    noise = torch.randn((2, *SHAPE), generator=generator.manual_seed(5))
    sigmas = [sigma_of(scheduler, t) for t in range(900, -1, -100)]
    x = noise * (1 + sigmas[0] ** 2) ** 0.5
    ours = states(loaded(folder), x, [*sigmas, 0.0])[-1].numpy()
    inside = (theirs > 0) & (theirs < 1)
    assert inside.mean() > 0.5
    assert np.abs(np.clip(ours / 2 + 0.5, 0, 1) - theirs).max() < 1e-4


def test_dpmpp_2m_is_their_multistep(tmp_path: Path) -> None:
    scheduler = diffusers.DPMSolverMultistepScheduler(
        timestep_spacing="trailing", lower_order_final=False, euler_at_final=True
    )
    folder = saved(tmp_path / "model", scheduler)
    scheduler.set_timesteps(8)
    noise = unit_noise()
    theirs = their_states(tiny_unet(), scheduler, noise)
    sigmas = [float(sigma) for sigma in scheduler.sigmas]
    x = noise * (1 + sigmas[0] ** 2) ** 0.5
    ours = states(loaded(folder), x, sigmas, "dpmpp-2m")
    assert apart(ours[-1], theirs[-1]) < 1e-4


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("name", sorted(EDM))
def test_euler_is_edm_euler(tmp_path: Path, prediction: str, name: str) -> None:
    config = {"sigma_data": 0.6, "sigma_max": 50.0, "prediction_type": prediction}
    folder = saved(tmp_path / "model", getattr(diffusers, name)(**config))
    scheduler = diffusers.EDMEulerScheduler(**config)
    scheduler.set_timesteps(10)
    x = unit_noise() * 50.0
    theirs = their_states(tiny_unet(), scheduler, x)
    denoise = loaded(folder)
    ours = states(denoise, x, scheduler.sigmas.tolist())
    assert denoise.sigma_range == (0.002, 50.0)
    for state, expected in zip(ours, theirs, strict=True):
        assert apart(state, expected) < 1e-4


@pytest.mark.parametrize("name", sorted(FLOW))
def test_euler_is_flow_matching(tmp_path: Path, name: str) -> None:
    folder = saved(tmp_path / "model", getattr(diffusers, name)(shift=1.0))
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(sigmas=np.linspace(0.98, 0.02, 10).tolist())
    noise = unit_noise()
    theirs = their_states(tiny_unet(), scheduler, noise)
    times = scheduler.sigmas.double()
    sigmas = (times / (1 - times)).tolist()
    ours = states(loaded(folder), noise * (1 + sigmas[0]), sigmas)
    for state, sigma, expected in zip(ours, sigmas[1:], theirs, strict=True):
        assert apart(state / (1 + sigma), expected) < 1e-4


@pytest.mark.parametrize("scale", [2.0, 8.0])
def test_flows_of_stronger_noise_are_told_so(tmp_path: Path, scale: float) -> None:
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=1.0)
    folder = saved(tmp_path / "model", scheduler)
    scheduler.set_timesteps(sigmas=np.linspace(0.98, 0.02, 10).tolist())
    theirs = their_states(tiny_unet(), scheduler, scale * unit_noise())
    model = FlowModel(scale, 0.01)
    sigmas = model.sigma(scheduler.sigmas.double()).tolist()
    denoise = load_diffusers(folder, SHAPE, CPU, torch.float32, model)
    assert denoise.sigma_range is not None
    assert denoise.sigma_range[0] == pytest.approx(scale / 99)
    ours = states(denoise, unit_noise() * (scale + sigmas[0]), sigmas)
    for state, sigma, expected in zip(ours, sigmas[1:], theirs, strict=True):
        assert apart(state / (1 + sigma / scale), expected) < 1e-4


def test_the_noise_of_a_flow_is_told_on_the_command_line(tmp_path: Path) -> None:
    flowing = saved(tmp_path / "flow", diffusers.FlowMatchEulerDiscreteScheduler())
    other = saved(tmp_path / "other", diffusers.DDIMScheduler())
    write_pictures(tmp_path / "images", 8)
    specsched("analyze", "images", cwd=tmp_path)
    specsched("export", "--steps", 2, "--sampler", "euler", cwd=tmp_path)
    command = ("sample", "--seeds", "0", "--force", "--model")
    told = ("--with", "noise_scale=4")
    sheets = []
    for said in ((), told):
        specsched(*command, f"diffusers:{flowing}", *said, cwd=tmp_path)
        sheets.append((tmp_path / "samples" / "contact_sheet.png").read_bytes())
    assert sheets[0] != sheets[1]
    record = json.loads((tmp_path / "samples" / "samples.json").read_text())
    assert record["arguments"]["with"] == ["noise_scale=4"]
    for model in (f"diffusers:{other}", "wiener"):
        refused = sentence(*command, model, *told, cwd=tmp_path, code=2)
        assert "is no flow network, whose noise --with tells of" in refused
    refused = sentence(*command, "wiener", "--with", "scale=4", cwd=tmp_path, code=2)
    assert "did you mean --with noise_scale=...?" in refused


def test_euler_is_euler_at_continuous_levels(tmp_path: Path) -> None:
    scheduler = diffusers.EulerDiscreteScheduler(
        timestep_type="continuous", prediction_type="v_prediction"
    )
    folder = saved(tmp_path / "model", scheduler)
    scheduler.set_timesteps(10)
    sigmas = scheduler.sigmas.tolist()
    x = unit_noise() * sigmas[0]
    theirs = their_states(tiny_unet(), scheduler, x)
    ours = states(loaded(folder), x, sigmas)
    for state, expected in zip(ours, theirs, strict=True):
        assert apart(state, expected) < 1e-4


def test_flows_of_multistep_schedulers(tmp_path: Path) -> None:
    first = saved(tmp_path / "first", diffusers.FlowMatchEulerDiscreteScheduler())
    scheduler = diffusers.UniPCMultistepScheduler(
        use_flow_sigmas=True, prediction_type="flow_prediction"
    )
    second = saved(tmp_path / "second", scheduler)
    x = 3 * unit_noise()
    with torch.inference_mode():
        assert torch.equal(loaded(first)(x, 3.0), loaded(second)(x, 3.0))


@pytest.mark.parametrize("name", sorted(DISCRETE))
def test_schedulers_with_betas_say_the_same(tmp_path: Path, name: str) -> None:
    betas = {"beta_start": 2e-4, "beta_end": 0.03, "beta_schedule": "linear"}
    scheduler = getattr(diffusers, name)(**betas, num_train_timesteps=500)
    folder = saved(tmp_path / "model", scheduler)
    abar = np.cumprod(1 - np.linspace(2e-4, 0.03, 500))
    denoise = loaded(folder, torch.float64)
    assert denoise.sigma_range == pytest.approx(
        (np.sqrt(1 / abar[0] - 1), np.sqrt(1 / abar[-1] - 1)), rel=1e-3
    )
    sigma = float(np.sqrt(1 / abar[222] - 1))
    x = sigma * unit_noise().double()
    with torch.inference_mode():
        answer = tiny_unet().double()(x * abar[222] ** 0.5, torch.tensor([222.0]))
        assert apart(denoise(x, sigma), x - sigma * answer.sample) < 1e-3


@pytest.mark.parametrize("name", sorted(DISCRETE))
def test_a_schedulers_own_levels_are_as_many_as_its_steps(name: str) -> None:
    scheduler = getattr(diffusers, name)()
    for num_steps in (1, 8):
        levels = native_levels(scheduler, num_steps, "own")
        assert len(levels) == num_steps
        assert levels == sorted(levels, reverse=True)
    with pytest.raises(UsageError, match="ask for --steps 1000 at most"):
        native_levels(scheduler, 1001, "own")
    if "timestep_spacing" in scheduler.config:
        # For 61 steps their "trailing" has 62, at the last of which t is -1.
        levels = native_levels(scheduler, 61, "trailing")
        assert len(levels) == 61
        assert levels[-1] == pytest.approx(sigma_of(scheduler, 15), rel=0.01)


def test_levels_of_pndm_and_kdpm2_are_those_of_steps() -> None:
    found = native_levels(diffusers.PNDMScheduler(), 4, "trailing")
    scheduler = diffusers.KDPM2DiscreteScheduler(beta_start=0.0001, beta_end=0.02)
    assert native_levels(scheduler, 4, "trailing") == pytest.approx(found, rel=1e-5)
    steps = (999, 749, 499, 249)
    assert found == pytest.approx([sigma_of(scheduler, step) for step in steps])


def test_levels_that_share_a_timestep_are_kept() -> None:
    karras = diffusers.DPMSolverMultistepScheduler(use_karras_sigmas=True)
    levels = native_levels(karras, 100, "own")
    roots = np.linspace(levels[0] ** (1 / 7), levels[-1] ** (1 / 7), 100)
    assert levels == pytest.approx(roots**7, rel=1e-4)


def test_betas_without_a_last_signal(tmp_path: Path) -> None:
    scheduler = diffusers.DDIMScheduler(
        rescale_betas_zero_snr=True, prediction_type="v_prediction"
    )
    denoise = loaded(saved(tmp_path / "model", scheduler))
    _, highest = denoise.sigma_range or (0, 0)
    assert highest == pytest.approx(sigma_of(scheduler, 998))
    with torch.inference_mode():
        assert denoise(1e4 * unit_noise(), 1e4).isfinite().all()


def test_a_learned_variance_is_left_out(tmp_path: Path) -> None:
    scheduler = diffusers.DDPMScheduler(variance_type="learned_range")
    folder = saved(tmp_path / "model", scheduler, out_channels=6)
    x, sigma = 2 * unit_noise(), sigma_of(scheduler, 300)
    with torch.inference_mode():
        answer = tiny_unet(out_channels=6)(
            x / (1 + sigma**2) ** 0.5, torch.tensor([300.0])
        ).sample
        assert answer.shape[1] == 6
        assert apart(loaded(folder)(x, sigma), x - sigma * answer[:, :3]) < 1e-4


def test_learned_embeddings_take_whole_timesteps(tmp_path: Path) -> None:
    scheduler = diffusers.DDPMScheduler()
    changes = {"time_embedding_type": "learned", "num_train_timesteps": 1000}
    denoise = loaded(saved(tmp_path / "model", scheduler, **changes))
    sigma, x = sigma_of(scheduler, 300), unit_noise()
    with torch.inference_mode():
        moved = denoise(x, sigma * 1.0002) - denoise(x, sigma)
    assert moved.abs().max() < 1e-2


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a schedule for images of 16x16 and a model for them."""
    folder = tmp_path_factory.mktemp("planned")
    write_pictures(folder / "images", 6)
    specsched("analyze", "images", cwd=folder)
    specsched("export", "--steps", 3, "--sampler", "euler", cwd=folder)
    saved(folder / "model", diffusers.DDIMScheduler())
    saved(folder / "classes", diffusers.DDPMScheduler(), num_class_embeds=4)
    return folder


def picture(folder: Path, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(folder / f"{seed:06d}.png"))


def sampled(folder: Path, output: str, *flags: object) -> np.ndarray[Any, Any]:
    arguments = ("sample", "--seeds", "0-1", "-o", output, "--device", "cpu")
    specsched(*arguments, "--model", *flags, cwd=folder)
    return np.stack([picture(folder / output, seed) for seed in (0, 1)])


def test_the_command_samples_a_folder(planned: Path) -> None:
    found = sampled(planned, "out", "diffusers:model")
    sigmas = json.loads((planned / "tight.json").read_text())["sigmas"]
    x = unit_noise() * sigmas[0]
    expected = states(loaded(planned / "model"), x, sigmas)[-1]
    assert np.array_equal(found, [to_bytes(one.numpy()) for one in expected])
    assert expected.std() > 0.1


def test_the_command_samples_classes(planned: Path) -> None:
    model = "diffusers:classes"
    second = sampled(planned, "second", model, "--class-label", 1)
    none = sampled(planned, "none", model, "--class-label", 3)
    assert not np.array_equal(second, none)
    towards = (model, "--class-label", 1, "--null-label", 3, "--guidance")
    guided = sampled(planned, "guided", *towards, 3)
    assert not np.array_equal(guided, second)
    assert np.array_equal(sampled(planned, "one", *towards, 1), second)
    assert np.array_equal(sampled(planned, "zero", *towards, 0), none)
    outside = ("--guidance-interval", "1e5,1e6")
    assert np.array_equal(sampled(planned, "beyond", *towards, 3, *outside), second)
    sigmas = json.loads((planned / "tight.json").read_text())["sigmas"]
    denoise = loaded(planned / "classes")
    both = GuidedDenoiser(denoise.of_class(1), denoise.of_class(3), 3.0)
    expected = states(both, unit_noise() * sigmas[0], sigmas)[-1]
    assert np.array_equal(guided, [to_bytes(one.numpy()) for one in expected])
    record = json.loads((planned / "beyond" / "samples.json").read_text())
    assert record["arguments"]["guidance_interval"] == "1e5,1e6"


def refused(folder: Path, shape: tuple[int, int, int] = SHAPE) -> str:
    with pytest.raises(InputError) as caught:
        load_diffusers(folder, shape, CPU, torch.float32)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def model(planned: Path, tmp_path: Path) -> Path:
    """Return a copy of a saved pipeline, to be spoilt."""
    return Path(shutil.copytree(planned / "model", tmp_path / "model"))


def changed(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_bare_network_with_its_scheduler(model: Path) -> None:
    expected = loaded(model)(unit_noise(), 1.0)
    shutil.copy(model / "scheduler" / "scheduler_config.json", model / "unet")
    with torch.inference_mode():
        assert torch.equal(loaded(model / "unet")(unit_noise(), 1.0), expected)


@pytest.mark.parametrize("size", ["10GB", "20KB"])
def test_weights_of_half_precision_alone(model: Path, size: str) -> None:
    half = loaded(model).unet.half()
    for weights in (model / "unet").glob("*.safetensors"):
        weights.unlink()
    half.save_pretrained(model / "unet", variant="fp16", max_shard_size=size)
    assert len(list((model / "unet").glob("*.fp16*.safetensors"))) > (size == "20KB")
    expected = half.float()(unit_noise(), torch.tensor(3.0)).sample
    read = loaded(model).unet(unit_noise(), torch.tensor(3.0)).sample
    assert torch.equal(read, expected)


def test_a_network_without_its_scheduler(model: Path) -> None:
    shutil.rmtree(model / "scheduler")
    assert "says what the network predicts" in refused(model)
    assert "says what the network predicts" in refused(model / "unet")


def test_folders_that_are_no_models(model: Path, tmp_path: Path) -> None:
    assert "there is no folder" in refused(tmp_path / "nothing")
    (model / "vae").mkdir()
    assert "is a latent model" in refused(model)


def test_shapes_are_those_of_the_network(model: Path) -> None:
    def shape(wanted: tuple[int, int, int]) -> tuple[int, ...]:
        return load_diffusers(model, wanted, CPU, torch.float32).shape

    assert shape((3, 32, 32)) == SHAPE
    config = model / "unet" / "config.json"
    changed(config, sample_size=[16, 12])
    assert shape(SHAPE) == (3, 16, 12)
    for size in ([16], [16, "16"], 0):
        changed(config, sample_size=size)
        assert "which is none" in refused(model)
    changed(config, sample_size=None)
    assert shape((3, 8, 12)) == (3, 8, 12)
    assert "needs sides that 2 divides" in refused(model, (3, 16, 15))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"_class_name": "Transformer2DModel"}, "holds a Transformer2DModel"),
        ({"class_embed_type": "timestep"}, "conditioned on more than classes"),
        ({"in_channels": 6}, "turns 6 channels into 3"),
        ({"out_channels": "many"}, "'out_channels' cannot be 'many'"),
        ({"layers_per_block": 2}, "size mismatch for"),
        ({"block_out_channels": [1 << 20, 1 << 20]}, "weights and has fewer"),
        ({"resnet_time_scale_shift": "scale_shift"}, "size mismatch for"),
        ({"block_out_channels": [32, 16]}, "size mismatch for"),
        ({"norm_num_groups": 0}, "cannot read"),
        ({"down_block_types": ["No", "Such"]}, "cannot read"),
    ],
)
def test_networks_that_cannot_be_sampled(
    model: Path, values: dict[str, Any], message: str
) -> None:
    changed(model / "unet" / "config.json", **values)
    assert message in refused(model)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"_class_name": "ScoreSdeVeScheduler"}, "'ScoreSdeVeScheduler', which is not"),
        ({"_class_name": "__loader__"}, "'__loader__', which is not supported"),
        ({"prediction_type": "noise"}, "prediction type 'noise', which is not"),
        ({"beta_schedule": "steep"}, "cannot read"),
        ({"trained_betas": [0.1, 0.0, 0.0]}, "abar must fall at every timestep"),
    ],
)
def test_schedulers_that_are_not_known(
    model: Path, values: dict[str, Any], message: str
) -> None:
    changed(model / "scheduler" / "scheduler_config.json", **values)
    assert message in refused(model)


def test_flows_that_are_turned_round(tmp_path: Path) -> None:
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(invert_sigmas=True)
    assert "inverts its times" in refused(saved(tmp_path / "model", scheduler))


class Bomb:
    """Something that, when unpickled, leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Path.touch, (self.trace,)  # type: ignore[return-value]


def test_nothing_in_the_folder_is_executed_or_fetched(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = tmp_path / "trace"
    bomb = pickle.dumps(Bomb(trace))
    pickle.loads(bomb)
    assert trace.exists()
    trace.unlink()
    (model / "unet" / "diffusion_pytorch_model.bin").write_bytes(bomb)
    code = f"import pathlib; pathlib.Path({str(trace)!r}).touch()"
    for name in ("pipeline.py", "unet/modeling.py", "unet/my_unet.py"):
        (model / name).write_text(code)
    changed(model / "unet" / "config.json", auto_map={"AutoModel": "my_unet.Net"})
    changed(model / "model_index.json", _class_name=["pipeline", "Pipeline"])

    def no_network(*_: object) -> NoReturn:
        pytest.fail("the network was used")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    loaded(model)
    (model / "unet" / WEIGHTS).unlink()
    assert "no weights in safetensors" in refused(model)
    assert not trace.exists()


def test_weights_that_are_damaged(model: Path) -> None:
    path = model / "unet" / WEIGHTS
    whole = path.read_bytes()
    tensors = {key: value.clone() for key, value in load_file(path).items()}
    for content in (whole[:1000], b"", b"\xff" * 64, whole[: len(whole) // 2]):
        path.write_bytes(content)
        assert "as a diffusers model" in refused(model)
    name = next(iter(tensors))
    save_file({key: value for key, value in tensors.items() if key != name}, path)
    assert f"its weights have missing keys, {name}" in refused(model)
    save_file(tensors | {"more": torch.zeros(2)}, path)
    assert "its weights have unexpected keys, more" in refused(model)
    save_file(tensors | {name: torch.full_like(tensors[name], torch.nan)}, path)
    assert "its weights are not finite" in refused(model)


def test_errors_of_the_command(planned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(code: int, *flags: object) -> str:
        return sentence("sample", "-o", "refused", *flags, cwd=planned, code=code)

    assert "there is no folder nowhere" in said(3, "--model", "diffusers:nowhere")
    assert "has 4 classes" in said(2, "--model", "diffusers:classes")
    flags = ("--model", "diffusers:classes", "--class-label", 4)
    assert "no class 4" in said(2, *flags)
    assert "has no classes" in said(2, "--model", "wiener", "--class-label", 0)
    monkeypatch.setitem(sys.modules, "diffusers", None)
    message = said(4, "--model", "diffusers:model")
    assert "pip install 'spectral-sched[diffusers]'" in message


class Broken:
    """A library that is installed, and does not fit those it needs."""

    __spec__ = None

    def __getattr__(self, name: str) -> NoReturn:
        message = f"Failed to import {name} because:\nthere is no ResolvedRevision"
        raise RuntimeError(message)


@pytest.mark.parametrize("library", [None, Broken()], ids=["missing", "broken"])
def test_without_a_working_diffusers(
    planned: Path, monkeypatch: pytest.MonkeyPatch, library: object
) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", library)
    with pytest.raises(
        UnavailableError, match=r"\): pip install 'spectral-sched\[diff"
    ):
        loaded(planned / "model")
