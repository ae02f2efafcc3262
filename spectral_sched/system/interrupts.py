"""Ctrl-C and SIGTERM: the first waits for a place to save at, the second does not.

A command runs under `heeded`. Where work can be saved it runs under `patience`, looks
at ``asked`` now and then, saves, and raises `Interrupted` with the sentence of
`saved_at`. Elsewhere, and the second time, `Interrupted` is raised at once; the third
time the process ends as it stands.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from .cores import num_launched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

EXIT_CODE = 130
SAME_REQUEST = 0.3
"""Seconds within which signals are one request: `timeout` and others send two."""

SAME_REQUEST_TO_ALL = 3.0
"""The same under torchrun, which passes on what the terminal sent to all anyway."""


class Interrupted(BaseException):
    """The user pressed Ctrl-C, or the system asked the process to end."""


class Patience:
    """Work that can be saved.

    Attributes
    ----------
    asked
        Whether it shall be saved and end.
    told
        What the user is told when that is asked for.
    """

    def __init__(self, told: str = "") -> None:
        self.asked, self.told = False, told


_patient: list[Patience] = []
_heard: list[float] = []


@contextmanager
def heeded() -> Iterator[None]:
    """Turn SIGINT and SIGTERM into `Interrupted`, or into the wish to save."""
    _heard.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, _heed) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def patience(told: str = "") -> Iterator[Patience]:
    """Let the first signal ask for an end instead of making one."""
    work = Patience(told)
    _patient.append(work)
    try:
        yield work
    finally:
        _patient.remove(work)


def saved_at(what: str, number: int) -> Interrupted:
    """Return what to raise once the work is saved.

    Examples
    --------
    >>> print(saved_at("step", 120))
    saved at step 120; continue with --resume
    """
    return Interrupted(f"saved at {what} {number}; continue with --resume")


def _heed(_number: int, _frame: FrameType | None) -> None:
    now, shared = time.monotonic(), num_launched() > 1
    if _heard and now - _heard[-1] < (SAME_REQUEST_TO_ALL if shared else SAME_REQUEST):
        return
    _heard.append(now)
    if len(_heard) > 2:
        os._exit(EXIT_CODE)
    if len(_heard) > 1 or not _patient:
        raise Interrupted
    work = _patient[-1]
    work.asked = True
    # Not by way of the buffers that the program may be writing to at this moment.
    with suppress(OSError, AttributeError, ValueError):
        os.write(sys.__stderr__.fileno(), work.told.encode())  # type: ignore[union-attr]
