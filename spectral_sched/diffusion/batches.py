"""Seeds played in batches that fit into the memory of a device.

The noise of a seed does not depend on its batch, so a batch that does not fit is played
again as two.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

import torch

from spectral_sched.errors import NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from spectral_sched.images.pixels import Shape

    Advance = Callable[[int], None]

ON_ACCELERATOR = 64
"""First batch on an accelerator that does not tell how much memory is free."""

LARGEST = 256

WORKING_SET = 2000
"""Memory that a network takes while it denoises, over that of its images in float32.

Several maps of a hundred channels are alive at a time. It is a guess: where it is too
low, the batch is halved.
"""

OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "alloc_failed",
)
"""What errors of allocators say that have no type of their own: of the host on Linux
and Windows, of Metal, and of CUDA's libraries."""


def first_batch(shape: Shape, device: torch.device, on_cpu: int) -> int:
    """Return how many images, (C, H, W), a device begins with.

    Parameters
    ----------
    on_cpu
        The answer for the host, where larger batches gain nothing.
    """
    if device.type == "cpu":
        return on_cpu
    if device.type != "cuda":
        return ON_ACCELERATOR
    free, _ = torch.cuda.mem_get_info(device)
    # What torch holds and does not use is free to it, and to nobody else.
    free += torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    fitting = max(1, int(free) // (4 * math.prod(shape) * WORKING_SET))
    return min(1 << (fitting.bit_length() - 1), LARGEST)


def in_batches(
    play: Callable[[Sequence[int], Advance], Tensor],
    seeds: Sequence[int],
    largest: int,
    device: torch.device,
    advance: Advance = lambda _: None,
) -> Iterator[Tensor]:
    """Yield the images of seeds in order, on the host, batch by batch.

    Those of a batch leave CUDA while the next is played. A batch that the device has no
    memory for is halved and played again, and later ones are no larger.

    Parameters
    ----------
    play
        Makes the images of some seeds, (B, C, H, W), and calls what it is handed with
        the number of images that went one step further.
    largest
        Images of the first batch, as from `first_batch`.
    advance
        Called as `play` does, but once only for what is played again.

    Raises
    ------
    NoAnswerError
        If not even one image fits.
    """
    first, counted, leaving = 0, CountedOnce(advance), deque[Departure]()
    while first < len(seeds):
        batch = seeds[first : first + largest]
        pictures = _try_batch(play, batch, counted)
        if pictures is None:
            largest = halve(len(batch), device)
            continue
        counted.settle()
        first += len(batch)
        leaving.append(pictures)
        while len(leaving) > (device.type == "cuda"):
            yield leaving.popleft().arrived()
    for departure in leaving:
        yield departure.arrived()


class Departure:
    """Values on their way to the host; those on CUDA are not waited for."""

    def __init__(self, values: Tensor) -> None:
        self.event = None
        if values.device.type != "cuda":
            self.values = values.cpu()
            return
        self.values = torch.empty_like(values, device="cpu", pin_memory=True)
        self.values.copy_(values, non_blocking=True)
        self.event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self.event.record()

    def arrived(self) -> Tensor:
        """Return them once they are there, whatever the device does meanwhile."""
        if self.event is not None:
            self.event.synchronize()
        return self.values


class CountedOnce:
    """Passes steps on, but those of a batch that is played again only once."""

    def __init__(self, advance: Advance) -> None:
        self.advance, self.done, self.told = advance, 0, 0

    def __call__(self, count: int) -> None:
        """Count steps of the present batch."""
        self.done += count
        if self.done > self.told:
            self.advance(self.done - self.told)
            self.told = self.done

    def repeat(self) -> None:
        """Begin again with the seeds that are not settled."""
        self.done = 0

    def settle(self) -> None:
        """Keep the steps of a batch that is there; what was told beyond stays told."""
        self.told -= self.done
        self.done = 0


def _try_batch(
    play: Callable[[Sequence[int], Advance], Tensor],
    batch: Sequence[int],
    counted: CountedOnce,
) -> Departure | None:
    """Return the images of a batch as they leave, or None if they do not fit."""
    try:
        return Departure(play(batch, counted))
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    # The error held what the batch had in memory until here.
    counted.repeat()
    return None


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error says that a device or the host has no memory left."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(
        text in said for text in OUT_OF_MEMORY
    )


def halve(batch: int, device: torch.device) -> int:
    """Return half the size of a batch that did not fit, and free memory for it."""
    if batch == 1:
        elsewhere = "" if device.type == "cpu" else " with --device cpu, or"
        message = (
            f"a single image does not fit into the memory of {device.type}; sample"
            f"{elsewhere} with --precision float32 if it was float64, or plan smaller "
            "images with --resolution"
        )
        raise NoAnswerError(message)
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    return batch // 2
