"""How results and messages reach a terminal, a pipe or a program.

Results go to standard output, everything else to standard error. Nothing that a user
named is read as markup, and nothing is wrapped or cut on a pipe.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

from .documents.strict_json import canonical, layout
from .documents.write import check_output, write_atomically
from .errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from rich.console import RenderableType

    from .documents.strict_json import Document

PIPE_WIDTH = 200

SLOW = 10
"""Things a second below which a rate is told with its decimals."""


def say(message: str) -> None:
    """Print one line on standard error."""
    sys.stderr.write(f"{message}\n")


def show(parts: Iterable[RenderableType], document: Document, *, json: bool) -> None:
    """Print a result on standard output: as one JSON document, or as tables."""
    if json:
        sys.stdout.write(canonical(document) + "\n")
        return
    from rich.console import Console

    console = Console(
        markup=False, highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH
    )
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, str))


class Progressing(Protocol):
    """A training under way."""

    step: int
    losses: list[tuple[int, float]]


class Publisher:
    """The place a document goes to, checked before the work that makes it.

    Parameters
    ----------
    output
        File to write; ``-`` prints the document instead.
    json
        Print the document instead of tables.
    force
        Replace a file that this project did not write.
    marked
        Whether files of the kind can be told from those of others.
    ours
        Tells whether a file is one of this project's; if not given, documents are.
    """

    def __init__(
        self,
        output: Path,
        *,
        json: bool,
        force: bool,
        marked: bool = True,
        ours: Callable[[Path], bool] | None = None,
    ) -> None:
        self.output = output
        self.to_stdout = str(output) == "-"
        self.asked = json
        self.json = json or self.to_stdout
        if not self.to_stdout:
            check_output(output, force=force, marked=marked, ours=ours)

    def __call__(
        self,
        parts: Iterable[RenderableType],
        document: Document,
        *,
        following: str,
        content: bytes | None = None,
    ) -> None:
        """Write the document, print the result, and suggest what comes next.

        Parameters
        ----------
        content
            What is written for another program; the document only describes it.
        """
        if self.to_stdout and content is not None and not self.asked:
            emit(content)
            say(f"next: {following}")
            return
        if not self.to_stdout:
            made = layout(document).encode() if content is None else content
            write_atomically(self.output, made)
        show(parts, document, json=self.json)
        if not self.to_stdout:
            say(f"wrote {self.output}; next: {following}")


def emit(content: bytes) -> None:
    """Write bytes to standard output, unless a terminal cannot show them.

    Raises
    ------
    UsageError
        If they are no text, and standard output is a terminal.
    """
    try:
        text = content.decode()
        binary = "\0" in text
    except UnicodeDecodeError:
        binary = True
    if not binary:
        sys.stdout.write(text)
    elif sys.stdout.isatty():
        message = "a terminal cannot show this format; name a file with -o"
        raise UsageError(message)
    else:
        sys.stdout.buffer.write(content)


@contextmanager
def counter(
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
def bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
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
def training(num_steps: int, *, shown: bool) -> Iterator[Callable[[Progressing], None]]:
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
