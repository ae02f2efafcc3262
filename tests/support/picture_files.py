"""Picture files that Pillow does not write, and archives of pictures."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, Literal

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


def writable(*kinds: str) -> list[str]:
    """Return the kinds of pictures that this build of Pillow writes."""
    Image.init()
    return [kind for kind in kinds if kind.upper() in Image.SAVE]


def encoded_picture(values: NDArray[Any], kind: str = "png", **options: Any) -> bytes:
    """Return an 8-bit picture, (H, W) or (H, W, C), as a file."""
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
