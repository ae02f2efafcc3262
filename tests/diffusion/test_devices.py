"""Where tensors go, and on which way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from spectral_sched.diffusion.devices import to_device

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def values_on(device: torch.device, *, pinned: bool = False) -> Any:
    """Something like a tensor, which says how it went."""

    def to(_: torch.device, *, non_blocking: bool = False) -> tuple[bool, bool]:
        return pinned, non_blocking

    def pin_memory() -> Any:
        if device != CPU:
            pytest.fail("only memory of the host can be pinned")
        return values_on(device, pinned=True)

    return SimpleNamespace(device=device, to=to, pin_memory=pin_memory)


def test_only_what_is_on_the_host_is_pinned() -> None:
    """The ends of ranges of each image are on the device when they are told."""
    assert to_device(values_on(CPU), CUDA) == (True, True)
    assert to_device(values_on(CUDA), CUDA) == (False, False)
    assert to_device(values_on(CPU), CPU) == (False, False)
    here = torch.ones(2)
    assert to_device(here, CPU) is here
