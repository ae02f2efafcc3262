"""Any file of this project, by its format."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from spectral_sched.defaults import NUM_STEPS
from spectral_sched.documents.read import read_any

from .model import SUFFIX, read_model_document

if TYPE_CHECKING:
    from pathlib import Path

    from spectral_sched.documents.strict_json import Document


def read_any_document(path: Path) -> Document:
    """Read the document of any file of this project, in a model's file its header.

    Raises
    ------
    InputError
        If the file is missing, damaged or not ours.
    """
    return read_model_document(path) if path.suffix == SUFFIX else read_any(path)


def next_command(document: Document, path: Path) -> str | None:
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
