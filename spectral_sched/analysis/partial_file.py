"""Partial statistics as files: of a shard, or of a run that was cut short.

Everything comes back bit for bit: sums as integers, spectra of the sample as the
base64 of little-endian doubles, which is a tenth of the time of decimal numbers.
"""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from types import NoneType
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.documents.provenance import PROVENANCE_KEYS
from spectral_sched.documents.read import Fields, Form, read_fields
from spectral_sched.documents.rules import Place
from spectral_sched.documents.strict_json import Document, digest
from spectral_sched.images.preprocessing import (
    preprocessing_members,
    read_preprocessing,
)
from spectral_sched.spectra.distinct import KEY, DistinctKeys
from spectral_sched.spectra.periodogram import check_precision
from spectral_sched.spectra.rings import rings
from spectral_sched.spectra.statistics import SampledImage, SpectrumStatistics

from .chunk import AnalysisSettings, Chunk, Shaped, Skipped
from .manifest import Manifest
from .origin import NOTHING, Origin, origin_members, read_origin
from .partial_rules import DOUBLE, RULE, agrees, check_sums, unpacked
from .shard import WHOLE, Shard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

KIND = "partial"
VERSION = 1
REMEDY = "make one with: specsched analyze FOLDER --shard 0/8"

NOT_IN_DIGEST = (*PROVENANCE_KEYS, "digest")


@dataclass
class Partial:
    """Statistics of some of the images of a source, and which ones.

    Attributes
    ----------
    chunk
        What was gathered.
    settings
        How.
    shard
        Which part of the source it is of.
    source
        The names of all items of the source, as a set; empty while not all are known.
    complete
        Whether all images of the shard are in it.
    origin
        Where the images came from, and what was left out there.
    """

    chunk: Chunk
    settings: AnalysisSettings
    shard: Shard = WHOLE
    source: Manifest = field(default_factory=Manifest)
    complete: bool = False
    origin: Origin = NOTHING


def partial_document(partial: Partial, provenance: Mapping[str, Any]) -> Document:
    """Return the content of a partial file."""
    chunk, skipped = partial.chunk, partial.chunk.skipped
    document: Document = {
        "format": f"specsched.{KIND}",
        "version": VERSION,
        **provenance,
        "complete": partial.complete,
        "shard": asdict(partial.shard),
        "source": _manifest(partial.source),
        "items": _manifest(chunk.manifest),
        "preprocessing": preprocessing_members(partial.settings.preprocessing),
        "precision": partial.settings.precision,
        "num_skipped": skipped.total,
        "skipped_by_reason": dict(sorted(skipped.reasons.items())),
        "skipped": skipped.messages,
        "num_subsampled": chunk.num_subsampled,
        "num_pages_left": chunk.num_pages_left,
        **_noted(chunk.noted),
        **_origin(partial.origin),
        "first": chunk.first.name if chunk.first else None,
        "statistics": _statistics(chunk.statistics) if chunk.statistics else None,
    }
    return document | {"digest": _digest(document)}


def _noted(noted: Mapping[str, int]) -> Document:
    """Return counts as files tell them, in which one has had a name of its own."""
    counts = dict(sorted(noted.items()))
    unchecked = {"num_unchecked": counts.pop("unchecked", 0)}
    return unchecked | ({"noted": counts} if counts else {})


def _digest(document: Document) -> str:
    return digest({key: document[key] for key in document if key not in NOT_IN_DIGEST})


def _origin(origin: Origin) -> Document:
    told = origin_members(origin)
    return {"origin": told} if told else {}


def _manifest(manifest: Manifest) -> Document:
    return {"count": manifest.count, "digest": f"{manifest.digest:032x}"}


def _statistics(statistics: SpectrumStatistics) -> Document:
    images = _unique_images(statistics)
    places = {image[:2]: place for place, image in enumerate(images)}
    return {
        "shape": statistics.shape,
        "num_images": statistics.num_images,
        "key_sum": f"{statistics.key_sum:032x}",
        **_distinct(statistics.distinct),
        "class_counts": dict(sorted(statistics.class_counts.items())),
        "limbs": statistics.sums.limbs,
        "images": {
            "key": [image.key.hex() for image in images],
            "label": [image.label for image in images],
            "power": _packed(image.power for image in images),
            "channel_mean": _packed(image.channel_mean for image in images),
        },
        "sample": [places[image[:2]] for image in statistics.sample],
        "class_samples": {
            label: [places[image[:2]] for image in sample]
            for label, sample in sorted(statistics.class_samples.items())
        },
    }


def _distinct(distinct: DistinctKeys) -> Document:
    if distinct.count is None:
        return {}
    content = distinct.keys().astype(KEY).tobytes()
    return {"distinct": base64.b64encode(content).decode()}


