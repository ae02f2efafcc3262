"""Networks compiled by torch: the same images to rounding, after a wait.

Only the network is compiled. The loop around it stays as it is, for what it costs
beside the network is small, and its weights change with every call.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from spectral_sched.diffusion.batches import is_out_of_memory
from spectral_sched.errors import UnavailableError, UsageError

if TYPE_CHECKING:
    from .denoiser import Denoiser

MODE = "reduce-overhead"
"""On CUDA this records the calls of a network as a graph and plays it as one."""


def compile_network(denoise: Denoiser) -> None:
    """Let torch compile the network of a denoiser when it is first called.

    Raises
    ------
    UsageError
        If it has no network.
    UnavailableError
        From its first call on, or at once, if torch cannot compile it here.
    """
    network = check_network(denoise, "--compile")
    try:
        compiled = torch.compile(network.forward, mode=MODE)
    except RuntimeError as error:
        raise _unavailable(error) from error

    def forward(*inputs: Any, **options: Any) -> Any:
        try:
            # Those of torch are about itself.
            with warnings.catch_warnings(action="ignore"):
                return compiled(*inputs, **options)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            raise _unavailable(error) from error

    network.forward = forward


def check_network(denoise: Denoiser, flag: str) -> nn.Module:
    """Return the innermost network, without what prepares its input.

    Raises
    ------
    UsageError
        If there is none; the message names the flag that needs it.
    """
    for found in (
        *(getattr(denoise, name, None) for name in ("unet", "network")),
        denoise,
    ):
        if isinstance(found, nn.Module):
            return found
    message = f"{flag} is for networks, and this model is none; leave it out"
    raise UsageError(message)


def _unavailable(error: RuntimeError) -> UnavailableError:
    reason = " ".join(str(getattr(error, "inner_exception", error)).split())
    message = (
        f"torch cannot compile the network here ({reason:.160}); leave out --compile, "
        "or install a C++ compiler, and Triton for CUDA"
    )
    return UnavailableError(message)
