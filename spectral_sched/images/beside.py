"""What lies in a file beside its pixels: text, colour profiles, EXIF.

None of it but the orientation is read, so an image whose pixels are whole is read
whatever is damaged or too long there.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

from .inflate import inflated_size
from .limits import MAX_REPAIRED_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

PNG_MARK = b"\x89PNG\r\n\x1a\n"
PNG_PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
PNG_EXIF = b"eXIf"
PNG_HEADER = struct.Struct(">2L5B")
PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""How many values a pixel has, by the kind of colour."""

ADAM7 = (
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4)),
    *((1, 0, 2, 2), (0, 1, 1, 2)),
)
"""First column and row, and steps, of the passes of an interlaced PNG."""

JPEG_MARK, JPEG_END, JPEG_SCAN, FILL = b"\xff\xd8", b"\xff\xd9", 0xDA, 0xFF
JFIF, EXIF, ADOBE, LAST_APPLICATION, COMMENT = 0xE0, 0xE1, 0xEE, 0xEF, 0xFE
WHOLE = {JFIF: 16, ADOBE: 14}
"""Least lengths of segments that say how colours are stored."""

RIFF_MARK, WEBP_MARK = b"RIFF", b"WEBP"
WEBP_EXTENDED, WEBP_EXIF = b"VP8X", b"EXIF"
WEBP_PIXELS = frozenset({b"VP8 ", b"VP8L", WEBP_EXTENDED, b"ALPH", b"ANIM", b"ANMF"})
WEBP_FLAGS = {b"ICCP": 0x20, WEBP_EXIF: 0x08, b"XMP ": 0x04}
"""Bits of the header that announce a chunk."""


class BrokenPngError(ValueError):
    """The chunks of a PNG that its pixels depend on are damaged or missing."""


class _Piece(NamedTuple):
    """A chunk or a segment: its kind, and from where to where it goes in the file."""

    kind: bytes
    start: int
    end: int


def sound_png(content: bytes) -> bytes:
    """Return a PNG without the chunks beside its pixels whose checksums are wrong.

    One of over `MAX_REPAIRED_BYTES` comes back with them.

    Raises
    ------
    BrokenPngError
        If such a chunk is one that the pixels depend on, or chunks are missing.
    """
    kept, view = [], memoryview(content)
    for piece in _png_chunks(content):
        stated = int.from_bytes(content[piece.end - 4 : piece.end])
        if zlib.crc32(view[piece.start + 4 : piece.end - 4]) == stated:
            kept.append(piece)
        elif piece.kind in PNG_PIXELS or piece.kind[:1].isupper():
            message = f"broken PNG file (chunk {piece.kind.decode()})"
            raise BrokenPngError(message)
    if len(content) > MAX_REPAIRED_BYTES:
        return content
    return _joined(content, len(PNG_MARK), kept)


def check_png_rows(content: bytes) -> None:
    """Raise `BrokenPngError` for a PNG that holds less than all of its pixels.

    Pillow leaves them black where the data end as they should, but too early.
    """
    chunks, view = list(_png_chunks(content)), memoryview(content)
    size = _png_size(*PNG_HEADER.unpack_from(content, chunks[0].start + 8))
    pixels = (
        view[chunk.start + 8 : chunk.end - 4]
        for chunk in chunks
        if chunk.kind == b"IDAT"
    )
    if inflated_size(pixels, size) < size:
        message = "broken PNG file: some of its pixels are missing"
        raise BrokenPngError(message)


