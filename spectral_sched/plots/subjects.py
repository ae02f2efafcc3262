"""What there is to draw in a file of this project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spectral_sched.defaults import TRAINING_STEPS
from spectral_sched.documents.read import read_any
from spectral_sched.errors import InputError
from spectral_sched.files.model import SUFFIX, read_model_header
from spectral_sched.files.schedule import read_plan
from spectral_sched.files.spectrum import read_spectrum
from spectral_sched.files.training_law import read_training_schedule
from spectral_sched.planning.data_set import measured_data_set
from spectral_sched.planning.kinds.registry import kind_settings_of
from spectral_sched.planning.request import TableRequest
from spectral_sched.planning.training_law import LEARNED, OWN, training_schedule

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from spectral_sched.files.model import ModelHeader
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.plan import Plan
    from spectral_sched.schedules import Schedule, Setting


@dataclass(frozen=True, eq=False)
class Subject:
    """A file as far as it can be drawn.

    Attributes
    ----------
    name
        How it is called in the plot.
    data_set
        Its data set, if it holds one.
    plan
        Its table, if it is a schedule.
    law
        Its law to train with, if it is or has one.
    remark
        What cannot be drawn of it, one sentence.
    """

    name: str
    data_set: DataSet | None = None
    plan: Plan | None = None
    law: Schedule | None = None
    remark: str = ""


def read_subjects(paths: Sequence[Path]) -> list[Subject]:
    """Read files of any format that has something to draw.

    Raises
    ------
    InputError
        If a file is missing, damaged, not ours, or of a format that has nothing.
    """
    return [
        _read_subject(path, name)
        for path, name in zip(paths, shown_names(paths), strict=True)
    ]


def shown_names(paths: Sequence[Path]) -> list[str]:
    """Return a name for each file: that of the file, or the path where two agree."""
    names = [path.name for path in paths]
    return [
        printable(str(path) if names.count(path.name) > 1 else path.name)
        for path in paths
    ]


def printable(name: str) -> str:
    """Return a name without characters that no image can show."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def _read_subject(path: Path, name: str) -> Subject:
    if path.suffix == SUFFIX:
        return _model_subject(read_model_header(path), name)
    document = read_any(path)
    match document["format"]:
        case "specsched.spectrum":
            measured = read_spectrum(path, document)
            return Subject(name, data_set=measured_data_set(measured))
        case "specsched.schedule":
            plan = read_plan(path, document)
            return Subject(name, data_set=plan.data_set, plan=plan)
        case "specsched.training":
            return Subject(name, law=read_training_schedule(path, document))
        case other:
            message = (
                f"{path} has the format {other!r}, which has nothing to plot; name a "
                "spectrum, a schedule, a training law or a model"
            )
            raise InputError(message)


def _model_subject(header: ModelHeader, name: str) -> Subject:
    law, settings = str(header.law["name"]), dict(_settings(header))
    if law in (OWN, LEARNED):
        remark = f"the {law} law of {name} is not in its file, and is not drawn"
        return Subject(name, data_set=header.data_set, remark=remark)
    request = TableRequest(
        settings=kind_settings_of(law, settings), num_steps=TRAINING_STEPS
    )
    schedule = training_schedule(header.data_set, law, request)
    return Subject(name, data_set=header.data_set, law=schedule)


def _settings(header: ModelHeader) -> dict[str, Setting]:
    settings = header.law.get("set", {})
    return settings if isinstance(settings, dict) else {}
