"""A function applied to many tasks by several processes, results in order.

Processes and not threads, because threads wait for each other wherever the work is in
Python: on two cores two threads do 1.6 times the work of one on JPEGs of 512 pixels,
and 1.0 times on PNGs of 64; two processes do 1.9 times of both
(``benchmarks/analysis.py`` measures it).

Every worker has one task at a time and a pipe of its own; when this process ends,
however it ends, the pipes close and the workers end too. Nothing waits in a queue, so
that memory does not grow with the number of tasks.

`concurrent.futures` is no substitute: of two workers of a `ProcessPoolExecutor` whose
main process is killed, two were still there 8 seconds later, of these here none.
"""

from __future__ import annotations

import pickle
import signal
import time
import traceback
from collections import deque
from contextlib import contextmanager, suppress
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np

from spectral_sched.errors import SpecschedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

PATIENCE = 0.5
"""Seconds after which it is worth while to start processes."""

TASKS_AHEAD = 4
"""Tasks per worker that may be under way or done before the one whose turn it is."""

HELD_BACK = (signal.SIGINT, signal.SIGTERM)
"""Signals that workers leave to the process that wants the results, and saves them."""

LARGEST_HEAP_BLOCK = 1 << 25
PRELOADED = ["spectral_sched.analysis.chunk", "scipy.fft", "scipy.sparse"]

Given = TypeVar("Given")
Made = TypeVar("Made")


def ordered_map(
    function: Callable[[Given], Made],
    tasks: Iterable[Given],
    num_workers: int,
    *,
    patience: float = PATIENCE,
) -> Iterator[Made]:
    """Yield the results of a function in the order of its tasks.

    The first `patience` seconds, and if there is one worker all, of the work is done by
    this process. Exceptions of the function are raised here.

    Parameters
    ----------
    function
        A function of a module, or a `functools.partial` of one.
    """
    keep_freed_memory()
    left = iter(tasks)
    begun = time.monotonic()
    for task in left:
        yield function(task)
        if num_workers > 1 and time.monotonic() - begun > patience:
            break
    else:
        return
    with _crew(function, num_workers) as crew:
        yield from crew.run(left)


def keep_freed_memory() -> None:
    """Let the allocator keep what is freed instead of giving it back to the system.

    The allocator of glibc gives back and takes again several megabytes for each
    picture, which costs a third of the time, until a larger block was once freed.
    """
    np.empty(LARGEST_HEAP_BLOCK - (1 << 16), np.uint8)
    # This one lies in the heap, as all arrays do from now on. numpy asks for large
    # pages for blocks of over 4 MB, and the heap keeps them when the block is freed.
    np.empty(LARGEST_HEAP_BLOCK - (1 << 18), np.uint8)


class _Worker(NamedTuple):
    process: BaseProcess
    connection: Connection


class _Crew(Generic[Given, Made]):
    """Workers, of which each is idle or has one task."""

    def __init__(self, workers: list[_Worker]) -> None:
        self.idle = deque(workers)
        self.busy: dict[Connection, tuple[_Worker, int]] = {}
        self.results: dict[int, Made] = {}
        self.num_sent = self.num_yielded = 0
        self.most_ahead = TASKS_AHEAD * len(workers)

    def run(self, tasks: Iterable[Given]) -> Iterator[Made]:
        for task in tasks:
            while not self.idle or self.num_sent - self.num_yielded >= self.most_ahead:
                self.receive()
                yield from self.due()
            self.send(task)
        while self.busy:
            self.receive()
            yield from self.due()

    def send(self, task: Given) -> None:
        worker = self.idle.popleft()
        with _watch():
            worker.connection.send(task)
        self.busy[worker.connection] = worker, self.num_sent
        self.num_sent += 1

    def receive(self) -> None:
        ready = wait(list(self.busy))
        for connection in [one for one in self.busy if one in ready]:
            worker, number = self.busy.pop(connection)
            with _watch():
                result, error = worker.connection.recv()
            if error is not None:
                raise error
            self.results[number] = result
            self.idle.append(worker)

    def due(self) -> Iterator[Made]:
        while self.num_yielded in self.results:
            result = self.results.pop(self.num_yielded)
            self.num_yielded += 1
            yield result


@contextmanager
def _watch() -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError) as error:
        message = (
            "a worker process was ended from outside, perhaps for want of memory; "
            "try again with fewer --workers"
        )
        raise SpecschedError(message) from error


@contextmanager
def _crew(
    function: Callable[[Given], Made], num_workers: int
) -> Iterator[_Crew[Given, Made]]:
    workers: list[_Worker] = []
    try:
        with _interrupts_held_back():
            workers += [_start_worker(function) for _ in range(num_workers)]
        yield _Crew(workers)
    finally:
        for worker in workers:
            worker.connection.close()
            worker.process.kill()
        for worker in workers:
            worker.process.join()


def _start_worker(function: Callable[[Given], Made]) -> _Worker:
    # Not forked from this process, whose threads and pipes a fork would get a copy of.
    methods = get_all_start_methods()
    context: Any = get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload(PRELOADED)
    mine, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, function), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, mine)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Start processes that heed no signal, as these reach a whole group of them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, function: Callable[[Given], Made]) -> None:
    """Work until the pipe is closed."""
    for number in HELD_BACK:
        signal.signal(number, signal.SIG_IGN)
    keep_freed_memory()
    # The other end is gone when the process that wants the results is.
    with suppress(EOFError, OSError):
        while True:
            connection.send_bytes(_reply(function, connection.recv()))


def _reply(function: Callable[[Given], Made], task: Given) -> bytes:
    try:
        return pickle.dumps((function(task), None))
    except Exception as error:  # noqa: BLE001 - raised by whoever gave the task
        if not isinstance(error, SpecschedError):
            error.add_note(traceback.format_exc())
        return pickle.dumps((None, error))
