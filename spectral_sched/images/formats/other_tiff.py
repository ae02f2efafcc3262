"""TIFF images that Pillow does not read as they are, decoded by tifffile (an extra).

Planes and opacity of 16 bits, CMYK of 16, 9 to 15 bits, signed numbers, and floats and
long integers in colour.
"""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.errors import ImageError
from spectral_sched.images.limits import IN_STRIPS, check_room, check_size
from spectral_sched.images.raster import Raster, split_channels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

APART = 2
"""Values of one channel lie together, in planes."""

ORIENTATION, INKS = 274, 332
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, SEPARATED = 0, 1, 2, 5
COLORS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, SEPARATED: 4}
"""How many values make a colour, of the kinds that are read."""

WEBP = 50001
PACKINGS = frozenset({1, 5, 8, 32773, 32946, 34925, 50000, WEBP})
"""None, LZW, Deflate, PackBits, Deflate as it was, LZMA, Zstandard and WebP."""

UNSPECIFIED, ASSOCIATED = 0, 1
"""What a value beside the colour is: unknown, or opacity that colours are times of."""

FEWEST_BITS, MOST_BITS = 8, 16
"""Depths of unsigned numbers whose greatest is taken for white."""

MOST_BYTES = 3 << 27
"""What the values of an image may take."""

ROWS_AT_ONCE = 256


def other_tiff(content: bytes, name: str, *, whole: bool) -> Raster:
    """Decode the first page of a TIFF.

    Parameters
    ----------
    whole
        Whether it is known to be an image.

    Raises
    ------
    ImageError
        If tifffile is not installed, or the image is damaged, of a kind that is not
        read, or too large.
    """
    try:
        import imagecodecs  # noqa: F401 - tifffile asks for it
        import tifffile
    except ImportError as error:
        message = (
            f"{name} is {'' if whole else 'damaged or '}a TIFF that takes a package "
            "which is not installed; install it with: "
            "pip install 'spectral-sched[tiff]'"
        )
        reason = "package not installed" if whole else "not an image"
        raise ImageError(message, reason) from error
    try:
        file = tifffile.TiffFile(io.BytesIO(content))
    except tifffile.TiffFileError as error:
        message = f"{name} is damaged or not an image that specsched reads"
        raise ImageError(message, "not an image") from error
    with file:
        return _page(file.pages[0], len(content), name)


def _page(page: Any, num_bytes: int, name: str) -> Raster:
    check_size(page.imagewidth, page.imagelength, num_bytes, name)
    for problem in _problems(page):
        message = f"{name} {problem}"
        raise ImageError(message, "unknown kind of TIFF")
    if is_cut(page, num_bytes):
        message = f"{name} is damaged: its values are cut short"
        raise ImageError(message, "damaged")
    check_room(num_bytes + _bytes_at_once(page), name, IN_STRIPS)
    # Axes: planes, depth, rows, columns, values of a pixel.
    whole: NDArray[Any] = page.asarray(squeeze=False, maxworkers=1)[:, 0]
    values = np.moveaxis(whole[..., 0], 0, -1) if len(whole) > 1 else whole[0]
    unsigned = page.dtype.kind == "u" and page.bitspersample <= MOST_BITS
    high = float(2**page.bitspersample - 1) if unsigned else None
    return replace(
        _colored(values, page, high),
        inverted=page.photometric == WHITE_IS_ZERO,
        orientation=_orientation(page),
    )


def _bytes_at_once(page: Any) -> int:
    """Return what the values take, and a piece of them before it is put in place."""
    piece = math.prod(page.chunks) * page.dtype.itemsize
    colors = 3 * page.nbytes // 4 if page.photometric == SEPARATED else 0
    found: int = page.nbytes + max(piece + max(page.databytecounts, default=0), colors)
    return found


def _orientation(page: Any) -> int:
    found = getattr(page.tags.get(ORIENTATION), "value", 1)
    return found if isinstance(found, int) and found in range(1, 9) else 1


def _colored(values: NDArray[Any], page: Any, high: float | None) -> Raster:
    colors = COLORS[page.photometric]
    if page.photometric == SEPARATED and high is not None:
        return Raster(_rgb(values, high), high)
    extra = page.extrasamples[0] if page.extrasamples else UNSPECIFIED
    beside = values.shape[2] - colors
    if not beside or extra == UNSPECIFIED:
        return Raster(values[..., :colors], high, bands_left=beside)
    picture = split_channels(values[..., : colors + 1], high)
    multiplied = extra == ASSOCIATED
    return replace(picture, multiplied=multiplied, bands_left=beside - 1)


def _rgb(inks: NDArray[Any], high: float) -> NDArray[Any]:
    """Return CMYK as RGB, as Pillow makes it of 8 bits."""
    colors = np.empty((*inks.shape[:2], 3), inks.dtype.newbyteorder("="))
    for top in range(0, len(inks), ROWS_AT_ONCE):
        rows = slice(top, top + ROWS_AT_ONCE)
        light = 1 - inks[rows].astype(np.float64) / high
        colors[rows] = np.rint(high * light[..., :3] * light[..., 3:])
    return colors


def _problems(page: Any) -> Iterator[str]:
    """Yield why a page is not decoded."""
    if page.dtype is None or page.dtype.kind not in "iuf":
        yield "holds no numbers of one type"
    elif page.dtype.kind == "u" and page.bitspersample < FEWEST_BITS:
        yield f"has {page.bitspersample} bits in a way that is not read; save it as 8"
    elif page.photometric not in COLORS:
        yield "has colours that are not read at this depth; save it as RGB"
    elif page.compression not in PACKINGS:
        yield "is packed in an unusual way; save it without compression"
    elif page.imagedepth != 1:
        yield "is a volume; save its layers as images"
    elif page.nbytes > MOST_BYTES:
        yield f"takes {page.nbytes} bytes, more than {MOST_BYTES}; make it smaller"
    else:
        yield from _odd_channels(page)


def _odd_channels(page: Any) -> Iterator[str]:
    """Yield why the channels of a page are not a colour."""
    beside = page.samplesperpixel - COLORS[page.photometric]
    integers = page.dtype.kind == "u" and page.bitspersample <= MOST_BITS
    if beside < 0 or (beside > 1 and COLORS[page.photometric] == 1):
        yield (
            f"has {page.samplesperpixel} channels of no known colour; save it as RGB, "
            "or take them as bands with --bands all"
        )
    elif page.photometric == WHITE_IS_ZERO and ASSOCIATED in page.extrasamples:
        yield "has opacity beside white that is zero; save it with black as zero"
    elif page.photometric == SEPARATED:
        inks = getattr(page.tags.get(INKS), "value", 1)
        if inks != 1 or beside or not integers:
            yield "has inks that are not read at this depth; save it as RGB"


def is_cut(page: Any, num_bytes: int) -> bool:
    """Return whether a file ends before the values of a page of it do."""
    # Missing pieces would be read as zeros.
    places = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    whole = all(size > 0 and start + size <= num_bytes for start, size in places)
    return not whole or len(places) != int(np.prod(page.chunked))
