"""diffusers, schedulers that take timesteps of a discretely trained model.

DPM-Solver's are whole numbers, so the table is quantised to the levels of training and
the deviation told. Heun's keep fractions and are read linearly in sigma between the
levels, so a table inside the range of training is played as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.targets.target import PYTHON_FIRST, Job, Target
from spectral_sched.targets.trained_levels import (
    BETAS,
    nearest_timesteps,
    timestep_artifact,
    trained_sigmas,
)

if TYPE_CHECKING:
    from spectral_sched.targets.artifact import Artifact

DPM = """\
from diffusers import DPMSolverMultistepScheduler as Scheduler
timesteps = {values}
config = pipe.scheduler.config
pipe.scheduler = Scheduler.from_config(config, final_sigmas_type="zero")
# pictures = pipe(..., timesteps=timesteps).images"""

HEUN = """\
from diffusers import HeunDiscreteScheduler
timesteps = {values}
config = pipe.scheduler.config
pipe.scheduler = HeunDiscreteScheduler.from_config(config, timestep_spacing="trailing")
# pictures = pipe(..., timesteps=timesteps).images"""


def _dpm(job: Job) -> Artifact:
    timesteps = nearest_timesteps(job)
    played = trained_sigmas(str(job.settings["betas"]))[timesteps].astype(np.float64)
    usage = "pipe(..., timesteps=timesteps) with DPMSolverMultistepScheduler"
    made = timestep_artifact(job, timesteps, played, usage)
    return replace(made, start_scale=float(np.hypot(1, played[0])), snippet=DPM)


def _heun(job: Job) -> Artifact:
    known = trained_sigmas(str(job.settings["betas"])).astype(np.float64)
    numbers = np.arange(len(known))
    timesteps = np.interp(job.table.levels, known, numbers).astype(np.float32)
    played = np.interp(timesteps, numbers, known)
    usage = "pipe(..., timesteps=timesteps) with HeunDiscreteScheduler"
    made = timestep_artifact(job, timesteps, played, usage)
    return replace(made, start_scale=float(played[0]), snippet=HEUN)


TARGETS = (
    Target(
        "diffusers-dpm-timesteps",
        "whole timesteps for DPMSolverMultistepScheduler and others that take them",
        _dpm,
        formats=PYTHON_FIRST,
        parameters=(BETAS,),
    ),
    Target(
        "diffusers-heun-timesteps",
        "timesteps with fractions for HeunDiscreteScheduler",
        _heun,
        formats=PYTHON_FIRST,
        parameters=(BETAS,),
    ),
)
