"""The numbers that a report tells, as one document. No words and no rounding here."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.defaults import TRAINING_LAW, TRAINING_SETTINGS, TRAINING_STEPS
from spectral_sched.documents.provenance import PROVENANCE_KEYS, provenance
from spectral_sched.documents.read import read_digested
from spectral_sched.errors import InputError
from spectral_sched.files.schedule import FORM as SCHEDULE
from spectral_sched.files.schedule import read_plan
from spectral_sched.files.spectrum import FORM as SPECTRUM
from spectral_sched.files.spectrum import read_spectrum
from spectral_sched.images.preprocessing import preprocessing_members
from spectral_sched.planning.kinds.registry import parse_kind_settings
from spectral_sched.planning.plan import make_plan
from spectral_sched.planning.request import NoiseLimits, TableRequest
from spectral_sched.planning.training_advice import (
    COPIED,
    PROGRAMS,
    told,
    training_advice,
)
from spectral_sched.planning.training_law import training_schedule
from spectral_sched.plots.curves import (
    COPIED_RANGE,
    emerging,
    resolved,
    spectrum_curve,
)
from spectral_sched.plots.subjects import shown_names
from spectral_sched.spectra.bounds import CLEAN_SNR, QUANTISATION
from spectral_sched.spectra.power_law import field_power_law
from spectral_sched.spectra.rings import band_rms, octaves
from spectral_sched.words import number_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from spectral_sched.analysis.measurement import Measurement
    from spectral_sched.documents.strict_json import Document
    from spectral_sched.planning.data_set import DataSet
    from spectral_sched.planning.plan import Plan
    from spectral_sched.plots.curves import SpectrumCurve
    from spectral_sched.schedules import Schedule

VERSION = 1

USUAL_KIND = "karras"
"""The table to compare with: EDM's (arXiv 2206.00364), with rho 7, over its range."""


@dataclass(frozen=True, eq=False)
class Findings:
    """What a report is about.

    Attributes
    ----------
    measured
        The data set.
    plan, usual
        Its table, and the one that is copied most.
    law
        The law to train with on it.
    name, usual_name
        What the two tables are called.
    files
        What each file says of its making, by name.
    """

    measured: Measurement
    plan: Plan
    usual: Plan
    law: Schedule
    name: str
    usual_name: str
    files: Mapping[str, Document] = field(default_factory=dict)


def read_findings(spectrum: Path, schedule: Path) -> Findings:
    """Read a spectrum and a schedule made from it.

    Raises
    ------
    InputError
        If a file is missing, damaged or foreign, or they are of different images.
    """
    spectrum_read = read_digested(spectrum, SPECTRUM)
    schedule_read = read_digested(schedule, SCHEDULE)
    measured = read_spectrum(spectrum, spectrum_read[0])
    plan = read_plan(schedule, schedule_read[0])
    if plan.data_set.data_key != measured.spectrum.data_key:
        message = (
            f"{schedule} was not made from {spectrum}; make it again with: specsched "
            f"export --spectrum {spectrum} -o {schedule}"
        )
        raise InputError(message)
    names = shown_names((spectrum, schedule))
    read = zip(names, (spectrum_read, schedule_read), strict=True)
    return Findings(
        measured=measured,
        plan=plan,
        usual=usual_plan(plan),
        law=usual_law(plan.data_set),
        name=names[1],
        usual_name=USUAL_KIND,
        files={name: _made(*each) for name, each in read},
    )


def usual_plan(plan: Plan) -> Plan:
    """Return the usual table of as many steps for the same solver and images."""
    low, high = COPIED_RANGE
    limits = NoiseLimits(sigma_min=low, sigma_max=high)
    request = replace(
        plan.request, settings={}, start="zero", limits=limits, terminal=None
    )
    return make_plan(plan.data_set, USUAL_KIND, request)


def usual_law(data_set: DataSet) -> Schedule:
    """Return the law to train with that ``specsched export --for training`` makes."""
    settings = parse_kind_settings(TRAINING_LAW, TRAINING_SETTINGS)
    request = TableRequest(settings=settings, num_steps=TRAINING_STEPS)
    return training_schedule(data_set, TRAINING_LAW, request)


def _made(document: Document, digest: str) -> Document:
    kept = {key: document.get(key) for key in PROVENANCE_KEYS}
    return kept | {"digest": digest}


def report_document(found: Findings, arguments: Mapping[str, object]) -> Document:
    """Return everything that a report tells, but for the images."""
    return {
        "format": "specsched.report",
        "version": VERSION,
        **provenance(arguments),
        "data": _data(found.measured),
        "bounds": _bounds(found.measured),
        "table": _table(found.plan, found.name),
        "usual": _table(found.usual, found.usual_name),
        "training": _training(found),
        "errors": _errors(found),
        "files": dict(found.files),
    }


