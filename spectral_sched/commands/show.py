"""Show what is in a file."""

from pathlib import Path
from typing import Annotated

import typer

from .shared import Json


def show(
    file: Annotated[Path, typer.Argument(help="A file that specsched wrote.")],
    units: Annotated[
        str | None,
        typer.Option(help="Frequencies in cycles per mm, um, m, arcsec, degree ..."),
    ] = None,
    json: Json = False,
) -> None:
    """Show what is in a file that specsched wrote.

    Shows a spectrum with its bounds, a schedule with its levels and predicted error, a
    law to train with, a trained model, or any other file. --json prints the document
    itself.

    Example: specsched show tight.json

    Example: specsched show spectrum.json --units mm

    See also: analyze, export and train, which write such files.
    """
    from spectral_sched.console.output import show as show_parts
    from spectral_sched.console.show import file_parts
    from spectral_sched.files.any_format import next_command, read_any_document
    from spectral_sched.system.streams import say

    document = read_any_document(file)
    show_parts(file_parts(document, file, units), document, json=json)
    command = next_command(document, file)
    if command:
        say(f"next: {command}")
