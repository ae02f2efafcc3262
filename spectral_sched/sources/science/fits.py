"""FITS files, by astropy: images and cubes, scaled as they say."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.errors import UsageError
from spectral_sched.images.pixel_size import SPELLINGS, PixelSize, pixel_size
from spectral_sched.sources.item import Choices, Item, Reader, refused
from spectral_sched.sources.location import is_url, last_name, open_place
from spectral_sched.words import number_of

from .grid import Grid, Told, axes_grid, grid_items, needed

if TYPE_CHECKING:
    from collections.abc import Iterator

ON_THE_SKY = ("RA--", "DEC-", "GLON", "GLAT")
LETTERS = "NMLK"
"""Axes beyond three, which run over planes."""


def fits_items(place: str, choices: Choices) -> Iterator[Item]:
    """Stream the planes of one image of a FITS file.

    That is the one named after a colon, by name or number, or the first. A third axis
    runs over planes, or over bands with ``--channels first``.

    Raises
    ------
    UnavailableError
        If astropy is not installed.
    UsageError
        If there is no image of the given name.
    """
    fits = needed("astropy.io.fits", "fits", "FITS files")
    name = last_name(place)
    with warnings.catch_warnings():
        # What is odd about a header is no fault of the pixels.
        warnings.simplefilter("ignore")
        with open_place(place) as raw:
            try:
                # Sections are read where they are asked for without a map too.
                file = fits.open(raw if is_url(place) else place, memmap=False)
            except (OSError, ValueError, TypeError) as error:
                because = " ".join(str(error).split())
                yield refused(name, f"is damaged or no FITS file: {because}", "damaged")
                return
            with file:
                yield from _items(fits, file, name, choices)


def _items(fits: Any, file: Any, name: str, choices: Choices) -> Iterator[Item]:
    kinds = (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)
    try:
        images = {
            number: unit
            for number, unit in enumerate(file)
            if isinstance(unit, kinds) and len(_shape(unit)) >= 2
        }
        if not images:
            yield refused(name, "holds no image", "no images")
            return
        number = _chosen(images, choices, name)
        grid = _grid(images[number], f"{name}:/{number}", choices)
        yield from grid_items(grid, choices)
    except (OSError, ValueError, TypeError, IndexError) as error:
        if isinstance(error, UsageError):
            raise
        because = " ".join(str(error).split())
        yield refused(name, f"is damaged: {because}", "damaged")


def _shape(unit: Any) -> tuple[int, ...]:
    return tuple(int(side) for side in unit.shape)


def _chosen(images: dict[int, Any], choices: Choices, name: str) -> int:
    """Return the number of the image that is read, and tell of others."""
    called = {number: str(unit.name or number) for number, unit in images.items()}
    names = ", ".join(f"{name}:/{each}" for each in called.values())
    if choices.inner is not None:
        wanted = choices.inner.strip("/")
        for number, each in called.items():
            if wanted.upper() == each.upper() or wanted == str(number):
                return number
        message = f"{name} has no image {wanted!r}; there are: {names}"
        raise UsageError(message)
    first = min(images)
    if len(images) > 1:
        choices.aside.remark(
            f"{name} has {number_of(len(images), 'image')}, of which the first is "
            "read; name one as "
            f"in {names}"
        )
    return first


class _Section:
    """The values of an image, read where they are asked for and scaled."""

    def __init__(self, unit: Any) -> None:
        self.unit, self.shape = unit, _shape(unit)
        self.ndim = len(self.shape)
        few = tuple(slice(0, 1) for _ in self.shape)
        self.dtype = np.asarray(unit.section[few]).dtype

    def __getitem__(self, index: Any) -> Any:
        return self.unit.section[index]


def _grid(unit: Any, name: str, choices: Choices) -> Grid:
    section = _Section(unit)
    third = "C" if choices.channels == "first" else "Z"
    axes = (LETTERS + third + "YX")[-section.ndim :]
    header = unit.header
    low, high = (_number(header.get(key)) for key in ("DATAMIN", "DATAMAX"))
    window = None
    if low is not None and high is not None and low < high:
        window = (low, high)
    told = Told(window=window, pixel=_pixel(header, section.shape[-2:]))
    return axes_grid(name, section, axes, told)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _pixel(header: Any, size: tuple[int, ...]) -> PixelSize | None:
    """Return the size of pixels from the linear part of the world coordinates."""
    unit = str(header.get("CUNIT1", "")).strip()
    unit = SPELLINGS.get(unit, unit)
    if not unit and str(header.get("CTYPE1", ""))[:4] in ON_THE_SKY:
        unit = "degree"
    height, width = _step(header, 2), _step(header, 1)
    if unit == "degree" and max(height, width) < 1:
        unit, height, width = "arcsec", height * 3600, width * 3600
    return pixel_size(height, width, unit, (size[0], size[1]))


def _step(header: Any, axis: int) -> float:
    """Return how far pixels are apart along an axis, 0 if that is not told."""
    parts = [_number(header.get(f"CD{world}_{axis}")) or 0.0 for world in (1, 2)]
    return math.hypot(*parts) or abs(_number(header.get(f"CDELT{axis}")) or 0.0)


ENDINGS = (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz", ".fz")

READERS = (Reader(ENDINGS, fits_items, inside=True, holds_one=True),)
