"""What a run of consecutive images adds up to.

Chunks are made anywhere (here, in another process, on another machine) and merged in
the order of their images, two and two or one by one: the result is the same.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from spectral_sched.errors import ImageError, InputError
from spectral_sched.images.pixels import Shape, beyond_memory, load_pixels
from spectral_sched.spectra.periodogram import Precision, RingPowers, ring_powers
from spectral_sched.spectra.statistics import Observation, SpectrumStatistics
from spectral_sched.system.memory import HEAP
from spectral_sched.words import number_of

from .manifest import Manifest, fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spectral_sched.images.pixels import Pixels
    from spectral_sched.images.preprocessing import Preprocessing
    from spectral_sched.sources import Item

BATCH = 32
"""Images whose sums are taken at once; has no influence on the result."""

SLOW = 0.02
"""Seconds of one image after which it is seen to what it left; less leaves little."""

NAMES_KEPT = 20
"""Skipped files named in a result; all are counted."""


@dataclass
class Skipped:
    """Images that could not be used, counted by reason and named.

    Attributes
    ----------
    most
        How many may be skipped; None for any number.
    """

    reasons: Counter[str] = field(default_factory=Counter)
    messages: list[str] = field(default_factory=list)
    most: int | None = None

    @property
    def total(self) -> int:
        """How many were skipped."""
        return self.reasons.total()

    def add(self, error: ImageError) -> None:
        """Count one and keep its message."""
        self.reasons[error.reason] += 1
        self.messages.append(str(error))

    def merge(self, other: Skipped) -> None:
        """Count those of the images that follow; keep messages while there is room.

        Raises
        ------
        InputError
            If there are more than `most`.
        """
        left = None if self.most is None else self.most - self.total
        self.reasons.update(other.reasons)
        if left is not None and other.total > left:
            # Of chunks that were merged elsewhere only the first messages are known.
            raise self._too_many(other.messages[min(left, len(other.messages) - 1)])
        self.messages = [*self.messages, *other.messages][:NAMES_KEPT]

    def nothing_left(self) -> InputError:
        """Return the error that says that no image could be read."""
        first = f" (first: {self.messages[0]})" if self.messages else ""
        return InputError(f"no image could be read{first}; name a folder of images")

    def _too_many(self, message: str) -> InputError:
        if not self.most:
            return InputError(f"{message}; without --strict it would be skipped")
        return InputError(
            f"more than {number_of(self.most, 'image')} cannot be read (the last: "
            f"{message}); repair them, or allow more with --max-errors"
        )


class Shaped(NamedTuple):
    """The name of an image and its shape (C, H, W)."""

    name: str
    shape: Shape


@dataclass
class Chunk:
    """What a run of consecutive images adds up to.

    Attributes
    ----------
    statistics
        Of the images that could be used; None if there was none.
    first, other
        The first image, and the first that differs from it in shape, if any. What
        follows `other` is left out.
    skipped
        The images that could not be used.
    num_subsampled
        Images whose colour was stored at a lower resolution than their brightness.
    num_pages_left
        Pages that follow the first ones of files, which are not read.
    noted
        What else has to be told, by the names of `images.noted`.
    manifest
        The items, as a sequence.
    recognised
        Items that were only looked at, because a checkpoint has them, as a sequence.
    seconds
        Time taken, added up over processes.
    """

    statistics: SpectrumStatistics | None = None
    first: Shaped | None = None
    other: Shaped | None = None
    skipped: Skipped = field(default_factory=Skipped)
    num_subsampled: int = 0
    num_pages_left: int = 0
    noted: Counter[str] = field(default_factory=Counter)
    manifest: Manifest = field(default_factory=Manifest)
    recognised: Manifest = field(default_factory=Manifest)
    seconds: float = 0.0

    @property
    def num_images(self) -> int:
        """How many images are in the statistics."""
        return self.statistics.num_images if self.statistics else 0

    def merge(self, following: Chunk) -> None:
        """Add the chunk that follows, which is left as it is."""
        self.skipped.merge(following.skipped)
        self.num_subsampled += following.num_subsampled
        self.num_pages_left += following.num_pages_left
        self.noted.update(following.noted)
        self.manifest.merge(following.manifest)
        self.recognised.merge(following.recognised)
        self.seconds += following.seconds
        if following.first is None or self.other is not None:
            return
        if self.first is None:
            # Not the statistics that follow themselves, which may be asked for again.
            self.first = following.first
            self.statistics = SpectrumStatistics(self.first.shape)
        if self.first.shape != following.first.shape:
            self.other = following.first
            return
        if self.statistics and following.statistics:
            self.statistics.merge(following.statistics)
        self.other = following.other

    def check(self, preprocessing: Preprocessing) -> None:
        """Raise `InputError` if two images differ in size or channels."""
        if self.first and self.other:
            raise mismatch(self.first, self.other, preprocessing)

    def found(self) -> SpectrumStatistics:
        """Return the statistics, or raise `InputError` if no image could be read."""
        if self.statistics is None:
            raise self.skipped.nothing_left()
        return self.statistics


class AnalysisSettings(NamedTuple):
    """What is done to every image, and the type of the transform."""

    preprocessing: Preprocessing
    precision: Precision

    def changed(self, other: AnalysisSettings) -> str:
        """Return the names of the settings that others differ in."""
        mine, theirs = (
            {**asdict(each.preprocessing), "precision": each.precision}
            for each in (self, other)
        )
        return ", ".join(name for name in mine if mine[name] != theirs[name])


class Task(NamedTuple):
    """Consecutive items to make a chunk of.

    Attributes
    ----------
    items
        The items.
    start
        Position of the first one in the source.
    known
        Whether they are in a checkpoint and have only to be recognised.
    """

    items: Sequence[Item]
    start: int
    known: bool = False

    def __str__(self) -> str:
        """Name the items, for an error."""
        first, last = self.items[0].name, self.items[-1].name
        return first if len(self.items) == 1 else f"the images {first} to {last}"


def analyse_chunk(settings: AnalysisSettings, task: Task) -> Chunk:
    """Analyse consecutive images."""
    begun = time.perf_counter()
    chunk = Chunk()
    manifest = chunk.recognised if task.known else chunk.manifest
    waiting: list[Observation] = []
    for position, item in enumerate(task.items, task.start):
        manifest.add(position, item.name, item.label, *fingerprint(item.data))
        if task.known:
            continue
        seen = _observe_alone(settings, item, chunk)
        if chunk.other:
            break
        waiting += seen
        if len(waiting) >= BATCH:
            _flush(waiting, chunk)
    _flush(waiting, chunk)
    chunk.seconds = time.perf_counter() - begun
    return chunk


def _observe_alone(
    settings: AnalysisSettings, item: Item, chunk: Chunk
) -> list[Observation]:
    """Observe one image, and leave the next one no less memory than it had."""
    begun = time.perf_counter()
    seen = _observe(settings, item, chunk)
    if time.perf_counter() - begun > SLOW:
        HEAP.give_back()
    return seen


def _observe(settings: AnalysisSettings, item: Item, chunk: Chunk) -> list[Observation]:
    """Return what one image shows, or nothing if it cannot be used."""
    try:
        pixels = load_pixels(item.data, item.name, settings.preprocessing)
        seen = _observation(settings, item, pixels)
    except ImageError as error:
        chunk.skipped.add(error)
        return []
    this = Shaped(item.name, pixels.shape)
    if chunk.first is None:
        chunk.first, chunk.statistics = this, SpectrumStatistics(this.shape)
    if this.shape != chunk.first.shape:
        chunk.other = this
        return []
    chunk.num_subsampled += pixels.subsampled
    chunk.num_pages_left += pixels.pages_left
    chunk.noted.update(pixels.noted)
    return [seen]


def _observation(settings: AnalysisSettings, item: Item, pixels: Pixels) -> Observation:
    try:
        return Observation(pixels.key(), item.label, _powers(settings, pixels))
    except MemoryError as error:
        raise beyond_memory(item.name) from error


def _flush(waiting: list[Observation], chunk: Chunk) -> None:
    if chunk.statistics:
        chunk.statistics.observe(waiting)
    waiting.clear()


def _powers(settings: AnalysisSettings, pixels: Pixels) -> RingPowers:
    return ring_powers(
        pixels.values,
        origin=(pixels.low + pixels.high) / 2,
        unit=(pixels.high - pixels.low) / 2,
        precision=settings.precision,
        window=settings.preprocessing.window,
    )


def mismatch(first: Shaped, other: Shaped, settings: Preprocessing) -> InputError:
    """Return the error that says that two images differ in shape."""
    (one, expected), (name, found) = first, other
    if expected[1:] == found[1:]:
        return InputError(
            f"{one} has {number_of(expected[0], 'channel')} and {name} has "
            f"{number_of(found[0], 'channel')}; "
            "analyze all in one form with --color rgb or --color luma, or with the "
            "same --bands of all"
        )
    cure = "bring all to one size with --resolution, as for training"
    if settings.resolution is not None:
        cure = "bring all to one shape with --crop center, as for training"
    sizes = f"{expected[2]}x{expected[1]} and {name} is {found[2]}x{found[1]}"
    return InputError(f"{one} is {sizes}; {cure}")
