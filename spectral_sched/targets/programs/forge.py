"""Forge with the extension ExtraSchedulers.

Its box takes a list in brackets without the 0, which it appends itself, and
interpolates it unless the number of steps is that of the list.
"""

from __future__ import annotations

import numpy as np

from spectral_sched.targets.artifact import Artifact, float32_levels
from spectral_sched.targets.target import (
    MODEL_RANGE,
    Job,
    Target,
    outside_model,
    said_range,
)
from spectral_sched.words import number_of


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
        usage=(
            "paste it into the box of the scheduler custom, with "
            f"{number_of(count, 'step')}"
        ),
    )


TARGETS = (
    Target(
        "forge-extra",
        "list for the scheduler custom of webUI_ExtraSchedulers (Forge, A1111), no 0",
        _forge,
        parameters=MODEL_RANGE,
        knows=said_range,
    ),
)
