"""Models by the name that ``--model`` takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from spectral_sched.errors import ImageError, InputError, UsageError
from spectral_sched.images import load_pixels
from spectral_sched.model_headers import BUNDLED, SUFFIX
from spectral_sched.pieces import Skipped
from spectral_sched.sources import items

from .denoisers import FiniteSetDenoiser, WienerDenoiser
from .diffusers_models import load_diffusers
from .model_files import read_model

if TYPE_CHECKING:
    from spectral_sched.plans import Plan, PlanSource

    from .denoisers import Denoiser
    from .network import NetworkDenoiser

MODELS = "bundled, wiener, images:FOLDER, diffusers:FOLDER, FILE.safetensors"


def load_denoiser(
    name: str, plan: Plan | PlanSource, device: torch.device, dtype: torch.dtype
) -> Denoiser:
    """Return the denoiser of a name, for the pictures a plan is made for.

    Raises
    ------
    UsageError
        If there is no such model.
    InputError
        If its pictures do not have the plan's shape, or it cannot be read.
    UnavailableError
        If the library it was made with is not installed.
    """
    if name.endswith(SUFFIX):
        return load_network(Path(name), device, dtype)
    kind, _, argument = name.partition(":")
    match kind, bool(argument):
        case "bundled", False:
            return load_network(BUNDLED, device, dtype)
        case "wiener", False:
            return WienerDenoiser(plan.planning.field, device, dtype)
        case "images", True:
            skipped = Skipped()
            pictures = load_pictures(Path(argument), plan, skipped)
            placed = torch.tensor(pictures, device=device, dtype=dtype)
            said = skipped_messages(skipped, len(pictures))
            return FiniteSetDenoiser(placed, messages=said)
        case "diffusers", True:
            shape = plan.planning.field.shape
            return load_diffusers(Path(argument), shape, device, dtype)
    message = f"there is no model {name!r}; choose one with --model: {MODELS}"
    raise UsageError(message)


def load_network(
    path: Path, device: torch.device, dtype: torch.dtype
) -> NetworkDenoiser:
    """Return a network of our own."""
    network, _ = read_model(path)
    return network.to(device, dtype)


def load_pictures(
    folder: str | Path, plan: Plan | PlanSource, skipped: Skipped | None = None
) -> np.ndarray[tuple[int, ...], np.dtype]:
    """Return the pictures of a folder, (M, C, H, W), prepared as the plan's were.

    Parameters
    ----------
    skipped
        Takes those that cannot be read, which are left out.

    Raises
    ------
    InputError
        If none can be read, or one has another shape.
    """
    shape, pictures = plan.planning.field.shape, []
    skipped = Skipped() if skipped is None else skipped
    for item in items(folder):
        try:
            pixels = load_pixels(item.data, item.name, plan.preprocessing)
        except ImageError as error:
            skipped.add(error)
            continue
        if pixels.values.shape != shape:
            message = (
                f"{item.name} has the shape {pixels.values.shape} and the schedule is "
                f"for {shape}; name the folder that was analysed"
            )
            raise InputError(message)
        pictures.append(pixels.scaled())
    if not pictures:
        raise skipped.nothing_left()
    return np.stack(pictures)


def skipped_messages(skipped: Skipped, num_read: int) -> tuple[str, ...]:
    """Return what has to be said about pictures that were left out: at most once."""
    if not skipped.total:
        return ()
    total = skipped.total + num_read
    first = skipped.messages[0]
    return (f"left out {skipped.total} of {total} pictures (the first: {first})",)
