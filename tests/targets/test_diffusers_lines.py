"""The lines for diffusers, pasted where a pipeline of pixels takes no table."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from spectral_sched.diffusion.sampling.sampler import sample
from spectral_sched.schedules.betas import Betas
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.solvers.registry import solver_calls
from spectral_sched.targets import TARGETS
from spectral_sched.targets.trained_levels import trained_sigmas
from tests.support.handed import LEVELS, delivered, given

diffusers = pytest.importorskip("diffusers")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

BETAS = Betas("linear", first=0.00011, last=0.0201)
NOISE = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(5))


@cache
def unet() -> Any:
    torch.manual_seed(0)
    made = diffusers.UNet2DModel(
        sample_size=8,
        layers_per_block=1,
        block_out_channels=(8, 16),
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
    )
    return made.eval().requires_grad_(False)


def denoise(x: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
    """Denoise with that network, which predicts v at timesteps of `BETAS`."""
    level = float(sigma)
    scale = (1 + level**2) ** 0.5
    known = np.log(trained_sigmas(BETAS).astype(np.float64))
    told = np.interp(np.log(level), known, np.arange(len(known)))
    v = unet()((x / scale).float(), torch.tensor(float(told))).sample
    found: torch.Tensor = x / scale**2 - v * level / scale
    return found


AWAY = {
    "use_karras_sigmas": True,
    "timestep_spacing": "leading",
    "final_sigmas_type": "sigma_min",
    "prediction_type": "v_prediction",
}
"""A configuration whose options would replace the table."""


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("diffusers-euler", "EulerDiscreteScheduler"),
        ("diffusers-dpm-timesteps", "DPMSolverMultistepScheduler"),
        ("diffusers-heun-timesteps", "EulerDiscreteScheduler"),
    ],
)
@pytest.mark.parametrize("pipeline", ["DDPMPipeline", "DDIMPipeline"])
def test_the_loop_makes_our_picture_whatever_the_configuration_says(
    name: str, base: str, pipeline: str
) -> None:
    pipe = getattr(diffusers, pipeline)(unet(), diffusers.DDIMScheduler())
    # No defaults of any class, which from_config would forget.
    ends = {"beta_start": BETAS.first, "beta_end": BETAS.last}
    pipe.scheduler = getattr(diffusers, base)(**AWAY, **ends)
    names: dict[str, Any] = {"pipe": pipe}
    said = (f"beta_start={BETAS.first}", f"beta_end={BETAS.last}")
    exec(delivered(name, LEVELS, *said).content.decode(), names)
    made = names["play"](pipe, NOISE)
    artifact = given(name, LEVELS, *said)
    table = SigmaTable(tuple(float(sigma) for sigma in artifact.played))
    solver = TARGETS[name].implied({})
    assert solver is not None
    assert artifact.start_scale is not None
    start = artifact.start_scale * NOISE.double()
    *_, wanted = sample(denoise, start, solver_calls(solver, table.sigmas), pytest.fail)
    assert wanted.std() > 0.1
    torch.testing.assert_close(made.double(), wanted, atol=2e-4, rtol=0)


@pytest.mark.parametrize(
    "name",
    [
        *("diffusers-euler", "diffusers-dpm-timesteps", "diffusers-heun-timesteps"),
        *("diffusers-flow", "diffusers-unipc-flow"),
    ],
)
def test_pipelines_that_take_none_are_named_with_the_way_that_does(name: str) -> None:
    text = delivered(name, LEVELS).content.decode()
    loop = text[text.index("def play") :].splitlines()
    assert len([line for line in loop if line.startswith("    ")]) <= 10
    assert "DDPMPipeline" in text
    assert "play(pipe, noise)" in given(name).usage
    (told, *_) = given(name, form="npy").remarks
    assert "use_karras_sigmas=False" in told
    assert given(name, form="python").remarks == ()
