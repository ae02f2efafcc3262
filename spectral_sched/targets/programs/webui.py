"""Forge with the extension ExtraSchedulers, and SD.Next.

The extension's box takes a list in brackets without the 0, which it appends itself,
and interpolates it unless the number of steps is that of the list. SD.Next's field
keeps tokens of digits only: timesteps, or for flow models thousandths, which its
schedulers shift.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spectral_sched.errors import UsageError
from spectral_sched.schedules.coordinates import convert
from spectral_sched.targets.artifact import Artifact, float32_levels
from spectral_sched.targets.base import (
    MODEL_RANGE,
    Job,
    Target,
    option,
    outside_model,
    word,
)
from spectral_sched.targets.checks import duplicates, shifted_again
from spectral_sched.targets.trained import (
    BETAS,
    nearest_timesteps,
    timestep_artifact,
    trained_sigmas,
)

from .diffusers_flow import shifted

THOUSAND = 1000


def _forge(job: Job) -> Artifact:
    values = float32_levels(np.array(job.table.levels), "Forge")
    count = job.table.num_steps
    return Artifact(
        values,
        wanted=job.sigmas,
        played=np.append(values, 0.0),
        start_scale=float(values[0]),
        brackets=True,
        warnings=outside_model(job),
        usage=f"paste it into the box of the scheduler custom, with {count} steps",
    )


def _sdnext(job: Job) -> Artifact:
    if job.settings["model"] == "flow":
        return _thousandths(job)
    timesteps = nearest_timesteps(job)
    played = trained_sigmas(str(job.settings["betas"]))[timesteps].astype(np.float64)
    made = timestep_artifact(job, timesteps, played, "paste it into Timesteps override")
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
        "forge-extra",
        "list for the scheduler custom of webUI_ExtraSchedulers (Forge, A1111), no 0",
        _forge,
        parameters=MODEL_RANGE,
    ),
    Target(
        "sdnext",
        "whole timesteps for Timesteps override of SD.Next",
        _sdnext,
        parameters=(
            word("model", ("discrete", "flow"), "what the model was trained on"),
            BETAS,
            option("shift", None, 1e-3, 1e3, "shift of the scheduler, flow models"),
        ),
    ),
)
