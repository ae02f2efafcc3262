"""A function applied to many tasks by several processes, results in order.

Processes and not threads, because threads wait for each other wherever the work is in
Python: on two cores two threads do 1.6 times the work of one on JPEGs of 512 pixels,
and 1.0 times on PNGs of 64; two processes do 1.9 times of both
(``benchmarks/analysis.py`` measures it).

Every worker has one task at a time and a pipe of its own; when this process ends,
however it ends, the pipes close and the workers end too. Nothing waits in a queue, so
that memory does not grow with the number of tasks. A worker that the system kills is
replaced, and its task is done again: one killed worker must not cost a run of hours.

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

from spectral_sched.errors import KilledError, SpecschedError
from spectral_sched.system.memory import keep_freed_memory

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

MOST_TRIES = 3
"""How often a task is begun before it is taken for what kills the workers."""

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
    tasks
        What it is called with; `str` of a task names it in errors.

    Raises
    ------
    KilledError
        If workers are killed over one task `MOST_TRIES` times.
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


class _Worker(NamedTuple):
    process: BaseProcess
    connection: Connection


class _Sent(NamedTuple, Generic[Given]):
    """A task that a worker has: its number, itself, and how often it was begun."""

    number: int
    task: Given
    tries: int = 1


class _Crew(Generic[Given, Made]):
    """Workers, of which each is idle or has one task."""

    def __init__(self, function: Callable[[Given], Made]) -> None:
        self.function = function
        self.workers: list[_Worker] = []
        self.idle: deque[_Worker] = deque()
        self.busy: dict[Connection, tuple[_Worker, _Sent[Given]]] = {}
        self.results: dict[int, Made] = {}
        self.num_sent = self.num_yielded = 0

    def hire(self) -> None:
        """Start one worker more, which has the next task."""
        with _interrupts_held_back():
            worker = _start_worker(self.function)
            self.workers.append(worker)
            self.idle.appendleft(worker)

    def run(self, tasks: Iterable[Given]) -> Iterator[Made]:
        most_ahead = TASKS_AHEAD * len(self.workers)
        for task in tasks:
            while not self.idle or self.num_sent - self.num_yielded >= most_ahead:
                self.receive()
                yield from self.due()
            self.send(_Sent(self.num_sent, task))
            self.num_sent += 1
        while self.busy:
            self.receive()
            yield from self.due()

    def send(self, sent: _Sent[Given]) -> None:
        worker = self.idle.popleft()
        try:
            worker.connection.send(sent.task)
        except OSError as error:
            self.replace(worker, sent, error)
        else:
            self.busy[worker.connection] = worker, sent

    def receive(self) -> None:
        ready = wait(list(self.busy))
        for connection in [one for one in self.busy if one in ready]:
            worker, sent = self.busy.pop(connection)
            try:
                result, error = worker.connection.recv()
            except (EOFError, OSError) as killed:
                self.replace(worker, sent, killed)
                continue
            if error is not None:
                raise error
            self.results[sent.number] = result
            self.idle.append(worker)

    def replace(self, worker: _Worker, sent: _Sent[Given], error: Exception) -> None:
        """Let another worker do the task of one that was killed."""
        self.workers.remove(worker)
        worker.connection.close()
        worker.process.join()
        if sent.tries == MOST_TRIES:
            what = (
                f"worker processes were killed {MOST_TRIES} times over {sent.task}, "
                "perhaps for want of memory"
            )
            raise KilledError(what, "try again with fewer --workers") from error
        self.hire()
        self.send(sent._replace(tries=sent.tries + 1))

    def due(self) -> Iterator[Made]:
        while self.num_yielded in self.results:
            result = self.results.pop(self.num_yielded)
            self.num_yielded += 1
            yield result

    def dismiss(self) -> None:
        for worker in self.workers:
            worker.connection.close()
            worker.process.kill()
        for worker in self.workers:
            worker.process.join()


@contextmanager
def _crew(
    function: Callable[[Given], Made], num_workers: int
) -> Iterator[_Crew[Given, Made]]:
    crew: _Crew[Given, Made] = _Crew(function)
    try:
        for _ in range(num_workers):
            crew.hire()
        yield crew
    finally:
        crew.dismiss()


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
