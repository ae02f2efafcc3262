"""Which device to compute on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import torch

from spectral_sched.errors import UnavailableError, UsageError
from spectral_sched.system.cores import available_cores
from spectral_sched.system.memory import keep_all_freed_memory

if TYPE_CHECKING:
    from torch import Tensor

DEVICES = ("auto", "cuda", "mps", "cpu")


def available_devices() -> dict[str, bool]:
    """Return which kinds of devices there are, accelerators first."""
    return {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }


def resolve_device(name: str) -> torch.device:
    """Return the device of a name; ``auto`` is the first accelerator there is.

    Raises
    ------
    UsageError
        If there is no such name.
    UnavailableError
        If the machine has no such device.
    """
    available = available_devices()
    if name == "auto":
        name = next(device for device, there in available.items() if there)
    if name not in available:
        message = f"there is no device {name!r}; choose one of {', '.join(DEVICES)}"
        raise UsageError(message)
    if not available[name]:
        message = (
            f"this machine has no {name} device that torch can use; "
            "run with --device cpu, or install torch for your accelerator"
        )
        raise UnavailableError(message)
    return torch.device(name)


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """Return values on a device; those of the host go there without waiting for it."""
    if device.type != "cuda" or values.device.type != "cpu":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def numbers_like(values: object, like: Tensor) -> Tensor:
    """Return numbers of the host in the precision and on the device of a tensor."""
    return to_device(torch.tensor(values, dtype=like.dtype), like.device)


def ready_host(threads: int | None = None) -> None:
    """Let this process compute on the host for long, with threads and memory.

    Parameters
    ----------
    threads
        How many, as for `use_threads`.
    """
    use_threads(threads)
    keep_all_freed_memory()


def use_threads(wanted: int | None = None) -> int:
    """Let torch compute with some threads, and return how many.

    Parameters
    ----------
    wanted
        How many; if not given, those that torch would take (``OMP_NUM_THREADS``), but
        no more than there are cores for this process, or for its share of those that
        torchrun started here. More threads than cores wait for each other.
    """
    if wanted is None:
        neighbours = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        cores = max(1, available_cores() // neighbours)
        wanted = min(torch.get_num_threads(), cores)
    if wanted != torch.get_num_threads():
        torch.set_num_threads(wanted)
    return wanted


def fast_bf16(device: torch.device) -> bool:
    """Return whether a device computes faster in bfloat16 than in float32.

    Accelerators do. A processor without instructions for it imitates them, and training
    takes ten times as long. A torch that does not tell counts as one without.
    """
    if device.type != "cpu":
        return True
    capabilities = getattr(torch.cpu, "get_capabilities", None)
    told = capabilities() if capabilities else {}
    return any(told.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
