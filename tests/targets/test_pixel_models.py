"""Loops of pixel models by others, restated, on our tables: the images are ours.

The programs cannot be installed here, or compute in float32. Each loop below does what
its source does with a table, in float64, with a network that predicts the image.
Lines that are meant to be pasted are run as they are.
"""

from __future__ import annotations

import sys
from functools import cache, partial
from itertools import pairwise, product
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from spectral_sched.diffusion.models.preconditioning import (
    PreconditionedDenoiser,
    flow,
)
from spectral_sched.diffusion.sampling.sampler import sample
from spectral_sched.planning.plan import Plan, make_plan
from spectral_sched.planning.request import NoiseLimits, TableRequest
from spectral_sched.planning.training_advice import training_advice
from spectral_sched.schedules import FLOW_MODELS, FlowModel
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.flow_heun import flow_heun
from spectral_sched.solvers.registry import solver_calls
from spectral_sched.targets import FORMATS, TARGETS, table_artifact
from spectral_sched.targets.delivery import TargetRequest
from spectral_sched.targets.registry import target_and_alias
from tests.support.handed import LEVELS, given, given_law, law
from tests.support.networks import network, unit_noise
from tests.support.pink import pink_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from spectral_sched.targets import Artifact

    Loop = Callable[[Artifact, FlowModel], torch.Tensor]

SCALES = (1.0, 2.0, 8.0)
CLAMPS = (0.0, 0.05)


def predicted(z: torch.Tensor, time: float, scale: float) -> torch.Tensor:
    """Answer with the image, as a network of flow time does."""
    picture: torch.Tensor = network()(z / (1 - time), scale * time / (1 - time))
    return picture


def velocity(z: torch.Tensor, time: float, flow_model: FlowModel) -> torch.Tensor:
    """Return the velocity that programs make of that answer."""
    picture = predicted(z, time, flow_model.noise_scale)
    return (z - picture) / max(time, flow_model.t_eps)


def jit(artifact: Artifact, flow_model: FlowModel, heun: bool) -> torch.Tensor:
    """JiT: u rises from noise to 1, and the last step is Euler's."""
    u = np.asarray(artifact.values, np.float64).tolist()
    z: torch.Tensor = (1 - u[0]) * flow_model.noise_scale * unit_noise()
    for now, following in pairwise(u):
        rate = -velocity(z, 1 - now, flow_model)
        ahead = z + (following - now) * rate
        if heun and following < 1:
            rate = (rate - velocity(ahead, 1 - following, flow_model)) / 2
            ahead = z + (following - now) * rate
        z = ahead
    return z


def hidream(artifact: Artifact, flow_model: FlowModel) -> torch.Tensor:
    """HiDream-O1: its scheduler's timesteps and sigmas are replaced."""
    diffusers = pytest.importorskip("diffusers")
    scheduler = diffusers.UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
    )
    scheduler.set_timesteps(len(artifact.values))
    scheduler.timesteps = torch.tensor(artifact.values.tolist(), dtype=torch.long)
    times = [int(step) / 1000 for step in scheduler.timesteps]
    scheduler.sigmas = torch.tensor([*times, 0.0], dtype=torch.float64)
    z: torch.Tensor = times[0] * flow_model.noise_scale * unit_noise()
    for step, time in zip(scheduler.timesteps, times, strict=True):
        rate = velocity(z, time, flow_model)
        z = scheduler.step(rate, step, z, return_dict=False)[0]
    return z


def euler(artifact: Artifact, flow_model: FlowModel) -> torch.Tensor:
    """Return what Euler's steps make of the flow times that a program is given.

    ComfyUI and stable-diffusion.cpp mix unit noise times the scale with an empty
    image at the first of them, and step with the denoised image.
    """
    times = np.asarray(artifact.values, np.float64).tolist()
    z: torch.Tensor = times[0] * flow_model.noise_scale * unit_noise()
    for time, following in pairwise(times):
        denoised = z - time * velocity(z, time, flow_model)
        z = z + (z - denoised) / time * (following - time)
    return z


def prx(artifact: Artifact, flow_model: FlowModel) -> torch.Tensor:
    """PRXPixelPipeline: timesteps of a thousand, latents at the first of them."""
    times = [*(np.asarray(artifact.values, np.float64) / 1000).tolist(), 0.0]
    z: torch.Tensor = times[0] * flow_model.noise_scale * unit_noise()
    for time, following in pairwise(times):
        z = z + (following - time) * velocity(z, time, flow_model)
    return z


def lines(artifact: Artifact) -> str:
    """Return the lines that are exported for a table."""
    return (
        FORMATS["python"]
        .write(artifact, {"target": "a test", "title": "lines"})
        .decode()
    )


