"""Any file of this project, by its format."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from . import report
from .analysis.partial_file import read_partial
from .comparisons.files import read_comparison
from .defaults import NUM_STEPS
from .documents.read import read_any
from .errors import InputError
from .model_headers import SUFFIX, read_model_document, read_model_header
from .plan_files import read_plan
from .spectrum_files import read_spectrum
from .training_files import read_training_schedule

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from .documents.strict_json import Document


def document_of(path: Path) -> Document:
    """Read the document of any file of this project, in a model's file its header.

    Raises
    ------
    InputError
        If the file is missing, damaged or not ours.
    """
    return read_model_document(path) if path.suffix == SUFFIX else read_any(path)


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
        case "specsched.model":
            read_model_header(path)
            return report.model_parts(document)
        case "specsched.target":
            return list(report.target_lines(document))
        case "specsched.comparison":
            return report.comparison_parts(read_comparison(path))
        case "specsched.samples":
            return list(report.samples_lines(document))
        case "specsched.partial":
            return report.partial_parts(read_partial(path))
        case unknown:
            message = f"{path} has the format {unknown!r}, which show does not know"
            raise InputError(message)


def following(document: Document, path: Path) -> str | None:
    """Return the command that makes use of a file, if there is one."""
    name = shlex.quote(str(path))
    planned = f"specsched export --spectrum {name} --steps {NUM_STEPS}"
    commands = {
        "specsched.spectrum": planned,
        "specsched.schedule": f"specsched sample --schedule {name}",
        "specsched.training": f"specsched plot {name}",
        "specsched.model": planned,
        "specsched.partial": "specsched merge *.partial.json",
    }
    return commands.get(document["format"])
