"""Tar archives, among them the shards of WebDataset.

An archive is read once from front to back, compressed or not. Neighbouring members
with the same path up to the first dot of the file name are one sample: of ``x.jpg``,
``x.seg.png`` and ``x.cls``, the first is the picture and the last its class. Where no
member of a sample has a plain ending (``x.1.png``, ``x.2.png``), each is a picture.
Without a ``.cls``, the class is the first folder.
"""

from __future__ import annotations

import lzma
import tarfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from spectral_sched.errors import ImageError
from spectral_sched.images.pixels import check_bytes

from .item import Item, Reader, folder_label, is_picture, quote_name, refused
from .location import last_name, open_place

if TYPE_CHECKING:
    from collections.abc import Iterator

LABEL_SUFFIX = "cls"
MAX_LABEL_BYTES = 100
MOST_HELD = 8
"""Pictures without a plain ending that are held until their sample is complete."""

DAMAGE = (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)


class _Header(tarfile.TarInfo):
    """A member's header that does not pass damage for the end of the archive."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error


@dataclass
class _Sample:
    """Neighbouring members that belong together."""

    stem: str
    label: str | None = None
    picture: Item | None = None
    others: list[Item] = field(default_factory=list)

    def add(self, name: str, content: bytes | ImageError, archive: str) -> None:
        if isinstance(content, bytes) and not is_picture(name):
            self.label = content.decode("utf-8", "replace").strip()
            return
        item = Item(f"{archive}/{quote_name(name)}", folder_label(name), content)
        if ending(name).count("."):
            self.others.append(item)
        elif self.picture is None:
            self.picture = item

    def items(self) -> Iterator[Item]:
        """Yield the picture, or each that could be, and forget them."""
        found = self.others if self.picture is None else [self.picture]
        for item in found:
            label = item.label if self.label is None else self.label
            yield Item(item.name, label, item.data)
        self.picture, self.others = None, []


def tar_items(place: str) -> Iterator[Item]:
    """Stream the pictures of a tar archive."""
    archive, sample = last_name(place), _Sample("")
    try:
        for name, content in _contents(place, archive):
            if stem(name) != sample.stem:
                yield from sample.items()
                sample = _Sample(stem(name))
            sample.add(name, content, archive)
            if len(sample.others) > MOST_HELD:
                yield from sample.items()
        yield from sample.items()
    except DAMAGE as error:
        yield from sample.items()
        yield refused(archive, f"is damaged or cut short: {error}", "damaged archive")


def stem(name: str) -> str:
    """Return a path up to the first dot of its file name."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(".")[0]


def ending(name: str) -> str:
    """Return what follows the first dot of a path's file name."""
    return name.rpartition("/")[2].partition(".")[2]


def _contents(place: str, archive: str) -> Iterator[tuple[str, bytes | ImageError]]:
    """Stream names and contents of the pictures and class files."""
    with (
        open_place(place) as file,
        tarfile.open(fileobj=file, mode="r|*", tarinfo=_Header) as members,
    ):
        for member in members:
            # A list of all members would grow with their number.
            members.members = []  # type: ignore[attr-defined]
            if not member.isreg():
                continue
            if is_picture(member.name):
                yield member.name, _content(members, member, archive)
            elif ending(member.name) == LABEL_SUFFIX and member.size < MAX_LABEL_BYTES:
                yield member.name, _read(members, member)


def _content(
    members: tarfile.TarFile, member: tarfile.TarInfo, archive: str
) -> bytes | ImageError:
    try:
        check_bytes(member.size, f"{archive}/{quote_name(member.name)}")
    except ImageError as error:
        return error
    return _read(members, member)


def _read(members: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = members.extractfile(member)
    content = b"" if file is None else file.read()
    if len(content) < member.size:
        message = "unexpected end of data"
        raise tarfile.ReadError(message)
    return content


ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")

READERS = (Reader(ENDINGS, lambda place, _: tar_items(place)),)
