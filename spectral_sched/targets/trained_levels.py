"""The noise levels that discrete models were trained at, as diffusers computes them.

diffusers holds betas in float32, and at low noise the rounding of ``1 - abar`` there
moves sigma by up to a part in a thousand. A program that is given timesteps plays those
levels, so they are computed here with the same roundings.

A level above them has no timestep of its own. Two would share the last, which multistep
solvers divide by and schedulers take for the second, so a table is cut at the range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.schedules.betas import (
    LARGEST_BETA,
    NUM_TIMESTEPS,
    Betas,
    cosine_betas,
    useful_abar,
)
from spectral_sched.schedules.table import SigmaTable
from spectral_sched.words import number_of

from .artifact import Artifact
from .checks import ROUNDING, duplicates, outside
from .target import Job, option, whole, word

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .target import Settings

BETAS = (
    word(
        "betas",
        ("linear", "scaled-linear", "cosine"),
        "how the model was trained: DDPM, Stable Diffusion, improved DDPM",
    ),
    whole(
        "train_timesteps",
        NUM_TIMESTEPS,
        2,
        100_000,
        "num_train_timesteps of its configuration",
    ),
    option("beta_start", None, 0, LARGEST_BETA, "its first beta, if not the usual"),
    option("beta_end", None, 0, LARGEST_BETA, "its last beta, if not the usual"),
    word("zero_snr", ("no", "yes"), "rescale_betas_zero_snr of its configuration"),
)
"""What can be said of the training of a discrete model."""


def betas_of(settings: Settings) -> Betas:
    """Return the betas that were said."""
    first, last = settings["beta_start"], settings["beta_end"]
    return Betas(
        str(settings["betas"]),
        int(settings["train_timesteps"] or NUM_TIMESTEPS),
        None if first is None else float(first),
        None if last is None else float(last),
        zero_snr=settings["zero_snr"] == "yes",
    )


def trained_sigmas(betas: Betas | str) -> NDArray[np.float32]:
    """Return the levels of a beta schedule, ascending.

    A last level that is noise alone is left out: diffusers puts a sigma in its place
    that is below the one before.
    """
    if isinstance(betas, str):
        betas = Betas(betas)
    values = _betas(betas)
    abar = _products(_rescaled(values))[:-1] if betas.zero_snr else _products(values)
    return np.asarray(((np.float32(1) - abar) / abar) ** np.float32(0.5), np.float32)


def _products(betas: NDArray[np.float32]) -> NDArray[np.float32]:
    kept = np.float32(1) - betas
    return np.cumprod(kept.astype(np.float64)).astype(np.float32)


def _rescaled(betas: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return betas whose last level is noise alone (arXiv 2305.08891, Alg. 1)."""
    root = np.sqrt(_products(betas))
    first, last = root[0], root[-1]
    abar = ((root - last) * (first / (first - last))) ** 2
    kept = np.append(abar[:1], abar[1:] / abar[:-1])
    return np.asarray(np.float32(1) - kept, np.float32)


def _betas(betas: Betas) -> NDArray[np.float32]:
    if betas.name == "cosine":
        return cosine_betas(betas.num_timesteps).astype(np.float32)
    first, last = betas.ends
    if betas.name == "scaled-linear":
        return _linspace(first**0.5, last**0.5, betas.num_timesteps) ** 2
    return _linspace(first, last, betas.num_timesteps)


def _linspace(first: float, last: float, count: int) -> NDArray[np.float32]:
    """Return equally spaced numbers with the roundings of torch: from both ends."""
    low, high = np.float32(first), np.float32(last)
    index = np.arange(count, dtype=np.float32)
    step = (high - low) / np.float32(count - 1)
    rising, falling = low + step * index, high - step * index[::-1]
    return np.asarray(np.where(index < count // 2, rising, falling))


def trained_range(settings: Settings) -> tuple[float, float]:
    """Return the ends of the levels at which something of the image is left."""
    betas = betas_of(settings)
    levels = trained_sigmas(betas)
    return float(levels[0]), float(levels[len(useful_abar(betas.abar())) - 1])


def known_levels(job: Job) -> NDArray[np.float32]:
    """Return the levels that the model of a job was trained at, ascending."""
    return trained_sigmas(betas_of(job.settings))


def within_training(job: Job) -> tuple[Job, tuple[str, ...]]:
    """Return a job cut at the highest level of training, and what to say of it.

    Levels above it become one step from it; what is below is left as it is.
    """
    known, levels = known_levels(job), job.table.levels
    low, high = float(known[0]), float(known[-1])
    warnings = outside(levels, low, high)
    if levels[0] <= high * (1 + ROUNDING):
        return job, warnings
    inside = [level for level in levels if level < high * (1 - ROUNDING)]
    table = SigmaTable.of([high, *inside])
    cut = job._replace(table=table)
    return cut, (f"{warnings[0]}; {_told(levels, table, high)}", *warnings[1:])


def _told(levels: tuple[float, ...], table: SigmaTable, high: float) -> str:
    lost = len(levels) - table.num_steps
    start = f"the table is cut there and starts from {high:.4g}"
    if not lost:
        return start
    steps = number_of(table.num_steps, "step")
    return f"{start}, with {steps} in place of {len(levels)}"


def nearest_timesteps(job: Job) -> NDArray[np.int64]:
    """Return the timestep whose level is nearest to each level, in ln sigma."""
    known = np.log(known_levels(job).astype(np.float64))
    distance = np.abs(np.log(job.table.levels)[:, None] - known)
    nearest: NDArray[np.int64] = np.argmin(distance, axis=1)
    return nearest


def timestep_artifact(
    job: Job,
    timesteps: NDArray[Any],
    played: NDArray[np.float64],
    usage: str,
    warnings: tuple[str, ...],
) -> Artifact:
    """Return a table as timesteps of a discretely trained model.

    Parameters
    ----------
    played
        Levels that the program makes of the timesteps, without the final 0.
    warnings
        What there is to say of levels outside its training.
    """
    last = len(known_levels(job)) - 1
    return Artifact(
        timesteps,
        variable="timesteps",
        coordinate="timestep",
        wanted=job.sigmas,
        played=np.append(played, 0.0),
        warnings=(*warnings, *duplicates(timesteps, last)),
        usage=usage,
    )
