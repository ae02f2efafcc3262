"""stable-diffusion.cpp: ``--sigmas`` takes a list with the final 0."""

from __future__ import annotations

from spectral_sched.schedules.coordinates import convert
from spectral_sched.targets.artifact import Artifact, float32_levels
from spectral_sched.targets.target import (
    MODEL_RANGE,
    Job,
    Target,
    outside_model,
    said_range,
    word,
)


def _table(job: Job) -> Artifact:
    flow = job.settings["model"] == "flow"
    coordinate = "flow_time" if flow else "sigma"
    wanted = convert(job.sigmas, "sigma", coordinate)
    values = float32_levels(wanted, "stable-diffusion.cpp")
    return Artifact(
        values,
        coordinate=coordinate,
        wanted=wanted,
        played=values,
        played_in=coordinate,
        start_scale=None if flow else float(values[0]),
        separator=",",
        warnings=() if flow else outside_model(job),
        usage='give it after --sigmas, or as "custom_sigmas" in sample_params',
    )


TARGETS = (
    Target(
        "sdcpp",
        "text for --sigmas of stable-diffusion.cpp, the final 0 included",
        _table,
        parameters=(
            word("model", ("sigma", "flow"), "what the model knows"),
            *MODEL_RANGE,
        ),
        knows=said_range,
    ),
)
