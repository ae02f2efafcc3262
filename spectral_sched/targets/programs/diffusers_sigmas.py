"""diffusers, schedulers for models of sigma: Euler takes tables, EDM's need a recipe.

``EulerDiscreteScheduler`` takes sigmas with the final 0. Those of EDM do not: Euler's
reads an argument of that name as positions on its own curve, and the multistep one has
none, so their table is assigned after ``set_timesteps``.
"""

from __future__ import annotations

from spectral_sched.errors import UsageError
from spectral_sched.targets.artifact import Artifact, float32_levels
from spectral_sched.targets.target import (
    MODEL_RANGE,
    PYTHON_FIRST,
    Job,
    Target,
    outside_model,
    word,
)
from spectral_sched.targets.trained_levels import BETAS, outside_training

EULER = """\
from diffusers import EulerDiscreteScheduler
sigmas = {values}
config = pipe.scheduler.config
pipe.scheduler = EulerDiscreteScheduler.from_config(config, timestep_spacing="trailing")
# pictures = pipe(..., sigmas=sigmas).images"""


def _euler(job: Job) -> Artifact:
    values = float32_levels(job.sigmas, "diffusers")
    return Artifact(
        values,
        wanted=job.sigmas,
        played=values,
        start_scale=float(values[0]),
        snippet=EULER,
        warnings=outside_training(job),
        usage="pipe(..., sigmas=sigmas) with EulerDiscreteScheduler",
    )


EDM = """\
import torch
from diffusers import CLASS as Scheduler
sigmas = {values}
# Its noise at the start is (sigma_max**2 + 1) ** 0.5.
scheduler = Scheduler(sigma_max=(sigmas[0] ** 2 - 1) ** 0.5, sigma_min=sigmas[-2])
scheduler.set_timesteps(len(sigmas) - 1)
scheduler.sigmas = torch.tensor(sigmas)
scheduler.timesteps = scheduler.sigmas[:-1].log() / 4"""

CLASSES = {"euler": "EDMEulerScheduler", "dpm": "EDMDPMSolverMultistepScheduler"}


def _edm(job: Job) -> Artifact:
    values = float32_levels(job.sigmas, "diffusers")
    if values[0] <= 1:
        message = (
            "the EDM schedulers of diffusers start from noise of at least 1, and the "
            f"table from {values[0]:.4g}; use spectral_sched.diffusers instead"
        )
        raise UsageError(message)
    return Artifact(
        values,
        wanted=job.sigmas,
        played=values,
        start_scale=float(values[0]),
        snippet=EDM.replace("CLASS", CLASSES[str(job.settings["solver"])]),
        warnings=outside_model(job),
        usage="for a loop of your own; pipelines call set_timesteps again, and for "
        "them there is spectral_sched.diffusers.SpectralScheduler",
    )


TARGETS = (
    Target(
        "diffusers-euler",
        "sigmas for EulerDiscreteScheduler, the final 0 included",
        _euler,
        formats=PYTHON_FIRST,
        parameters=(BETAS,),
    ),
    Target(
        "diffusers-edm",
        "recipe for EDMEulerScheduler and EDMDPMSolverMultistepScheduler",
        _edm,
        formats=PYTHON_FIRST,
        parameters=(word("solver", tuple(CLASSES), "which of the two"), *MODEL_RANGE),
    ),
)
