"""The commands put together, and how their errors are told."""

from typing import Annotated

import typer

from spectral_sched.console.mistakes import MISTAKES, mistake
from spectral_sched.console.output import written_out
from spectral_sched.errors import SpecschedError
from spectral_sched.system.interrupts import EXIT_CODE
from spectral_sched.system.streams import say, say_lines
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
        with written_out():
            return int(app(prog_name="specsched", standalone_mode=False) or 0)
    except SpecschedError as error:
        say(f"error: {error}")
        return error.exit_code
    except MISTAKES as error:
        say_lines(mistake(error))
        return 2
    except typer.Abort:
        say("interrupted")
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
