"""One decoded image, as it lies in its file, of which parts can be had upright.

Nothing of it is copied before it is asked for, so that a large image takes the memory
of its decoded file and no more.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from .beside import JPEG_MARK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

FORMATS = (
    *("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "QOI", "TGA"),
    *("TIFF", "WEBP"),
)
"""Formats that are read, by Pillow's names; none of their readers executes anything.

PostScript, for one, is not among them, because Ghostscript would run it."""

LYING, UPSIDE_DOWN, MIRRORED = (5, 6, 7, 8), (3, 4, 7, 8), (2, 3, 6, 7)
"""EXIF orientations whose axes, whose rows and whose columns are exchanged."""

ROWS_AT_ONCE = 256

Box = tuple[int, int, int, int]
"""Left, top, right and bottom of a part of an upright image."""


@dataclass(frozen=True, eq=False)
class Raster:
    """One decoded image.

    Attributes
    ----------
    values
        Integers or floats of shape (H, W, C), C being 1 (grey), 3 (RGB) or the number
        of bands, in any order of bytes; or an image of Pillow's in any mode.
    high, low
        The values of white and black, of all bands or of each, (C,); None if the first
        is not known.
    opacity
        From 0 to `high`, (H, W); None if the image is opaque or Pillow's.
    subsampled
        Whether the colour was stored at a lower resolution than the brightness.
    inverted
        Whether the least value is white and the greatest black.
    multiplied
        Whether the values are times their opacity.
    key
        The colour that is transparent, if one is.
    pages_left
        How many pages of its file come after it and are not read.
    unchecked
        Whether nothing could tell corrupt data in its file from others.
    orientation
        How it is to be turned, from 1 (as it lies) to 8, as in EXIF.
    bands_left
        How many bands of its file are neither colour nor opacity and not read.
    chosen
        Whether its channels are the bands that are wanted.
    nodata
        The value that its file says stands for a missing one, if it does.
    valid
        Which values are there, (H, W) or (H, W, C); None for all.
    window
        Black and white of the display window that its file has, if it has one.
    """

    values: NDArray[Any] | Image.Image
    high: Any = 255.0
    opacity: NDArray[Any] | None = None
    subsampled: bool = False
    inverted: bool = False
    multiplied: bool = False
    key: Any = None
    pages_left: int = 0
    unchecked: bool = False
    orientation: int = 1
    bands_left: int = 0
    chosen: bool = False
    nodata: float | None = None
    valid: NDArray[np.bool_] | None = None
    low: Any = 0.0
    window: tuple[Any, Any] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height once it is upright."""
        width, height = size_of(self.values)
        return (height, width) if self.orientation in LYING else (width, height)

    def part(self, box: Box) -> Raster:
        """Return a part of the image, upright."""
        if self.orientation == 1 and box == (0, 0, *self.size):
            return self
        return replace(
            self,
            values=self._cut(self.values, box),
            opacity=None if self.opacity is None else self._cut(self.opacity, box),
            orientation=1,
        )

    def _cut(self, values: Any, box: Box) -> Any:
        left, top, right, bottom = self._place(box)
        if isinstance(values, Image.Image):
            return turn(values.crop((left, top, right, bottom)), self.orientation)
        return orient(values[top:bottom, left:right], self.orientation)

    def _place(self, box: Box) -> Box:
        """Return where a part of the upright image lies in the stored one."""
        (left, top, right, bottom), (width, height) = box, self.size
        if self.orientation in MIRRORED:
            left, right = width - right, width - left
        if self.orientation in UPSIDE_DOWN:
            top, bottom = height - bottom, height - top
        lying = self.orientation in LYING
        return (top, left, bottom, right) if lying else (left, top, right, bottom)


def orient(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return an array (H, W, ...) as an EXIF orientation from 1 to 8 says."""
    if orientation in LYING:
        values = np.swapaxes(values, 0, 1)
    if orientation in UPSIDE_DOWN:
        values = values[::-1]
    if orientation in MIRRORED:
        values = values[:, ::-1]
    return values


def turn(image: Image.Image, orientation: int) -> Image.Image:
    """Return an image of Pillow's as an EXIF orientation from 1 to 8 says."""
    if orientation in LYING:
        image = image.transpose(Image.Transpose.TRANSPOSE)
    if orientation in UPSIDE_DOWN:
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    if orientation in MIRRORED:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image


def size_of(values: NDArray[Any] | Image.Image) -> tuple[int, int]:
    """Return width and height."""
    if isinstance(values, Image.Image):
        return values.size
    return values.shape[1], values.shape[0]


def open_image(content: bytes) -> ImageFile.ImageFile:
    """Open an image without decoding it."""
    try:
        return Image.open(io.BytesIO(content), formats=_formats())
    except Image.DecompressionBombError:
        if not content.startswith(JPEG_MARK):
            raise
        # Of all formats, this one need not be decoded at its full size.
        return JpegImageFile(io.BytesIO(content))


@lru_cache(maxsize=1)
def _formats() -> tuple[str, ...]:
    # Not every build of Pillow has them all.
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def array_of(values: NDArray[Any] | Image.Image) -> NDArray[Any]:
    """Return values as an array (H, W, C)."""
    array = np.asarray(values)
    return array[..., None] if array.ndim == 2 else array


def array_in_strips(image: Image.Image) -> NDArray[Any]:
    """Return a large image as an array (H, W, C), in half the room of `array_of`."""
    strips = strips_of(image)
    rows, first = next(strips)
    values = np.empty((image.height, *first.shape[1:]), first.dtype)
    values[rows] = first
    for rows, strip in strips:
        values[rows] = strip
    return values


def strips_of(image: Image.Image) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Yield rows of an image, and what they hold as an array (H, W, C)."""
    for top in range(0, image.height, ROWS_AT_ONCE):
        rows = slice(top, min(top + ROWS_AT_ONCE, image.height))
        yield rows, array_of(image.crop((0, rows.start, image.width, rows.stop)))


def rawmode(image: Image.Image) -> str:
    """Return how the values lie in the file of an image not yet decoded."""
    if not isinstance(image, ImageFile.ImageFile) or not image.tile:
        return ""
    arguments = image.tile[0].args
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def split_channels(values: NDArray[Any], high: float | None) -> Raster:
    """Return an image whose last channel is its opacity."""
    return Raster(values[..., :-1], high, values[..., -1])
