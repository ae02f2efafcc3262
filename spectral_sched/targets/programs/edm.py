"""NVlabs' EDM and EDM2: their flags take a range and rho, their code takes a table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.errors import UsageError
from spectral_sched.planning.law_fits import edm_arguments, fits, lognormal_fit
from spectral_sched.planning.training_law import law_sample
from spectral_sched.schedules import KarrasLaw
from spectral_sched.targets.artifact import Artifact, float32_levels
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

if TYPE_CHECKING:
    from numpy.typing import NDArray

RHO = 7.0
RHO_RANGE = (0.1, 1000.0)


@dataclass(frozen=True)
class Code:
    """How one of the two computes.

    Attributes
    ----------
    name
        Its name.
    wide
        Whether its sampler computes in float64.
    dtype, noise
        Names of the type and of the noise in its sampler.
    """

    name: str
    wide: bool
    dtype: str
    noise: str

    @property
    def snippet(self) -> str:
        """Lines for its sampler, after those that make ``t_steps``."""
        return (
            "sigmas = {values}\n"
            "num_steps = len(sigmas) - 1\n"
            f"t_steps = torch.tensor(sigmas, dtype={self.dtype}, "
            f"device={self.noise}.device)"
        )


EDM = Code("EDM", wide=True, dtype="torch.float64", noise="latents")
EDM2 = Code("EDM2", wide=False, dtype="dtype", noise="noise")


def _table(job: Job, code: Code) -> Artifact:
    if job.form == "text":
        return _flags(job, code)
    levels = job.sigmas if code.wide else float32_levels(job.sigmas, code.name)
    return Artifact(
        levels,
        wanted=job.sigmas,
        played=levels,
        start_scale=float(levels[0]),
        snippet=code.snippet,
        warnings=outside_model(job),
        usage="put the lines into edm_sampler, just before its main sampling loop",
    )


def _flags(job: Job, code: Code) -> Artifact:
    if job.table.num_steps == 1:
        message = (
            f"{code.name} divides by the number of steps less one, so its flags cannot "
            "ask for one step; ask for two, or for --format python"
        )
        raise UsageError(message)
    low, high, rho = fitted_karras(np.array(job.table.levels))
    played = np.append(karras(low, high, rho, job.table.num_steps), 0.0)
    return Artifact(
        wanted=job.sigmas,
        played=played,
        start_scale=high,
        text=(
            f"--steps={job.table.num_steps} --sigma_min={low!r} --sigma_max={high!r} "
            f"--rho={rho!r}"
        ),
        warnings=outside_model(job),
        usage="add the flags to the command; --format python gives the table itself",
    )


def karras(low: float, high: float, rho: float, count: int) -> NDArray[np.float64]:
    """Return levels equally spaced in a root, decreasing (arXiv 2206.00364, Eq. 5)."""
    law = KarrasLaw(rho=rho)
    first, last = law.cumulative(-2 * np.log([high, low]))
    levels: NDArray[np.float64] = np.exp(
        law.inverse(np.linspace(first, last, count)) / -2
    )
    return levels


def fitted_karras(levels: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the low end, high end and rho whose levels are nearest in ln sigma."""
    from scipy.optimize import least_squares

    if len(levels) == 2:
        return float(levels[1]), float(levels[0]), RHO
    logs = np.log(levels)

    def distance(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        low, high, rho = np.exp(parameters)
        return np.log(karras(low, high, rho, len(levels))) - logs

    flat, steep = np.log(RHO_RANGE).tolist()
    limits = ([-np.inf, -np.inf, flat], [np.inf, np.inf, steep])
    start = np.array([logs[-1], logs[0], np.log(RHO)])
    found = least_squares(distance, start, bounds=limits, xtol=1e-15, ftol=1e-15)
    low, high, rho = np.exp(found.x).tolist()
    return low, high, rho


def _law(law: LawJob) -> Artifact:
    sample = law_sample(law.schedule)
    fit = lognormal_fit(sample)
    arguments = edm_arguments(fits(sample), law.data_set.power.field.sigma_data)
    return Artifact(
        fields=arguments,
        text=" ".join(f"{name}={value!r}" for name, value in arguments.items()),
        remarks=(
            f"a normal law of ln sigma is {fit.divergence:.2g} nats and a Kolmogorov "
            f"distance of {fit.kolmogorov:.2g} from the law asked for",
        ),
        usage="arguments of the loss, EDMLoss or EDM2Loss",
    )


def _target(code: Code, name: str) -> Target:
    return Target(
        name,
        f"lines for {code.name}'s sampler; as text its nearest flags, or P_mean, P_std",
        partial(_table, code=code),
        _law,
        formats=PYTHON_FIRST,
        parameters=MODEL_RANGE,
        knows=said_range,
        solver=always("heun"),
    )


TARGETS = (_target(EDM, "edm"), _target(EDM2, "edm2"))
