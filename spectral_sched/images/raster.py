"""One decoded picture, and how Pillow's modes become one.

Palettes, CMYK, YCbCr and Lab become RGB; 1 to 8 bits are read as 8, 16 bits as 16;
numbers of 32 bits keep their values, whose range the file does not tell.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMATS = (
    *("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "QOI", "TGA"),
    *("TIFF", "WEBP"),
)
"""Formats that are read, by Pillow's names; none of their readers executes anything.

PostScript, for one, is not among them, because Ghostscript would run it."""


@dataclass(frozen=True, eq=False)
class Raster:
    """One decoded picture.

    Attributes
    ----------
    values
        Integers or floats of shape (H, W, C), C being 1 (grey) or 3 (RGB); or the same
        as a picture of Pillow's, if it has 8 bits.
    high
        The value of white, black being 0; None if it is not known.
    opacity
        From 0 to `high`, (H, W); None if the picture is opaque.
    subsampled
        Whether the colour was stored at a lower resolution than the brightness.
    """

    values: NDArray[Any] | Image.Image
    high: float | None = 255.0
    opacity: NDArray[Any] | None = None
    subsampled: bool = False

    @property
    def array(self) -> NDArray[Any]:
        """The values as an array."""
        return array_of(self.values)


def open_image(content: bytes) -> ImageFile.ImageFile:
    """Open a picture without decoding it."""
    return Image.open(io.BytesIO(content), formats=_formats())


@lru_cache(maxsize=1)
def _formats() -> tuple[str, ...]:
    # Not every build of Pillow has them all.
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def array_of(values: NDArray[Any] | Image.Image) -> NDArray[Any]:
    """Return values as an array (H, W, C)."""
    array = np.asarray(values)
    return array[..., None] if array.ndim == 2 else array


def raster(image: Image.Image) -> Raster:
    """Decode an opened picture as deep as Pillow does."""
    key = _transparent_color(image)
    image.load()
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _wide_grey(image, key)
    if image.mode in ("1", "L", "RGB"):
        picture = image.convert("L") if image.mode == "1" else image
        return (
            Raster(picture)
            if key is None
            else apply_transparency(array_of(picture), key, 255.0)
        )
    if image.has_transparency_data:
        grey = image.mode in ("LA", "La")
        return split_channels(array_of(image.convert("LA" if grey else "RGBA")), 255.0)
    return Raster(image.convert("RGB"))


def _wide_grey(image: Image.Image, key: Any) -> Raster:
    values = array_of(image)
    if image.mode.startswith("I;16") or (image.mode, image.format) == ("I", "PPM"):
        values = values.astype(np.uint16)
        return (
            Raster(values, 65535.0)
            if key is None
            else apply_transparency(values, key, 65535.0)
        )
    return Raster(values, None)


def _transparent_color(image: Image.Image) -> Any:
    key = image.info.get("transparency")
    depth = rawmode(image).partition(";")[2]
    if image.format == "PNG" and image.mode == "L" and depth.isdigit():
        # Pillow leaves the key of a grey PNG in the depth of the file.
        return key and key * 255 // (2 ** int(depth) - 1)
    return key


def rawmode(image: Image.Image) -> str:
    """Return how the values lie in the file of a picture not yet decoded."""
    if not isinstance(image, ImageFile.ImageFile) or not image.tile:
        return ""
    arguments = image.tile[0].args
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def split_channels(values: NDArray[Any], high: float | None) -> Raster:
    """Return a picture whose last channel is its opacity."""
    return Raster(values[..., :-1], high, values[..., -1])


def apply_transparency(values: NDArray[Any], key: Any, high: float) -> Raster:
    """Return a picture in which one colour is transparent."""
    opaque = np.any(values != np.array(key), axis=-1)
    return Raster(values, high, opaque * values.dtype.type(high))
