"""diffusers' PRXPixelPipeline, which takes timesteps and no sigmas.

Its scheduler would tell the network the timesteps as they are and step through shifted
ones, so the lines switch its shift off. The pipeline starts from noise of the trained
scale, as if the first time were 1; latents start it from the first level.
"""

from __future__ import annotations

import numpy as np

from spectral_sched.targets.artifact import Artifact, float32_levels
from spectral_sched.targets.checks import below_clamp
from spectral_sched.targets.diffusers_lines import named_options, scheduler_lines
from spectral_sched.targets.target import (
    FLOW_NOISE,
    PYTHON_FIRST,
    Alias,
    Job,
    Target,
    always,
    word,
)
from spectral_sched.targets.thousandths import THOUSAND

from .diffusers_flow import FLOW_OPTIONS

LINES = scheduler_lines("FlowMatchEulerDiscreteScheduler", "timesteps", FLOW_OPTIONS)
SNIPPET = f"""\
{LINES}
options = {{
    "timesteps": timesteps,
    "num_inference_steps": len(timesteps),
}}
start = START  # latents=start * unit noise"""


def _table(job: Job) -> Artifact:
    times = job.flow.time(np.array(job.table.levels))
    values = float32_levels(THOUSAND * times, "diffusers")
    start = job.flow.noise_scale * float(times[0])
    return Artifact(
        values,
        variable="timesteps",
        coordinate="flow_time * 1000",
        wanted=np.append(times, 0.0),
        played=np.append(values.astype(np.float64) / THOUSAND, 0.0),
        played_in="flow_time",
        start_scale=job.table.levels[0],
        snippet=SNIPPET.replace("START", repr(start)),
        remarks=named_options(job, FLOW_OPTIONS),
        warnings=below_clamp(job.table.sigmas, job.flow),
        usage="pipe(..., **options, latents=start * torch.randn(1, 3, height, width)) "
        f"of the lines, where start is {start:.6g}",
    )


TARGETS = (
    Target(
        "prx-pixel",
        "timesteps for PRXPixelPipeline of diffusers, its scheduler's shift set off",
        _table,
        formats=PYTHON_FIRST,
        parameters=(word("model", ("prx-pixel", "flow"), "which model"), *FLOW_NOISE),
        solver=always("euler"),
        aliases=(Alias("PRXPixelPipeline"),),
    ),
)
