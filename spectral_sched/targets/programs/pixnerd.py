"""PixNerd, and what was built on its code: DeCo, PixelGen and PixelDiT.

Their samplers hold `timesteps`, a time that rises from 0, noise, to 1, the image, and
step from each to the next. The networks of PixNerd, DeCo and PixelDiT predict the
velocity; those of PixelGen the image, which is divided by ``max(1 - u, 0.05)``. Noise
comes from the data set, at the scale it was trained with, as if the first time were 0;
the lines start it from the first level.

AdamLMSampler begins at time 0 whatever its timesteps say, and FlowDPMSolverSampler
weighs steps as if they were even: they cannot play a table.
"""

from __future__ import annotations

import math
from dataclasses import replace

from spectral_sched.planning.training_advice import NormalLaw, told, training_advice
from spectral_sched.targets.artifact import Artifact
from spectral_sched.targets.target import (
    FLOW_NOISE,
    PYTHON_FIRST,
    Alias,
    Job,
    LawJob,
    Target,
    flow_of,
    word,
)

from .jit import flow_solver, rising_times
from .trainers import trainer_law

MODELS = ("pixnerd", "deco", "pixelgen", "pixeldit", "flow")

SNIPPET = """\
u = {values}
self.timesteps = torch.tensor(u)
self.num_steps = len(u) - 1
self.exact_henu = True
noise = START * noise"""

USAGE = "arguments of diffusion_trainer in its configuration"

CLASSES = {"euler": "EulerSampler", "heun": "HeunSampler"}


def _table(job: Job) -> Artifact:
    start = float(job.flow.time(job.table.levels[0]))
    end = "JiT" if job.settings["model"] == "pixelgen" else ""
    name = CLASSES[str(job.settings["method"])] + end
    return replace(
        rising_times(job, "PixNerd"),
        snippet=SNIPPET.replace("START", repr(start)),
        usage=f"put the lines at the top of _impl_sampling of {name}, and name that "
        "class as diffusion_sampler in the configuration",
    )


def _law(law: LawJob) -> Artifact:
    if law.settings["model"] == "pixelgen":
        return trainer_law(law, "jit", USAGE)
    sigma_data = law.data_set.power.field.sigma_data
    scale = flow_of(law.settings).noise_scale
    advice = training_advice(law.schedule, sigma_data, scale)
    words = {"lognorm_t": True, "timeshift": math.exp(advice.logit_mean)}
    return Artifact(
        fields=words,
        text=f"lognorm_t: true, timeshift: {words['timeshift']}",
        remarks=(told(words),),
        warnings=(_unit_deviation(advice.law),),
        usage=USAGE,
    )


def _unit_deviation(wanted: NormalLaw) -> str:
    """Return what the trainers' fixed standard deviation does to a law."""
    low, high = replace(wanted, std=1.0).most
    return (
        "the trainer draws ln sigma with a standard deviation of 1, not of "
        f"{wanted.std:.3g}: 95 % of its draws are from sigma {low:.3g} to {high:.3g}; "
        f"multiply torch.randn in its _impl_trainstep by {wanted.std:.4g}"
    )


TARGETS = (
    Target(
        "pixnerd",
        "lines for the samplers of PixNerd, DeCo, PixelGen and PixelDiT",
        _table,
        _law,
        formats=PYTHON_FIRST,
        parameters=(
            word("model", MODELS, "flow network, for its noise_scale and t_eps"),
            *FLOW_NOISE,
            word("method", ("euler", "heun"), "solver, by the class of the sampler"),
        ),
        solver=flow_solver,
        aliases=tuple(Alias(name, (f"model={name}",)) for name in MODELS[1:-1]),
    ),
)