def _data(measured: Measurement) -> Document:
    spectrum, skipped = measured.spectrum, measured.skipped
    law = field_power_law(spectrum.field)
    channels, height, width = spectrum.field.shape
    return {
        "num_images": spectrum.num_images,
        "channels": channels,
        "height": height,
        "width": width,
        "sigma_data": spectrum.field.sigma_data,
        "mean_color": spectrum.field.mean_color,
        "classes": dict(spectrum.class_counts),
        "preprocessing": preprocessing_members(measured.preprocessing),
        "num_skipped": skipped.total,
        "skipped_by_reason": dict(sorted(skipped.reasons.items())),
        "warnings": list(measured.warnings),
        "power_law": asdict(law) if law else None,
    }


def _bounds(measured: Measurement) -> Document:
    rounding = {"quantisation": float(QUANTISATION), "clean_snr": CLEAN_SNR}
    snr = float(np.expm1(2 * measured.bounds.epsilon))
    return {
        **asdict(measured.bounds),
        **rounding,
        "swamped_snr": snr,
        "interval": asdict(measured.intervals),
    }


def _training(found: Findings) -> Document:
    sigma_data = found.measured.spectrum.field.sigma_data
    advice = training_advice(found.law, sigma_data)
    low, high = advice.law.most
    return {
        "P_mean": advice.law.mean,
        "P_std": advice.law.std,
        "sigma_data": sigma_data,
        "most": {"low": low, "high": high},
        "copied": {name: asdict(law) for name, law in COPIED.items()},
        "programs": {name: told(advice.words(name)) for name in PROGRAMS},
    }


def _table(plan: Plan, name: str) -> Document:
    low, high = plan.ends
    return {
        "name": name,
        "kind": plan.kind,
        "sampler": plan.request.sampler,
        "start": plan.request.start,
        "num_steps": plan.table.num_steps,
        "num_calls": plan.num_calls,
        "sigma_min": low,
        "sigma_max": high,
        "error": plan.predicted.error,
        "enough_steps": plan.enough_steps,
        "before": _bands(_curve(plan))[0],
        "steps": _steps(plan),
    }


def _steps(plan: Plan) -> list[Document]:
    """Return each level with the rings that matter on the way to the next."""
    sigmas, curve = plan.table.sigmas, _curve(plan)
    return [
        {
            "step": step,
            "sigma": sigma,
            "log_snr": float(-2 * np.log(sigma)),
            "ratio": sigma / following if following else None,
            "num_swamped": int(curve.num_modes[curve.swamped[step]].sum()),
            **bands,
        }
        for step, (sigma, following, bands) in enumerate(
            zip(sigmas[:-1], sigmas[1:], _bands(curve)[1:], strict=True)
        )
    ]


def _curve(plan: Plan) -> SpectrumCurve:
    levels, start = plan.table.levels, plan.request.start
    return spectrum_curve("", plan.data_set, levels, start)


def _bands(curve: SpectrumCurve) -> list[Document]:
    """Return which frequencies come into sight, and rise above the noise.

    The first is before any step, the others are of one step each.
    """
    return [
        {
            "emerging": _ends(curve.frequency[appearing]),
            "resolved": _ends(curve.frequency[rising]),
            "num_resolved": int(curve.num_modes[rising].sum()),
        }
        for appearing, rising in zip(emerging(curve), resolved(curve), strict=True)
    ]


def _ends(frequency: NDArray[np.float64]) -> NDArray[np.float64] | None:
    return frequency[[0, -1]] if frequency.size else None


def _errors(found: Findings) -> list[Document]:
    """Return the predicted errors of both tables per octave, and the contrast."""
    field = found.plan.power.field
    values = {
        "table": found.plan.predicted.per_ring,
        "usual": found.usual.predicted.per_ring,
        "contrast": np.sqrt(field.power),
    }
    return [
        {"band": name}
        | {key: band_rms(each, field.num_modes, band) for key, each in values.items()}
        for name, band in octaves(field.frequency)
    ]


def report_lines(document: Document) -> list[str]:
    """Return what a report comes down to, for people."""
    data, table, usual = document["data"], document["table"], document["usual"]
    low, high = document["bounds"]["sigma_min"], document["bounds"]["sigma_max"]
    training = document["training"]
    return [
        f"{number_of(data['num_images'], 'image')} of "
        f"{data['width']}x{data['height']}: "
        f"sigma_min {low:.4g}, sigma_max {high:.4g}",
        f"to train: P_mean {training['P_mean']:.4g}, P_std {training['P_std']:.4g}",
        f"predicted error {table['error']:.3g} with {table['name']}, "
        f"{usual['error']:.3g} with the copied {usual['name']} table",
    ]
