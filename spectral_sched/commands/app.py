"""The commands put together, and how their errors are told."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from spectral_sched.console.mistakes import MISTAKES, mistake
from spectral_sched.errors import InputError, SpecschedError, UsageError, why
from spectral_sched.system.interrupts import EXIT_CODE
from spectral_sched.system.streams import discard, say, say_lines
from spectral_sched.version import __version__

from . import COMMANDS

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Noise levels for pixel diffusion models, measured from your own images.",
)


EXIT_STATUS = (
    "Exit status: 0 done; 1 no answer, or a check that failed; 2 a flag, a value or an "
    "output that cannot be used; 3 input that is missing or damaged; 4 an extra or a "
    "device that is missing; 130 interrupted."
)


def run() -> int:
    """Run the command line, say what was wrong, and return the exit code."""
    try:
        with _written_out():
            return int(app(prog_name="specsched", standalone_mode=False) or 0)
    except SpecschedError as error:
        say(f"error: {error}")
        return error.exit_code
    except MISTAKES as error:
        say_lines(mistake(error))
        return 2
    except OSError as error:
        say(f"error: cannot read or write {error.filename}: {why(error)}")
        return InputError.exit_code
    except typer.Abort:
        say("interrupted")
        return EXIT_CODE


@contextmanager
def _written_out() -> Iterator[None]:
    """Write standard output to its end, or say why that cannot be.

    A reader that has seen enough, as ``head`` has, ends the program without a word.

    Raises
    ------
    UsageError
        If the place that output goes to is full or broken.
    """
    try:
        yield
        sys.stdout.flush()
    except SystemExit as end:
        # The help is written by typer, which ends with 1 where nobody reads it.
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        discard("stdout")
        raise SystemExit(0) from end
    except OSError as error:
        if error.filename is not None:
            raise
        discard("stdout")
        if isinstance(error, BrokenPipeError):
            raise SystemExit(0) from error
        message = f"cannot write to standard output: {why(error)}; send it elsewhere"
        raise UsageError(message) from error


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"specsched {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, help="Show the version.")
    ] = False,
) -> None:
    del version


for _command in COMMANDS:
    app.command(epilog=EXIT_STATUS)(_command)
