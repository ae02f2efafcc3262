"""Models in safetensors files: weights in half precision under a header of facts.

The network is built from the header, never from code in the file, and only after the
names and shapes of the tensors were found to be those of the network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from safetensors.torch import save

from spectral_sched.documents.tensor_file import sealed
from spectral_sched.documents.write import write_atomically
from spectral_sched.files.model import REMEDY, model_document, read_model_header

from .network import NetworkDenoiser, to_channels_last
from .tensors import Expected, read_tensors

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
    write_atomically(path, *sealed(save(tensors), model_document(header, provenance)))


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
    wanted = {
        name: Expected(tuple(tensor.shape), torch.float16)
        for name, tensor in expected.items()
    }
    tensors = read_tensors(path, wanted, REMEDY)
    halves = {name: tensor.float() for name, tensor in tensors.items()}
    return _build(header, halves), header


def _build(header: ModelHeader, tensors: dict[str, torch.Tensor]) -> NetworkDenoiser:
    shape = header.data_set.power.field.shape
    network = NetworkDenoiser(header.config, shape, header.sigma_range)
    network.load_state_dict(tensors)
    network.requires_grad_(False)
    return to_channels_last(network.eval())