def pixnerd(artifact: Artifact, flow_model: FlowModel, heun: bool) -> torch.Tensor:
    """Samplers of PixNerd: their data set has scaled the noise already.

    Guidance is left out; what they call s serves fresh noise alone.
    """
    sampler = SimpleNamespace(num_steps=50, exact_henu=False)
    noise = flow_model.noise_scale * unit_noise()
    names = {"self": sampler, "noise": noise, "torch": torch}
    exec(lines(artifact), names)
    x: torch.Tensor = names["noise"]  # type: ignore[assignment]
    times = sampler.timesteps.double().tolist()
    rate = kept = torch.zeros_like(x)
    for index, (now, following) in enumerate(pairwise(times)):
        first = index == 0 or not heun or sampler.exact_henu
        rate = -velocity(x, 1 - now, flow_model) if first else kept
        if heun and index < sampler.num_steps - 1:
            ahead = x + (following - now) * rate
            kept = -velocity(ahead, 1 - following, flow_model)
            rate = (rate + kept) / 2
        x = x + (following - now) * rate
    return x


def mlx_modules() -> dict[str, ModuleType]:
    """Return modules that put numpy in the place of mlx, in float64.

    mflux' base class is beside it.
    """
    core = ModuleType("mlx.core")
    core.array = np.array  # type: ignore[attr-defined]
    base = ModuleType("base_scheduler")
    base.BaseScheduler = object  # type: ignore[attr-defined]
    mlx = ModuleType("mlx")
    mlx.core = core  # type: ignore[attr-defined]
    parts = ["mflux", "models", "common", "schedulers"]
    names = [".".join(parts[: k + 1]) for k in range(len(parts))]
    packages = {name: ModuleType(name) for name in names}
    there = {"mlx": mlx, "mlx.core": core, f"{names[-1]}.base_scheduler": base}
    return there | packages


def mflux_scheduler(artifact: Artifact, steps: int) -> Any:
    """Return what mflux makes of the class that is exported."""
    names: dict[str, Any] = {}
    with patch.dict(sys.modules, mlx_modules()):
        exec(lines(artifact), names)
    return names["SpecschedScheduler"](SimpleNamespace(num_inference_steps=steps))


def mflux(
    artifact: Artifact, flow_model: FlowModel, scales: bool = True
) -> torch.Tensor:
    """mflux: FLUX.1 and Qwen-Image let the scheduler see the latents, others do not."""
    steps = len(artifact.values) - 1
    scheduler = mflux_scheduler(artifact, steps)
    latents = unit_noise().numpy()
    for step in range(steps):
        if scales:
            latents = scheduler.scale_model_input(latents, step)
        time = float(scheduler.sigmas[step])
        assert scheduler.timesteps[step] == 1000 * time
        noise = velocity(torch.from_numpy(latents), time, flow_model).numpy()
        latents = scheduler.step(noise=noise, timestep=step, latents=latents)
    return torch.from_numpy(latents)


def flow_match_euler(artifact: Artifact, flow_model: FlowModel) -> torch.Tensor:
    """FlowMatchEulerDiscreteScheduler with its shift off, from noise alone."""
    times = [*np.asarray(artifact.values, np.float64).tolist(), 0.0]
    z: torch.Tensor = flow_model.noise_scale * unit_noise()
    for time, following in pairwise(times):
        z = z + (following - time) * velocity(z, time, flow_model)
    return z


def unipc_flow(artifact: Artifact, flow_model: FlowModel) -> torch.Tensor:
    """UniPCMultistepScheduler with its shift off, from noise alone."""
    diffusers = pytest.importorskip("diffusers")
    scheduler = diffusers.UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=1.0
    )
    scheduler.set_timesteps(sigmas=artifact.values)
    times = artifact.values.tolist()
    # Its own are rounded to float32.
    scheduler.sigmas = torch.tensor([*times, 0.0], dtype=torch.float64)
    z: torch.Tensor = flow_model.noise_scale * unit_noise()
    for step, time in zip(scheduler.timesteps, times, strict=True):
        rate = velocity(z, time, flow_model)
        z = scheduler.step(rate, step, z, return_dict=False)[0]
    return z


def sdnext(artifact: Artifact, flow_model: FlowModel) -> torch.Tensor:
    """SD.Next: whole timesteps of diffusers' scheduler, at thousandths of them."""
    times = np.asarray(artifact.values, np.float64) / 1000
    shown = SimpleNamespace(values=times)
    return flow_match_euler(shown, flow_model)  # type: ignore[arg-type]


