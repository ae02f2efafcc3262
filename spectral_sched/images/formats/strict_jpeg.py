"""JPEG data decoded by simplejpeg, which passes on what libjpeg-turbo warns of.

Pillow reads on in silence where the data are corrupt, and the pixels are made up. On 60
photographs with one byte of the scan changed, ten times each, the library warns of
37 %: nearly all of these have data left over at the end, and 42 % of their pixels are
wrong in the median. In the others 0.03 % are, and nothing in the file can tell.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from spectral_sched.images.beside import without
from spectral_sched.images.raster import rawmode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

COLORS = {
    ("YCbCr", "RGB"): "RGB",
    ("RGB", "RGB"): "RGB",
    ("Gray", "L"): "GRAY",
    ("CMYK", "CMYK"): "CMYK",
    ("YCCK", "CMYK"): "CMYK",
}
"""What simplejpeg is asked for, by the colours of the file and Pillow's mode."""

CORRUPT = re.compile(r"Corrupt JPEG data|Premature end|Inconsistent progression")
"""What the library says of data that it makes up pixels for.

All else that it says is of a file that it cannot decode, or of an odd header.
"""

INVERTED = "CMYK;I"


class CorruptJpegError(ValueError):
    """The data of a JPEG are corrupt, so that some of its pixels would be made up."""


def decoder() -> Any:
    """Return simplejpeg, loaded when the first JPEG is met."""
    import simplejpeg

    return simplejpeg


def strict_values(
    image: Image.Image, content: bytes, whole: tuple[int, int]
) -> NDArray[Any] | Image.Image | None:
    """Decode an opened JPEG; None stands for one that simplejpeg does not decode.

    Parameters
    ----------
    image
        As Pillow opened it, at the size that it is wanted in.
    whole
        Width and height in the file.

    Raises
    ------
    CorruptJpegError
        If the library finds the data corrupt.
    """
    values = _checked_values(image, content, whole)
    if values is None or image.mode != "CMYK":
        return values
    if rawmode(image) == INVERTED:
        np.bitwise_not(values, out=values)
    return Image.frombuffer("CMYK", image.size, values, "raw", "CMYK", 0, 1)


def _checked_values(
    image: Image.Image, content: bytes, whole: tuple[int, int]
) -> NDArray[Any] | None:
    told = ""
    for data in _as_stored_and_bare(content):
        try:
            return _values(image, data, whole)
        except (KeyError, ValueError) as error:
            told = str(error)
    if CORRUPT.match(told):
        raise CorruptJpegError(told)
    return None


def _as_stored_and_bare(content: bytes) -> Iterator[bytes]:
    """Yield a JPEG, and without what is beside its pixels if that is another one.

    The library tells its first warning only, so one of an odd header hides others.
    """
    yield content
    bare = without(content, exif_too=True)
    if bare != content:
        yield bare


def _values(
    image: Image.Image, content: bytes, whole: tuple[int, int]
) -> NDArray[Any] | None:
    """Return pixels, or None if the library takes the file for another image."""
    width, height = image.size
    least = {} if image.size == whole else {"min_width": width, "min_height": height}
    *stored, colors, _ = decoder().decode_jpeg_header(content)
    if tuple(stored) != whole[::-1]:
        return None
    wanted = COLORS[colors, image.mode]
    values: NDArray[Any] = decoder().decode_jpeg(content, wanted, **least)
    return values if values.shape[:2] == (height, width) else None


def check_jpeg(content: bytes | memoryview, most_pixels: int) -> bool:
    """Return whether a JPEG could be checked, of which only that is wanted.

    Raises
    ------
    CorruptJpegError
        If the library finds its data corrupt, or it has more pixels than it should.
    """
    try:
        height, width, *_ = decoder().decode_jpeg_header(content)
        if width * height <= most_pixels:
            decoder().decode_jpeg(content, "GRAY")
            return True
    except ValueError as error:
        if CORRUPT.match(str(error)):
            raise CorruptJpegError(str(error)) from error
        return False
    message = f"a JPEG in it claims {width}x{height} pixels"
    raise CorruptJpegError(message)
