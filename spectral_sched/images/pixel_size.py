"""How large pixels are in the world, and frequencies in cycles per unit of it."""

from __future__ import annotations

import re
from typing import NamedTuple

from spectral_sched.errors import InputError, UsageError

LENGTHS = {"nm": 1e-9, "um": 1e-6, "mm": 1e-3, "cm": 1e-2, "m": 1.0, "km": 1e3}
ANGLES = {"arcsec": 1 / 3600, "arcmin": 1 / 60, "degree": 1.0}
"""Units, and what they are in metres or degrees."""

SPELLINGS = {
    "µm": "um",
    "μm": "um",
    "micron": "um",
    "microns": "um",
    "micrometer": "um",
    "micrometre": "um",
    "nanometer": "nm",
    "nanometre": "nm",
    "millimeter": "mm",
    "millimetre": "mm",
    "centimeter": "cm",
    "centimetre": "cm",
    "meter": "m",
    "metre": "m",
    "kilometer": "km",
    "kilometre": "km",
    "deg": "degree",
    "degrees": "degree",
    "arcsecond": "arcsec",
    "arcminute": "arcmin",
}
"""Units as files spell them."""

SQUARE = 1.01
"""Ratio of the sides of a pixel that is still square: sizes are rounded in files."""

PATTERN = re.compile(r"(\S+)x(\S+) (\S+), (\d+)x(\d+) pixels")


class PixelSize(NamedTuple):
    """Size of a pixel of a file, and the size of its planes in pixels.

    Attributes
    ----------
    height, width
        Of a pixel, in `unit`.
    rows, columns
        Of a plane as it is stored.
    """

    height: float
    width: float
    unit: str
    rows: int
    columns: int

    def __str__(self) -> str:
        """Return it as files say it: height before width."""
        size = f"{self.height:.6g}x{self.width:.6g} {self.unit}"
        return f"{size}, {self.rows}x{self.columns} pixels"

    @property
    def is_square(self) -> bool:
        """Whether rows and columns are the same distance apart."""
        long, short = max(self[:2]), min(self[:2])
        return long <= SQUARE * short


def pixel_size(
    height: float, width: float, unit: str, size: tuple[int, int]
) -> PixelSize | None:
    """Return the size of pixels as a file states it, None where it makes no sense.

    Parameters
    ----------
    size
        Rows and columns of a plane.
    """
    known = SPELLINGS.get(unit, unit)
    stated = all(0 < abs(side) < float("inf") for side in (height, width))
    if not stated or known not in {**LENGTHS, **ANGLES}:
        return None
    return PixelSize(abs(height), abs(width), known, *size)


def parse_pixel_size(text: str) -> PixelSize:
    """Return the size of pixels that a file of ours tells.

    Examples
    --------
    >>> parse_pixel_size("0.5x0.5 mm, 256x256 pixels").unit
    'mm'
    """
    found = PATTERN.fullmatch(text)
    if not found:
        message = f"{text!r} is no size of pixels; measure the images again"
        raise InputError(message)
    height, width, unit, rows, columns = found.groups()
    return PixelSize(float(height), float(width), unit, int(rows), int(columns))


def cycles_per(unit: str, size: PixelSize, resolution: int | None) -> float:
    """Return what one cycle per pixel, as analysed, is in cycles per unit.

    Parameters
    ----------
    resolution
        Pixels of the shorter side after resizing; None where nothing was resized.

    Raises
    ------
    UsageError
        If pixels are not of a size that can be told in the unit, or are not square.

    Examples
    --------
    >>> size = parse_pixel_size("0.5x0.5 mm, 256x256 pixels")
    >>> cycles_per("mm", size, None), cycles_per("cm", size, 128)
    (2.0, 10.0)
    """
    for scale in (LENGTHS, ANGLES):
        if unit in scale and size.unit in scale:
            break
    else:
        names = ", ".join(LENGTHS if size.unit in LENGTHS else ANGLES)
        message = (
            f"pixels are {size.height:.4g} {size.unit}, which cannot be told in "
            f"{unit!r}; choose --units from {names}"
        )
        raise UsageError(message)
    if not size.is_square:
        message = (
            f"pixels are {size.height:.4g}x{size.width:.4g} {size.unit}, not square: "
            "rings have no one frequency; resample the images first"
        )
        raise UsageError(message)
    shrunk = 1.0 if resolution is None else min(size.rows, size.columns) / resolution
    return scale[unit] / (scale[size.unit] * size.height * shrunk)
