"""What a person or a program sees of a command: lines, tables and documents."""

from __future__ import annotations

import sys
from textwrap import TextWrapper
from typing import TYPE_CHECKING, NoReturn

from spectral_sched.documents.strict_json import canonical, layout
from spectral_sched.documents.write import (
    check_output,
    check_replaced,
    write_atomically,
)
from spectral_sched.errors import UsageError
from spectral_sched.system.streams import (
    discard,
    encodable,
    in_ascii,
    printable,
    say,
)

from .endings import check_ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from rich.console import Console, RenderableType

    from spectral_sched.documents.strict_json import Document


PIPE_WIDTH = 200


def show(parts: Iterable[RenderableType], document: Document, *, json: bool) -> None:
    """Print a result on standard output: as one JSON document, or as tables."""
    if json:
        text = canonical(document)
        put((text if encodable(text) else in_ascii(text)) + "\n")
        return
    from rich.console import Console
    from rich.table import Table

    from .tables import fitted

    class Output(Console):
        """A console whose reader may have enough."""

        def on_broken_pipe(self) -> NoReturn:
            end_unread()

    console = Output(
        markup=False, highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH
    )
    for part in parts:
        pieces = fitted(part, console.width) if isinstance(part, Table) else [part]
        for piece in pieces:
            _print(console, piece)


def _print(console: Console, piece: RenderableType) -> None:
    if isinstance(piece, str):
        lines = [printable(line) for line in piece.split("\n")]
        if console.is_terminal:
            lines = [line for long in lines for line in wrapped(long, console.width)]
        console.print("\n".join(lines), soft_wrap=True)
    else:
        console.print(piece)


def wrapped(line: str, width: int) -> list[str]:
    """Return a line as it is if it fits, else broken between words."""
    if len(line) <= width:
        return [line]
    wrapper = TextWrapper(width, subsequent_indent="  ", break_long_words=False)
    wrapper.break_on_hyphens = False
    return wrapper.wrap(line)


def put(text: str) -> None:
    """Write on standard output, or end well if its reader has enough, as ``head`` has.

    Raises
    ------
    SystemExit
        If nobody reads any more.
    """
    try:
        sys.stdout.write(text)
    except BrokenPipeError:
        end_unread()


def end_unread() -> NoReturn:
    """End the program, and well, as nobody reads what it writes."""
    discard("stdout")
    raise SystemExit(0)


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
    endings
        Of the names of such files, the usual one first; none for any.
    """

    def __init__(
        self,
        output: Path,
        *,
        json: bool,
        force: bool,
        marked: bool = True,
        ours: Callable[[Path], bool] | None = None,
        endings: Sequence[str] = (".json",),
    ) -> None:
        if endings:
            what = "JSON" if endings[0] == ".json" else endings[0].removeprefix(".")
            check_ending(output, endings, what)
        self.output = output
        self.to_stdout = str(output) == "-"
        self.asked = json
        self.json = json or self.to_stdout
        self.force = force
        if not self.to_stdout:
            check_output(output, force=force, marked=marked, ours=ours)

    def expect(self, request: Document) -> None:
        """Raise `UsageError` if the file answers another request than this one.

        Parameters
        ----------
        request
            What the document is going to say of itself, as far as that is known.
        """
        if not self.to_stdout:
            check_replaced(self.output, request, force=self.force)

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
        following
            What to do next; empty if nothing can be done with what was printed.
        content
            What is written for another program; the document only describes it.
        """
        if self.to_stdout and content is not None and not self.asked:
            emit(content)
            if following:
                say(f"next: {following}")
            return
        if content is None:
            self.expect(document)
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
    if not binary and encodable(text):
        put(text)
    elif sys.stdout.isatty():
        message = "a terminal cannot show this format; name a file with -o"
        raise UsageError(message)
    else:
        sys.stdout.buffer.write(content)
