"""smalldiffusion: a table for ``samples``, or a ``Schedule`` to train with.

The first is decreasing and ends in 0. The second is ascending and long, levels drawn
from it uniformly, and its own ``sample_sigmas`` stops at the lowest of them.
"""

from __future__ import annotations

import numpy as np

from spectral_sched.targets.artifact import Artifact, float32_levels
from spectral_sched.targets.checks import noisy_end, outside
from spectral_sched.targets.target import (
    MODEL_RANGE,
    PYTHON_FIRST,
    Job,
    LawJob,
    Target,
    always,
    outside_model,
    said_range,
)

NUM_LEVELS = 1000

SAMPLING = """\
sigmas = {values}
*_, pictures = samples(model, torch.tensor(sigmas))"""

TRAINING = """\
sigmas = {values}
schedule = Schedule(torch.tensor(sigmas))"""


def _table(job: Job) -> Artifact:
    values = float32_levels(job.sigmas, "smalldiffusion")
    return Artifact(
        values,
        wanted=job.sigmas,
        played=values,
        start_scale=float(values[0]),
        snippet=SAMPLING,
        warnings=outside_model(job),
        usage="*_, pictures = samples(model, sigmas)",
    )


def _law(law: LawJob) -> Artifact:
    middles = (np.arange(NUM_LEVELS) + 0.5) / NUM_LEVELS
    levels = np.sort(law.schedule(middles))
    values = float32_levels(levels, "smalldiffusion")
    low, high = law.settings["model_min"], law.settings["model_max"]
    ends = [float(levels[-1]), float(levels[0])]
    return Artifact(
        values,
        snippet=TRAINING,
        warnings=(
            *outside(ends, float(low or 0), np.inf if high is None else float(high)),
            *noisy_end(float(levels[0])),
        ),
        usage="Schedule(torch.tensor(sigmas)) for training_loop; sample with a table",
    )


TARGETS = (
    Target(
        "smalldiffusion",
        "sigmas for samples, the final 0 included; for training, an ascending Schedule",
        _table,
        _law,
        formats=PYTHON_FIRST,
        parameters=MODEL_RANGE,
        knows=said_range,
        solver=always("euler"),
    ),
)