LOOPS: dict[str, tuple[Loop, str, tuple[str, ...]]] = {
    "jit heun": (partial(jit, heun=True), "flow-heun", ("model=flow", "method=heun")),
    "jit euler": (partial(jit, heun=False), "euler", ("model=flow", "method=euler")),
    "hidream-o1": (hidream, "unipc", ("model=flow",)),
    "comfy-flow": (euler, "euler", ("model=flow",)),
    "res4lyf": (euler, "euler", ("model=flow",)),
    "kjnodes": (euler, "euler", ("model=flow",)),
    "sdcpp": (euler, "euler", ("model=flow",)),
    "comfy-api": (euler, "euler", ("model=flow",)),
    "prx-pixel": (prx, "euler", ("model=flow",)),
    "pixnerd heun": (
        *(partial(pixnerd, heun=True), "flow-heun", ("model=flow", "method=heun")),
    ),
    "pixnerd euler": (
        *(partial(pixnerd, heun=False), "euler", ("model=flow", "method=euler")),
    ),
    "mflux": (mflux, "euler", ("model=flow",)),
    "diffusers-flow": (flow_match_euler, "euler", ("model=flow",)),
    "diffusers-unipc-flow": (unipc_flow, "unipc", ("model=flow",)),
    "sdnext": (sdnext, "euler", ("model=flow",)),
}

NOISE_ALONE = ("diffusers-flow", "diffusers-unipc-flow", "sdnext")
"""Programs that start from noise alone, whatever the first level is."""

ROUNDED = ("hidream-o1", "sdnext")
"""Programs that take whole thousandths."""


@cache
def planned(floor: float, sampler: str = "euler") -> Plan:
    limits = NoiseLimits(sigma_max=60.0, floor=floor)
    request = TableRequest.of(sampler, 8, "zero", limits=limits)
    return make_plan(pink_source(), "karras", request)


UNCLAMPED = ("sdcpp",)
"""Programs that divide by the time as it is."""

CASES = [
    (name, scale, t_eps)
    for name, scale, t_eps in product(LOOPS, SCALES, CLAMPS)
    if not (t_eps and name in UNCLAMPED)
]


@pytest.mark.parametrize(("name", "scale", "t_eps"), CASES)
def test_every_loop_makes_our_picture(name: str, scale: float, t_eps: float) -> None:
    play, sampler, texts = LOOPS[name]
    flow_model = FlowModel(scale, t_eps)
    settings = {"noise_scale": scale, "t_eps": t_eps}
    if name in UNCLAMPED:
        del settings["t_eps"]
    said = (*texts, *(f"{key}={value}" for key, value in settings.items()))
    wish = TargetRequest(TARGETS[name.split()[0]], said)
    assert wish.lowest_sigma == flow_model.lowest_sigma
    # Thousandths tell no levels apart that are below a few of them.
    plan = planned(max(wish.lowest_sigma, scale * 0.01), sampler)
    settings |= dict(text.split("=") for text in texts)  # type: ignore[arg-type]
    artifact = table_artifact(wish.target, plan, settings, wish.target.formats[0])
    made = play(artifact, flow_model)

    times = np.asarray(artifact.played, np.float64)[:-1]
    if name.startswith("prx"):
        times = np.asarray(artifact.values, np.float64) / 1000
    levels = flow_model.sigma(times)
    assert_allclose(levels, plan.table.levels, rtol=0.1 if name in ROUNDED else 1e-5)
    sigmas = SigmaTable.of(levels).sigmas
    calls = solver_calls(sampler, sigmas)
    if sampler == "flow-heun":
        calls = [call.mapped(float) for call in flow_heun(sigmas, scale)]
    first = levels[0] + scale * (name in NOISE_ALONE)
    if artifact.start_scale is not None:
        assert artifact.start_scale == pytest.approx(first, rel=1e-5)
    start = first * unit_noise()
    called = PreconditionedDenoiser(x_network(scale), flow(1000, flow_model, "sample"))
    *_, wanted = sample(called, start, calls, pytest.fail)
    assert wanted.std() > 0.1
    torch.testing.assert_close(made, wanted, atol=1e-6, rtol=0)


