"""How results and messages reach a terminal, a pipe or a program.

Results go to standard output, everything else to standard error. Nothing that a user
named is read as markup, and nothing is wrapped or cut on a pipe.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .documents import canonical, check_output, write_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from rich.console import RenderableType

    from .documents import Document

PIPE_WIDTH = 200


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
    """

    def __init__(self, output: Path, *, json: bool, force: bool) -> None:
        self.output = output
        self.to_stdout = str(output) == "-"
        self.json = json or self.to_stdout
        if not self.to_stdout:
            check_output(output, force=force)

    def __call__(
        self, parts: Iterable[RenderableType], document: Document, *, following: str
    ) -> None:
        """Write the document, print the result, and suggest the next command."""
        if not self.to_stdout:
            write_document(document, self.output)
        show(parts, document, json=self.json)
        if not self.to_stdout:
            say(f"wrote {self.output}; next: {following}")


@contextmanager
def counter(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show numbers of things done and skipped while they grow, on a terminal only."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(what)

        def update(done: int, skipped: int) -> None:
            rate = done / max(progress.tasks[task].elapsed or 0, 1e-9)
            text = f"{done} {what}, {skipped} skipped, {rate:.0f}/s"
            progress.update(task, description=text)

        yield update


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
