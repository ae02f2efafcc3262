"""diffusers, schedulers for models of sigma: Euler takes tables, EDM's need a recipe.

``EulerDiscreteScheduler`` takes sigmas with the final 0. Those of EDM do not: Euler's
reads an argument of that name as positions on its own curve, and the multistep one has
none, so their table is assigned after ``set_timesteps``.
"""

from __future__ import annotations

from spectral_sched.errors import UsageError
from spectral_sched.targets.artifact import Artifact, float32_levels
from spectral_sched.targets.diffusers_lines import (
    RESPACING,
    loop,
    named_options,
    scheduler_lines,
)
from spectral_sched.targets.target import (
    MODEL_RANGE,
    PYTHON_FIRST,
    Alias,
    Job,
    Target,
    always,
    outside_model,
    said_range,
    word,
)
from spectral_sched.targets.trained_levels import BETAS, trained_range, within_training

OPTIONS = {"timestep_spacing": '"trailing"', "final_sigmas_type": '"zero"', **RESPACING}

EULER = scheduler_lines("EulerDiscreteScheduler", "sigmas", OPTIONS) + loop(
    "sigmas", "StableDiffusionPipeline takes them: pipe(..., sigmas=sigmas).images"
)


def _euler(job: Job) -> Artifact:
    job, warnings = within_training(job)
    values = float32_levels(job.sigmas, "diffusers")
    return Artifact(
        values,
        wanted=job.sigmas,
        played=values,
        start_scale=float(values[0]),
        snippet=EULER,
        remarks=named_options(job, OPTIONS),
        warnings=warnings,
        usage="scheduler.set_timesteps(sigmas=sigmas) of EulerDiscreteScheduler in a "
        "loop, play(pipe, noise) of the lines: DDPMPipeline and DDIMPipeline take no "
        "sigmas; StableDiffusionPipeline does",
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
PLAYED = {"euler": "euler", "dpm": "dpmpp-2m"}


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
        parameters=BETAS,
        knows=trained_range,
        solver=always("euler"),
        aliases=(Alias("EulerDiscreteScheduler"),),
    ),
    Target(
        "diffusers-edm",
        "recipe for EDMEulerScheduler and EDMDPMSolverMultistepScheduler",
        _edm,
        formats=PYTHON_FIRST,
        parameters=(word("solver", tuple(CLASSES), "which of the two"), *MODEL_RANGE),
        knows=said_range,
        solver=lambda settings: PLAYED[str(settings["solver"])],
        aliases=tuple(Alias(name, (f"solver={key}",)) for key, name in CLASSES.items()),
    ),
)
