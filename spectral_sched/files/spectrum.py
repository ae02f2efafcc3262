"""spectrum.json: a measured spectrum with its bounds, and how it was measured."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from spectral_sched.analysis.chunk import Skipped
from spectral_sched.analysis.measurement import Measurement
from spectral_sched.analysis.origin import ORIGIN, origin_members, read_origin
from spectral_sched.documents.provenance import PROVENANCE_KEYS
from spectral_sched.documents.read import Fields, Form, read_fields
from spectral_sched.documents.rules import (
    Place,
    agree,
    each,
    members,
    named,
    nullable,
    number,
    numbers,
    text,
    whole,
)
from spectral_sched.documents.strict_json import (
    Document,
    digest,
    round_to_float32,
    shortest,
)
from spectral_sched.images.preprocessing import (
    PREPROCESSING,
    preprocessing_members,
    read_preprocessing,
)
from spectral_sched.spectra.bounds import BoundIntervals, SigmaBounds, swamped_at
from spectral_sched.spectra.field_rules import (
    FIELD,
    MAX_POWER,
    RINGS,
    ROUNDING,
    field_agrees,
    log_powers,
    powers,
)
from spectral_sched.spectra.power_law import field_power_law
from spectral_sched.spectra.spectrum import Spectrum, SpectrumSample

from .data_set import mixture_member, read_bounds, read_field, read_mixture
from .data_set_rules import BOUNDS, MAY_HAVE_MIXTURE, bounds_agree

if TYPE_CHECKING:
    from pathlib import Path

    from spectral_sched.spectra.gaussian_field import GaussianField


VERSION = 1
REMEDY = "make one with: specsched analyze FOLDER"

NOT_IN_PAYLOAD = ("format", "version", *PROVENANCE_KEYS, "source", "digest")
"""Keys that the digest of a file leaves out: they may differ for equal pixels."""


INTERVALS = tuple(BoundIntervals.__dataclass_fields__)
INTERVAL = numbers(2, least=0)

SOURCE = members(
    {
        "num_skipped": whole(),
        "skipped_by_reason": named(whole(1)),
        "skipped": each(text()),
        "warnings": each(text()),
    },
    optional={**ORIGIN, "num_distinct": whole(1)},
)

SAMPLE = members(
    {
        "num_uniform": whole(1),
        "class_names": each(text(), 1),
        "class": numbers("M", least=0, whole=True),
        "channel_mean": numbers("M", "C", least=-1e15, most=1e15),
        "power": numbers("M", "K", least=0, most=MAX_POWER),
    }
)

RULE = members(
    {
        **FIELD,
        "rings": members(
            {
                **RINGS,
                "power_luma": powers,
                "swamped_at": powers,
                "power_std": powers,
                "log_power_mean": log_powers,
                "log_power_std": numbers("K", least=0, most=1e3),
            }
        ),
        "bounds": members(
            {**BOUNDS, "interval": members(dict.fromkeys(INTERVALS, INTERVAL))}
        ),
        "data_key": text(),
        "num_images": whole(1),
        "preprocessing": PREPROCESSING,
        "classes": named(whole(1)),
        "power_law": nullable(
            members({"amplitude": number(), "exponent": number(), "r2": number(most=1)})
        ),
        "sample": SAMPLE,
        "source": SOURCE,
    },
    MAY_HAVE_MIXTURE,
)


def _agrees(document: Document, place: Place) -> None:
    """Raise `InputError` where a spectrum says two things that do not agree."""
    field = field_agrees(document, "rings", place)
    bounds_agree(document["bounds"], field, place.at("bounds"))
    rings, inner = document["rings"], place.at("rings")
    slack = ROUNDING * max(rings["power"])
    agree(rings["power_luma"], field.power_luma, inner.at("power_luma"), slack=slack)
    levels = swamped_at(field.power, document["bounds"]["epsilon"])
    agree(rings["swamped_at"], levels, inner.at("swamped_at"), slack=max(levels) * 1e-4)
    for name in INTERVALS:
        low, high = document["bounds"]["interval"][name]
        if low > high:
            raise place.at(f"bounds.interval.{name}").wrong("is reversed")
    _law_agrees(document, field, place.at("power_law"))
    _counts_agree(document, place)


def _law_agrees(document: Document, field: GaussianField, place: Place) -> None:
    found, expected = document["power_law"], _power_law(field)
    if (found is None) != (expected is None):
        raise place.wrong("does not agree with the other fields")
    for name, value in (expected or {}).items():
        agree(found[name], value, place.at(name), slack=ROUNDING)


def _counts_agree(document: Document, place: Place) -> None:
    sample, source = document["sample"], document["source"]
    if sum(document["classes"].values()) != document["num_images"]:
        raise place.at("classes").wrong("do not add up to 'num_images'")
    if sum(source["skipped_by_reason"].values()) != source["num_skipped"]:
        raise place.at("source.num_skipped").wrong("is not the sum of the reasons")
    if not sample["num_uniform"] <= len(sample["class"]) <= document["num_images"]:
        raise place.at("sample.num_uniform").wrong("counts more images than there are")
    if max(sample["class"]) >= len(sample["class_names"]):
        raise place.at("sample.class").wrong("names a class that is not there")


def spectrum_document(measurement: Measurement, provenance: Document) -> Document:
    """Return the content of a spectrum file."""
    spectrum, skipped = measurement.spectrum, measurement.skipped
    payload: Document = {
        "data_key": spectrum.data_key,
        "num_images": spectrum.num_images,
        "preprocessing": preprocessing_members(measurement.preprocessing),
        "data_range": [-1.0, 1.0],
        "shape": spectrum.field.shape,
        "sigma_data": spectrum.field.sigma_data,
        "mean_color": spectrum.field.mean_color,
        "classes": spectrum.class_counts,
        "bounds": asdict(measurement.bounds)
        | {"interval": asdict(measurement.intervals)},
        "power_law": _power_law(spectrum.field),
        "rings": _rings(spectrum, measurement.bounds),
        "sample": _sample(spectrum.sample),
        **mixture_member(measurement.mixture),
    }
    return {
        "format": "specsched.spectrum",
        "version": VERSION,
        **provenance,
        "source": {
            "num_skipped": skipped.total,
            "skipped_by_reason": dict(sorted(skipped.reasons.items())),
            "skipped": skipped.messages,
            "warnings": list(measurement.warnings),
            **origin_members(measurement.origin),
            **_copies(spectrum),
        },
        **payload,
        "digest": digest(payload),
    }


def _copies(spectrum: Spectrum) -> Document:
    number = spectrum.num_distinct
    return {} if number in (None, spectrum.num_images) else {"num_distinct": number}


def measured_arguments(measurement: Measurement) -> Document:
    """Return what a measurement was asked for, as far as it knows, for the file."""
    bounds, mixture = measurement.bounds, measurement.mixture
    asked = {"epsilon": bounds.epsilon, "tolerance": bounds.tolerance}
    return asked | ({"mixture": len(mixture.means)} if mixture else {})


def payload_digest(document: Document) -> str:
    """Return the digest of a document's payload, which holds no provenance."""
    return digest({key: document[key] for key in document if key not in NOT_IN_PAYLOAD})


