"""The real images that samples of a model are compared with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from spectral_sched.diffusion.models.load import load_pictures, model_name
from spectral_sched.diffusion.sampling.noise import SeededNoise, starting_point
from spectral_sched.errors import UsageError
from spectral_sched.synthetic import SAMPLE_KINDS, picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spectral_sched.diffusion.models.denoiser import Denoiser
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.plan import Plan

FRESH_SEED = 20260319
"""Seed of images drawn to compare with: of none that anything was trained on."""

DRAWN_PER_SAMPLE = 4
BATCH = 64


def real_pictures(
    model: str | Denoiser, data: str | None, plan: Plan, num_samples: int
) -> NDArray[np.float32]:
    """Return real images in [-1, 1], (M, C, H, W).

    Those of `data` if it is given; otherwise what the model is a model of, where that
    can be had: a Gaussian field, its own finite set, or what the bundled model paints.

    Raises
    ------
    UsageError
        If there is no telling what the model is a model of.
    InputError
        If the images do not have the shape of the plan.
    """
    if data is not None:
        return load_pictures(data, plan).astype(np.float32)
    name = model_name(model)
    kind, _, folder = name.partition(":") if isinstance(model, str) else ("", "", "")
    count = DRAWN_PER_SAMPLE * num_samples
    match kind:
        case "wiener":
            return field_samples(plan, count)
        case "images":
            return load_pictures(Path(folder), plan).astype(np.float32)
        case "bundled":
            return fresh_pictures(plan.power.field.shape[1], count)
    message = (
        f"samples of {name} are compared with real images that it was not trained "
        "on; name them with --data"
    )
    raise UsageError(message)


def field_samples(plan: Plan | DataSet, count: int) -> NDArray[np.float32]:
    """Return exact samples of the Gaussian field of a plan's data set."""
    field = plan.power.field
    device, parts = torch.device("cpu"), []
    for first in range(0, count, BATCH):
        seeds = range(FRESH_SEED + first, FRESH_SEED + min(first + BATCH, count))
        noise = SeededNoise(seeds, field.shape, device, torch.float64)
        parts.append(starting_point(noise(), 0.0, "spectral", field))
    return torch.cat(parts).float().numpy()


def fresh_pictures(size: int, count: int) -> NDArray[np.float32]:
    """Return images of the generator of the sample images, of all kinds in turn."""
    levels = [
        picture(SAMPLE_KINDS[number % len(SAMPLE_KINDS)], (FRESH_SEED, number), size)
        for number in range(count)
    ]
    return (np.stack(levels).transpose(0, 3, 1, 2) / 127.5 - 1).astype(np.float32)
