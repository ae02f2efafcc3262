"""Models in safetensors files: weights in half precision under a header of facts.

The network is built from the header, never from code in the file, and only after the
names and shapes of the tensors were found to be those of the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from spectral_sched.documents.write import write_atomically
from spectral_sched.errors import InputError
from spectral_sched.files.model import REMEDY, header_metadata, read_model_header

from .network import NetworkDenoiser, to_channels_last

if TYPE_CHECKING:
    from pathlib import Path

    from spectral_sched.documents.strict_json import Document
    from spectral_sched.files.model import ModelHeader


def write_model(
    path: Path, network: NetworkDenoiser, header: ModelHeader, provenance: Document
) -> None:
    """Write a model atomically, its weights in half precision."""
    tensors = {
        name: tensor.detach().to("cpu", torch.float16).contiguous()
        for name, tensor in network.state_dict().items()
    }
    write_atomically(path, save(tensors, header_metadata(header, provenance)))


def read_model(path: Path) -> tuple[NetworkDenoiser, ModelHeader]:
    """Read a model, ready to sample with, in float32 on the host.

    Raises
    ------
    InputError
        If the file is missing, damaged, not one of ours, or its tensors are not those
        of the network that its header describes.
    """
    header = read_model_header(path)
    with torch.device("meta"):
        expected = NetworkDenoiser(header.config).state_dict()
    tensors = _tensors(path)
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    if shapes != {name: tensor.shape for name, tensor in expected.items()}:
        message = f"{path} does not hold the network that it describes; {REMEDY}"
        raise InputError(message)
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        message = f"{path} has weights that are not finite; {REMEDY}"
        raise InputError(message)
    return _build(header, tensors), header


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        message = f"{path} is damaged ({error}); {REMEDY}"
        raise InputError(message) from error


def _build(header: ModelHeader, tensors: dict[str, torch.Tensor]) -> NetworkDenoiser:
    shape = header.data_set.power.field.shape
    network = NetworkDenoiser(header.config, shape, header.sigma_range)
    network.load_state_dict(tensors)
    network.requires_grad_(False)
    return to_channels_last(network.eval())
