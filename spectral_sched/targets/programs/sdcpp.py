"""stable-diffusion.cpp: ``--sigmas`` takes a list with the final 0.

It steps flow networks without a clamp. HiDream-O1's noise scale is what ``--eta`` is
there; MiniT2I's is fixed, and its sampling starts from noise alone.
"""

from __future__ import annotations

import numpy as np

from spectral_sched.targets.artifact import Artifact, float32_levels
from spectral_sched.targets.target import (
    ANY_MODEL,
    MODEL_RANGE,
    NOISE_SCALE,
    Job,
    Target,
    flow_of,
    flows,
    outside_model,
    said_range,
)

USAGE = 'give it after --sigmas, or as "custom_sigmas" in sample_params'


def _table(job: Job) -> Artifact:
    flow_of(job.settings)
    return _flow(job) if flows(job.settings) else _sigmas(job)


def _sigmas(job: Job) -> Artifact:
    values = float32_levels(job.sigmas, "stable-diffusion.cpp")
    return Artifact(
        values,
        wanted=job.sigmas,
        played=values,
        start_scale=float(values[0]),
        separator=",",
        warnings=outside_model(job),
        usage=USAGE,
    )


def _flow(job: Job) -> Artifact:
    scale, levels = job.flow.noise_scale, np.array(job.table.levels)
    wanted = np.append(job.flow.time(levels), 0.0)
    values = float32_levels(wanted, "stable-diffusion.cpp")
    alone = job.settings["model"] == "minit2i"
    return Artifact(
        values,
        coordinate="flow_time",
        wanted=wanted,
        played=values,
        played_in="flow_time",
        start_scale=float(levels[0]) + scale * alone,
        separator=",",
        usage=USAGE if alone or scale == 1 else f"{USAGE}, beside --eta {scale:g}",
    )


TARGETS = (
    Target(
        "sdcpp",
        "text for --sigmas of stable-diffusion.cpp, the final 0 included",
        _table,
        parameters=(ANY_MODEL, NOISE_SCALE, *MODEL_RANGE),
        knows=said_range,
    ),
)
