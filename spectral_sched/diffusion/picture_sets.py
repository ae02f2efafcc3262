"""The pictures a network is trained on: all in memory, as they are stored.

They are sorted by the digest of their pixels, so that a run meets the same pictures
whatever order and container they come in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from spectral_sched.errors import ImageError, InputError
from spectral_sched.images import load_pixels
from spectral_sched.measurement import Measurement, measure
from spectral_sched.pieces import Skipped
from spectral_sched.sources import Item
from spectral_sched.spectra import ring_powers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from spectral_sched.images import Pixels, Preprocessing
    from spectral_sched.spectra import RingPowers


@dataclass(frozen=True, eq=False)
class PictureSet:
    """Pictures of one shape and what was measured of them.

    Attributes
    ----------
    values
        Pixels as stored, (M, C, H, W).
    low, high
        The stored values that become -1 and 1.
    measured
        Their spectrum and noise range.
    """

    values: NDArray[Any]
    low: float
    high: float
    measured: Measurement

    def __len__(self) -> int:
        return len(self.values)

    def batch(self, pictures: NDArray[np.int64]) -> Tensor:
        """Return pictures by their numbers, (B, C, H, W) float32 in [-1, 1]."""
        stored = torch.from_numpy(self.values[pictures].astype(np.float32))
        return (stored - self.low) * (2 / (self.high - self.low)) - 1

    def powers(self) -> Iterator[RingPowers]:
        """Yield the spectrum of each picture, not centred."""
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        for values in self.values:
            yield ring_powers(values, origin=middle, unit=half)


def picture_set(items: Iterable[Item], settings: Preprocessing) -> PictureSet:
    """Load and measure pictures; those that cannot be read are skipped and counted.

    Raises
    ------
    InputError
        If no picture can be read, or two differ in size, channels or range.
    """
    skipped = Skipped()
    loaded = sorted(_loaded(items, settings, skipped), key=lambda named: named[1].key())
    if not loaded:
        raise skipped.nothing_left()
    low, high = loaded[0][1].low, loaded[0][1].high
    # They are prepared already; their range is all that is left to say of them.
    ranged = None if loaded[0][1].values.dtype.kind == "u" else (low, high)
    prepared = replace(type(settings)(), data_range=ranged)
    measured = measure((_item(*named) for named in loaded), prepared)
    if any((pixels.low, pixels.high) != (low, high) for _, pixels in loaded):
        message = "the pictures have different depths; convert them all to 8 bits first"
        raise InputError(message)
    return PictureSet(
        np.stack([pixels.values for _, pixels in loaded]),
        low,
        high,
        replace(measured, preprocessing=settings, skipped=skipped),
    )


def _loaded(
    items: Iterable[Item], settings: Preprocessing, skipped: Skipped
) -> Iterator[tuple[str, Pixels]]:
    for item in items:
        try:
            yield item.name, load_pixels(item.data, item.name, settings)
        except ImageError as error:
            skipped.add(error)


def _item(name: str, pixels: Pixels) -> Item:
    return Item(name, "", pixels.values.transpose(1, 2, 0))
