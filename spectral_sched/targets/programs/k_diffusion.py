"""k-diffusion: its samplers, and the configuration of its training."""

from __future__ import annotations

from spectral_sched.planning.law_fits import fits, k_diffusion_fit, k_diffusion_keys
from spectral_sched.planning.training_law import law_sample
from spectral_sched.targets.artifact import Artifact, float32_levels
from spectral_sched.targets.target import (
    MODEL_RANGE,
    PYTHON_FIRST,
    Job,
    LawJob,
    Target,
    outside_model,
)

SNIPPET = """\
sigmas = {values}
sigmas = torch.tensor(sigmas)
x = torch.randn(shape) * sigmas[0]
samples = K.sampling.sample_dpmpp_2m(model, x, sigmas)"""


def _table(job: Job) -> Artifact:
    values = float32_levels(job.sigmas, "k-diffusion")
    return Artifact(
        values,
        wanted=job.sigmas,
        played=values,
        snippet=SNIPPET,
        warnings=outside_model(job),
        usage="K.sampling.sample_*(model, torch.randn(shape) * sigmas[0], sigmas)",
    )


def _law(law: LawJob) -> Artifact:
    found = fits(law_sample(law.schedule))
    best = k_diffusion_fit(found)
    keys = k_diffusion_keys(found, law.schedule, law.data_set.power.field.sigma_data)
    return Artifact(
        fields={"model": keys},
        remarks=(
            f"{best.name} is the nearest law that k-diffusion can draw from: "
            f"{best.divergence:.2g} nats and a Kolmogorov distance of "
            f"{best.kolmogorov:.2g} from the law asked for",
        ),
        usage='merge the keys into "model" of the configuration for train.py',
    )


TARGETS = (
    Target(
        "k-diffusion",
        "sigmas for K.sampling.sample_*, the final 0 included, float32",
        _table,
        formats=PYTHON_FIRST,
        parameters=MODEL_RANGE,
    ),
    Target(
        "k-diffusion-config",
        "keys of its training configuration: range, sigma_data, the nearest density",
        law=_law,
        formats=("json",),
    ),
)
