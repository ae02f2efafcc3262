"""Zip archives, among them those of NVlabs' ``dataset_tool.py``.

The directory at the end of an archive is read entry by entry instead of as a whole,
so that memory does not grow with the number of images. The class of an image is its
first folder, or its label in a ``dataset.json`` (`labels`).

`zipfile` is no substitute, though it reads all entries 1.45 times as fast: it holds the
whole directory, so that memory grows by 122 MB for an archive of 200,000 images; here
by 2 MB.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from spectral_sched.errors import ImageError
from spectral_sched.images.pixels import check_bytes

from .item import LABELS_NAME, Choices, Item, Reader, quote_name, refused
from .labels import Labels
from .location import last_name, open_place

if TYPE_CHECKING:
    from collections.abc import Iterator

# APPNOTE.TXT 4.3: signatures and fixed parts of the records.
END = struct.Struct("<4s4H2LH")
END_64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR_64 = struct.Struct("<4sLQL")
ENTRY = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")
LONGEST_COMMENT = 0xFFFF
IN_EXTRA_32 = 0xFFFFFFFF
"""The value that says that the true one is a 64-bit one elsewhere."""

ENCRYPTED, UTF8 = 1 << 0, 1 << 11
STORED, DEFLATED = 0, 8
BLOCK_BYTES = 1 << 16


MADE_ON_DOS = 0
"""The system, Windows among its kin, that separates folders by backslashes."""


class Extent(NamedTuple):
    """Where the directory of an archive begins and ends, and what precedes the archive.

    Attributes
    ----------
    before
        Bytes before the archive in its file, which the offsets in it leave out.
    """

    start: int
    end: int
    before: int = 0


class Member(NamedTuple):
    """One file in a zip archive."""

    name: str
    offset: int
    packed: int
    size: int
    checksum: int
    method: int
    flags: int


class DamagedZipError(Exception):
    """A zip archive is not what it should be."""


def zip_items(place: str, choices: Choices) -> Iterator[Item]:
    """Stream the images of a zip archive."""
    archive = last_name(place)
    with open_place(place) as file:
        try:
            content = _list_of_labels(file)
            labels = Labels(f"{archive}/{LABELS_NAME}", content, choices.aside)
            for member in members(file):
                if member.name.endswith("/") or labels.are_in(member.name):
                    continue
                if choices.wants(member.name):
                    yield _item(file, member, archive, labels)
            labels.tell()
        except (DamagedZipError, OSError, struct.error, ValueError) as error:
            yield refused(archive, f"is damaged: {error}", "damaged archive")


def _item(file: BinaryIO, member: Member, archive: str, labels: Labels) -> Item:
    name = f"{archive}/{quote_name(member.name)}"
    try:
        content = read_member(file, member, name)
    except ImageError as error:
        return Item(name, "", error)
    return Item(name, labels.of(member.name), content)


def read_member(file: BinaryIO, member: Member, name: str) -> bytes:
    """Return the content of a member.

    Raises
    ------
    ImageError
        If it is over the limit, encrypted, packed in an unusual way, or damaged.
    """
    check_bytes(max(member.size, member.packed), name)
    if member.flags & ENCRYPTED or member.method not in (STORED, DEFLATED):
        message = f"{name} is encrypted or packed in an unusual way; repack the archive"
        raise ImageError(message, "unreadable")
    file.seek(member.offset)
    header = file.read(LOCAL.size)
    if len(header) == LOCAL.size and header.startswith(b"PK\3\4"):
        *_, name_length, extra_length = LOCAL.unpack(header)
        file.seek(name_length + extra_length, 1)
        content = _unpacked(file.read(member.packed), member)
        if len(content) == member.size and zlib.crc32(content) == member.checksum:
            return content
    message = f"{name} is damaged in the archive"
    raise ImageError(message, "damaged")


def _unpacked(content: bytes, member: Member) -> bytes:
    if member.method == STORED:
        return content
    try:
        # One byte beyond the stated size is enough to see that it is not true.
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, member.size + 1)
    except zlib.error:
        return b""


class _Directory:
    """The directory of an archive, read in blocks between which the file may move."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self.file = file
        self.place = start
        self.block = b""

    @property
    def position(self) -> int:
        """Where in the file the next bytes are taken from."""
        return self.place - len(self.block)

    def take(self, length: int) -> bytes:
        if len(self.block) < length:
            self.file.seek(self.place)
            more = self.file.read(max(length, BLOCK_BYTES))
            self.place += len(more)
            self.block += more
        taken, self.block = self.block[:length], self.block[length:]
        return taken


