"""How a measured spectrum is told and written, and what comes next."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from spectral_sched import defaults

if TYPE_CHECKING:
    from spectral_sched.analysis.partial_file import Partial
    from spectral_sched.console.output import Publisher


def publish_spectrum(
    publish: "Publisher",
    gathered: "Partial",
    epsilon: float,
    tolerance: float,
    mixture: int | None,
) -> None:
    """Print what was measured and write the spectrum file."""
    from spectral_sched.analysis.measurement import measurement
    from spectral_sched.console.measurement import measurement_parts
    from spectral_sched.console.output import say
    from spectral_sched.documents.provenance import provenance
    from spectral_sched.files.spectrum import measured_arguments, spectrum_document

    chunk, settings = gathered.chunk, gathered.settings
    measured = measurement(
        chunk,
        settings.preprocessing,
        epsilon=epsilon,
        tolerance=tolerance,
        num_components=mixture,
    )
    for message in measured.skipped.messages:
        say(f"skipped: {message}")
    for message in measured.warnings:
        say(f"warning: {message}")
    asked = measured_arguments(measured) | {"precision": settings.precision}
    publish(
        measurement_parts(measured),
        spectrum_document(measured, provenance(asked)),
        following=export_after(publish.output),
    )


def export_after(spectrum: Path) -> str:
    """Return the command that plans from a file."""
    named = f" --spectrum {shlex.quote(str(spectrum))}"
    usual = spectrum == defaults.SPECTRUM_PATH
    return f"specsched export{'' if usual else named} --steps {defaults.NUM_STEPS}"
