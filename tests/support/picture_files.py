"""Image files that Pillow does not write, and archives of images."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

PNG_COLORS = {1: 0, 2: 4, 3: 2, 4: 6}


def png_chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">L", len(content)) + body + struct.pack(">L", zlib.crc32(body))


def png_file(
    values: NDArray[Any],
    chunks: Sequence[tuple[bytes, bytes]] = (),
    size: tuple[int, int] | None = None,
) -> bytes:
    """Return a PNG of 8 or 16 bits of an array (H, W, C), with a stated size if any."""
    height, width, channels = values.shape
    depth = 8 * values.dtype.itemsize
    stated = size or (width, height)
    header = struct.pack(">2L5B", *stated, depth, PNG_COLORS[channels], 0, 0, 0)
    rows = values.astype(values.dtype.newbyteorder(">")).reshape(height, -1)
    content = b"".join(b"\0" + row.tobytes() for row in rows)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", header),
            *(png_chunk(*chunk) for chunk in chunks),
            png_chunk(b"IDAT", zlib.compress(content)),
            png_chunk(b"IEND", b""),
        )
    )


def tiff_file(
    values: NDArray[Any], order: Literal["<", ">"], *, deflate: bool = False
) -> bytes:
    """Return a TIFF of an array (H, W, C) with bytes in the order ``<`` or ``>``."""
    height, width, channels = values.shape
    content = values.astype(values.dtype.newbyteorder(order)).tobytes()
    content = zlib.compress(content) if deflate else content
    bits = 8 * values.dtype.itemsize
    pairs = 8 + len(content)
    entries = (
        *((256, 3, 1, width), (257, 3, 1, height), (258, 3, channels, pairs)),
        *((259, 3, 1, 8 if deflate else 1), (262, 3, 1, 2), (273, 4, 1, 8)),
        *((277, 3, 1, channels), (278, 3, 1, height), (279, 4, 1, len(content))),
        *(((338, 3, 1, 2),) if channels == 4 else ()),
    )
    directory = struct.pack(order + "H", len(entries))
    for tag, kind, count, value in entries:
        short = kind == 3 and count == 1
        packed = struct.pack(
            order + ("HH" if short else "L"), *((value, 0) if short else (value,))
        )
        directory += struct.pack(order + "HHL", tag, kind, count) + packed
    mark = b"II" if order == "<" else b"MM"
    head = mark + struct.pack(order + "HL", 42, pairs + 2 * channels)
    depths = struct.pack(f"{order}{channels}H", *[bits] * channels)
    return head + content + depths + directory + struct.pack(order + "L", 0)


def tiff_layout(
    values: NDArray[Any],
    order: Literal["<", ">"],
    *,
    apart: bool = False,
    deflate: bool = False,
    tags: dict[int, tuple[str, list[int]]] | None = None,
) -> bytes:
    """Return a TIFF of numbers (H, W, C) of any type, in pixels or planes apart.

    The values end the file. Two or four channels have plain opacity.

    Parameters
    ----------
    tags
        Letters of `struct` and numbers of tags that are to differ.
    """
    channels = values.shape[2]
    planes = np.split(values, channels, 2) if apart else [values]
    pieces = [p.astype(p.dtype.newbyteorder(order)).tobytes() for p in planes]
    pieces = [zlib.compress(piece) if deflate else piece for piece in pieces]
    found = _usual_tags(values) | {
        259: ("H", [8 if deflate else 1]),
        273: ("L", [0] * len(pieces)),
        279: ("L", [len(piece) for piece in pieces]),
        284: ("H", [2 if apart else 1]),
    }
    found = dict(sorted((found | (tags or {})).items()))
    start = len(_tiff_head(found, order))
    ends = np.cumsum([0, *map(len, pieces)]) + start
    found[273] = ("L", ends[:-1].tolist())
    return _tiff_head(found, order) + b"".join(pieces)


def _usual_tags(values: NDArray[Any]) -> dict[int, tuple[str, list[int]]]:
    height, width, channels = values.shape
    kind = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    opacity: dict[int, tuple[str, list[int]]] = {338: ("H", [2])}
    return {
        256: ("L", [width]),
        257: ("L", [height]),
        258: ("H", [8 * values.dtype.itemsize] * channels),
        262: ("H", [2 if channels > 2 else 1]),
        277: ("H", [channels]),
        278: ("L", [height]),
        339: ("H", [kind] * channels),
        **(opacity if channels in (2, 4) else {}),
    }


def _tiff_head(tags: dict[int, tuple[str, list[int]]], order: str) -> bytes:
    """Return the start of a TIFF up to its values: the directory and long tags."""
    mark = b"II" if order == "<" else b"MM"
    directory = mark + struct.pack(f"{order}HLH", 42, 8, len(tags))
    head, beside = len(directory) + 12 * len(tags) + 4, b""
    for tag, (letter, numbers) in tags.items():
        packed = struct.pack(f"{order}{len(numbers)}{letter}", *numbers)
        kind = {"H": 3, "L": 4}[letter]
        directory += struct.pack(f"{order}HHL", tag, kind, len(numbers))
        if len(packed) > 4:
            directory += struct.pack(f"{order}L", head + len(beside))
            beside += packed + bytes(len(packed) % 2)
        else:
            directory += packed.ljust(4, b"\0")
    return directory + struct.pack(f"{order}L", 0) + beside


def writable(*kinds: str) -> list[str]:
    """Return the kinds of images that this build of Pillow writes."""
    Image.init()
    return [kind for kind in kinds if kind.upper() in Image.SAVE]


def encoded_picture(values: NDArray[Any], kind: str = "png", **options: Any) -> bytes:
    """Return an 8-bit image, (H, W) or (H, W, C), as a file."""
    file = io.BytesIO()
    Image.fromarray(values).save(file, kind, **options)
    return file.getvalue()


def write_zip(path: Path, files: dict[str, bytes], method: int = 0) -> None:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def write_tar(path: Path, files: Iterable[tuple[str, bytes]], mode: str = "w") -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
