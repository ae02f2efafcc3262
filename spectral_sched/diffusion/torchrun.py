"""One process or several that share the work, as torchrun starts them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any
from weakref import proxy

import numpy as np
import torch
from torch import distributed, nn

from spectral_sched.errors import UsageError
from spectral_sched.system.cores import num_launched

from .devices import ready_host, resolve_device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class Processes:
    """One process among all.

    Attributes
    ----------
    device
        Where this process computes.
    rank, count
        Its number and how many there are.
    shared
        The networks whose gradients the group shares, for as long as it lasts.
    """

    device: torch.device
    rank: int = 0
    count: int = 1
    shared: list[nn.Module] = field(default_factory=list)

    @property
    def first(self) -> bool:
        """Whether this one reports and writes."""
        return self.rank == 0

    def share(self, total: int) -> NDArray[np.int64]:
        """Return which of so many things are this process's."""
        return np.arange(self.rank, total, self.count)

    def share_gradients(self, network: nn.Module) -> Callable[..., Tensor]:
        """Return a network whose gradients are the mean over all processes.

        It ends with the group: whoever still holds it does not keep the group alive.
        """
        if self.count == 1:
            return network
        self.shared.append(nn.parallel.DistributedDataParallel(network))
        return proxy(self.shared[-1])

    def mean_of(self, value: Tensor) -> Tensor:
        """Return the mean of one number over all processes, where it is."""
        if self.count > 1:
            distributed.all_reduce(value)
        return value / self.count

    def mean(self, value: float) -> float:
        """Return the mean of one number of the host over all processes.

        It goes from host to host, and waits for no device.
        """
        return float(self.mean_of(torch.tensor(value, dtype=torch.float64)))

    def any(self, *, told: bool) -> bool:
        """Return whether any process says so; all of them get the same answer."""
        if self.count == 1:
            return told
        return self.mean(float(told)) > 0

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.count > 1:
            distributed.barrier()

    def all(self, values: Tensor) -> Tensor:
        """Return the values, (..., B), of all processes side by side."""
        if self.count == 1:
            return values
        shares = [torch.empty_like(values) for _ in range(self.count)]
        distributed.all_gather(shares, values.contiguous())
        return torch.cat(shares, dim=-1)

    def gather(self, things: Iterable[Any]) -> Iterable[Any]:
        """Return in the first process the shares of all, put back in their order.

        A single process takes its things as they come.
        """
        if self.count == 1:
            return things
        shares: list[Any] = [None] * self.count
        distributed.gather_object(list(things), shares if self.first else None)
        if not self.first:
            return []
        total = sum(len(share) for share in shares)
        return [shares[k % self.count][k // self.count] for k in range(total)]


@contextmanager
def processes(device: str, threads: int | None = None) -> Iterator[Processes]:
    """Join the processes that torchrun started, or be the only one.

    Parameters
    ----------
    device
        A name as for ``--device``; with several processes ``cuda`` means a device each.
    threads
        How many threads each process computes with, as for `ready_host`.
    """
    ready_host(threads)
    place = resolve_device(device)
    if num_launched() == 1:
        yield Processes(place)
        return
    if place.type == "cuda":
        place = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(place)
    _check_launched()
    _import_before_joining()
    hosts_too = "cpu:gloo,cuda:nccl"
    distributed.init_process_group(hosts_too if place.type == "cuda" else "gloo")
    group = Processes(place, distributed.get_rank(), distributed.get_world_size())
    try:
        yield group
        # torchrun ends the others once one has failed: let the first finish its files.
        group.wait()
    finally:
        group.shared.clear()
        distributed.destroy_process_group()


def _import_before_joining() -> None:
    """Import what would keep the group of all processes alive to the end.

    Its functions have the group of the time of their import as a default argument, and
    wrapping a network imports them. A group that `destroy_process_group` cannot free
    leaves its threads running, and one that still holds a tensor while Python ends ends
    the process with "terminate called without an active exception".
    """
    import_module("torch.distributed.nn.functional")


LAUNCHED = ("RANK", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun tells each process beside WORLD_SIZE, which batch scripts set too."""


def _check_launched() -> None:
    """Raise `UsageError` where other processes are told of that cannot be joined."""
    missing = [name for name in LAUNCHED if not os.environ.get(name)]
    if missing:
        message = (
            f"WORLD_SIZE is set in the environment and {', '.join(missing)} is not; "
            "start several processes with torchrun, or one with: unset WORLD_SIZE"
        )
        raise UsageError(message)
