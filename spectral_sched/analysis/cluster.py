"""Chunks made on a Dask cluster.

Tasks are sent as they are dealt, a bounded number ahead, and their chunks are merged
on the cluster by trees; only the roots of these come here. Neighbours
are merged with neighbours, so that the shape of the cluster changes nothing. When a
machine is lost, Dask makes its chunks again elsewhere. Every machine must have this
package and see the same files under the same names.
"""

from __future__ import annotations

from collections import deque
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from spectral_sched.errors import InputError, KilledError, UnavailableError

from .chunk import Chunk, Task
from .tasks import Executor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

FAN_IN = 4
LEVELS = 2
"""Branches of a node and levels of the tree; the last sums are taken here."""

SECONDS_PER_TASK = 1.0
"""A scheduler hands out a thousand tasks a second or so."""

TASKS_PER_THREAD = 4
"""Tasks dealt ahead for every thread of the cluster."""

CONNECTING = "10s"


@contextmanager
def cluster_executor(place: str, num_workers: int) -> Iterator[Executor]:
    """Connect to a cluster and give who makes chunks there.

    Parameters
    ----------
    place
        ``local`` for processes on this machine, or the address of a scheduler.
    num_workers
        How many processes, if the cluster is local.

    Raises
    ------
    UnavailableError
        If Dask is not installed.
    InputError
        If the scheduler does not answer.
    """
    distributed = _import_distributed()
    with ExitStack() as stack:
        address: Any = place
        if place == "local":
            address = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=num_workers, threads_per_worker=1, dashboard_address=None
                )
            )
        try:
            client = distributed.Client(address, timeout=CONNECTING)
        except (OSError, ValueError) as error:
            message = f"no Dask scheduler answers at {place}; name one, or --dask local"
            raise InputError(message) from error
        yield client_executor(stack.enter_context(client))


def _import_distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        message = "--dask needs Dask: pip install 'spectral-sched[dask]'"
        raise UnavailableError(message) from error
    return distributed


def client_executor(client: Any) -> Executor:
    """Return who makes chunks on the cluster of a `distributed.Client`."""

    def mapper(
        function: Callable[[Task], Chunk], tasks: Iterable[Task], /
    ) -> Iterator[Chunk]:
        tree = _Tree(client)
        for task in tasks:
            tree.add(client.submit(function, _absolute(task), pure=False))
            most = TASKS_PER_THREAD * sum(client.nthreads().values())
            while tree.roots and tree.num_tasks > most:
                yield tree.take()
        tree.close()
        while tree.roots:
            yield tree.take()

    return Executor(mapper, SECONDS_PER_TASK)


class _Node(NamedTuple):
    future: Any
    num_tasks: int


class _Tree:
    """Futures of chunks, on each level merged with their neighbours."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.levels: list[list[_Node]] = [[] for _ in range(LEVELS)]
        self.roots: deque[_Node] = deque()
        self.num_tasks = 0

    def add(self, future: Any) -> None:
        self.num_tasks += 1
        self.levels[0].append(_Node(future, 1))
        for level in range(LEVELS):
            if len(self.levels[level]) == FAN_IN:
                self.merge(level)

    def merge(self, level: int) -> None:
        nodes = self.levels[level]
        above = self.levels[level + 1] if level + 1 < LEVELS else self.roots
        future = self.client.submit(
            merge_chunks, [node.future for node in nodes], pure=False
        )
        above.append(_Node(future, sum(node.num_tasks for node in nodes)))
        self.levels[level] = []

    def close(self) -> None:
        for level in range(LEVELS):
            if self.levels[level]:
                self.merge(level)

    def take(self) -> Chunk:
        node = self.roots.popleft()
        self.num_tasks -= node.num_tasks
        return _result(node.future)


def _absolute(task: Task) -> Task:
    """Return a task whose paths mean the same in another working directory."""
    items = [
        replace(item, data=item.data.absolute())
        if isinstance(item.data, Path)
        else item
        for item in task.items
    ]
    return task._replace(items=items)


def merge_chunks(chunks: Sequence[Chunk]) -> Chunk:
    """Return the sum of consecutive chunks, which are left as they are."""
    whole = Chunk()
    for chunk in chunks:
        whole.merge(chunk)
    return whole


def _result(future: Any) -> Chunk:
    try:
        chunk: Chunk = future.result()
    except _import_distributed().KilledWorker as error:
        what = (
            "several machines were lost with the same images, perhaps for want of "
            "memory"
        )
        cure = "give each worker more memory or fewer threads"
        raise KilledError(what, cure) from error
    return chunk
