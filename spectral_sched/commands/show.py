"""Show what is in a file."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Json


def show(
    file: Annotated[Path, typer.Argument(help="A file that specsched wrote.")],
    json: Json = False,
) -> None:
    """Show what is in a file that specsched wrote.

    A spectrum with its bounds, a schedule with its levels and its predicted error, a
    law to train with, or a trained model. With --json it is the document itself.

    Example: specsched show tight.json

    See also: analyze, export and train, which write such files.
    """
    from spectral_sched import console, files

    document = files.document_of(file)
    console.show(files.parts(document, file), document, json=json)
    following = files.following(document, file)
    if following:
        console.say(f"next: {following}")
