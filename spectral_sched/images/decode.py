"""The bytes of one image to upright values at their true depth.

An image is refused before it is decoded when it has over `MAX_PIXELS` pixels, or so
many per byte that it can only be forged or a bomb: no file shall make a process take a
gigabyte. An image whose pixels are damaged is refused too, never half read.
"""

from __future__ import annotations

import struct
import warnings
from contextlib import suppress
from dataclasses import replace

from PIL import Image, UnidentifiedImageError

from spectral_sched.errors import ImageError

from .beside import PNG_MARK, check_png_rows, sound_png, without
from .formats.jpeg import (
    MAX_PLAIN_PIXELS,
    WHOLE_SIZE,
    Scaling,
    jpeg_raster,
    plain_jpeg,
    plain_raster,
)
from .formats.sixteen_bit import deep_raster, is_deep
from .formats.strict_jpeg import CorruptJpegError
from .formats.tiff import is_tiff, tiff_raster
from .limits import (
    HEAVY,
    MAX_DEEP_PIXELS,
    MAX_HEAVY_PIXELS,
    MAX_PIXELS,
    check_expansion,
    check_size,
)
from .modes import raster
from .raster import Raster, array_of, open_image

EXIF_ORIENTATION = 0x0112
EXIF_ERRORS = (OSError, SyntaxError, ValueError, struct.error)
"""What Pillow raises on damaged EXIF: the second and last of these, on 60,000 tries.

Anything else ends like damaged pixels do, and `without` leaves the EXIF out then."""


def decode(content: bytes, name: str, scaling: Scaling = WHOLE_SIZE) -> Raster:
    """Decode one image and turn it as its EXIF orientation says.

    Parameters
    ----------
    scaling
        How far a JPEG may be scaled while it is decoded.

    Raises
    ------
    ImageError
        If the image is damaged, of an unknown kind or too large.
    MemoryError
        If there is no memory left for it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decoded(content, name, scaling)
    except (ImageError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        message = f"{name} is damaged or not an image that specsched reads"
        raise ImageError(message, "not an image") from error
    except Image.DecompressionBombError as error:
        message = f"{name} is too large to decode; make it smaller first"
        raise ImageError(message, "too large") from error
    except Exception as error:
        # Pillow's readers raise whatever they run into in the bytes of a damaged file.
        message = f"{name} is damaged{_because(error)}"
        raise ImageError(message, "damaged") from error


def _because(error: Exception) -> str:
    told = isinstance(error, OSError | SyntaxError | ValueError) and str(error)
    return f": {told}" if told else ""


def _decoded(content: bytes, name: str, scaling: Scaling) -> Raster:
    if is_tiff(content):
        return tiff_raster(content, name)
    if content.startswith(PNG_MARK):
        content = sound_png(content)
    try:
        return _opened(content, name, scaling)
    except (ImageError, CorruptJpegError, Image.DecompressionBombError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - raised below
        failure = error
    for exif_too in (False, True):
        bare = without(content, exif_too=exif_too)
        if bare != content:
            # Pixels that cannot be read now either are told of as they were first.
            with suppress(Exception):
                return _opened(bare, name, scaling)
    try:
        raise failure
    finally:
        # It leads to this frame, and so would keep the image until a collection.
        del failure


def _opened(content: bytes, name: str, scaling: Scaling) -> Raster:
    plain = None if scaling.fast else plain_jpeg(content)
    if plain and plain.width * plain.height <= MAX_PLAIN_PIXELS:
        check_expansion(plain.width, plain.height, len(content), name)
        picture = plain_raster(plain, content)
        if picture:
            return picture
    with open_image(content) as image:
        picture = _raster(image, content, name, scaling)
        orientation = _orientation(image)
        return replace(picture, orientation=orientation) if orientation > 1 else picture


def _orientation(image: Image.Image) -> int:
    """Return how an image is to be turned; 1 where its EXIF is damaged."""
    try:
        found = image.getexif().get(EXIF_ORIENTATION)
    except EXIF_ERRORS:
        return 1
    return found if isinstance(found, int) and found in range(2, 9) else 1


def _raster(image: Image.Image, content: bytes, name: str, scaling: Scaling) -> Raster:
    num_bytes = len(content)
    if image.format in ("JPEG", "MPO"):
        check_expansion(image.width, image.height, num_bytes, name)
        return jpeg_raster(image, content, name, scaling)
    check_size(image.width, image.height, num_bytes, name, _most_pixels(image))
    return _png_raster(image, content, name) if image.format == "PNG" else raster(image)


def _png_raster(image: Image.Image, content: bytes, name: str) -> Raster:
    picture = deep_raster(image, content, name)
    width, height = picture.size
    last = picture.part((0, height - 1, width, height))
    if image.info.get("interlace") or not array_of(last.values).any():
        check_png_rows(content)
    return picture


def _most_pixels(image: Image.Image) -> int:
    if image.format in HEAVY:
        return MAX_HEAVY_PIXELS
    return MAX_DEEP_PIXELS if is_deep(image) else MAX_PIXELS
