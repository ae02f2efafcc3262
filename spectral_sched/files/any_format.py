"""Any file of specsched by the format that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spectral_sched.analysis.shard import merge_line
from spectral_sched.defaults import NUM_STEPS
from spectral_sched.documents.read import read_any
from spectral_sched.planning.data_set import DataSet, measured_data_set
from spectral_sched.planning.plan import Plan
from spectral_sched.system import shell

from .model import SUFFIX, read_model_document, read_model_header
from .schedule import FORM as SCHEDULE
from .schedule import read_plan
from .spectrum import REMEDY, read_spectrum

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
    planned = shell.line("export", "--spectrum", path, "--steps", str(NUM_STEPS))
    commands = {
        "specsched.spectrum": planned,
        "specsched.schedule": shell.line("sample", "--schedule", path),
        "specsched.training": shell.line("plot", path),
        "specsched.model": planned,
        "specsched.partial": merge_line(path),
    }
    return commands.get(document["format"])


def read_source(path: Path) -> Plan | DataSet:
    """Read a schedule, or the data set in a file of a spectrum or a model.

    Raises
    ------
    InputError
        If the file is missing, damaged, foreign or of another version.
    """
    if path.suffix == SUFFIX:
        return read_model_header(path).data_set
    document = read_any(path, REMEDY)
    if SCHEDULE.names(document):
        return read_plan(path, document)
    return measured_data_set(read_spectrum(path, document))


def read_data_set(path: Path) -> DataSet:
    """Read what tables are planned from, in any file that `read_source` takes."""
    source = read_source(path)
    return source.data_set if isinstance(source, Plan) else source
