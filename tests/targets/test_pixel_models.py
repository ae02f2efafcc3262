"""Loops of pixel models by others, restated, on our tables: the pictures are ours.

JiT, HiDream-O1, ComfyUI, stable-diffusion.cpp and mflux cannot be installed here. Each
loop below does what its source does with a table, in float64, with a network that
predicts the picture.
"""

from __future__ import annotations

import sys
from functools import cache, partial
from itertools import pairwise, product
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from spectral_sched.diffusion.models.preconditioning import (
    PreconditionedDenoiser,
    flow,
)
from spectral_sched.diffusion.sampling.sampler import sample
from spectral_sched.planning.plan import Plan, make_plan
from spectral_sched.planning.request import NoiseLimits, TableRequest
from spectral_sched.schedules import FLOW_MODELS, FlowModel
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.flow_heun import flow_heun
from spectral_sched.solvers.registry import solver_calls
from spectral_sched.targets import TARGETS, table_artifact
from spectral_sched.targets.delivery import TargetRequest, plan_delivery
from tests.support.handed import LEVELS, given
from tests.support.networks import network, unit_noise
from tests.support.pink import pink_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from spectral_sched.targets import Artifact

    Loop = Callable[[Artifact, FlowModel], torch.Tensor]

SCALES = (1.0, 2.0, 8.0)
CLAMPS = (0.0, 0.05)


def predicted(z: torch.Tensor, time: float, scale: float) -> torch.Tensor:
    """Answer with the picture, as a network of flow time does."""
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
    picture at the first of them, and step with the denoised picture.
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


LOOPS: dict[str, tuple[Loop, str, tuple[str, ...]]] = {
    "jit heun": (partial(jit, heun=True), "flow-heun", ("model=flow", "method=heun")),
    "jit euler": (partial(jit, heun=False), "euler", ("model=flow", "method=euler")),
    "hidream-o1": (hidream, "unipc", ("model=flow",)),
    "comfy-flow": (euler, "euler", ("model=flow",)),
    "res4lyf": (euler, "euler", ("model=flow",)),
    "kjnodes": (euler, "euler", ("model=flow",)),
    "sdcpp": (euler, "euler", ("model=flow",)),
    "prx-pixel": (prx, "euler", ("model=flow",)),
}


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
    assert_allclose(
        levels, plan.table.levels, rtol=0.1 if name == "hidream-o1" else 1e-5
    )
    sigmas = SigmaTable.of(levels).sigmas
    calls = solver_calls(sampler, sigmas)
    if sampler == "flow-heun":
        calls = [call.mapped(float) for call in flow_heun(sigmas, scale)]
    start = levels[0] * unit_noise()
    assert artifact.start_scale == pytest.approx(levels[0], rel=1e-5)
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
    # A network that answers with the one right picture, in the loop itself.
    z, times = 2.0 * flow_model.time(60.0), [flow_model.time(each) for each in levels]
    for time, following in zip(times, [*times[1:], 0.0], strict=True):
        z += (following - time) * z / max(time, flow_model.t_eps)
    assert f"noise of {z * 127.5:.2g} 8-bit levels stays" in warning
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


def stub_mlx(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put numpy in the place of mlx, and mflux' base class beside it."""
    core = ModuleType("mlx.core")
    core.array = lambda values: np.array(values, np.float32)  # type: ignore[attr-defined]
    core.arange = np.arange  # type: ignore[attr-defined]
    base = ModuleType("base_scheduler")
    base.BaseScheduler = object  # type: ignore[attr-defined]
    path = "mflux.models.common.schedulers"
    stubs = {"mlx": ModuleType("mlx"), "mlx.core": core}
    stubs["mlx"].core = core  # type: ignore[attr-defined]
    parts = path.split(".")
    packages = {".".join(parts[: k + 1]): ModuleType(parts[k]) for k in range(4)}
    for name, module in {**stubs, **packages, f"{path}.base_scheduler": base}.items():
        monkeypatch.setitem(sys.modules, name, module)


def test_mflux_steps_through_our_table(monkeypatch: pytest.MonkeyPatch) -> None:
    stub_mlx(monkeypatch)
    plan = planned(0.0)
    target = TARGETS["mflux"]
    lines = plan_delivery(TargetRequest(target), plan, {}).content.decode()
    names: dict[str, Any] = {}
    exec(lines, names)
    made = names["SpecschedScheduler"](SimpleNamespace(num_inference_steps=8))
    with pytest.raises(ValueError, match="this table is for --steps 8"):
        names["SpecschedScheduler"](SimpleNamespace(num_inference_steps=4))
    artifact = table_artifact(target, plan, {}, "python")
    assert_array_equal(made.sigmas, artifact.values)
    unit = FlowModel()
    latents = unit_noise().numpy()
    for step in made.timesteps:
        time = float(made.sigmas[step])
        rate = velocity(torch.from_numpy(latents), time, unit).numpy()
        latents = made.step(noise=rate, timestep=step, latents=latents)
    times = np.asarray(artifact.values, np.float64)[:-1]
    calls = solver_calls("euler", SigmaTable.of(unit.sigma(times)).sigmas)
    assert artifact.start_scale is not None
    start = artifact.start_scale * unit_noise()
    *_, wanted = sample(network(), start, calls, pytest.fail)
    torch.testing.assert_close(torch.from_numpy(latents), wanted, atol=1e-4, rtol=0)
