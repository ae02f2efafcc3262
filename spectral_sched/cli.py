"""The command ``specsched``: its commands put together, and how they end."""

import signal
import sys
from types import FrameType
from typing import Annotated, NoReturn

import typer

from .commands import COMMANDS
from .errors import SpecschedError
from .version import __version__

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Noise levels for pixel diffusion models, measured from your own images.",
)


EXIT_STATUS = (
    "Exit status: 0 done; 1 no answer, or a check that failed; 2 a flag, a value or an "
    "output that cannot be used; 3 input that is missing or damaged; 4 an extra or a "
    "device that is missing; 130 interrupted."
)


class Interrupted(BaseException):
    """The user pressed Ctrl-C."""


def main() -> None:
    """Run the command line; every error ends in one sentence and its exit code."""
    signal.signal(signal.SIGINT, _interrupt)
    try:
        app()
    except SpecschedError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)
    except Interrupted:
        sys.stderr.write("interrupted\n")
        sys.exit(130)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted


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
