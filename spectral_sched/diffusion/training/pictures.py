"""The images a network is trained on: all in memory, as they are stored.

They are sorted by the digest of their pixels, and copies by their class, so that a run
meets the same images whatever order and container they come in.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from spectral_sched.analysis.chunk import Shaped, Skipped, mismatch
from spectral_sched.analysis.measurement import Measurement, measure
from spectral_sched.diffusion.devices import to_device
from spectral_sched.errors import ImageError, InputError
from spectral_sched.images.pixels import Plane, load_pixels
from spectral_sched.images.ranges import plain
from spectral_sched.sources import Item
from spectral_sched.spectra.periodogram import ring_powers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from spectral_sched.images.pixels import Pixels
    from spectral_sched.images.preprocessing import Preprocessing
    from spectral_sched.spectra.periodogram import RingPowers


@dataclass(frozen=True, eq=False)
class PictureSet:
    """Images of one shape and what was measured of them.

    Attributes
    ----------
    values
        Pixels as stored, (M, C, H, W).
    low, high
        The stored values that become -1 and 1, of all bands or of each, (C,).
    measured
        Their spectrum and noise range.
    class_names
        Their classes, sorted; none if any image has no class.
    labels
        The class of each image, (M,), by its place among the names.
    num_folders, unclassed
        How many classes are named, and the first image by name that has none.
    """

    values: NDArray[Any]
    low: Any
    high: Any
    measured: Measurement
    class_names: tuple[str, ...]
    labels: NDArray[np.int64]
    num_folders: int = 0
    unclassed: str | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def labels_key(self) -> str:
        """Digest of which class each image has, whatever the names of the classes."""
        return hashlib.sha256(self.labels.astype("<i8").tobytes()).hexdigest()

    def batch(self, pictures: NDArray[np.int64]) -> Tensor:
        """Return images by their numbers, (B, C, H, W) float32 in [-1, 1]."""
        return self.in_range(torch.from_numpy(self.values[pictures].astype(np.float32)))

    def in_range(self, stored: Tensor) -> Tensor:
        """Return stored pixels, (B, C, H, W) float32, in [-1, 1]."""
        if np.ndim(self.low) == 0:
            low, factor = float(self.low), 2 / (self.high - self.low)
            return (stored - low) * float(factor) - 1
        lows = torch.as_tensor(self.low, dtype=torch.float32)
        factors = 2 / torch.as_tensor(self.high - self.low, dtype=torch.float32)
        bands = torch.stack([lows, factors])[..., None, None]
        told = to_device(bands, stored.device)
        return (stored - told[0]) * told[1] - 1

    def powers(self) -> Iterator[RingPowers]:
        """Yield the spectrum of each image, not centred."""
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        for values in self.values:
            yield ring_powers(values, origin=middle, unit=half)


class PlacedPictures:
    """The images of a set where a training needs them.

    On CUDA they are kept there, as they are stored, if they leave half of what is free:
    the other half is for the network.
    """

    def __init__(self, pictures: PictureSet, device: torch.device) -> None:
        self.pictures, self.device = pictures, device
        self.values = self._kept() if device.type == "cuda" else None

    def _kept(self) -> Tensor | None:
        values = self.pictures.values
        free, _ = torch.cuda.mem_get_info(self.device)
        if values.dtype != np.uint8:
            values = values.astype(np.float32)
        return self.place(values) if 2 * values.nbytes <= free else None

    def place(self, values: NDArray[Any]) -> Tensor:
        """Return stored pixels on the device."""
        return torch.from_numpy(values).to(self.device)

    def batch(self, chosen: NDArray[np.int64]) -> Tensor:
        """Return what `PictureSet.batch` does, on the device."""
        if self.values is None:
            return to_device(self.pictures.batch(chosen), self.device)
        places = to_device(torch.from_numpy(chosen), self.device)
        return self.pictures.in_range(self.values[places].float())


def picture_set(items: Iterable[Item], settings: Preprocessing) -> PictureSet:
    """Load and measure images; those that cannot be read are skipped and counted.

    Raises
    ------
    InputError
        If no image can be read, or two differ in size, channels or range.
    """
    skipped = Skipped()
    loaded = sorted(_load(items, settings, skipped), key=_Read.place)
    if not loaded:
        raise skipped.nothing_left()
    first = loaded[0].pixels
    low, high = first.low, first.high
    _check_shapes(loaded, settings)
    measured = measure((_item(read) for read in loaded), type(settings)())
    ends = {str((plain(read.pixels.low), plain(read.pixels.high))) for read in loaded}
    if len(ends) > 1:
        message = "the images have different depths; convert them all to 8 bits first"
        raise InputError(message)
    return PictureSet(
        np.stack([read.pixels.values for read in loaded]),
        low,
        high,
        replace(measured, preprocessing=settings, skipped=skipped),
        *_classes([read.label for read in loaded]),
        num_folders=len({read.label for read in loaded} - {""}),
        unclassed=min((read.name for read in loaded if not read.label), default=None),
    )


def _check_shapes(loaded: list[_Read], settings: Preprocessing) -> None:
    shaped = [Shaped(read.name, read.pixels.shape) for read in loaded]
    for other in shaped:
        if other.shape != shaped[0].shape:
            raise mismatch(shaped[0], other, settings)


class _Read(NamedTuple):
    """An image of a source: its name, its class, and its pixels."""

    name: str
    label: str
    pixels: Pixels

    def place(self) -> tuple[bytes, str]:
        """Return what a set is sorted by."""
        return self.pixels.key(), self.label


def _classes(labels: list[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the names of classes, and which each image has."""
    names, places = np.unique(labels, return_inverse=True)
    if "" in names:
        return (), np.zeros(len(labels), dtype=np.int64)
    return tuple(names.tolist()), places


def _load(
    items: Iterable[Item], settings: Preprocessing, skipped: Skipped
) -> Iterator[_Read]:
    for item in items:
        try:
            pixels = load_pixels(item.data, item.name, settings)
            yield _Read(item.name, item.label, pixels)
        except ImageError as error:
            skipped.add(error)


def _item(read: _Read) -> Item:
    # They are prepared already; their range is all that is left to say of them.
    pixels = read.pixels
    plane = Plane(pixels.values.transpose(1, 2, 0), pixels.low, pixels.high)
    return Item(read.name, "", plane)
