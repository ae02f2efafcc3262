"""Draw what files say."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spectral_sched import defaults
from spectral_sched.system import shell

from .shared import Force, Json

if TYPE_CHECKING:
    from spectral_sched.console.output import Publisher


def plot(
    files: Annotated[
        list[Path],
        typer.Argument(help="Spectra, schedules, training laws or models."),
    ],
    panel: Annotated[
        list[str] | None,
        typer.Option(
            help="spectrum, step, t, log_snr, error, law or calls; all but calls if "
            "not given."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            *("-o", "--output"),
            help="File to write, .png, .svg or .pdf; plot.png if not given.",
        ),
    ] = None,
    terminal: Annotated[
        bool,
        typer.Option(
            "--terminal",
            help="Print text instead; also without matplotlib and -o.",
        ),
    ] = False,
    json: Json = False,
    force: Force = False,
) -> None:
    """Draw spectra, tables, predicted errors and laws to train with.

    Reads files of analyze, export and train, and draws them side by side: spectra with
    the noise floors of tables, levels by step, by time t and as log SNR, the predicted
    error by frequency, and laws beside the one that is copied most. --panel calls adds
    the error by network calls (NFE) of three kinds. Writes PNG, SVG or PDF, by the
    ending of the name.

    Example: specsched plot tight.json karras.json -o schedules.png
    """
    from spectral_sched.console.output import show
    from spectral_sched.plots import canvas, panels, subjects
    from spectral_sched.plots import terminal as blocks
    from spectral_sched.system.streams import say

    publish = _publisher(output, terminal=terminal, json=json, force=force)
    read = subjects.read_subjects(files)
    found = panels.panels_of(read, panel or ())
    document = panels.panels_document(found, panel or ())
    for remark in (subject.remark for subject in read if subject.remark):
        say(remark)
    if publish is None:
        show(blocks.terminal_parts(found), document, json=json)
        say(f"next: {_following(files[0], terminal=terminal)}")
    else:
        content = canvas.picture_of(found, publish.output.suffix.lower())
        publish(
            panels.panel_lines(found),
            document,
            following="specsched report",
            content=content,
        )


def _publisher(
    output: Path | None, *, terminal: bool, json: bool, force: bool
) -> "Publisher | None":
    """Return where to write the plot, or None where blocks are to be printed."""
    from spectral_sched.console.output import Publisher
    from spectral_sched.errors import UsageError
    from spectral_sched.plots import canvas, marks

    if terminal and output:
        message = "--terminal writes no file; leave it out, or leave out -o"
        raise UsageError(message)
    if terminal or (output is None and not canvas.available()):
        return None
    path = output or defaults.PLOT_PATH
    canvas.check_suffix(path)
    canvas.check_available()
    return Publisher(
        path, json=json, force=force, ours=marks.is_our_picture, endings=()
    )


def _following(file: Path, *, terminal: bool) -> str:
    if terminal:
        return shell.line("plot", file, "-o", "plot.png")
    from spectral_sched.plots import canvas

    return f"{canvas.INSTALL}, to draw images"
