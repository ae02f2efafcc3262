"""Data sets analysed in many ways, and what must be the same each time."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from spectral_sched.analysis import Engine, analyse_items
from spectral_sched.documents.strict_json import digest
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.measurement import measurement
from spectral_sched.partials import Partial, partial_document
from spectral_sched.pieces import Piece, Settings
from spectral_sched.sources import Item, items
from spectral_sched.spectrum_files import payload_digest, spectrum_document
from spectral_sched.workers import ordered_map

SETTINGS = Settings(make_preprocessing(), "float32")


def local(workers: int, seconds: float = 0.01) -> Engine:
    """Return processes that are started at once and given small tasks."""
    mapper = partial(ordered_map, num_workers=workers, patience=-1.0)
    return Engine(mapper, seconds)


def analysed(source: Path | Iterable[Item], workers: int = 1) -> Piece:
    """Return what is found in a folder or in items."""
    found = items(source) if isinstance(source, Path) else source
    return analyse_items(found, SETTINGS, engine=local(workers))


def payload(piece: Piece) -> str:
    """Return the digest of the spectrum that follows from a piece."""
    measured = measurement(piece, SETTINGS.preprocessing, epsilon=0.005, tolerance=1.0)
    return payload_digest(spectrum_document(measured, {}))


def fingerprint(piece: Piece) -> str:
    """Return a digest of all that a piece holds, for comparisons without a spectrum."""
    document = partial_document(Partial(piece, SETTINGS), {})
    return digest(document["statistics"])
