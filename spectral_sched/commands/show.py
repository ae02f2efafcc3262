"""Show what is in a file."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Json


def show(
    file: Annotated[Path, typer.Argument(help="A file that specsched wrote.")],
    json: Json = False,
) -> None:
    """Show what is in a file: a spectrum with its bounds, or a schedule.

    Example: specsched show tight.json
    """
    from spectral_sched import console, files

    document = files.document_of(file)
    console.show(files.parts(document, file), document, json=json)
