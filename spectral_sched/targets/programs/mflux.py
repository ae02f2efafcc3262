"""mflux: ``--scheduler package.module.Class`` names a class that holds the table.

mflux draws unit noise whatever the first level is. The loops of FLUX.1 and Qwen-Image
hand it to `scale_model_input` of the scheduler before they call the network, so the
class can start them at the first level; the other loops never do. All step with the
velocity that their network predicts. FLUX.2 and FIBO tell their networks `timesteps`,
the others `sigmas`. (mflux 0.18.)
"""

from __future__ import annotations

import numpy as np

from spectral_sched.targets.artifact import Artifact, float32_levels
from spectral_sched.targets.checks import below_clamp
from spectral_sched.targets.target import FLOW_NOISE, Job, Target, always, word

SNIPPET = """\
import mlx.core as mx
from mflux.models.common.schedulers.base_scheduler import BaseScheduler

SIGMAS = {values}
NOISE_SCALE = SCALE
START = FACTOR


class SpecschedScheduler(BaseScheduler):
    def __init__(self, config):
        if config.num_inference_steps != len(SIGMAS) - 1:
            raise ValueError(f"this table is for --steps {len(SIGMAS) - 1}")
        self._sigmas = mx.array(SIGMAS)
        self._started = NOISE_SCALE == 1

    @property
    def sigmas(self):
        return self._sigmas

    @property
    def timesteps(self):
        return 1000 * self._sigmas[:-1]

    def scale_model_input(self, latents, t):
        self._started = True
        return START * latents if t == 0 else latents

    def step(self, noise, timestep, latents, **kwargs):
        if not self._started:
            raise ValueError(f"this model starts from 1, the table from {NOISE_SCALE}")
        step = self._sigmas[timestep + 1] - self._sigmas[timestep]
        return latents + step.astype(latents.dtype) * noise.astype(latents.dtype)"""


def _snippet(scale: float, start: float) -> str:
    return SNIPPET.replace("FACTOR", repr(start)).replace("SCALE", f"{scale:g}")


def _table(job: Job) -> Artifact:
    scale = job.flow.noise_scale
    times = np.append(job.flow.time(np.array(job.table.levels)), 0.0)
    values = float32_levels(times, "mflux")
    return Artifact(
        values,
        coordinate="flow_time",
        wanted=times,
        played=values,
        played_in="flow_time",
        start_scale=job.table.levels[0],
        snippet=_snippet(scale, scale * float(times[0])),
        remarks=(_elsewhere(scale, job.table.levels[0]),),
        warnings=below_clamp(job.table.sigmas, job.flow),
        usage="put the file where Python finds it, as specsched_table.py, and add "
        f"--scheduler specsched_table.SpecschedScheduler --steps {job.table.num_steps}",
    )


def _elsewhere(scale: float, first: float) -> str:
    """Return what happens in the loops that never scale their noise."""
    loops = "FLUX.1 and Qwen-Image start at the first level; other models of mflux"
    if scale != 1:
        return f"{loops} start from noise of 1, and the class refuses them"
    return f"{loops} start from noise of 1, {1 / first:.2g} (relative) above it"


TARGETS = (
    Target(
        "mflux",
        "a scheduler class for --scheduler of mflux, the final 0 included",
        _table,
        formats=("python",),
        parameters=(
            word("model", ("flow",), "what all of its models are"),
            *FLOW_NOISE,
        ),
        solver=always("euler"),
    ),
)
