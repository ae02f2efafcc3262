"""TIFF images: those that Pillow reads as they are, and which those are.

Pillow opens many other layouts too and gives numbers that are not in the file, without
a word: bytes of planes of 16 bits as pixels, signed ones as unsigned and the reverse,
white as black, 16 bits as 8. `other_tiff` reads those.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import ImageMode, ImagePalette, UnidentifiedImageError

from spectral_sched.images.limits import (
    IN_STRIPS,
    MAX_DEEP_PIXELS,
    check_pixels,
    check_room,
    check_size,
)
from spectral_sched.images.modes import raster
from spectral_sched.images.raster import Raster, array_in_strips, open_image, rawmode

from .other_tiff import APART, ASSOCIATED, WEBP, WHITE_IS_ZERO, other_tiff
from .quiet import heard_libtiff, quiet_logs
from .sixteen_bit import deep_raster, is_deep
from .tiff_pages import NODATA, first_tags, nodata_of, pages_left
from .tiff_strips import RGBA_BYTES, BrokenStripError, check_strips, unpacked_bytes

if TYPE_CHECKING:
    from PIL import Image

MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
BITS, COMPRESSION, PHOTOMETRIC, COLORS = 258, 259, 262, 320
SAMPLES, PLANES, EXTRA, FORMAT = 277, 284, 338, 339
UNSIGNED, SIGNED = 1, 2
LIBTIFF = "libtiff"
PLAIN = 1
LETTERS = {1: "u", 2: "i", 3: "f"}
"""Types of numpy, by format."""

TWELVE_BITS = 4095.0
NUMBERS = frozenset({"I;16S", "I;16BS", "I;32N", "I;32S", "I;32BS", "F;32F", "F;32BF"})
"""Layouts of one channel without a black and a white."""


def is_tiff(content: bytes) -> bool:
    """Return whether bytes begin as a TIFF does."""
    return content.startswith(MARKS)


def tiff_raster(content: bytes, name: str) -> Raster:
    """Decode the first page of a TIFF to the numbers that it holds, turned upright.

    Raises
    ------
    ImageError
        If that takes a package that is not installed, or the image is too large, of
        an unknown kind or damaged.
    """
    with quiet_logs(), heard_libtiff() as heard:
        picture = _decoded(content, name, heard=heard is not None)
    if heard:
        message = f"libtiff cannot read all of it ({heard[0]})"
        raise BrokenStripError(message)
    left = pages_left(content)
    tag = first_tags(io.BytesIO(content)).get(NODATA)
    nodata = None if tag is None else nodata_of(tag)
    if not left and nodata is None:
        return picture
    return replace(picture, pages_left=left, nodata=nodata)


def _decoded(content: bytes, name: str, *, heard: bool) -> Raster:
    try:
        with open_image(content) as image:
            check_size(image.width, image.height, len(content), name)
            tags: Any = image.tag_v2  # type: ignore[attr-defined]
            pixels = image.width * image.height * _bytes_per_pixel(image.mode)
            check_room(len(content) + _unpacked(image) + pixels, name, IN_STRIPS)
            checked = check_strips(tags, content, heard=heard)
            picture = _as_pillow_reads(image, content, name)
            used = len(image.getbands())
            left = max(0, int(tags.get(SAMPLES, 1)) - used)
    except UnidentifiedImageError:
        return other_tiff(content, name, whole=False)
    if picture is None:
        # Its decoders look at checksums and sizes themselves.
        return other_tiff(content, name, whole=True)
    return replace(picture, bands_left=left, unchecked=not checked)


def _bytes_per_pixel(mode: str) -> int:
    """Return how much memory a pixel of a mode of Pillow's takes."""
    kind = ImageMode.getmode(mode)
    return np.dtype(kind.typestr).itemsize if len(kind.bands) == 1 else RGBA_BYTES


def _unpacked(image: Image.Image) -> int:
    """Return what is unpacked at once beside the image."""
    packed = any(tile.codec_name == LIBTIFF for tile in image.tile)  # type: ignore[attr-defined]
    return unpacked_bytes(image.tag_v2) if packed else 0  # type: ignore[attr-defined]


def _as_pillow_reads(image: Image.Image, content: bytes, name: str) -> Raster | None:
    """Return what Pillow reads rightly, None for anything else."""
    tags: Any = image.tag_v2  # type: ignore[attr-defined]
    layout, depths = rawmode(image), tags.get(BITS, (1,))
    kinds = set(tags.get(FORMAT, (UNSIGNED,)))
    # Pillow comes with a libtiff that was built without WebP.
    if _in_odd_planes(tags) or tags.get(COMPRESSION) == WEBP:
        return None
    if kinds == {UNSIGNED} and max(depths) <= 8:
        _mend_palette(image, tags)
        return raster(image)
    if layout in NUMBERS or is_deep(image):
        check_pixels(image.width, image.height, name, MAX_DEEP_PIXELS)
    if layout in NUMBERS and len(kinds) == 1:
        return _numbers(image, tags)
    if kinds != {UNSIGNED}:
        return None
    if is_deep(image):
        return deep_raster(image, content, name, _unpacked(image))
    if layout == "I;12":
        return replace(raster(image), high=TWELVE_BITS)
    if not layout.startswith("I;16"):
        return None
    return replace(raster(image), inverted=tags.get(PHOTOMETRIC) == WHITE_IS_ZERO)


def _in_odd_planes(tags: Any) -> bool:
    """Return whether values lie in planes that Pillow takes for something else."""
    samples = tags.get(SAMPLES, 1)
    if tags.get(PLANES) != APART or samples == 1:
        return False
    known = max(tags.get(BITS, (1,))) == 8 and samples > 2
    return not known or ASSOCIATED in tags.get(EXTRA, ())


def _mend_palette(image: Image.Image, tags: Any) -> None:
    levels = tags.get(COLORS, ())
    if image.mode in ("P", "PA") and levels and max(levels) < 256:
        # Colours of 8 bits where the standard wants 16, which Pillow takes for black.
        image.palette = ImagePalette.raw("RGB;L", bytes(levels))


def _numbers(image: Image.Image, tags: Any) -> Raster | None:
    kind, depth = tags.get(FORMAT, (UNSIGNED,))[0], tags[BITS][0]
    swapped = "B" in rawmode(image).partition(";")[2]
    if swapped and tags.get(COMPRESSION, PLAIN) != PLAIN:
        # Packed values come in the machine's order of bytes, which Pillow then turns.
        return None
    image.load()
    dtype = np.dtype(f"{LETTERS[kind]}{depth // 8}")
    values = array_in_strips(image)
    same = values.itemsize == dtype.itemsize
    return Raster(
        values.view(dtype) if same else values.astype(dtype),
        None,
        inverted=tags.get(PHOTOMETRIC) == WHITE_IS_ZERO,
    )
