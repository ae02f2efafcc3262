"""PRXPixelPipeline of diffusers as it is, with our scheduler and with our lines."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from spectral_sched.diffusion.sampling.sampler import sample
from spectral_sched.documents.provenance import provenance
from spectral_sched.documents.write import write_document
from spectral_sched.errors import UsageError
from spectral_sched.files.schedule import plan_document
from spectral_sched.planning.plan import Plan, make_plan
from spectral_sched.planning.request import NoiseLimits, TableRequest
from spectral_sched.schedules import FLOW_MODELS
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import solver_calls
from spectral_sched.targets import TARGETS
from spectral_sched.targets.delivery import TargetRequest, plan_delivery
from tests.support.networks import network
from tests.support.pink import pink_source

diffusers = pytest.importorskip("diffusers")
pytest.importorskip("transformers")
if not hasattr(diffusers, "PRXPixelPipeline"):
    pytest.skip("this diffusers has no PRXPixelPipeline", allow_module_level=True)

from spectral_sched.diffusers import SpectralScheduler  # noqa: E402

PRX = FLOW_MODELS["prx-pixel"]
GREY = 127.5


class Known(torch.nn.Module):
    """A network of flow time whose image is known."""

    config = SimpleNamespace(patch_size=1, in_channels=3)
    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self, right: torch.Tensor | None = None) -> None:
        super().__init__()
        self.right = right
        self.times: list[float] = []

    def forward(
        self, hidden_states: torch.Tensor, timestep: torch.Tensor, **_others: Any
    ) -> tuple[torch.Tensor]:
        time = float(timestep[0])
        self.times.append(time)
        if self.right is not None:
            return (self.right.expand_as(hidden_states),)
        x = hidden_states.double() / (1 - time)
        return (network()(x, float(PRX.sigma(time))).float(),)


def pipeline(transformer: Known, scheduler: Any = None) -> Any:
    pipe = diffusers.PRXPixelPipeline(
        transformer=transformer,
        scheduler=scheduler or diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
        text_encoder=None,
        tokenizer=None,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def noise(seed: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, 3, 8, 8, generator=generator)


def made_by(pipe: Any, **given: Any) -> torch.Tensor:
    """Return the images that a pipeline makes of unit noise, in its own way."""
    call = {
        "prompt_embeds": torch.zeros(2, 2, 4),
        "guidance_scale": 1.0,
        "height": 8,
        "width": 8,
        "use_resolution_binning": False,
        "output_type": "pt",
        "latents": PRX.noise_scale * noise(),
    }
    pictures: torch.Tensor = pipe(**call | given).images
    return pictures.double()


@cache
def planned(sampler: str, steps: int, floor: float = 0.0) -> Plan:
    limits = NoiseLimits(floor=floor)
    request = TableRequest.of(sampler, steps, "zero", limits=limits)
    return make_plan(pink_source(), "karras", request)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a schedule that was planned without a word of the clamp."""
    path = tmp_path / "tight.json"
    write_document(plan_document(planned("dpmpp-2m", 8), provenance({})), path)
    return path


def expected(sampler: str, sigmas: tuple[float, ...], first: float) -> torch.Tensor:
    """Return what our sampler makes of a start.

    Parameters
    ----------
    first
        How much stronger the noise is that the network is shown in its first call.
    """
    top = sigmas[0]

    def denoise(x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
        shown = x * first if float(sigma) == top else x
        found: torch.Tensor = network()(shown, sigma)
        return found

    calls = solver_calls(sampler, sigmas)
    *_, picture = sample(denoise, top * noise().double(), calls, pytest.fail)
    return picture


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp-2m"])
@pytest.mark.parametrize("steps", [8, 12])
def test_our_scheduler_plays_a_table_above_the_clamp(
    file: Path, sampler: str, steps: int
) -> None:
    own = diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler = SpectralScheduler.from_schedule(
        file, own, model="prx-pixel", sampler=sampler
    )
    transformer = Known()
    made = made_by(pipeline(transformer, scheduler), num_inference_steps=steps)
    sigmas = planned("dpmpp-2m", steps, PRX.lowest_sigma).table.sigmas
    np.testing.assert_allclose(scheduler.table.sigmas, sigmas, rtol=1e-9)
    called = [float(call.sigma) for call in solver_calls(sampler, sigmas)]
    np.testing.assert_allclose(transformer.times, PRX.time(np.array(called)), rtol=1e-6)
    assert min(transformer.times) >= PRX.t_eps * (1 - 1e-6)
    wanted = expected(sampler, sigmas, 1 + PRX.noise_scale / sigmas[0])
    assert wanted.std() > 0.1
    torch.testing.assert_close(made, wanted, atol=2e-4, rtol=0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_lines_start_and_step_as_our_sampler_does() -> None:
    plan = planned("euler", 8, PRX.lowest_sigma)
    content = plan_delivery(TargetRequest(TARGETS["prx-pixel"]), plan, {}).content
    pipe = pipeline(Known())
    names: dict[str, Any] = {"pipe": pipe}
    exec(content.decode(), names)
    made = made_by(pipe, latents=names["start"] * noise(), **names["options"])
    wanted = expected("euler", plan.table.sigmas, 1.0)
    torch.testing.assert_close(made, wanted, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("steps", "left"), [(8, 0.25), (28, 2.5), (50, 3.7)])
def test_noise_that_stays_where_the_network_has_the_one_right_picture(
    tmp_path: Path, steps: int, left: float
) -> None:
    right = torch.linspace(-1, 1, 192).reshape(1, 3, 8, 8)
    own = diffusers.FlowMatchEulerDiscreteScheduler(shift=1.0)
    stays = made_by(pipeline(Known(right), own), num_inference_steps=steps) - right
    times = own.sigmas[1:-1].double().numpy()
    residue = PRX.residue([1e9, *PRX.sigma(times), 0.0])
    begun = PRX.noise_scale * noise() - right
    share = residue / PRX.noise_scale
    torch.testing.assert_close(stays, share * begun.double(), atol=1e-5, rtol=0)
    assert GREY * residue == pytest.approx(left, rel=0.03)

    path = tmp_path / "tight.json"
    write_document(plan_document(planned("dpmpp-2m", steps), provenance({})), path)
    scheduler = SpectralScheduler.from_schedule(path, own, model="prx-pixel")
    ours = made_by(pipeline(Known(right), scheduler), num_inference_steps=steps) - right
    assert GREY * float(ours.abs().max()) < 1e-3


def test_a_table_that_is_given_is_warned_of_where_it_ends_below_the_clamp() -> None:
    settings = {"prediction_type": "flow_prediction", "timestep_type": "flow_time"}
    with pytest.warns(UserWarning, match=r"0.02 is below 0.1053"):
        SpectralScheduler((9.0, 1.0, 0.02), **settings, noise_scale=2.0, t_eps=0.05)
    made = SpectralScheduler(
        sigmas=(9.0, 1.0, 0.2), **settings, noise_scale=2.0, t_eps=0.05
    )
    again = SpectralScheduler.from_config(made.config)
    assert again.table == SigmaTable.of((9.0, 1.0, 0.2))
    assert again.init_noise_sigma == 2.0
    with pytest.raises(UsageError, match="noise_scale and t_eps are of flow networks"):
        SpectralScheduler((9.0, 1.0), noise_scale=2.0)
