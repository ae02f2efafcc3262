"""Packed strips and tiles of a TIFF: whether they hold what they should.

libtiff, as Pillow has it, stops as soon as a strip is full: it looks at no checksum of
Deflate, throws away what PackBits has too much of, and passes over what libjpeg warns
of. Damaged strips decode to wrong pixels so, without an error.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from spectral_sched.images.inflate import inflated_size
from spectral_sched.images.limits import LARGE_PIXELS
from spectral_sched.words import number_of

from .strict_jpeg import check_jpeg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
BIT_ORDER, SAMPLES = 266, 277
STRIP_PLACES, STRIP_ROWS, STRIP_SIZES, PLANES = 273, 278, 279, 284
TILE_WIDTH, TILE_HEIGHT, TILE_PLACES, TILE_SIZES = 322, 323, 324, 325
JPEG_TABLES = 347
APART, YCBCR = 2, 6
RGBA_BYTES = 4

PLAIN, FAX, FAX_3, OLD_JPEG, JPEG, DEFLATE = 1, 2, 3, 6, 7, 8
FAX_WORDS, PACK_BITS, OLD_DEFLATE = 32771, 32773, 32946

RUN_SIZES = (*range(1, 129), 0, *range(128, 1, -1))
RUN_LENGTHS = (*range(2, 130), 1, *[2] * 127)
"""Bytes out and in of a run of PackBits by its first byte, of which 128 is none."""


class BrokenStripError(ValueError):
    """A strip or tile of a TIFF does not hold what it should."""


def check_strips(tags: Any, content: bytes, *, heard: bool) -> bool:
    """Return whether damage to the strips of a page would be noticed.

    Parameters
    ----------
    tags
        The directory of the page, by numbers of tags.
    heard
        Whether errors of libtiff are heard, which has to do for other packings.

    Raises
    ------
    BrokenStripError
        If one of them does not decode to what it should.
    CorruptJpegError
        If the JPEG library finds its data corrupt.
    """
    packing = tags.get(COMPRESSION, PLAIN)
    check = CHECKS.get(packing)
    if check is None:
        return heard or packing == PLAIN
    if tags.get(BIT_ORDER, 1) != 1:
        return False
    # One that cannot be checked is no reason to leave the others.
    checked = [check(tags, number, strip) for number, strip in _strips(tags, content)]
    return all(checked)


def _strips(tags: Any, content: bytes) -> Iterator[tuple[int, memoryview]]:
    tiled = TILE_PLACES in tags
    places = tags.get(TILE_PLACES if tiled else STRIP_PLACES, ())
    sizes = tags.get(TILE_SIZES if tiled else STRIP_SIZES, ())
    view = memoryview(content)
    for number, (place, size) in enumerate(zip(places, sizes, strict=False)):
        yield number, view[place : place + size]


def _check_deflate(tags: Any, number: int, strip: memoryview) -> bool:
    most = max(_unpacked_sizes(tags, number))
    try:
        size = inflated_size([strip], most)
    except zlib.error as error:
        message = f"piece {number} is not what was deflated ({error})"
        raise BrokenStripError(message) from error
    if size > most:
        message = f"piece {number} inflates to more than its {number_of(most, 'byte')}"
        raise BrokenStripError(message)
    return True


def _check_pack_bits(tags: Any, number: int, strip: memoryview) -> bool:
    if tags.get(PHOTOMETRIC) == YCBCR:
        # Its colour may be thinned out.
        return False
    wanted = _unpacked_sizes(tags, number)
    if _pack_bits_size(strip) not in wanted:
        message = (
            f"piece {number} does not unpack to its {number_of(wanted[0], 'byte')}"
        )
        raise BrokenStripError(message)
    return True


def _pack_bits_size(strip: memoryview) -> int:
    """Return how many bytes come out; 0 if the last run is cut.

    A last byte alone is no run, but fills a strip up to an even number.
    """
    size = place = 0
    last = len(strip) - 1
    while place < last:
        head = strip[place]
        size += RUN_SIZES[head]
        place += RUN_LENGTHS[head]
    return size if place <= last + 1 else 0


def _unpacked_sizes(tags: Any, number: int) -> tuple[int, int]:
    """Return the size of a strip or tile in bytes, and that if it is filled up."""
    bits = _samples(tags) * max(tags.get(BITS, (1,)))
    if TILE_PLACES in tags:
        whole = -(-tags[TILE_WIDTH] * bits // 8) * tags[TILE_HEIGHT]
        return whole, whole
    row, height = -(-tags[WIDTH] * bits // 8), tags[HEIGHT]
    rows = min(tags.get(STRIP_ROWS, height) or height, height)
    top = number % -(-height // rows) * rows
    return row * min(rows, height - top), row * rows


def unpacked_bytes(tags: Any) -> int:
    """Return how many bytes libtiff unpacks of a page at once: its largest strip."""
    most: int = max(_unpacked_sizes(tags, 0))
    if tags.get(PHOTOMETRIC) != YCBCR or tags.get(COMPRESSION) == JPEG:
        return most
    # Colours that libtiff turns into RGB have an opacity too.
    return max(most, _most_pixels(tags) * RGBA_BYTES)


def _most_pixels(tags: Any) -> int:
    pixels: int = max(_unpacked_sizes(tags, 0)) // max(_samples(tags), 1)
    return pixels


def _samples(tags: Any) -> int:
    """Return how many values of a pixel lie together."""
    found: int = 1 if tags.get(PLANES) == APART else tags.get(SAMPLES, 1)
    return found


def _check_jpeg(tags: Any, _number: int, strip: memoryview) -> bool:
    # A last one may have more rows than are left, but none so many as to do harm.
    most = max(_most_pixels(tags), LARGE_PIXELS)
    # Strips leave out the tables that they share, which end and begin with a marker.
    tables = tags.get(JPEG_TABLES, b"")
    return check_jpeg(b"".join((tables[:-2], strip[2:])) if tables else strip, most)


def _cannot_check(_tags: Any, _number: int, _strip: memoryview) -> bool:
    return False


CHECKS: dict[int, Callable[[Any, int, memoryview], bool]] = {
    # libtiff only warns of most that is wrong with these, and Pillow silences that.
    **dict.fromkeys((FAX, FAX_3, FAX_WORDS, OLD_JPEG), _cannot_check),
    JPEG: _check_jpeg,
    DEFLATE: _check_deflate,
    OLD_DEFLATE: _check_deflate,
    PACK_BITS: _check_pack_bits,
}
"""What tells damage, by the number of a compression."""
