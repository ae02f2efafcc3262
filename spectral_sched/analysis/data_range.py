"""Black and white measured on a sample of the data, where that is asked for.

The sample is of the items whose names have the smallest hash, so it depends neither on
their order nor on how many there are, and what is kept of each is small.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spectral_sched.errors import ImageError, InputError, NoAnswerError
from spectral_sched.images.pixels import load_pixels

from .manifest import item_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from spectral_sched.images.preprocessing import Preprocessing
    from spectral_sched.images.ranges import Limits
    from spectral_sched.sources import Item

SAMPLE_SIZE = 256
"""Images in the sample, as in that of their spectra."""

VALUES_EACH = 1 << 14
"""Values of each that percentiles are taken of, evenly spread over it."""

WIDEST = (-1e30, 1e30)
"""A range that all values are in, to load them before theirs is known."""


class _Seen(NamedTuple):
    """What is kept of one image: its place in the sample, and its values."""

    order: int
    values: NDArray[Any]
    mean: NDArray[np.float64]
    squared_mean: NDArray[np.float64]


@dataclass
class _Sample:
    """Images whose names have the smallest hash, the largest of these first."""

    settings: Preprocessing
    seen: list[_Seen]
    problem: str = ""

    def offer(self, item: Item) -> None:
        """Keep an image if its hash is small enough and it can be read."""
        order = -item_hash(item.name)
        full = len(self.seen) >= SAMPLE_SIZE
        if full and order <= self.seen[0].order:
            return
        try:
            found = _seen(order, item, self.settings)
        except ImageError as error:
            self.problem = self.problem or str(error)
            return
        (heapq.heapreplace if full else heapq.heappush)(self.seen, found)


def _seen(order: int, item: Item, settings: Preprocessing) -> _Seen:
    values = load_pixels(item.data, item.name, settings).values
    bands = values.reshape(len(values), -1)
    step = max(1, bands.size // VALUES_EACH)
    wide = bands.astype(np.float64)
    kept = bands.reshape(-1)[::step].copy()
    return _Seen(order, kept, wide.mean(1), (wide**2).mean(1))


def with_measured_range(
    settings: Preprocessing, stream: Callable[[], Iterable[Item]]
) -> Preprocessing:
    """Return settings with the range that they ask to be measured, or as they are.

    Parameters
    ----------
    stream
        Begins the items from the first.

    Raises
    ------
    InputError
        If no image can be read, or two have different bands.
    NoAnswerError
        If there is no range: all values, or those of a band, are the same.
    """
    if not settings.is_measured:
        return settings
    loose = replace(settings, data_range=WIDEST)
    sample = _Sample(loose, [])
    for item in stream():
        sample.offer(item)
    if not sample.seen:
        message = f"no range can be measured: {sample.problem or 'there are no images'}"
        raise InputError(message)
    if len({len(seen.mean) for seen in sample.seen}) > 1:
        message = "images have different numbers of bands; choose some with --bands"
        raise InputError(message)
    return replace(settings, data_range=_limits(settings, sample.seen))


def _limits(settings: Preprocessing, seen: list[_Seen]) -> Limits:
    if settings.percentiles is None:
        return tuple(_standard_limits(seen))
    values = np.concatenate([each.values for each in seen])
    low, high = np.percentile(values, settings.percentiles).tolist()
    if not low < high:
        message = (
            f"these percentiles of the sample are {low:g} and {high:g}, so there is no "
            "range; state --data-range LOW,HIGH"
        )
        raise NoAnswerError(message)
    return low, high


def _standard_limits(seen: list[_Seen]) -> Iterator[tuple[float, float]]:
    """Yield a standard deviation below and above the mean of each band."""
    mean = np.mean([each.mean for each in seen], axis=0)
    # Deviations from the mean of all, without the loss of a difference of squares.
    spread = [each.squared_mean - each.mean**2 for each in seen]
    apart = [(each.mean - mean) ** 2 for each in seen]
    within, between = np.maximum(spread, 0).mean(axis=0), np.mean(apart, axis=0)
    deviation = np.sqrt(within + between)
    for band, (middle, half) in enumerate(zip(mean, deviation, strict=True), 1):
        if not half > 0:
            message = f"band {band} is the same everywhere; leave it out with --bands"
            raise NoAnswerError(message)
        yield float(middle - half), float(middle + half)


def range_sentence(settings: Preprocessing) -> str:
    """Return what to say of a range that was measured."""
    limits = np.atleast_2d(np.asarray(settings.data_range))
    told = "; ".join(f"{low:.6g} to {high:.6g}" for low, high in limits)
    if settings.percentiles is None:
        return f"black to white of each band, mean -/+ deviation of a sample: {told}"
    low, high = settings.percentiles
    return f"black to white, percentiles {low:g} and {high:g} of a sample: {told}"