def x_network(scale: float) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return the network as our sampler calls it: at its own time, for a batch."""
    return lambda z, times: predicted(z, float(times[0]) / 1000, scale)


def test_a_table_cut_below_the_clamp_is_warned_of_with_what_stays() -> None:
    flow_model = FLOW_MODELS["jit-512"]
    levels = (60.0, 3.0, 0.5, 0.06, 0.02)
    (warning,) = given("jit", levels, "model=jit-512").warnings
    # A network that answers with the one right image, in the loop itself.
    z, times = 2.0 * flow_model.time(60.0), [flow_model.time(each) for each in levels]
    for time, following in zip(times, [*times[1:], 0.0], strict=True):
        z += (following - time) * z / max(time, flow_model.t_eps)
    assert f"noise of {z * 127.5:.2g} 8-bit levels stays" in warning
    assert warning.endswith("without --schedule, --blend or --kind list")
    assert "0.02 is below 0.1053" in warning
    assert flow_model.residue((*levels, 0.0)) == pytest.approx(z, rel=1e-12)
    assert flow_model.residue((60.0, 3.0, 0.2, 0.0)) == 0


def test_presets_are_played_with_their_noise() -> None:
    hidream_text = given("hidream-o1", LEVELS[:-1])
    assert hidream_text.played[0] == pytest.approx(150 / 158, abs=5e-4)
    small = given("sdcpp", LEVELS, "model=hidream-o1")
    assert_allclose(small.values[:-1], np.array(LEVELS) / (np.array(LEVELS) + 8))
    assert "--eta 8" in small.usage
    alone = given("sdcpp", LEVELS, "model=minit2i")
    assert alone.start_scale == LEVELS[0] + 2
    assert "--eta" not in alone.usage
    assert (
        "ModelNoiseScale to 7.5"
        in given("comfy-flow", LEVELS, "model=hidream-o1-dev").remarks[0]
    )


@pytest.mark.parametrize("scale", SCALES)
def test_mflux_refuses_models_that_it_starts_from_other_noise(scale: float) -> None:
    target, settings = TARGETS["mflux"], {"noise_scale": scale}
    artifact = table_artifact(target, planned(0.0), settings, "python")
    with pytest.raises(ValueError, match="this table is for --steps 8"):
        mflux_scheduler(artifact, 4)
    (remark,) = artifact.remarks
    flow_model = FlowModel(scale)
    if scale != 1:
        assert "the class refuses them" in remark
        with pytest.raises(ValueError, match=f"from 1, the table from {scale:g}"):
            mflux(artifact, flow_model, scales=False)
        return
    assert "start from noise of 1, 0.017 (relative) above it" in remark
    made = mflux(artifact, flow_model, scales=False)
    times = np.asarray(artifact.values, np.float64)[:-1]
    sigmas = SigmaTable.of(flow_model.sigma(times)).sigmas
    start = (1 + sigmas[0]) * unit_noise()
    *_, wanted = sample(
        PreconditionedDenoiser(x_network(1.0), flow(1000, flow_model, "sample")),
        *(start, solver_calls("euler", sigmas), pytest.fail),
    )
    torch.testing.assert_close(made, wanted, atol=1e-6, rtol=0)


def test_mflux_leaves_images_as_they_are_noised_for_later_steps() -> None:
    """Image to image begins after the first step, with the image blended in."""
    artifact = table_artifact(TARGETS["mflux"], planned(0.0), {}, "python")
    scheduler = mflux_scheduler(artifact, 8)
    latents = unit_noise().numpy()
    assert scheduler.scale_model_input(latents, 1) is latents
    assert scheduler.scale_model_input(latents, 0) is not latents


def test_names_of_models_choose_the_sampler_that_the_lines_are_for() -> None:
    for name, wanted in (("deco", "EulerSampler,"), ("pixelgen", "EulerSamplerJiT,")):
        target, alias = target_and_alias(name)
        assert target.name == "pixnerd"
        assert wanted in given("pixnerd", LEVELS, *alias.texts).usage
    heun = given("pixnerd", LEVELS, "model=pixelgen", "method=heun")
    assert "HeunSamplerJiT," in heun.usage
    assert "self.exact_henu = True" in heun.snippet


def test_trainers_of_pixnerd_draw_the_mean_that_they_are_told() -> None:
    """They draw ``sigmoid(normal)``, moved to ``t / (t + (1 - t) * timeshift)``."""
    made = given_law("pixnerd", "lognormal")
    assert made.fields is not None
    base = 1 / (1 + np.exp(-np.random.default_rng(0).standard_normal(40_000)))
    time = base / (base + (1 - base) * made.fields["timeshift"])
    logs = np.log((1 - time) / time)
    wanted = training_advice(law("lognormal"), 0.5).law
    assert logs.mean() == pytest.approx(wanted.mean, abs=0.02)
    (warning,) = made.warnings
    assert f"multiply torch.randn in its _impl_trainstep by {wanted.std:.4g}" in warning
    low, high = np.exp(np.quantile(logs, [0.025, 0.975]))
    assert f"from sigma {np.exp(wanted.mean - 1.96):.3g}" in warning
    assert (low, high) == pytest.approx(
        np.exp([wanted.mean - 1.96, wanted.mean + 1.96]), rel=0.06
    )
    jit_words = given_law("jit", "lognormal", "noise_scale=1").fields
    assert given_law("pixnerd", "lognormal", "model=pixelgen").fields == jit_words
