"""JiT, and the pixel models whose sampling is its loop.

Time runs from 0, noise, to 1, the image: ``u = 1 - t``. The loop starts from noise of
the scale it was trained with, as if the first u were 0; the lines start it from the
first level. It divides by ``max(1 - u, t_eps)``, and its last step is Euler's, whose
end is the image (Li & He, arXiv 2511.13720).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from spectral_sched.schedules import FLOW_MODELS
from spectral_sched.targets.artifact import Artifact, float32_levels
from spectral_sched.targets.checks import below_clamp
from spectral_sched.targets.target import (
    FLOW_NOISE,
    PYTHON_FIRST,
    Job,
    Settings,
    Target,
    flow_of,
    word,
)

from .trainers import trainer_law

MODELS = ("jit-256", *(name for name in FLOW_MODELS if name != "jit-256"), "flow")

SNIPPET = """\
u = {values}
self.steps = len(u) - 1
z = START * torch.randn_like(z)
each = [1] * z.ndim
timesteps = torch.tensor(u, device=z.device).view(-1, *each)
timesteps = timesteps.expand(-1, len(z), *each[1:])"""


BETWEEN = 2**0.5
"""Noise scale from which on Heun's method is nearer to that at 2 than to that at 1."""


def flow_solver(settings: Settings) -> str:
    """Return the solver of a loop in flow time, by its method and noise scale."""
    if settings["method"] == "euler":
        return "euler"
    return "flow-heun" if flow_of(settings).noise_scale < BETWEEN else "flow-heun-2"


def rising_times(job: Job, program: str) -> Artifact:
    """Return a table as times from noise to 1, the image."""
    times = job.flow.time(np.array(job.table.levels))
    values = float32_levels(np.append(1 - times, 1.0), program)
    return Artifact(
        values,
        variable="u",
        coordinate="1 - flow_time",
        wanted=np.append(times, 0.0),
        played=1 - values.astype(np.float64),
        played_in="flow_time",
        start_scale=job.table.levels[0],
        warnings=below_clamp(job.table.sigmas, job.flow),
    )


def _table(job: Job) -> Artifact:
    start = job.flow.noise_scale * float(job.flow.time(job.table.levels[0]))
    return replace(
        rising_times(job, "JiT"),
        snippet=SNIPPET.replace("START", repr(start)),
        usage="put the lines into generate, after those that make z and timesteps; "
        f"its noise is multiplied by {start:.6g}",
    )


TARGETS = (
    Target(
        "jit",
        "lines for generate of JiT: u from noise to 1, the image",
        _table,
        partial(trainer_law, program="jit", usage="arguments of its Denoiser"),
        formats=PYTHON_FIRST,
        parameters=(
            word("model", MODELS, "flow network, for its noise_scale and t_eps"),
            *FLOW_NOISE,
            word("method", ("heun", "euler"), "solver, as sampling_method has it"),
        ),
        solver=flow_solver,
    ),
)