def _read_distinct(fields: Fields) -> DistinctKeys:
    """Read which keys are different; files of old do not tell."""
    if "distinct" not in fields:
        return DistinctKeys(given_up=True)
    content = base64.b64decode(fields.get("distinct", str))
    return DistinctKeys([np.frombuffer(content, KEY)])


def _unique_images(statistics: SpectrumStatistics) -> list[SampledImage]:
    samples = [statistics.sample, *statistics.class_samples.values()]
    images = {image[:2]: image for sample in samples for image in sample}
    return [images[name] for name in sorted(images)]


def _packed(rows: Iterable[NDArray[np.float64]]) -> str:
    content = b"".join(row.astype(DOUBLE).tobytes() for row in rows)
    return base64.b64encode(content).decode()


FORM = Form(KIND, VERSION, REMEDY, RULE, agrees, _digest)


def read_partial(
    path: Path, remedy: str = REMEDY, document: Document | None = None
) -> Partial:
    """Read a partial file and check that it is whole.

    Parameters
    ----------
    remedy
        What to do when it is missing or unusable, for messages.
    document
        What is in the file, if it was read, as by `read_any`.

    Raises
    ------
    InputError
        If the file is missing, damaged, foreign, of another version, or was changed.
    """
    form = replace(FORM, remedy=remedy)
    fields = read_fields(path, form, document)
    shard = fields.object("shard")
    partial = Partial(
        chunk=_read_chunk(fields),
        settings=_read_settings(fields),
        shard=Shard(shard.get("index", int), shard.get("count", int)),
        source=_read_manifest(fields.object("source")),
        complete=fields.get("complete", bool),
        origin=read_origin(fields.object("origin")) if "origin" in fields else Origin(),
    )
    if partial.chunk.statistics:
        place = Place(path, remedy, "statistics.limbs")
        check_sums(partial.chunk.statistics, place)
    return partial


def _read_settings(fields: Fields) -> AnalysisSettings:
    preprocessing = read_preprocessing(fields.object("preprocessing"))
    return AnalysisSettings(
        preprocessing, check_precision(fields.get("precision", str))
    )


def _read_chunk(fields: Fields) -> Chunk:
    reasons = Counter(fields.get("skipped_by_reason", dict))
    statistics, first = None, fields.get("first", (str, NoneType))
    if fields.get("statistics", (dict, NoneType)) is not None:
        statistics = _read_statistics(fields.object("statistics"))
    return Chunk(
        statistics=statistics,
        first=Shaped(first, statistics.shape) if statistics else None,
        skipped=Skipped(reasons, fields.get("skipped", list)),
        num_subsampled=fields.get("num_subsampled", int),
        num_pages_left=_count(fields, "num_pages_left"),
        noted=_read_noted(fields),
        manifest=_read_manifest(fields.object("items")),
    )


def _read_noted(fields: Fields) -> Counter[str]:
    noted = Counter(fields.get("noted", dict) if "noted" in fields else {})
    # No count of zero: two results are alike if their counters are.
    return +(noted + Counter(unchecked=_count(fields, "num_unchecked")))


def _count(fields: Fields, name: str) -> int:
    # Files of before do not have it.
    return fields.get(name, int) if name in fields else 0


def _read_manifest(fields: Fields) -> Manifest:
    return Manifest(fields.get("count", int), int(fields.get("digest", str), 16))


def _read_statistics(fields: Fields) -> SpectrumStatistics:
    channels, height, width = fields.get("shape", list)
    statistics = SpectrumStatistics((channels, height, width))
    statistics.sums.limbs[:] = np.array(fields.get("limbs", list), np.int64)
    statistics.num_images = fields.get("num_images", int)
    statistics.key_sum = int(fields.get("key_sum", str), 16)
    statistics.distinct = _read_distinct(fields)
    statistics.class_counts.update(fields.get("class_counts", dict))
    num_rings = len(rings(height, width))
    images = _read_images(fields.object("images"), num_rings, channels)
    statistics.sample = [images[place] for place in fields.get("sample", list)]
    statistics.class_samples = {
        label: [images[place] for place in places]
        for label, places in fields.get("class_samples", dict).items()
    }
    return statistics


def _read_images(fields: Fields, num_rings: int, channels: int) -> list[SampledImage]:
    keys, labels = fields.get("key", list), fields.get("label", list)
    power = unpacked(fields.get("power", str), len(keys), num_rings)
    channel_mean = unpacked(fields.get("channel_mean", str), len(keys), channels)
    rows = zip(keys, labels, power, channel_mean, strict=True)
    return [SampledImage(bytes.fromhex(key), *rest) for key, *rest in rows]
