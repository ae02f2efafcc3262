"""diffusers, schedulers that take timesteps of a discretely trained model.

DPM-Solver's are whole numbers, so the table is quantised to the levels of training and
the deviation told. Heun's keep fractions and are read linearly in sigma between the
levels, so a table inside the range of training is kept as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.targets.diffusers_lines import (
    RESPACING,
    loop,
    named_options,
    scheduler_lines,
)
from spectral_sched.targets.target import PYTHON_FIRST, Alias, Job, Target, always
from spectral_sched.targets.trained_levels import (
    BETAS,
    known_levels,
    nearest_timesteps,
    timestep_artifact,
    trained_range,
    within_training,
)

if TYPE_CHECKING:
    from spectral_sched.targets.artifact import Artifact

DPM_OPTIONS = {
    "algorithm_type": '"dpmsolver++"',
    "solver_order": "2",
    "solver_type": '"midpoint"',
    "euler_at_final": "False",
    "final_sigmas_type": '"zero"',
    "use_lu_lambdas": "False",
    "use_flow_sigmas": "False",
    **RESPACING,
}
HEUN_OPTIONS = {"timestep_spacing": '"trailing"', **RESPACING}

COMMENT = "IFPipeline takes them: pipe(..., timesteps=timesteps).images"
DPM = scheduler_lines("DPMSolverMultistepScheduler", "timesteps", DPM_OPTIONS)
HEUN = scheduler_lines("HeunDiscreteScheduler", "timesteps", HEUN_OPTIONS)
LOOP = loop("timesteps", COMMENT)
USAGE = (
    "pipe(..., timesteps=timesteps) of IFPipeline and others that take them, with "
    "{}; DDPMPipeline and DDIMPipeline do not: play(pipe, noise) of the lines"
)


def _dpm(job: Job) -> Artifact:
    job, warnings = within_training(job)
    timesteps = nearest_timesteps(job)
    played = known_levels(job)[timesteps].astype(np.float64)
    usage = USAGE.format("DPMSolverMultistepScheduler")
    made = timestep_artifact(job, timesteps, played, usage, warnings)
    start = float(np.hypot(1, played[0]))
    remarks = named_options(job, DPM_OPTIONS)
    return replace(made, start_scale=start, snippet=DPM + LOOP, remarks=remarks)


def _heun(job: Job) -> Artifact:
    job, warnings = within_training(job)
    known = known_levels(job).astype(np.float64)
    numbers = np.arange(len(known))
    timesteps = np.interp(job.table.levels, known, numbers).astype(np.float32)
    played = np.interp(timesteps, numbers, known)
    usage = USAGE.format("HeunDiscreteScheduler")
    made = timestep_artifact(job, timesteps, played, usage, warnings)
    start, remarks = float(played[0]), named_options(job, HEUN_OPTIONS)
    return replace(made, start_scale=start, snippet=HEUN + LOOP, remarks=remarks)


TARGETS = (
    Target(
        "diffusers-dpm-timesteps",
        "whole timesteps for DPMSolverMultistepScheduler and others that take them",
        _dpm,
        formats=PYTHON_FIRST,
        parameters=BETAS,
        knows=trained_range,
        solver=always("dpmpp-2m"),
        aliases=(Alias("DPMSolverMultistepScheduler"),),
    ),
    Target(
        "diffusers-heun-timesteps",
        "timesteps with fractions for HeunDiscreteScheduler",
        _heun,
        formats=PYTHON_FIRST,
        parameters=BETAS,
        knows=trained_range,
        solver=always("heun"),
        aliases=(Alias("HeunDiscreteScheduler"),),
    ),
)
