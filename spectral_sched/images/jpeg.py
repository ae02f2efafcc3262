"""JPEG pictures: which decoder, at which scale, and whether colour was thinned out.

simplejpeg decodes if it is installed, and Pillow otherwise or on any doubt. Both use
libjpeg-turbo with the accurate transform and the smooth upsampling of colour, and give
the same values (tests hold that for all subsamplings, qualities and odd sizes).

Scaled decoding leaves out the upper frequencies of each block of 8x8. Where at least
twice the wanted side is left to the resizing (Lanczos), that changes the power by, on
photographs of 321x481 at --resolution 80, 60, 40 and 20: below 0.2 cycles per pixel by
2 % at most, at 0.3 to 0.4 by -3 to -8 %, at 0.45 to 0.5 by -6 to -14 %, and in the
corners by -12 to -21 %. sigma_min, which goes with the square root, falls by 3 to 7 %.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from .modes import raster
from .raster import Raster

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

KNOWN_COLORS = {("YCbCr", "RGB"): "RGB", ("Gray", "L"): "GRAY"}
"""What simplejpeg is asked for, by the colours of the file and Pillow's mode."""

THINNED = {"444": False, "Gray": False} | dict.fromkeys(("440", "422", "420"), True)
"""Whether colour is stored at a lower resolution, by simplejpeg's name for it."""

START, SCAN, JFIF = b"\xff\xd8", 0xDA, 0xE0
SHORTEST_JFIF = 16
PLAIN_SEGMENTS = frozenset({0xC0, 0xC2, 0xC4, 0xDB, 0xDD, JFIF, 0xFE})
"""Frames, tables, intervals, JFIF and comments: no orientation and no other picture."""


CORRUPT = re.compile(r"(Corrupt JPEG data(?!.*extraneous)|Premature end)")
"""What the JPEG library says of data that it makes up pixels for.

Extraneous bytes before a marker are passed over, and every pixel is read.
"""


class CorruptJpegError(ValueError):
    """The data of a JPEG are corrupt, so that some of its pixels would be made up."""


class PlainJpeg(NamedTuple):
    """What the header of a JPEG says that has no more to it than its picture.

    Attributes
    ----------
    color
        What simplejpeg is asked for.
    subsampled
        Whether colour is stored at a lower resolution than brightness.
    """

    width: int
    height: int
    color: str
    subsampled: bool


def plain_jpeg(content: bytes) -> PlainJpeg | None:
    """Return the header of a plain JPEG, which takes Pillow much longer to read.

    None is returned for all that Pillow is to look at: another format, doubtful or
    unknown segments, and such as may hold an orientation.
    """
    decoder = _simplejpeg()
    if decoder is None or not _is_plain(content):
        return None
    try:
        height, width, colors, sampling = decoder.decode_jpeg_header(content)
        color = {"YCbCr": "RGB", "Gray": "GRAY"}[colors]
        return PlainJpeg(width, height, color, THINNED[sampling])
    except (KeyError, ValueError):
        return None


def _is_plain(content: bytes) -> bool:
    place = len(START)
    if not content.startswith(START):
        return False
    while content[place : place + 1] == b"\xff":
        marker = int.from_bytes(content[place + 1 : place + 2])
        length = int.from_bytes(content[place + 2 : place + 4])
        if marker == SCAN:
            return True
        if marker not in PLAIN_SEGMENTS or (marker == JFIF and length < SHORTEST_JFIF):
            return False
        place += 2 + length
    return False


def plain_raster(plain: PlainJpeg, content: bytes) -> Raster | None:
    """Decode a plain JPEG; None leaves what simplejpeg cannot decode to Pillow.

    Raises
    ------
    CorruptJpegError
        If the library finds its data corrupt, which Pillow reads on from in silence.
    """
    values = _decode(content, plain.color)
    return None if values is None else Raster(values, subsampled=plain.subsampled)


def _decode(content: bytes, color: str) -> NDArray[Any] | None:
    try:
        values: NDArray[Any] = _simplejpeg().decode_jpeg(content, color)
    except ValueError as error:
        if CORRUPT.match(str(error)):
            raise CorruptJpegError(str(error)) from error
        return None
    return values


def jpeg_raster(image: Image.Image, content: bytes, least: int | None) -> Raster:
    """Decode an opened JPEG.

    Parameters
    ----------
    least
        If given, the picture may be decoded at a half, a quarter or an eighth of its
        size as long as its shorter side keeps so many pixels.
    """
    subsampled = chroma_subsampled(image)
    if least and min(image.size) >= 2 * least:
        image.draft(None, _smallest(image.size, least))
        return Raster(raster(image).values, subsampled=subsampled)
    values = _simplejpeg_values(image, content)
    whole = raster(image).values if values is None else values
    return Raster(whole, subsampled=subsampled)


def _smallest(size: tuple[int, int], least: int) -> tuple[int, int]:
    shorter = min(size)
    return -(-size[0] * least // shorter), -(-size[1] * least // shorter)


def chroma_subsampled(image: Image.Image) -> bool:
    """Return whether a JPEG stores colour at a lower resolution than brightness."""
    sampling = [layer[1:3] for layer in getattr(image, "layer", [])]
    return len(sampling) == 3 and sampling[0] != sampling[1]


@lru_cache(maxsize=1)
def _simplejpeg() -> Any:
    try:
        import simplejpeg
    except ImportError:
        return None
    return simplejpeg


def _simplejpeg_values(image: Image.Image, content: bytes) -> NDArray[Any] | None:
    decoder = _simplejpeg()
    if decoder is None or image.format != "JPEG":
        return None
    try:
        height, width, colors, _ = decoder.decode_jpeg_header(content)
        wanted = KNOWN_COLORS[colors, image.mode]
        if image.size != (width, height):
            return None
    except (KeyError, ValueError):
        return None
    return _decode(content, wanted)
