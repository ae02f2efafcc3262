"""JPEG images: which decoder, at which scale, and whether colour was thinned out.

simplejpeg decodes, because it tells of corrupt data, and Pillow decodes the few kinds
that simplejpeg does not, unchecked. Both use libjpeg-turbo with the accurate transform
and the smooth upsampling of colour, and give the same values (tests hold that for all
subsamplings, qualities, scales and odd sizes).

Scaled decoding leaves out the upper frequencies of each block of 8x8. Where at least
twice the wanted side is left to the resizing (Lanczos), that changes the power by, on
photographs of 321x481 at --resolution 80, 60, 40 and 20: below 0.2 cycles per pixel by
2 % at most, at 0.3 to 0.4 by -3 to -8 %, at 0.45 to 0.5 by -6 to -14 %, and in the
corners by -12 to -21 %. sigma_min, which goes with the square root, falls by 3 to 7 %.
What has too many pixels to be decoded as a whole is scaled as little as it takes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from spectral_sched.errors import ImageError
from spectral_sched.images.beside import (
    COMMENT,
    FILL,
    JFIF,
    JPEG_END,
    JPEG_MARK,
    JPEG_SCAN,
    WHOLE,
    jpeg_segments,
)
from spectral_sched.images.limits import MAX_PIXELS
from spectral_sched.images.modes import raster
from spectral_sched.images.raster import Raster

from .strict_jpeg import decoder, strict_values

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

THINNED = {"444": False, "Gray": False} | dict.fromkeys(("440", "422", "420"), True)
"""Whether colour is stored at a lower resolution, by simplejpeg's name for it."""

PLAIN_SEGMENTS = frozenset({0xC0, 0xC2, 0xC4, 0xDB, 0xDD, JFIF, COMMENT, JPEG_SCAN})
"""Frames, tables, intervals, JFIF and comments: no orientation and no other image."""


FAST_MARGIN = 2
"""Scaled decoding leaves at least this many times the wanted side to the resizing."""

DIVISORS = (2, 4, 8)
"""Of the sides of a JPEG, which the last one always brings below `MAX_PIXELS`."""

MAX_KEPT_BYTES = 3 << 27
BYTES_PER_SAMPLE = 2
"""Of the coefficients of a JPEG in several passes, all of which are kept."""

MAX_PLAIN_PIXELS = MAX_KEPT_BYTES // (BYTES_PER_SAMPLE * 3)
"""Of a JPEG of at most three colours that cannot keep too much, whatever it is like."""


class Scaling(NamedTuple):
    """How far a JPEG may be scaled while it is decoded.

    Attributes
    ----------
    resolution
        The side that is wanted in the end; None forbids scaling.
    fast
        Whether to scale every large one, not only those that are too large otherwise.
    """

    resolution: int | None = None
    fast: bool = False


WHOLE_SIZE = Scaling()


class PlainJpeg(NamedTuple):
    """What the header of a JPEG says that has no more to it than its image.

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
    if not _is_plain(content):
        return None
    try:
        height, width, colors, sampling = decoder().decode_jpeg_header(content)
        color = {"YCbCr": "RGB", "Gray": "GRAY"}[colors]
        return PlainJpeg(width, height, color, THINNED[sampling])
    except (KeyError, ValueError):
        return None


def _is_plain(content: bytes) -> bool:
    if not content.startswith(JPEG_MARK):
        return False
    for marker, place, end in jpeg_segments(content):
        if marker == JPEG_SCAN:
            return True
        short = marker == JFIF and end - place - 2 < WHOLE[JFIF]
        if short or marker not in PLAIN_SEGMENTS:
            return False
    return False


def plain_raster(plain: PlainJpeg, content: bytes) -> Raster | None:
    """Decode a plain JPEG; None leaves one with anything wrong to `jpeg_raster`."""
    try:
        values: NDArray[Any] = decoder().decode_jpeg(content, plain.color)
    except ValueError:
        return None
    return Raster(values, subsampled=plain.subsampled)


def jpeg_raster(
    image: Image.Image, content: bytes, name: str, scaling: Scaling
) -> Raster:
    """Decode an opened JPEG.

    Raises
    ------
    ImageError
        If it is too large to be decoded as a whole and may not be scaled as far as it
        takes.
    CorruptJpegError
        If its data are corrupt.
    """
    whole = image.size
    size = _wanted_size(image, content, name, scaling)
    if size:
        image.draft(None, size)
    values = strict_values(image, content, whole)
    picture = raster(image) if values is None else Raster(values)
    return replace(
        picture, subsampled=chroma_subsampled(image), unchecked=values is None
    )


def _wanted_size(
    image: Image.Image, content: bytes, name: str, scaling: Scaling
) -> tuple[int, int] | None:
    """Return the least size that a JPEG is to be decoded at; None means its own."""
    width, height = image.size
    _check_kept(image, content, name)
    if width * height > MAX_PIXELS:
        return _fraction(image, name, scaling)
    least = FAST_MARGIN * (scaling.resolution or 0) if scaling.fast else 0
    if least and min(image.size) >= 2 * least:
        return _smallest(image.size, least)
    return None


def _fraction(image: Image.Image, name: str, scaling: Scaling) -> tuple[int, int]:
    """Return the least size that a huge JPEG is to be decoded at."""
    width, height = image.size
    divisor = _divisor(width * height)
    most = min(image.size) // divisor // FAST_MARGIN
    if scaling.resolution is None or scaling.resolution > most:
        message = (
            f"{name} has {width}x{height} pixels, more than {MAX_PIXELS}; choose a "
            f"--resolution of at most {most}, or make it smaller first"
        )
        raise ImageError(message, "too large")
    size = width // divisor, height // divisor
    least = scaling.resolution * FAST_MARGIN
    smallest = _smallest(image.size, least) if scaling.fast else size
    return min(size[0], smallest[0]), min(size[1], smallest[1])


def _divisor(pixels: int) -> int:
    """Return by how much the sides of a huge JPEG have to be divided."""
    return next(divisor for divisor in DIVISORS if pixels <= MAX_PIXELS * divisor**2)


def _check_kept(image: Image.Image, content: bytes, name: str) -> None:
    kept = _kept_bytes(image, content)
    if kept > MAX_KEPT_BYTES:
        message = (
            f"{name} has {image.width}x{image.height} pixels in several passes, which "
            f"take {kept >> 20} MB to decode; save it in one (baseline) or make it "
            "smaller"
        )
        raise ImageError(message, "too large")


def _kept_bytes(image: Image.Image, content: bytes) -> int:
    """Return what the JPEG library keeps until all passes are read."""
    start = next(
        place for mark, place, _ in jpeg_segments(content) if mark == JPEG_SCAN
    )
    end = content.find(JPEG_END, start)
    scans = content.count(bytes([FILL, JPEG_SCAN]), start, end if end > 0 else None)
    if scans == 1 and not image.info.get("progressive"):
        return 0
    layers = [layer[1:3] for layer in image.layer]  # type: ignore[attr-defined]
    most = max(h for h, _ in layers) * max(v for _, v in layers)
    samples = sum(h * v for h, v in layers) / most
    return int(BYTES_PER_SAMPLE * image.width * image.height * samples)


def _smallest(size: tuple[int, int], least: int) -> tuple[int, int]:
    shorter = min(size)
    return -(-size[0] * least // shorter), -(-size[1] * least // shorter)


def chroma_subsampled(image: Image.Image) -> bool:
    """Return whether a JPEG stores colour at a lower resolution than brightness."""
    sampling = [layer[1:3] for layer in getattr(image, "layer", [])]
    return len(sampling) == 3 and sampling[0] != sampling[1]
