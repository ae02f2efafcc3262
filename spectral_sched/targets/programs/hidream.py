"""HiDream-O1: its ``timesteps_list`` holds flow times in whole thousandths.

It replaces the timesteps and sigmas of the scheduler, whose shift does not touch it.
The usual scheduler is UniPC's; that of the distilled model gives fresh noise in every
step, as no solver of ours does. Sampling starts from ``noise_scale_start`` times
unit noise, whatever the first time is.
"""

from __future__ import annotations

import numpy as np

from spectral_sched.targets.artifact import Artifact
from spectral_sched.targets.checks import below_clamp, duplicates
from spectral_sched.targets.target import (
    FLOW_NOISE,
    PYTHON_FIRST,
    Job,
    Target,
    always,
    word,
)
from spectral_sched.targets.thousandths import THOUSAND, thousandths

SNIPPET = """\
timesteps_list = {values}
options = {
    "timesteps_list": timesteps_list,
    "noise_scale_start": START,
    "num_inference_steps": len(timesteps_list),
}"""


def _table(job: Job) -> Artifact:
    times = job.flow.time(np.array(job.table.levels))
    values = thousandths(times, "HiDream-O1")
    played = values / THOUSAND
    first = float(played[0])
    start = job.flow.noise_scale * first
    return Artifact(
        values,
        variable="timesteps_list",
        coordinate="flow_time / 1000",
        wanted=np.append(times, 0.0),
        played=np.append(played, 0.0),
        played_in="flow_time",
        # Noise alone, at time 1, is of no sigma.
        start_scale=float(job.flow.sigma(first)) if first < 1 else None,
        snippet=SNIPPET.replace("START", repr(start)),
        warnings=(*duplicates(values), *below_clamp(job.table.sigmas, job.flow)),
        usage="generate_image(..., **options) of the lines; with --format text, "
        f"timesteps_list beside noise_scale_start={start:.6g}",
    )


TARGETS = (
    Target(
        "hidream-o1",
        "timesteps_list of HiDream-O1: flow times in thousandths, no 0",
        _table,
        formats=PYTHON_FIRST,
        parameters=(
            word("model", ("hidream-o1", "hidream-o1-dev", "flow"), "which of them"),
            *FLOW_NOISE,
        ),
        solver=always("unipc"),
    ),
)
