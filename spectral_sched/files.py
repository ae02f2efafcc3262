"""Any file of this project, by its format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import report
from .errors import InputError
from .plan_files import read_plan
from .spectrum_files import read_spectrum
from .training_files import read_training_schedule

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from .documents import Document


def parts(document: Document, path: Path) -> list[RenderableType]:
    """Return everything worth saying about a file.

    Raises
    ------
    InputError
        If it is damaged, or of a format that there is nothing to say about.
    """
    match document["format"]:
        case "specsched.spectrum":
            return report.measurement_parts(read_spectrum(path))
        case "specsched.schedule":
            return report.plan_parts(read_plan(path))
        case "specsched.training":
            read_training_schedule(path)
            return report.training_parts(document)
        case "specsched.samples":
            return [f"{len(document.get('pictures', []))} sampled pictures"]
        case unknown:
            message = f"{path} has the format {unknown!r}, which show does not know"
            raise InputError(message)
