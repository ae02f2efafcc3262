"""The noise levels that discrete models were trained at, as diffusers computes them.

diffusers holds betas in float32, and at low noise the rounding of ``1 - abar`` there
moves sigma by up to a part in a thousand. A program that is given timesteps plays those
levels, so they are computed here with the same roundings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.schedules.coordinates import LARGEST_BETA, NUM_TIMESTEPS

from .artifact import Artifact
from .checks import duplicates, outside
from .target import Job, word

if TYPE_CHECKING:
    from numpy.typing import NDArray

BETAS = word(
    "betas",
    ("linear", "scaled-linear", "cosine"),
    "how the model was trained: DDPM, Stable Diffusion, improved DDPM",
)


def trained_sigmas(betas: str) -> NDArray[np.float32]:
    """Return the 1000 levels of a beta schedule, ascending."""
    kept = np.float32(1) - _betas(betas)
    abar = np.cumprod(kept.astype(np.float64)).astype(np.float32)
    return np.asarray(((np.float32(1) - abar) / abar) ** np.float32(0.5), np.float32)


def _betas(name: str) -> NDArray[np.float32]:
    if name == "cosine":
        times = np.arange(NUM_TIMESTEPS + 1) / NUM_TIMESTEPS
        abar = np.cos((times + 0.008) / 1.008 * np.pi / 2) ** 2
        betas = np.minimum(1 - abar[1:] / abar[:-1], LARGEST_BETA)
        return np.asarray(betas, np.float32)
    if name == "scaled-linear":
        return _linspace(0.00085**0.5, 0.012**0.5) ** 2
    return _linspace(1e-4, 0.02)


def _linspace(first: float, last: float) -> NDArray[np.float32]:
    """Return equally spaced numbers with the roundings of torch: from both ends."""
    low, high = np.float32(first), np.float32(last)
    index = np.arange(NUM_TIMESTEPS, dtype=np.float32)
    step = (high - low) / np.float32(NUM_TIMESTEPS - 1)
    rising, falling = low + step * index, high - step * index[::-1]
    return np.asarray(np.where(index < NUM_TIMESTEPS // 2, rising, falling))


def nearest_timesteps(job: Job) -> NDArray[np.int64]:
    """Return the timestep whose level is nearest to each level, in ln sigma."""
    known = np.log(trained_sigmas(str(job.settings["betas"])).astype(np.float64))
    distance = np.abs(np.log(job.table.levels)[:, None] - known)
    nearest: NDArray[np.int64] = np.argmin(distance, axis=1)
    return nearest


def outside_training(job: Job) -> tuple[str, ...]:
    """Return a warning for each end of a table that the model was not trained at."""
    known = trained_sigmas(str(job.settings["betas"]))
    return outside(job.table.levels, float(known[0]), float(known[-1]))


def timestep_artifact(
    job: Job, timesteps: NDArray[Any], played: NDArray[np.float64], usage: str
) -> Artifact:
    """Return a table as timesteps of a discretely trained model.

    Parameters
    ----------
    played
        Levels that the program makes of the timesteps, without the final 0.
    """
    return Artifact(
        timesteps,
        variable="timesteps",
        coordinate="timestep",
        wanted=job.sigmas,
        played=np.append(played, 0.0),
        warnings=(*outside_training(job), *duplicates(timesteps)),
        usage=usage,
    )
