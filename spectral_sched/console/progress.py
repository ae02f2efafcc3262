"""Progress: counters and bars on terminals, lines now and then elsewhere."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

from .output import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


SLOW = 10
"""Things a second below which a rate is told with its decimals."""


class Progressing(Protocol):
    """A training under way."""

    step: int
    losses: list[tuple[int, float]]


@contextmanager
def image_counter(
    what: str, total: Callable[[], int | None] = lambda: None
) -> Iterator[Callable[[int, int], None]]:
    """Show how many things are done and skipped, on a terminal only.

    Parameters
    ----------
    total
        Tells how many things there will be, or None as long as that is not known. The
        time left is shown if it is, the time gone by otherwise.
    """
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(what)
        pace = Pace()

        def update(done: int, skipped: int) -> None:
            if console.is_terminal:
                text = pace.text(what, done, skipped, total())
                progress.update(task, description=text)

        yield update


class Pace:
    """How quickly a number grows, from the first time it is told."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.first: tuple[float, int] | None = None

    def text(self, what: str, done: int, skipped: int, total: int | None) -> str:
        """Return what is done, at which rate, and the time left or gone by."""
        now, seen = time.monotonic(), done + skipped
        begun, before = self.first = self.first or (now, seen)
        rate = (seen - before) / (now - begun) if now > begun else 0.0
        text = f"{done} {what}, {skipped} skipped, {_few_digits(rate)}/s"
        if total is None or not rate:
            return f"{text}, {_clock(now - self.begun)} gone by"
        share = f"{min(seen / max(total, 1), 1):.0%}"
        return f"{text}, {share}, {_clock(max(total - seen, 0) / rate)} left"


def _few_digits(rate: float) -> str:
    return f"{rate:.2g}" if rate < SLOW else f"{rate:.0f}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a share of a known total while it grows, on a terminal only."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(
        console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(what, total=total)
        yield lambda count: progress.advance(task, count)


LOG_SECONDS = 60.0


@contextmanager
def training_progress(
    num_steps: int, *, shown: bool
) -> Iterator[Callable[[Progressing], None]]:
    """Show step, loss and time left of a training: a bar, or a line now and then.

    Parameters
    ----------
    shown
        Whether this process is the one that reports.
    """
    from rich.console import Console

    console = Console(stderr=True)
    pace, said = Pace(), [time.monotonic()]

    def line(run: Progressing) -> str:
        loss = f"loss {run.losses[-1][1]:.4f}, " if run.losses else ""
        return loss + pace.text("steps", run.step, 0, num_steps)

    with console.status("training") if shown else nullcontext() as status:

        def update(run: Progressing) -> None:
            if status and console.is_terminal:
                status.update(line(run))
            elif shown and time.monotonic() - said[0] > LOG_SECONDS:
                said[0] = time.monotonic()
                say(line(run))

        yield update
