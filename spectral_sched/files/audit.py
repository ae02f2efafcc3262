"""What an audit found of a model, and its file beside the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spectral_sched.documents.read import Fields, Form, read_document
from spectral_sched.documents.rules import (
    each,
    flag,
    members,
    nullable,
    number,
    numbers,
    text,
    whole,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from spectral_sched.documents.rules import Place
    from spectral_sched.documents.strict_json import Document
    from spectral_sched.planning.trust import LevelErrors

VERSION = 1
REMEDY = "make it again with: specsched audit --write"
SUFFIX = ".audit.json"

KINDS = ("worse", "faulty", "suspect", "random", "batch", "statistics", "classes")
"""What a finding may be about."""


class Finding(NamedTuple):
    """Something that was found to be wrong.

    Attributes
    ----------
    kind
        One of `KINDS`.
    text
        It in a sentence.
    """

    kind: str
    text: str


@dataclass(frozen=True, eq=False)
class Audit:
    """A denoiser beside Wiener's filter.

    Attributes
    ----------
    errors
        Their errors, level by level.
    frequency, num_modes
        Of each ring, (K,), in cycles per pixel.
    findings
        What is wrong, if anything.
    num_calls, seconds
        What it took: calls of the network, a batch counting as many as it has images.
    """

    errors: LevelErrors
    frequency: NDArray[np.float64]
    num_modes: NDArray[np.int64]
    findings: tuple[Finding, ...]
    num_calls: int
    seconds: float

    @property
    def trusted_range(self) -> tuple[float, float] | None:
        """Lowest and highest sigma at which the denoiser can be trusted, if any."""
        return self.errors.trusted_range


def _agrees(document: Document, place: Place) -> None:
    """Raise `InputError` where an audit says two things that do not agree."""
    trusted = document["trusted_range"]
    if trusted is not None and not 0 < trusted[0] < trusted[1]:
        raise place.at("trusted_range").wrong("is no range of sigma")


FORM = Form(
    "audit",
    VERSION,
    REMEDY,
    members(
        {
            "model": members({"name": text(), "digest": text()}),
            "source_key": text(),
            "on_images": flag,
            "num_images": whole(1),
            "network_calls": whole(),
            "seconds": number(least=0),
            "trusted_range": nullable(numbers(2, above=0)),
            "findings": each(members({"kind": text(*KINDS), "text": text()})),
            "sigmas": numbers("L", above=0, order="falling"),
            "frequency": numbers("K", least=0, order="rising"),
            "num_modes": numbers("K", least=1, whole=True),
            "worse": each(flag),
            "ratio": each(nullable(number(least=0))),
            "correctable": numbers("L", least=0),
            "network_error": each(each(nullable(number(least=0)))),
            "wiener_error": each(numbers("K", least=0)),
            "wiener_closed": each(numbers("K", least=0)),
        }
    ),
    _agrees,
)
"""The format of its file."""


class Model(NamedTuple):
    """The model of an audit: its name, and the digest of what it depends on."""

    name: str
    digest: str


def audit_document(
    audit: Audit, model: Model, source_key: str, provenance: Document
) -> Document:
    """Return the content of the file of an audit.

    Parameters
    ----------
    source_key
        Digest of the pixels that the spectrum is of.
    """
    errors = audit.errors
    return {
        "format": f"specsched.{FORM.kind}",
        "version": VERSION,
        **provenance,
        "model": model._asdict(),
        "source_key": source_key,
        "on_images": errors.on_images,
        "num_images": errors.network.shape[1],
        "network_calls": audit.num_calls,
        "seconds": audit.seconds,
        "trusted_range": audit.trusted_range,
        "findings": [finding._asdict() for finding in audit.findings],
        "sigmas": errors.sigmas,
        "frequency": audit.frequency,
        "num_modes": audit.num_modes,
        "worse": errors.worse.tolist(),
        "ratio": _finite(errors.ratio),
        "correctable": errors.correctable,
        "network_error": [_finite(row) for row in errors.network_rings],
        "wiener_error": [row.tolist() for row in errors.wiener_rings],
        "wiener_closed": [row.tolist() for row in errors.closed_rings],
    }


def _finite(values: NDArray[np.float64]) -> list[float | None]:
    """Return numbers as JSON has them; null stands for what is no finite number."""
    return [value if np.isfinite(value) else None for value in values.tolist()]


def audit_path(file: Path) -> Path:
    """Return where the audit of a model is kept, by the model's file or folder.

    Examples
    --------
    >>> from pathlib import Path
    >>> str(audit_path(Path("nets/faces.onnx")))
    'nets/faces.audit.json'
    """
    if file.is_dir():
        return file / f"specsched{SUFFIX}"
    return file.with_name(file.stem + SUFFIX)


class Trust(NamedTuple):
    """What the audit beside a model says.

    Attributes
    ----------
    digest
        Of the model that was audited.
    sigma_range
        Where it can be trusted; None for nowhere.
    path
        The file.
    """

    digest: str
    sigma_range: tuple[float, float] | None
    path: Path


def read_trust(path: Path) -> Trust:
    """Read where an audit found its model to be trusted.

    Raises
    ------
    InputError
        If the file is damaged, or not one of ours.
    """
    fields = Fields(read_document(path, FORM), path, REMEDY)
    digest = fields.object("model").get("digest", str)
    found = fields.get("trusted_range", (list, type(None)))
    return Trust(digest, found and (float(found[0]), float(found[1])), path)
