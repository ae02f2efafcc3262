"""Data sets analysed in many ways, and what must be the same each time."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from spectral_sched.analysis.chunk import AnalysisSettings, Chunk
from spectral_sched.analysis.measurement import derive
from spectral_sched.analysis.partial_file import Partial, partial_document
from spectral_sched.analysis.processes import ordered_map
from spectral_sched.analysis.run import analyse_items
from spectral_sched.analysis.tasks import Executor
from spectral_sched.documents.strict_json import digest
from spectral_sched.files.spectrum import payload_digest, spectrum_document
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.sources import Item, items

SETTINGS = AnalysisSettings(make_preprocessing(), "float32")


def local(workers: int, seconds: float = 0.01) -> Executor:
    """Return processes that are started at once and given small tasks."""
    mapper = partial(ordered_map, num_workers=workers, patience=-1.0)
    return Executor(mapper, seconds)


def analysed(source: Path | Iterable[Item], workers: int = 1) -> Chunk:
    """Return what is found in a folder or in items."""
    found = items(source) if isinstance(source, Path) else source
    return analyse_items(found, SETTINGS, executor=local(workers))


def payload(chunk: Chunk) -> str:
    """Return the digest of the spectrum that follows from a chunk."""
    measured = derive(chunk, SETTINGS.preprocessing)
    return payload_digest(spectrum_document(measured, {}))


def sums_digest(chunk: Chunk) -> str:
    """Return a digest of all that a chunk holds, for comparisons without a spectrum."""
    document = partial_document(Partial(chunk, SETTINGS), {})
    return digest(document["statistics"])
