"""SD.Next: its field keeps tokens of digits only.

They are timesteps, or for flow models thousandths, which its schedulers shift.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spectral_sched.errors import UsageError
from spectral_sched.schedules.coordinates import convert
from spectral_sched.targets.artifact import Artifact
from spectral_sched.targets.checks import duplicates, shifted_again
from spectral_sched.targets.target import Job, Target, option, word
from spectral_sched.targets.trained_levels import (
    BETAS,
    known_levels,
    nearest_timesteps,
    timestep_artifact,
    trained_range,
    within_training,
)

from .diffusers_flow import shifted

THOUSAND = 1000


def _sdnext(job: Job) -> Artifact:
    if job.settings["model"] == "flow":
        return _thousandths(job)
    job, warnings = within_training(job)
    timesteps = nearest_timesteps(job)
    played = known_levels(job)[timesteps].astype(np.float64)
    usage = "paste it into Timesteps override"
    made = timestep_artifact(job, timesteps, played, usage, warnings)
    return replace(made, separator=",")


def _thousandths(job: Job) -> Artifact:
    times = convert(job.table.levels, "sigma", "flow_time")
    ratio = job.number("shift") or 1.0
    values = np.rint(THOUSAND * shifted(times, 1 / ratio)).astype(np.int64)
    if values[-1] == 0:
        message = (
            "SD.Next counts flow time in thousandths, and the last level is below "
            "half of one; plan with a higher --sigma-min"
        )
        raise UsageError(message)
    return Artifact(
        values,
        variable="timesteps",
        coordinate="flow_time / 1000",
        wanted=np.append(times, 0.0),
        played=np.append(shifted(values / THOUSAND, ratio), 0.0),
        played_in="flow_time",
        separator=",",
        warnings=(
            *duplicates(values),
            *shifted_again(job.settings["shift"] is not None, ("--with shift=1",)),
        ),
        usage="paste it into Timesteps override",
    )


TARGETS = (
    Target(
        "sdnext",
        "whole timesteps for Timesteps override of SD.Next",
        _sdnext,
        parameters=(
            word("model", ("discrete", "flow"), "what the model was trained on"),
            *BETAS,
            option("shift", None, 1e-3, 1e3, "shift of the scheduler, flow models"),
        ),
        knows=lambda said: None if said["model"] == "flow" else trained_range(said),
    ),
)
