"""Tar archives, among them the shards of WebDataset.

An archive is read once from front to back, compressed or not. Neighbouring members
with the same path up to the first dot of the file name are one sample: of ``x.jpg``,
``x.seg.png`` and ``x.cls``, the first is the image and the last its class; the second
is skipped and counted. Members with a plain ending (``x.jpg``, ``x.png``) or a number
before it (``x.1.png``) are images, and so are all where none has a plain ending.
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

from .item import Choices, Item, Reader, folder_label, quote_name, refused
from .location import last_name, open_place

if TYPE_CHECKING:
    from collections.abc import Iterator

LABEL_SUFFIX = "cls"
MAX_LABEL_BYTES = 100
MOST_HELD = 32
"""Images of a sample that are held until it is complete, for its class."""

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
    plain: str = ""
    pictures: list[Item] = field(default_factory=list)
    others: list[Item] = field(default_factory=list)
    has_pictures: bool = False

    def add(self, name: str, content: bytes | ImageError, archive: str) -> None:
        if isinstance(content, bytes) and ending(name) == LABEL_SUFFIX:
            self.label = content.decode("utf-8", "replace").strip()
            return
        self.has_pictures = True
        item = Item(f"{archive}/{quote_name(name)}", folder_label(name), content)
        inner = ending(name).rpartition(".")[0]
        if inner and not inner.isdecimal():
            self.others.append(item)
            return
        self.pictures.append(item)
        self.plain = self.plain or ("" if inner else item.name)

    def items(self) -> Iterator[Item]:
        """Yield each image, and what is left out beside it, and forget them."""
        for item in self.pictures:
            yield self._labelled(item)
        for item in self.others:
            if self.plain:
                problem = f"is beside {self.plain} in its sample and not read"
                yield refused(item.name, problem, "beside an image")
            else:
                yield self._labelled(item)
        self.pictures, self.others = [], []

    @property
    def is_class_alone(self) -> bool:
        """Whether it has a class and no image."""
        return self.label is not None and not self.has_pictures

    def _labelled(self, item: Item) -> Item:
        label = item.label if self.label is None else self.label
        return Item(item.name, label, item.data)

    @property
    def num_held(self) -> int:
        """How many images wait until the sample is complete."""
        return len(self.pictures) + len(self.others)


def tar_items(place: str, choices: Choices) -> Iterator[Item]:
    """Stream the images of a tar archive."""
    archive, sample, num_alone = last_name(place), _Sample(""), 0
    try:
        for name, content in _contents(place, archive, choices):
            if stem(name) != sample.stem:
                yield from sample.items()
                num_alone += sample.is_class_alone
                sample = _Sample(stem(name))
            sample.add(name, content, archive)
            if sample.num_held > MOST_HELD:
                yield from sample.items()
        yield from sample.items()
        _tell_alone(num_alone + sample.is_class_alone, archive, choices)
    except DAMAGE as error:
        yield from sample.items()
        yield refused(archive, f"is damaged or cut short: {error}", "damaged archive")


def _tell_alone(count: int, archive: str, choices: Choices) -> None:
    """Tell of classes that are lost, for members of a sample must be neighbours."""
    if count:
        choices.aside.remark(
            f"classes (.cls) in {archive} that are not next to an image of their name "
            f"are lost: {count}; pack it with tar --sort=name"
        )


def stem(name: str) -> str:
    """Return a path up to the first dot of its file name."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(".")[0]


def ending(name: str) -> str:
    """Return what follows the first dot of a path's file name."""
    return name.rpartition("/")[2].partition(".")[2]


def _contents(
    place: str, archive: str, choices: Choices
) -> Iterator[tuple[str, bytes | ImageError]]:
    """Stream names and contents of the images and class files."""
    with (
        open_place(place) as file,
        tarfile.open(fileobj=file, mode="r|*", tarinfo=_Header) as members,
    ):
        for member in members:
            # A list of all members would grow with their number.
            members.members = []  # type: ignore[attr-defined]
            if member.isdir():
                continue
            if _is_label(member):
                yield member.name, _read(members, member)
                continue
            if choices.wants(member.name):
                yield member.name, _content(members, member, archive)


def _is_label(member: tarfile.TarInfo) -> bool:
    is_small = member.isreg() and member.size < MAX_LABEL_BYTES
    return is_small and ending(member.name) == LABEL_SUFFIX


def _content(
    members: tarfile.TarFile, member: tarfile.TarInfo, archive: str
) -> bytes | ImageError:
    name = f"{archive}/{quote_name(member.name)}"
    if not member.isreg():
        target = quote_name(member.linkname)
        kind = f"a link to {target}" if member.issym() or member.islnk() else "no file"
        message = f"{name} is {kind} and not read; pack the archive without links"
        return ImageError(message, "link in an archive")
    try:
        check_bytes(member.size, name)
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

READERS = (Reader(ENDINGS, tar_items),)