def _png_size(width: int, height: int, depth: int, color: int, *others: int) -> int:
    """Return how many bytes the rows of a PNG have with their filters."""
    bits, is_interlaced = depth * PNG_CHANNELS[color], others[-1]
    sizes = [(width, height)]
    if is_interlaced:
        sizes = [
            (-(-(width - left) // right), -(-(height - top) // down))
            for left, top, right, down in ADAM7
        ]
    return sum(
        rows * (1 + -(-columns * bits // 8)) for columns, rows in sizes if columns > 0
    )


def _png_chunks(content: bytes) -> Iterator[_Piece]:
    place, kind = len(PNG_MARK), b""
    while kind != b"IEND":
        length = int.from_bytes(content[place : place + 4])
        kind, end = content[place + 4 : place + 8], place + length + 12
        if not kind.isalpha() or end > len(content):
            message = "broken PNG file: it is cut short or its chunks are"
            raise BrokenPngError(message)
        yield _Piece(kind, place, end)
        place = end


def without(content: bytes, *, exif_too: bool) -> bytes:
    """Return an image without what is beside its pixels.

    What is not a PNG, JPEG or WebP, is damaged otherwise, or has over
    `MAX_REPAIRED_BYTES` comes back as it is.

    Parameters
    ----------
    exif_too
        Whether to leave EXIF out too, which says how the image is turned.
    """
    if len(content) > MAX_REPAIRED_BYTES:
        return content
    if content.startswith(PNG_MARK):
        chunks = _png_chunks(content)
        kinds = PNG_PIXELS if exif_too else PNG_PIXELS | {PNG_EXIF}
        kept = [chunk for chunk in chunks if chunk.kind in kinds]
        return _joined(content, len(PNG_MARK), kept)
    if content.startswith(JPEG_MARK):
        return _bare_jpeg(content, exif_too=exif_too)
    if content.startswith(RIFF_MARK) and content[8:12] == WEBP_MARK:
        return _bare_webp(content, exif_too=exif_too)
    return content


def _joined(content: bytes, start: int, kept: list[_Piece]) -> bytes:
    """Return what comes before `start` and the pieces that are kept."""
    size = start + sum(piece.end - piece.start for piece in kept)
    if size == len(content):
        return content
    view = memoryview(content)
    pieces = (view[piece.start : piece.end] for piece in kept)
    return b"".join((view[:start], *pieces))


def _bare_jpeg(content: bytes, *, exif_too: bool) -> bytes:
    kept, scan = [], 0
    for marker, place, end in jpeg_segments(content):
        if marker == JPEG_SCAN:
            kept.append(_Piece(b"", place, len(content)))
            scan = place
        elif _is_pixels(marker, end - place - 2) or (marker == EXIF and not exif_too):
            kept.append(_Piece(b"", place, end))
    return _joined(content, len(JPEG_MARK), kept) if scan else content


def jpeg_segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of the segments of a JPEG up to its first scan.

    What lies between segments is passed over, as the JPEG library does.
    """
    place, marker = len(JPEG_MARK), 0
    while marker != JPEG_SCAN and (place := content.find(FILL, place)) >= 0:
        marker = int.from_bytes(content[place + 1 : place + 2])
        if marker in (0, FILL):
            place += 1
            continue
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4])
        yield marker, place, end
        place = end


def _is_pixels(marker: int, length: int) -> bool:
    """Return whether the pixels of a JPEG depend on a segment."""
    beside = JFIF <= marker <= LAST_APPLICATION or marker == COMMENT
    return not beside or (marker in WHOLE and length >= WHOLE[marker])


def _bare_webp(content: bytes, *, exif_too: bool) -> bytes:
    kept, place, flags = [], 12, 0xFF
    while place + 8 <= len(content):
        kind = content[place : place + 4]
        length = int.from_bytes(content[place + 4 : place + 8], "little")
        end = place + 8 + length + length % 2
        whole = place + 8 + length <= len(content)
        if kind in WEBP_PIXELS or (kind == WEBP_EXIF and whole and not exif_too):
            kept.append(_Piece(kind, place, end))
        else:
            flags &= ~WEBP_FLAGS.get(kind, 0)
        place = end
    chunks = [bytearray(content[piece.start : piece.end]) for piece in kept]
    for piece, chunk in zip(kept, chunks, strict=True):
        if piece.kind == WEBP_EXTENDED and len(chunk) > 8:
            chunk[8] &= flags
    body = WEBP_MARK + b"".join(chunks)
    return RIFF_MARK + len(body).to_bytes(4, "little") + body
