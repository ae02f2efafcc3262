"""Any file in lines and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spectral_sched.analysis.partial_file import read_partial
from spectral_sched.comparisons.files import read_comparison
from spectral_sched.errors import InputError, UsageError
from spectral_sched.files.audit import FORM as AUDIT
from spectral_sched.files.model import read_model_header
from spectral_sched.files.samples import FORM as SAMPLES
from spectral_sched.files.schedule import read_plan
from spectral_sched.files.spectrum import read_spectrum
from spectral_sched.files.training_law import read_training_schedule
from spectral_sched.targets.document import FORM as TARGET

from .audit import audit_parts
from .comparison import comparison_parts
from .lists import samples_lines, target_lines
from .measurement import measurement_parts, partial_parts
from .schedule import plan_parts
from .training import model_parts, training_parts

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from spectral_sched.documents.strict_json import Document


def file_parts(
    document: Document, path: Path, unit: str | None = None
) -> list[RenderableType]:
    """Return everything worth saying about a file.

    Parameters
    ----------
    unit
        Frequencies of a spectrum are in cycles per this, or per pixel.

    Raises
    ------
    InputError
        If it is damaged, or of a format that there is nothing to say about.
    UsageError
        If frequencies cannot be told in the unit.
    """
    if unit is not None and document["format"] != "specsched.spectrum":
        message = f"{path} is no spectrum; --units is for those that analyze writes"
        raise UsageError(message)
    match document["format"]:
        case "specsched.spectrum":
            return measurement_parts(read_spectrum(path, document), unit)
        case "specsched.schedule":
            return plan_parts(read_plan(path, document))
        case "specsched.training":
            read_training_schedule(path, document)
            return training_parts(document)
        case "specsched.model":
            read_model_header(path)
            return model_parts(document)
        case "specsched.target":
            return list(target_lines(TARGET.check(document, path)))
        case "specsched.comparison":
            return comparison_parts(read_comparison(path, document))
        case "specsched.audit":
            return audit_parts(AUDIT.check(document, path))
        case "specsched.samples":
            return list(samples_lines(SAMPLES.check(document, path)))
        case "specsched.partial":
            return partial_parts(read_partial(path, document=document))
        case unknown:
            message = f"{path} has the format {unknown!r}, which show does not know"
            raise InputError(message)
