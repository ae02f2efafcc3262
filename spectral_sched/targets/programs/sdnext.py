"""SD.Next: its field keeps tokens of digits only, and lists of three or more.

They are timesteps, or for flow models thousandths, which its schedulers shift.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spectral_sched.schedules import FLOW_MODELS
from spectral_sched.targets.artifact import Artifact
from spectral_sched.targets.checks import below_clamp, duplicates, shifted_again
from spectral_sched.targets.target import (
    FLOW_NOISE,
    Job,
    Target,
    flow_of,
    flows,
    option,
    word,
)
from spectral_sched.targets.thousandths import THOUSAND, thousandths
from spectral_sched.targets.trained_levels import (
    BETAS,
    known_levels,
    nearest_timesteps,
    timestep_artifact,
    trained_range,
    within_training,
)

from .diffusers_flow import shifted

FEWEST = 3
"""Values that the field must hold at least: shorter lists are passed over."""


def _sdnext(job: Job) -> Artifact:
    flow_of(job.settings)
    made = _thousandths(job) if flows(job.settings) else _timesteps(job)
    return replace(made, warnings=(*made.warnings, *_too_few(job)))


def _too_few(job: Job) -> tuple[str, ...]:
    count = job.table.num_steps
    if count >= FEWEST:
        return ()
    return (
        f"SD.Next passes over lists of fewer than {FEWEST} values, and this has "
        f"{count}; ask for more --steps",
    )


def _timesteps(job: Job) -> Artifact:
    job, warnings = within_training(job)
    timesteps = nearest_timesteps(job)
    played = known_levels(job)[timesteps].astype(np.float64)
    usage = "paste it into Timesteps override"
    made = timestep_artifact(job, timesteps, played, usage, warnings)
    return replace(made, separator=",")


def _thousandths(job: Job) -> Artifact:
    times = job.flow.time(np.array(job.table.levels))
    ratio = job.number("shift") or 1.0
    values = thousandths(shifted(times, 1 / ratio), "SD.Next")
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
            *below_clamp(job.table.sigmas, job.flow),
        ),
        usage="paste it into Timesteps override",
    )


TARGETS = (
    Target(
        "sdnext",
        "whole timesteps for Timesteps override of SD.Next",
        _sdnext,
        parameters=(
            word(
                "model",
                ("discrete", "flow", *FLOW_MODELS),
                "what the model was trained on, or which flow network it is",
            ),
            *FLOW_NOISE,
            *BETAS,
            option("shift", None, 1e-3, 1e3, "shift of the scheduler, flow models"),
        ),
        knows=lambda said: None if said["model"] == "flow" else trained_range(said),
    ),
)
