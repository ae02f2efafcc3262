"""From a source of pictures to the statistics of the data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .errors import ImageError, InputError
from .images import load_pixels
from .spectra import Precision, ring_powers
from .statistics import Observation, Shape, SpectrumStatistics

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .images import Pixels, Preprocessing
    from .sources import Item

BATCH = 32
"""Images whose sums are taken at once; has no influence on the result."""

NAMES_KEPT = 20
"""Skipped files named in a result; all are counted."""


Progress = Callable[[int, int], None]
"""Called with the numbers of analysed and skipped pictures, now and then."""


@dataclass
class Skipped:
    """Pictures that could not be used, counted by reason and named."""

    reasons: Counter[str] = field(default_factory=Counter)
    messages: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many were skipped."""
        return self.reasons.total()

    def add(self, error: ImageError) -> None:
        """Count one and keep its message while there is room."""
        self.reasons[error.reason] += 1
        if len(self.messages) < NAMES_KEPT:
            self.messages.append(str(error))


@dataclass
class Analysis:
    """The statistics of a source, and what had to be left out of them."""

    statistics: SpectrumStatistics
    skipped: Skipped


def analyse_items(
    items: Iterable[Item],
    preprocessing: Preprocessing,
    *,
    precision: Precision = "float32",
    progress: Progress | None = None,
) -> Analysis:
    """Analyse pictures one after the other.

    Raises
    ------
    InputError
        If two pictures differ in size or channels, or no picture can be read.
    """
    gathered = _Gathering(precision)
    skipped = Skipped()
    for item in items:
        try:
            pixels = load_pixels(item.data, item.name, preprocessing)
        except ImageError as error:
            skipped.add(error)
            continue
        gathered.add(item, pixels)
        if progress and not gathered.waiting:
            progress(gathered.count, skipped.total)
    return Analysis(gathered.finish(skipped), skipped)


class _Gathering:
    """Statistics under way: observations wait until a batch of them is full."""

    def __init__(self, precision: Precision) -> None:
        self.precision = precision
        self.statistics: SpectrumStatistics | None = None
        self.first = ""
        self.waiting: list[Observation] = []
        self.count = 0

    def add(self, item: Item, pixels: Pixels) -> None:
        channels, height, width = pixels.values.shape
        shape = (channels, height, width)
        if self.statistics is None:
            self.statistics, self.first = SpectrumStatistics(shape), item.name
        if shape != self.statistics.shape:
            raise _mismatch(self.first, self.statistics.shape, item.name, shape)
        powers = ring_powers(pixels.scaled(), precision=self.precision)
        self.waiting.append(Observation(pixels.key(), item.label, powers))
        self.count += 1
        if len(self.waiting) >= BATCH:
            self.flush(self.statistics)

    def flush(self, statistics: SpectrumStatistics) -> None:
        statistics.observe(self.waiting)
        self.waiting = []

    def finish(self, skipped: Skipped) -> SpectrumStatistics:
        if self.statistics is None:
            first = f" (first: {skipped.messages[0]})" if skipped.messages else ""
            message = f"no picture could be read{first}; name a folder of images"
            raise InputError(message)
        self.flush(self.statistics)
        return self.statistics


def _mismatch(first: str, expected: Shape, name: str, found: Shape) -> InputError:
    if expected[1:] == found[1:]:
        return InputError(
            f"{first} has {_channels(expected)} and {name} has {_channels(found)}; "
            "analyse all in one form with --color rgb or --color luma"
        )
    return InputError(
        f"{first} is {expected[2]}x{expected[1]} and {name} is {found[2]}x{found[1]}; "
        "bring all to one size with --resolution, as for training"
    )


def _channels(shape: Shape) -> str:
    return "1 channel" if shape[0] == 1 else f"{shape[0]} channels"
