"""Models by the name that ``--model`` takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from spectral_sched.analysis.chunk import Skipped
from spectral_sched.documents.provenance import told_model
from spectral_sched.errors import ImageError, InputError, UsageError
from spectral_sched.files.model import BUNDLED, SUFFIX
from spectral_sched.images.pixels import load_pixels
from spectral_sched.schedules import UNIT_FLOW
from spectral_sched.sources import Aside, items
from spectral_sched.words import number_of

from .diffusers_scheduler import not_flowing
from .diffusers_unet import load_diffusers
from .exact import FiniteSetDenoiser, WienerDenoiser
from .onnx import SUFFIX as ONNX
from .onnx import load_onnx
from .python_path import OURS, GuardedDenoiser, is_python_path, load_python
from .weights import read_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.plan import Plan
    from spectral_sched.schedules import FlowModel

    from .denoiser import Denoiser
    from .network import NetworkDenoiser

MODELS = (
    "bundled, wiener, images:FOLDER, diffusers:FOLDER, FILE.safetensors, FILE.onnx, "
    "MODULE:FUNCTION"
)


def load_denoiser(
    name: str | Denoiser,
    plan: Plan | DataSet,
    device: torch.device,
    dtype: torch.dtype,
    noise: FlowModel = UNIT_FLOW,
) -> Denoiser:
    """Return the denoiser of a name, for the images a plan is made for.

    A denoiser itself is returned with a guard, if it is none of ours.

    Parameters
    ----------
    noise
        The noise of a flow network, which its folder does not tell.

    Raises
    ------
    UsageError
        If there is no such model, or something is said of a flow network's noise, and
        it is none.
    InputError
        If its images do not have the plan's shape, or it cannot be read.
    UnavailableError
        If the library it was made with is not installed.
    """
    told = name if isinstance(name, str) else model_name(name)
    if noise != UNIT_FLOW and not told.startswith("diffusers:"):
        raise not_flowing(told)
    if not isinstance(name, str):
        return name if isinstance(name, OURS) else GuardedDenoiser(name, told)
    if name.endswith(SUFFIX):
        return load_network(Path(name), device, dtype)
    if name.endswith(ONNX):
        return load_onnx(Path(name))
    kind, _, argument = name.partition(":")
    match kind, bool(argument):
        case "bundled", False:
            return load_network(BUNDLED, device, dtype)
        case "wiener", False:
            return WienerDenoiser(plan.power.field, device, dtype)
        case "images", True:
            skipped, aside = Skipped(), Aside()
            pictures = load_pictures(Path(argument), plan, skipped, aside)
            placed = torch.tensor(pictures, device=device, dtype=dtype)
            said = skipped_messages(skipped, len(pictures))
            said = (*said, *aside.left_out(cure=""))
            return FiniteSetDenoiser(placed, messages=said)
        case "diffusers", True:
            shape = plan.power.field.shape
            return load_diffusers(Path(argument), shape, device, dtype, noise)
    if is_python_path(name):
        return load_python(name, device, dtype)
    message = f"there is no model {name!r}; choose one with --model: {MODELS}"
    raise UsageError(message)


def model_name(model: str | Denoiser) -> str:
    """Return what a model is called in files and messages."""
    if isinstance(model, str):
        return told_model(model)
    return str(getattr(model, "__qualname__", type(model).__name__))


def load_network(
    path: Path, device: torch.device, dtype: torch.dtype
) -> NetworkDenoiser:
    """Return a network of our own."""
    network, _ = read_model(path)
    return network.to(device, dtype)


def load_pictures(
    folder: str | Path,
    plan: Plan | DataSet,
    skipped: Skipped | None = None,
    aside: Aside | None = None,
) -> np.ndarray[tuple[int, ...], np.dtype]:
    """Return the images of a folder, (M, C, H, W), prepared as the plan's were.

    Parameters
    ----------
    skipped
        Takes those that cannot be read, which are left out.
    aside
        Takes what is not taken for images.

    Raises
    ------
    InputError
        If none can be read, or one has another shape.
    """
    needed = "the schedule is for {shape}; name the folder that was analysed"
    skipped = Skipped() if skipped is None else skipped
    prepared = _prepare(folder, plan, needed, skipped, aside)
    pictures = [picture for _, picture in prepared]
    if not pictures:
        raise skipped.nothing_left()
    return np.stack(pictures)


def load_inputs(
    inputs: str | NDArray[np.floating] | None, plan: Plan
) -> tuple[list[str], Tensor | None]:
    """Return the names of images to restore and they themselves, (N, C, H, W).

    Parameters
    ----------
    inputs
        A source of images, which are prepared as the plan's were, or an array.

    Raises
    ------
    InputError
        If they cannot be read or do not have the plan's shape.
    ValueError
        If an array has not.
    """
    if inputs is None:
        return [], None
    if isinstance(inputs, str):
        needed = "the model restores {shape}; bring them to its size and channels"
        names, pictures = zip(*_prepare(inputs, plan, needed), strict=True)
        return list(names), torch.from_numpy(np.stack(pictures))
    shape = plan.power.field.shape
    if inputs.ndim != 4 or inputs.shape[1:] != shape:
        message = f"inputs are images (N, {str(shape)[1:]}, not {inputs.shape}"
        raise ValueError(message)
    return [str(number) for number in range(len(inputs))], torch.from_numpy(inputs)


def _prepare(
    folder: str | Path,
    plan: Plan | DataSet,
    needed: str,
    skipped: Skipped | None = None,
    aside: Aside | None = None,
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield names and images, prepared as the plan's were, in its shape.

    Parameters
    ----------
    needed
        What is said of an image of another shape: which ``{shape}`` there has to be.
    skipped
        Takes those that cannot be read, if they are to be left out.
    aside
        Takes what is not taken for images.
    """
    shape = plan.power.field.shape
    for item in items(folder, bands=plan.preprocessing.bands, aside=aside):
        try:
            pixels = load_pixels(item.data, item.name, plan.preprocessing)
        except ImageError as error:
            if skipped is None:
                raise
            skipped.add(error)
            continue
        if pixels.values.shape != shape:
            found = f"{item.name} has the shape {pixels.values.shape}"
            message = f"{found} and {needed.format(shape=shape)}"
            raise InputError(message)
        yield item.name, pixels.scaled()


def skipped_messages(skipped: Skipped, num_read: int) -> tuple[str, ...]:
    """Return what has to be said about images that were left out: at most once."""
    if not skipped.total:
        return ()
    total = skipped.total + num_read
    first = skipped.messages[0]
    images = number_of(total, "image")
    return (f"left out {skipped.total} of {images} (the first: {first})",)
