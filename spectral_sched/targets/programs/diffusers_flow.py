"""diffusers, flow-matching schedulers: flow times without the 0, shift taken out.

These schedulers shift whatever they are given, by a ratio ``a`` from their
configuration, or ``exp(mu)`` from the size of the image: f goes to
``a f / (1 + (a - 1) f)``. The lines in Python switch that off; numbers alone have the
inverse applied to them.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.errors import UsageError
from spectral_sched.targets.artifact import Artifact, float32_levels
from spectral_sched.targets.checks import below_clamp, shifted_again
from spectral_sched.targets.diffusers_lines import (
    RESPACING,
    loop,
    named_options,
    scheduler_lines,
)
from spectral_sched.targets.target import (
    FLOW_MODEL,
    PYTHON_FIRST,
    Alias,
    Job,
    Settings,
    Target,
    always,
    option,
    word,
)

from .trainers import trainer_law

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHIFT = (
    option("shift", None, 1e-3, 1e3, "shift in the scheduler's configuration"),
    option("mu", None, -7, 7, "mu of a dynamic shift, from the size of the image"),
    word("mu_type", ("exponential", "linear"), "time_shift_type of the configuration"),
)

UNSHIFTED = {"use_dynamic_shifting": "False", "shift_terminal": "None"}
FLOW_OPTIONS = {
    "shift": "1.0",
    **UNSHIFTED,
    "invert_sigmas": "False",
    "stochastic_sampling": "False",
    **RESPACING,
}
UNIPC_OPTIONS = {
    "prediction_type": '"flow_prediction"',
    "use_flow_sigmas": "True",
    "flow_shift": "1.0",
    **UNSHIFTED,
    "predict_x0": "True",
    "solver_order": "2",
    "solver_type": '"bh2"',
    "final_sigmas_type": '"zero"',
    **RESPACING,
}

COMMENT = "StableDiffusion3Pipeline takes them: pipe(..., sigmas=GIVEN).images"
FLOW = scheduler_lines(
    "FlowMatchEulerDiscreteScheduler", "sigmas", FLOW_OPTIONS
) + loop("sigmas", COMMENT.replace("GIVEN", "sigmas"), scaled=False)
UNIPC = scheduler_lines("UniPCMultistepScheduler", "sigmas", UNIPC_OPTIONS) + loop(
    "sigmas",
    COMMENT.replace("GIVEN", "np.array(sigmas)"),
    "np.array(sigmas)",
    scaled=False,
)


def shift_ratio(settings: Settings) -> float:
    """Return the ratio that a scheduler shifts by, 1 if nothing is said.

    Raises
    ------
    UsageError
        If both ways of a shift are said.
    """
    shift, mu = settings["shift"], settings["mu"]
    if shift is not None and mu is not None:
        message = (
            "a scheduler shifts by --with shift or by --with mu, never both; leave "
            "out --with shift if it has use_dynamic_shifting"
        )
        raise UsageError(message)
    if mu is None:
        return 1.0 if shift is None else float(shift)
    if settings["mu_type"] == "exponential":
        return float(np.exp(float(mu)))
    if float(mu) > 0:
        return float(mu)
    message = f"a linear shift has a mu above 0, not {mu}; try --with mu=1.15"
    raise UsageError(message)


def shifted(times: NDArray[np.floating], ratio: float) -> NDArray[np.float64]:
    """Return flow times as a scheduler shifts them; ``1 / ratio`` is the inverse."""
    wide = times.astype(np.float64)
    return ratio * wide / (1 + (ratio - 1) * wide)


def _ratio(job: Job) -> float:
    """Return the ratio to take out: none for lines, which switch the shift off."""
    ratio = shift_ratio(job.settings)
    return 1.0 if job.form == "python" else ratio


def _flow(job: Job) -> Artifact:
    ratio = _ratio(job)
    times = job.flow.time(np.array(job.table.levels))
    values = float32_levels(shifted(times, 1 / ratio), "diffusers")
    known = any(job.settings[name] is not None for name in ("shift", "mu"))
    scale = job.flow.noise_scale
    return Artifact(
        values,
        coordinate="flow_time",
        wanted=np.append(times, 0.0),
        played=np.append(shifted(values, ratio), 0.0),
        played_in="flow_time",
        start_scale=job.table.levels[0] + scale,
        snippet=FLOW.replace("NOISE", _times(scale, "noise")),
        remarks=(*named_options(job, FLOW_OPTIONS), *_stronger(job)),
        warnings=(
            *shifted_again(
                known or job.form == "python", ("--with shift=1", "--with mu=...")
            ),
            *below_clamp(job.table.sigmas, job.flow),
        ),
        usage="scheduler.set_timesteps(sigmas=sigmas) in a loop, play(pipe, noise) of "
        "the lines, or pipe(..., sigmas=sigmas) where it takes them, as "
        "StableDiffusion3Pipeline does; never pass timesteps, which are not shifted",
    )


def _times(scale: float, name: str) -> str:
    """Return a product in Python, without a factor of 1."""
    return name if scale == 1 else f"{scale!r} * {name}"


def _stronger(job: Job) -> tuple[str, ...]:
    """Return how much stronger noise alone is than the first level, if that counts."""
    scale, first = job.flow.noise_scale, job.table.levels[0]
    if scale == 1:
        return ()
    factor = float(job.flow.time(first)) * scale
    return (
        f"pipelines start from {scale:g} times unit noise, {scale / first:.2g} "
        f"(relative) above the first level; pass latents of {factor:.6g} times unit "
        "noise to start at it",
    )


def _unipc(job: Job) -> Artifact:
    given = _flow(job)
    snippet = UNIPC.replace("NOISE", _times(job.flow.noise_scale, "noise"))
    return replace(
        given,
        values=shifted(given.wanted[:-1], 1 / _ratio(job)),
        played=given.wanted,
        snippet=snippet,
        remarks=(*named_options(job, UNIPC_OPTIONS), *_stronger(job)),
        usage="scheduler.set_timesteps(sigmas=np.array(sigmas)) of "
        "UniPCMultistepScheduler in a loop, play(pipe, noise) of the lines, or "
        "pipe(..., sigmas=np.array(sigmas)) where it takes them",
    )


TARGETS = (
    Target(
        "diffusers-flow",
        "flow times for FlowMatchEulerDiscreteScheduler, its shift taken out, no 0",
        _flow,
        partial(
            trainer_law,
            program="diffusers",
            usage="arguments of compute_density_for_timestep_sampling, beside a "
            "scheduler of shift 1",
        ),
        formats=PYTHON_FIRST,
        parameters=(*FLOW_MODEL, *SHIFT),
        solver=always("euler"),
        aliases=(Alias("FlowMatchEulerDiscreteScheduler"),),
    ),
    Target(
        "diffusers-unipc-flow",
        "flow times for UniPCMultistepScheduler, a numpy array, its shift taken out",
        _unipc,
        formats=PYTHON_FIRST,
        parameters=(*FLOW_MODEL, *SHIFT),
        solver=always("unipc"),
        aliases=(Alias("UniPCMultistepScheduler"),),
    ),
)