def members(file: BinaryIO) -> Iterator[Member]:
    """Stream the members that the directory of an archive lists.

    Raises
    ------
    DamagedZipError
        If the directory is missing or damaged.
    """
    extent = _extent(file)
    directory = _Directory(file, extent.start)
    # Not as many as are stated: the count of some archives has no room for them all.
    while directory.position < extent.end:
        fixed = directory.take(ENTRY.size)
        if len(fixed) < ENTRY.size or not fixed.startswith(b"PK\1\2"):
            message = "its directory is cut short"
            raise DamagedZipError(message)
        member = _member(directory, *ENTRY.unpack(fixed)[1:])
        yield member._replace(offset=member.offset + extent.before)


def _member(
    directory: _Directory, maker: int, _: int, flags: int, method: int, *rest: int
) -> Member:
    checksum, packed, size, name_length, extra_length, comment_length = rest[2:8]
    name = directory.take(name_length)
    extra = directory.take(extra_length)
    directory.take(comment_length)
    size, packed, offset = _wide(extra, (size, packed, rest[-1]))
    text = name.decode("utf-8" if flags & UTF8 else "cp437", "replace")
    if maker >> 8 == MADE_ON_DOS and "/" not in text:
        text = text.replace("\\", "/")
    return Member(text, offset, packed, size, checksum, method, flags)


def _wide(extra: bytes, values: tuple[int, ...]) -> list[int]:
    """Return values, those that have no room replaced by their 64-bit ones."""
    wide: list[int] = []
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == 1:
            content = extra[4 : 4 + length // 8 * 8]
            wide = [number for (number,) in struct.iter_unpack("<Q", content)]
        extra = extra[4 + length :]
    missing = sum(value == IN_EXTRA_32 for value in values)
    if missing > len(wide):
        message = "a member's size is missing"
        raise DamagedZipError(message)
    return [wide.pop(0) if value == IN_EXTRA_32 else value for value in values]


def _extent(file: BinaryIO) -> Extent:
    """Return where the directory is, by the record at the end of an archive."""
    length = file.seek(0, 2)
    begin = max(0, length - END.size - LONGEST_COMMENT - LOCATOR_64.size)
    file.seek(begin)
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) < at + END.size:
        message = "it is no zip archive or cut short"
        raise DamagedZipError(message)
    *_, size, start, _ = END.unpack_from(tail, at)
    locator = tail[max(0, at - LOCATOR_64.size) : at]
    if locator.startswith(b"PK\6\7"):
        return _extent_64(file, LOCATOR_64.unpack(locator)[2])
    end = begin + at
    # A whole number of 4 GB is what has no room in the stated place.
    before = (end - size - start) % (IN_EXTRA_32 + 1)
    return Extent(max(0, end - size), end, before)


def _extent_64(file: BinaryIO, place: int) -> Extent:
    file.seek(place)
    record = file.read(END_64.size)
    if len(record) < END_64.size or not record.startswith(b"PK\6\6"):
        message = "its directory cannot be found"
        raise DamagedZipError(message)
    *_, size, start = END_64.unpack(record)
    return Extent(start, start + size)


def _list_of_labels(file: BinaryIO) -> bytes | None:
    """Return the list of labels, or None if the archive has none."""
    try:
        found = next((it for it in members(file) if it.name == LABELS_NAME), None)
    except (DamagedZipError, struct.error):
        # What can be read before the damage shall be.
        return None
    if found is None:
        return None
    try:
        return read_member(file, found, found.name)
    except ImageError:
        return b""


READERS = (Reader((".zip",), zip_items),)
