"""The command ``specsched``: its commands put together, and how they end."""

import os
import sys
from contextlib import suppress
from typing import Annotated

import typer

from .commands import COMMANDS
from .console.mistakes import MISTAKES, mistake
from .errors import SpecschedError
from .system.interrupts import EXIT_CODE, Interrupted, heeded
from .system.streams import ready_streams
from .version import __version__

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


def main() -> None:
    """Run the command line; every error ends in one sentence and its exit code."""
    ready_streams()
    with suppress(Interrupted), heeded():
        sys.exit(_ended())
    os._exit(EXIT_CODE)  # interrupted while it was ending


def _ended() -> int:
    """Run the command, say what was wrong, and return the exit code."""
    try:
        return int(app(prog_name="specsched", standalone_mode=False) or 0)
    except SpecschedError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except MISTAKES as error:
        sys.stderr.write(mistake(error))
        return 2
    except (Interrupted, typer.Abort) as stop:
        sys.stderr.write(f"{str(stop) or 'interrupted'}\n")
        return EXIT_CODE


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
