"""The table as it is, for programs that are not listed."""

from __future__ import annotations

from spectral_sched.targets.artifact import Artifact
from spectral_sched.targets.target import (
    MODEL_RANGE,
    Job,
    Target,
    outside_model,
    said_range,
)


def _table(job: Job) -> Artifact:
    return Artifact(
        job.sigmas,
        wanted=job.sigmas,
        played=job.sigmas,
        start_scale=float(job.sigmas[0]),
        warnings=outside_model(job),
        usage="num_steps decreasing sigmas, then 0; start from sigmas[0] * noise",
    )


TARGETS = (
    Target(
        "plain",
        "sigmas of x = image + sigma * noise, decreasing, the final 0 included",
        _table,
        parameters=MODEL_RANGE,
        knows=said_range,
    ),
)