FORM = Form("spectrum", VERSION, REMEDY, RULE, _agrees, payload_digest)


def _power_law(field: GaussianField) -> Document | None:
    law = field_power_law(field)
    return asdict(law) if law else None


def _rings(spectrum: Spectrum, bounds: SigmaBounds) -> Document:
    field = spectrum.field
    return {
        "frequency": field.frequency,
        "num_modes": field.num_modes,
        "power": field.power,
        "power_luma": field.power_luma,
        "swamped_at": swamped_at(field.power, bounds.epsilon),
        "power_std": spectrum.power_std,
        "log_power_mean": spectrum.log_power_mean,
        "log_power_std": spectrum.log_power_std,
        "cross_power": field.cross_power,
    }


def _sample(sample: SpectrumSample) -> Document:
    names = sorted(set(sample.labels))
    return {
        "num_uniform": sample.num_uniform,
        "class_names": names,
        "class": [names.index(label) for label in sample.labels],
        "channel_mean": shortest(sample.channel_mean),
        "power": shortest(sample.power),
    }


def read_spectrum(path: Path, document: Document | None = None) -> Measurement:
    """Read a spectrum file and check that it is whole.

    Parameters
    ----------
    document
        What is in the file, if it was read, as by `read_any`.

    Raises
    ------
    InputError
        If the file is missing, damaged, foreign, of another version, or was changed.
    """
    fields = read_fields(path, FORM, document)
    bounds, source = fields.object("bounds"), fields.object("source")
    spectrum = _read_spectrum(fields)
    return Measurement(
        spectrum=spectrum,
        bounds=read_bounds(bounds),
        intervals=_read_intervals(bounds.object("interval")),
        preprocessing=read_preprocessing(fields.object("preprocessing")),
        skipped=_read_skipped(source),
        warnings=tuple(source.get("warnings", list)),
        mixture=read_mixture(fields, len(spectrum.field.num_modes)),
        origin=read_origin(source),
    )


def _read_skipped(fields: Fields) -> Skipped:
    return Skipped(
        Counter(fields.get("skipped_by_reason", dict)), fields.get("skipped", list)
    )


def _read_intervals(fields: Fields) -> BoundIntervals:
    pairs = {name: tuple(fields.array(name, (2,)).tolist()) for name in INTERVALS}
    return BoundIntervals(**pairs)


def _read_spectrum(fields: Fields) -> Spectrum:
    ring_fields = fields.object("rings")
    field = read_field(fields, ring_fields)
    per_ring = (len(field.num_modes),)
    return Spectrum(
        field=field,
        num_images=fields.get("num_images", int),
        power_std=ring_fields.array("power_std", per_ring),
        log_power_mean=ring_fields.array("log_power_mean", per_ring),
        log_power_std=ring_fields.array("log_power_std", per_ring),
        class_counts=fields.get("classes", dict),
        sample=_read_sample(fields.object("sample"), *per_ring, field.shape[0]),
        data_key=fields.get("data_key", str),
        num_distinct=_num_distinct(fields.object("source")),
    )


def _num_distinct(source: Fields) -> int | None:
    return source.get("num_distinct", int) if "num_distinct" in source else None


def _read_sample(fields: Fields, num_rings: int, channels: int) -> SpectrumSample:
    names = fields.get("class_names", list)
    power = fields.array("power", (None, num_rings))
    classes = fields.array("class", (len(power),)).astype(int)
    return SpectrumSample(
        power=round_to_float32(power),
        channel_mean=round_to_float32(
            fields.array("channel_mean", (len(power), channels))
        ),
        labels=tuple(str(names[index]) for index in classes),
        num_uniform=fields.get("num_uniform", int),
    )
