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
    """Pictures that could not be used, counted by reason and named.

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
        """Count one and keep its message while there is room.

        Raises
        ------
        InputError
            If there are more than `most`.
        """
        self.reasons[error.reason] += 1
        if len(self.messages) < NAMES_KEPT:
            self.messages.append(str(error))
        if self.most is not None and self.total > self.most:
            raise self._too_many(error)

    def _too_many(self, error: ImageError) -> InputError:
        if self.most == 0:
            return InputError(f"{error}; without --strict it would be skipped")
        return InputError(
            f"more than {self.most} pictures cannot be used (the last: {error}); "
            "mend them or allow more with --max-errors"
        )


@dataclass
class Analysis:
    """The statistics of a source, and what had to be left out of them.

    Attributes
    ----------
    num_subsampled
        Pictures whose colour was stored at a lower resolution than their brightness.
    """

    statistics: SpectrumStatistics
    skipped: Skipped
    num_subsampled: int = 0


def analyse_items(
    items: Iterable[Item],
    preprocessing: Preprocessing,
    *,
    precision: Precision = "float32",
    max_errors: int | None = None,
    progress: Progress | None = None,
) -> Analysis:
    """Analyse pictures one after the other.

    Parameters
    ----------
    max_errors
        How many pictures that cannot be used are skipped; None for any number.

    Raises
    ------
    InputError
        If two pictures differ in size or channels, no picture can be read, or more
        than `max_errors` cannot.
    """
    gathered = _Gathering(precision, preprocessing.window)
    skipped = Skipped(most=max_errors)
    for item in items:
        try:
            pixels = load_pixels(item.data, item.name, preprocessing)
        except ImageError as error:
            skipped.add(error)
            continue
        gathered.add(item, pixels)
        if progress and not gathered.waiting:
            progress(gathered.count, skipped.total)
    return Analysis(gathered.finish(skipped), skipped, gathered.num_subsampled)


class _Gathering:
    """Statistics under way: observations wait until a batch of them is full."""

    def __init__(self, precision: Precision, window: str) -> None:
        self.precision = precision
        self.window = window
        self.num_subsampled = 0
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
        powers = ring_powers(
            pixels.scaled(), precision=self.precision, window=self.window
        )
        self.num_subsampled += pixels.subsampled
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
