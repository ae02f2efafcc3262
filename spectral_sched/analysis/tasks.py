"""From a source of images to the statistics of the data set.

Items are dealt in tasks of consecutive ones to whoever makes chunks of them: this
process, other processes or other machines. How many make a task follows from the time
they take, and has no influence on the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from spectral_sched.images.pixels import Plane

from .chunk import Chunk, Task

if TYPE_CHECKING:
    from spectral_sched.sources import Item


FIRST_TASK = 4
MOST_ITEMS = 4096
MOST_BYTES = 1 << 23
"""Sizes of a task: of the first ones, and at most; bytes count if items hold them."""

FASTEST_GROWTH = 8
"""Times that a task may be as large as the one that the last chunk was made of."""

Progress = Callable[[int, int], None]
"""Called with the numbers of analysed and skipped images, now and then."""


class Mapper(Protocol):
    """Who makes chunks of tasks, and yields them in the order of the tasks.

    Chunks may be merged with those that follow before they are yielded.
    """

    def __call__(
        self, function: Callable[[Task], Chunk], tasks: Iterable[Task], /
    ) -> Iterator[Chunk]:
        """Yield the chunks of tasks."""
        ...


class Executor(NamedTuple):
    """Who makes chunks, and how long one should take.

    `seconds_per_task` is long enough that handing a task over costs little, and short
    enough to keep all busy until the end.
    """

    mapper: Mapper = map
    seconds_per_task: float = 0.25


HERE = Executor()
"""This process."""


class Tasks:
    """Items in tasks whose size follows from the time they take.

    Parameters
    ----------
    num_known
        How many items at the beginning have only to be recognised.
    seconds
        How long a task should take.
    """

    def __init__(self, items: Iterable[Item], num_known: int, seconds: float) -> None:
        self.items = iter(items)
        self.num_known = num_known
        self.seconds = seconds
        self.size = FIRST_TASK

    def learn(self, chunk: Chunk) -> None:
        """Adapt the size of tasks to the time that a chunk took."""
        if chunk.manifest.count:
            seconds = max(chunk.seconds / chunk.manifest.count, 1e-6)
            most = min(MOST_ITEMS, FASTEST_GROWTH * self.size)
            self.size = max(1, min(most, int(self.seconds / seconds)))

    def __iter__(self) -> Iterator[Task]:
        position = 0
        while True:
            known = position < self.num_known
            limit = self.num_known - position if known else self.size
            items = list(self._take(min(limit, MOST_ITEMS)))
            if not items:
                return
            yield Task(items, position, known)
            position += len(items)

    def _take(self, count: int) -> Iterator[Item]:
        num_bytes = 0
        for _, item in zip(range(count), self.items, strict=False):
            yield item
            num_bytes += _size(item)
            if num_bytes >= MOST_BYTES:
                return


def _size(item: Item) -> int:
    if isinstance(item.data, bytes):
        return len(item.data)
    return item.data.nbytes if isinstance(item.data, np.ndarray | Plane) else 0
