"""k-diffusion: its samplers, and the configuration of its training."""

from __future__ import annotations

from spectral_sched.planning.law_fits import fits, k_diffusion_fit, k_diffusion_keys
from spectral_sched.planning.training_law import law_sample
from spectral_sched.solvers.registry import ALIASES
from spectral_sched.targets.artifact import Artifact, float32_levels
from spectral_sched.targets.target import (
    MODEL_RANGE,
    PYTHON_FIRST,
    Alias,
    Job,
    LawJob,
    Target,
    outside_model,
    said_range,
)

SNIPPET = """\
sigmas = {values}
sigmas = torch.tensor(sigmas)
x = torch.randn(shape) * sigmas[0]
samples = K.sampling.FUNCTION(model, x, sigmas)"""

FUNCTIONS = {
    solver: alias for alias, solver in ALIASES.items() if alias.startswith("sample_")
}
"""Its functions by our names of the solvers that they are."""

USUAL = "dpmpp-2m"


def _table(job: Job) -> Artifact:
    values = float32_levels(job.sigmas, "k-diffusion")
    function = FUNCTIONS.get(job.sampler, FUNCTIONS[USUAL])
    return Artifact(
        values,
        wanted=job.sigmas,
        played=values,
        snippet=SNIPPET.replace("FUNCTION", function),
        warnings=(*outside_model(job), *_unplayed(job.sampler)),
        usage=f"K.sampling.{function}(model, torch.randn(shape) * sigmas[0], sigmas)",
    )


def _unplayed(sampler: str) -> tuple[str, ...]:
    """Return a warning if k-diffusion has no such solver."""
    if sampler in FUNCTIONS:
        return ()
    return (
        f"k-diffusion has no {sampler}, which the table is planned for; plan it with "
        f"--sampler {USUAL}",
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
        knows=said_range,
        aliases=tuple(
            Alias(name, sampler=solver)
            for solver, function in FUNCTIONS.items()
            for name in (function, function.removeprefix("sample_"))
        ),
    ),
    Target(
        "k-diffusion-config",
        "keys of its training configuration: range, sigma_data, the nearest density",
        law=_law,
        formats=("json",),
    ),
)
