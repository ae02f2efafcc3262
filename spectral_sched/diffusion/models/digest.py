"""Digests of models: what their answers depend on, in a few letters."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from spectral_sched.documents.strict_json import digest, file_digest
from spectral_sched.files.model import BUNDLED, SUFFIX
from spectral_sched.images.preprocessing import preprocessing_members

from .onnx import SUFFIX as ONNX
from .python_path import is_python_path, module_file, networks_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.plan import Plan

    from .denoiser import Denoiser

PROBED = (10.0, 0.5, 0.02)
"""Levels at which functions are asked that nothing else is known of."""


def array_digest(array: NDArray[np.generic]) -> str:
    """Return the SHA-256 of an array's shape and values."""
    head = f"{array.dtype.str}{array.shape}".encode()
    content = np.ascontiguousarray(array).data
    return "sha256:" + hashlib.sha256(head + bytes(content)).hexdigest()


def model_file(model: str | Denoiser) -> Path | None:
    """Return the file or folder that a model is kept in, if it is in one of its own."""
    if not isinstance(model, str):
        return None
    if model.endswith((SUFFIX, ONNX)):
        return Path(model)
    kind, _, place = model.partition(":")
    if kind == "diffusers":
        return Path(place)
    return module_file(model) if is_python_path(model) and kind != "images" else None


def model_digest(model: str | Denoiser, plan: Plan | DataSet, denoise: Denoiser) -> str:
    """Return the digest of all that a model's answers depend on.

    Functions of a user's own are known by the weights of their networks; those without
    any by what they answer to a few images of noise.

    Parameters
    ----------
    model
        Its name, or the denoiser itself.
    denoise
        The denoiser that the name stands for.
    """
    if not isinstance(model, str):
        return _denoiser_digest(denoise, plan)
    if model == "bundled":
        return file_digest(BUNDLED)
    if model.endswith((SUFFIX, ONNX)):
        return file_digest(Path(model))
    kind, _, folder = model.partition(":")
    field = plan.power.field
    if kind == "wiener":
        return digest([kind, field.shape, field.mean_color, field.cross_power])
    if kind in ("images", "diffusers"):
        files = sorted(path for path in Path(folder).rglob("*") if _counts(path))
        settings = preprocessing_members(plan.preprocessing)
        return digest([kind, settings, *map(file_digest, files)])
    source = module_file(model)
    written = file_digest(source) if source else ""
    return digest([model, written, _denoiser_digest(denoise, plan)])


def _counts(path: Path) -> bool:
    """Return whether a file is one that a model is made of, not an audit of it."""
    return path.is_file() and not path.name.endswith(".audit.json")


def _denoiser_digest(denoise: Denoiser, plan: Plan | DataSet) -> str:
    networks = networks_of(denoise)
    if not networks:
        return _probed(denoise, plan)
    states = [network.state_dict() for network in networks]
    return digest(
        [
            [name, array_digest(tensor.detach().cpu().float().numpy())]
            for state in states
            for name, tensor in state.items()
            if isinstance(tensor, torch.Tensor)
        ]
    )


def _probed(denoise: Denoiser, plan: Plan | DataSet) -> str:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((2, *plan.power.field.shape)).astype(np.float32)
    with torch.inference_mode():
        answers = [
            denoise(torch.from_numpy(noise) * sigma, sigma).cpu().numpy()
            for sigma in PROBED
        ]
    return array_digest(np.stack(answers))
