"""mflux: ``--scheduler package.module.Class`` names a class that holds the table.

The models of mflux predict a velocity of unit noise, and it draws that noise whatever
the first level is.
"""

from __future__ import annotations

import numpy as np

from spectral_sched.schedules import UNIT_FLOW
from spectral_sched.targets.artifact import Artifact, float32_levels
from spectral_sched.targets.target import Job, Target, always

SNIPPET = """\
import mlx.core as mx
from mflux.models.common.schedulers.base_scheduler import BaseScheduler

SIGMAS = {values}


class SpecschedScheduler(BaseScheduler):
    def __init__(self, config):
        if config.num_inference_steps != len(SIGMAS) - 1:
            raise ValueError(f"this table is for --steps {len(SIGMAS) - 1}")
        self._sigmas = mx.array(SIGMAS)

    @property
    def sigmas(self):
        return self._sigmas

    @property
    def timesteps(self):
        return mx.arange(len(SIGMAS) - 1)

    def step(self, noise, timestep, latents, **kwargs):
        step = self._sigmas[timestep + 1] - self._sigmas[timestep]
        return latents + step.astype(latents.dtype) * noise.astype(latents.dtype)"""


def _table(job: Job) -> Artifact:
    times = np.append(UNIT_FLOW.time(np.array(job.table.levels)), 0.0)
    values = float32_levels(times, "mflux")
    return Artifact(
        values,
        coordinate="flow_time",
        wanted=times,
        played=values,
        played_in="flow_time",
        start_scale=1 / (1 - float(times[0])),
        snippet=SNIPPET,
        usage="put the file where Python finds it, as specsched_table.py, and add "
        f"--scheduler specsched_table.SpecschedScheduler --steps {job.table.num_steps}",
    )


TARGETS = (
    Target(
        "mflux",
        "a scheduler class for --scheduler of mflux, the final 0 included",
        _table,
        formats=("python",),
        solver=always("euler"),
    ),
)
