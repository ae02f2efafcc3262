"""Progress: counters and bars on terminals, lines now and then elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from spectral_sched.system.streams import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress, ProgressColumn, Task


class Progressing(Protocol):
    """A training under way."""

    step: int

    @property
    def last_loss(self) -> float | None:
        """The last mean loss that is known, if any."""
        ...

    @property
    def settings(self) -> Length:
        """How it is done."""
        ...


class Length(Protocol):
    """How long a training is."""

    @property
    def num_steps(self) -> int:
        """Steps in all."""
        ...


SLOW = 10
"""Things a second below which a rate is told with its decimals."""

RATE_SECONDS = 600.0
"""Over how long rates are taken, so that some steps of a slow training are in it."""


def _progress(*columns: str | ProgressColumn) -> Progress:
    """Return a display on standard error that is silent where it cannot be redrawn.

    That is on dumb terminals, and where there is none: FORCE_COLOR and others make rich
    take a pipe or a log for one.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(
        *columns,
        console=console,
        speed_estimate_period=RATE_SECONDS,
        transient=True,
        disable=not (sys.stderr.isatty() and console.is_interactive),
    )


def _rate_column() -> ProgressColumn:
    from rich import progress
    from rich.text import Text

    class RateColumn(progress.ProgressColumn):
        """Rate, whether there is a total or not, and that of slow steps too."""

        def render(self, task: Task) -> Text:
            rate = task.speed or 0.0
            return Text(f"{rate:.2g}/s" if rate < SLOW else f"{rate:.0f}/s")

    return RateColumn()


@contextmanager
def image_counter(
    what: str, total: Callable[[], int | None] = lambda: None
) -> Iterator[Callable[[int, int], None]]:
    """Show how many things are done and skipped, on a terminal only.

    Parameters
    ----------
    total
        Tells how many things there will be, or None as long as that is not known. The
        share and the time left are shown if it is, the rate and the time gone by
        always.
    """
    from rich import progress

    counts = "{task.fields[done]} {task.description}, {task.fields[skipped]} skipped,"
    display = _progress(
        progress.SpinnerColumn(),
        counts,
        _rate_column(),
        progress.TaskProgressColumn(),
        progress.TimeRemainingColumn(),
        progress.TimeElapsedColumn(),
    )
    with display:
        task = display.add_task(what, total=None, done=0, skipped=0)

        def update(done: int, skipped: int) -> None:
            if not display.disable:
                # rich leaves a total as it is where it is told None.
                display.update(
                    task,
                    total=total(),
                    completed=done + skipped,
                    done=done,
                    skipped=skipped,
                )

        yield update


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a share of a known total while it grows, on a terminal only."""
    from rich.progress import Progress

    with _progress(*Progress.get_default_columns()) as display:
        task = display.add_task(what, total=total)
        yield lambda count: display.advance(task, count)


LOG_SECONDS = 60.0


@contextmanager
def training_progress(*, shown: bool) -> Iterator[Callable[[Progressing], None]]:
    """Show step, loss and time left of a training: a bar, or a line now and then.

    Parameters
    ----------
    shown
        Whether this process is the one that reports.
    """
    columns = _training_columns()
    display = _progress(*columns)
    on_terminal = shown and not display.disable
    display.disable = not on_terminal
    said = time.monotonic()
    with display:
        number = display.add_task("training", total=None, loss="none yet")
        task = next(task for task in display.tasks if task.id == number)

        def update(run: Progressing) -> None:
            nonlocal said
            loss = "none yet" if run.last_loss is None else f"{run.last_loss:.4f}"
            steps = run.settings.num_steps
            display.update(number, total=steps, completed=run.step, loss=loss)
            if shown and not on_terminal and time.monotonic() - said > LOG_SECONDS:
                said = time.monotonic()
                say(progress_line(columns, task))

        yield update


def _training_columns() -> list[ProgressColumn]:
    from rich import progress

    return [
        progress.TextColumn("step"),
        progress.MofNCompleteColumn(),
        progress.TaskProgressColumn(),
        progress.TextColumn("loss {task.fields[loss]}"),
        _rate_column(),
        progress.TimeElapsedColumn(),
        progress.TextColumn("elapsed,"),
        progress.TimeRemainingColumn(),
        progress.TextColumn("left"),
    ]


def progress_line(columns: list[ProgressColumn], task: Task) -> str:
    """Return what columns would show of a task on a terminal, for a log."""
    return " ".join(str(column.render(task)).strip() for column in columns)
