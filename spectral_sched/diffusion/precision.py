"""How exactly networks compute, chosen by name.

Accelerators have convolutions that read float32 and multiply in TF32, with 10 bits of
fraction in place of 23. Torch takes them without being asked; here they are taken by
name, or where they were measured to be fast and exact enough.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from spectral_sched.errors import check_choice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

AUTO = "auto"


@dataclass(frozen=True)
class Precision:
    """A way to compute.

    Attributes
    ----------
    name
        As ``--precision`` has it.
    dtype
        Type of the state and of weights.
    tf32
        Whether convolutions of float32 may multiply in TF32.
    half
        Whether convolutions and matrix products are in bfloat16.
    """

    name: str
    dtype: torch.dtype = torch.float32
    tf32: bool = False
    half: bool = False

    @contextmanager
    def applied(self, device: torch.device) -> Iterator[None]:
        """Compute so on a device, and afterwards as before."""
        with self.convolutions(), self.autocast(device):
            yield

    @contextmanager
    def convolutions(self) -> Iterator[None]:
        """Let convolutions multiply in TF32, or not; matrix products never do."""
        before = [(switch, switch.get()) for switch in _switches()]
        try:
            for (switch, _), on in zip(before, (self.tf32, False), strict=True):
                switch.set(switch.on if on else switch.off)
            yield
        finally:
            for switch, value in before:
                switch.set(value)

    def autocast(self, device: torch.device) -> torch.autocast:
        """Return the context in which torch computes in bfloat16, if that is wanted.

        Weights are cast at each call. Torch would keep those of the first one until the
        context ends, and a recording would read them from memory that is then free.
        """
        kept = {"enabled": self.half, "cache_enabled": False}
        return torch.autocast(device.type, torch.bfloat16, **kept)


PRECISIONS: Mapping[str, Precision] = {
    each.name: each
    for each in (
        Precision("float32"),
        Precision("float64", torch.float64),
        Precision("tf32", tf32=True),
        Precision("bf16", half=True),
    )
}

FLOAT32, FLOAT64 = PRECISIONS["float32"], PRECISIONS["float64"]

FASTEST: Mapping[str, str] = {"cuda": "tf32"}
"""The fastest that stays within half a grey level, 3.9e-3 of [-1, 1], of float32, by
device; others compute in float32.

Measured on the bundled network, on an H200: with TF32 images differ from those of a
CPU by 3.0e-3 at most, without by 6.4e-6.
"""


def check_precision(name: str) -> None:
    """Raise `UsageError` with the nearest name if there is no such precision."""
    check_choice(name, (AUTO, *PRECISIONS), "precision", "--precision")


def precision_of(name: str, device: torch.device) -> Precision:
    """Return the precision of a name, ``auto`` being the fastest that is exact enough.

    Raises
    ------
    UsageError
        If there is no such name.
    """
    check_precision(name)
    return PRECISIONS[FASTEST.get(device.type, "float32") if name == AUTO else name]


@dataclass(frozen=True)
class _Switch:
    """A setting of torch, for all of the process."""

    owner: Any
    name: str
    on: str | bool
    off: str | bool

    def get(self) -> str | bool:
        value: str | bool = getattr(self.owner, self.name)
        return value

    def set(self, value: str | bool) -> None:
        setattr(self.owner, self.name, value)


def _switches() -> tuple[_Switch, _Switch]:
    """Return the settings of convolutions and of matrix products.

    Torch 2.9 has new names for both, and refuses to mix them with the old ones.
    """
    owners: tuple[Any, Any] = (torch.backends.cudnn, torch.backends.cuda.matmul)
    new = getattr(owners[0], "conv", None)
    if new is None:
        first, second = (_Switch(owner, "allow_tf32", True, False) for owner in owners)
        return first, second
    first, second = (
        _Switch(owner, "fp32_precision", "tf32", "ieee") for owner in (new, owners[1])
    )
    return first, second
