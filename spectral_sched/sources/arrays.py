"""Arrays of images in ``.npy`` and ``.npz`` files.

`layouts` says how axes become images. These are read a few at a time. Nothing is
unpickled. Integers of 8 and 16 bits and truth values have their full range; other
numbers need a stated one.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.lib import format as npy

from spectral_sched.errors import InputError, UsageError
from spectral_sched.images.limits import MAX_ENCODED_BYTES, MAX_PIXELS
from spectral_sched.words import number_of

from .item import Choices, Item, Reader, listed, refused
from .layouts import SHAPES, Ambiguous, Layout, find_layout
from .location import last_name, open_place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from numpy.typing import NDArray

PREFERRED = ("images", "arr_0")
"""Names of the array that is taken when there are several stacks."""

LABELS = ("labels", "label", "arr_1")
"""Names of the array of classes, the first that fits; the last beside ``arr_0``."""

BLOCK_BYTES = 1 << 20

DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)


class Header(NamedTuple):
    """What an array file says of its content."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    def layout(self, channels: str | None) -> Layout | str:
        """Return how the values are images, or why they are none.

        Parameters
        ----------
        channels
            Where their channels are, if that was stated.
        """
        if self.dtype.kind not in "buif":
            return f"holds {self.dtype} values, not numbers"
        found = find_layout(self.shape, self.dtype, channels)
        if isinstance(found, str):
            return found
        height, width = found.size
        num_bytes = self.num_bytes(found)
        if height * width > MAX_PIXELS or not 0 < num_bytes <= MAX_ENCODED_BYTES:
            return f"has images of {width}x{height} pixels"
        return found

    def num_bytes(self, layout: Layout) -> int:
        """Bytes of one image."""
        return math.prod(layout.entry) * self.dtype.itemsize


class _Stack(NamedTuple):
    """An array of images: what it is called, its header and how it is read."""

    name: str
    header: Header
    layout: Layout


def npy_items(place: str, choices: Choices) -> Iterator[Item]:
    """Stream the images of a ``.npy`` file.

    Raises
    ------
    InputError
        If it does not hold a stack of images.
    """
    name = last_name(place)
    with open_place(place) as file:
        try:
            header = read_header(file)
        except DAMAGE as error:
            yield refused(name, f"is damaged or no array file: {error}", "damaged")
            return
        stack = _stack(header, name, choices)
        yield from _pictures(file, stack, None)


def array_items(stack: NDArray[Any]) -> Iterator[Item]:
    """Stream the images of a stack in memory.

    Raises
    ------
    InputError
        If it is no stack of images.
    """
    header = Header(stack.shape, fortran=False, dtype=stack.dtype)
    if stack.ndim not in (3, 4):
        message = f"the array has the shape {stack.shape}; {SHAPES}"
        raise InputError(message)
    _layout(header, "the array", "last" if stack.ndim == 4 else "none")
    for number, picture in enumerate(stack):
        yield Item(f"array[{number}]", "", picture)


def npz_items(place: str, choices: Choices) -> Iterator[Item]:
    """Stream the images of one array of a ``.npz`` file.

    That is the chosen one, or ``images``, ``arr_0``, or the only stack.

    Raises
    ------
    InputError
        If there is no such stack of images.
    UsageError
        If there are several, or none of the given name.
    """
    name = last_name(place)
    with open_place(place) as file:
        try:
            archive = zipfile.ZipFile(file)
            headers = _headers(archive)
        except DAMAGE as error:
            problem = f"is damaged or no npz file: {error}"
            yield refused(name, problem, "damaged archive")
            return
        with archive:
            chosen = _chosen(headers, choices, name)
            stack = _stack(headers[chosen], f"{name}:{chosen}", choices)
            labels = _labels(
                archive, headers, chosen, stack.layout.num_pictures, choices
            )
            content = _opened(archive, chosen)[0]
            yield from _pictures(content, stack, labels)


def _labels(
    archive: zipfile.ZipFile,
    headers: dict[str, Header],
    chosen: str,
    count: int,
    choices: Choices,
) -> Iterator[NDArray[Any]] | None:
    """Stream the classes of images, if there is an array of them."""
    for name in LABELS if chosen == "arr_0" else LABELS[:-1]:
        header = headers.get(name)
        if header is None or name == chosen:
            continue
        if header.shape in ((count,), (count, 1)) and header.dtype.kind in "iu":
            return _rows(*_opened(archive, name))
        choices.aside.remark(
            f"the labels in {name} ({header.dtype}, {header.shape}) are not "
            f"{number_of(count, 'integer')} and are not used"
        )
    return None


def _headers(archive: zipfile.ZipFile) -> dict[str, Header]:
    names = [name[:-4] for name in archive.namelist() if name.endswith(".npy")]
    headers = {}
    for name in names:
        with archive.open(f"{name}.npy") as content:
            headers[name] = read_header(content)
    return headers


def _opened(archive: zipfile.ZipFile, name: str) -> tuple[IO[bytes], Header]:
    content = archive.open(f"{name}.npy")
    return content, read_header(content)


def read_header(file: IO[bytes]) -> Header:
    """Return the header of an array file, read up to its values.

    Raises
    ------
    ValueError
        If it is damaged or of a version that numbers do not need.
    """
    version = npy.read_magic(file)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        message = f"version {version} of the format"
        raise ValueError(message)
    try:
        return Header(*readers[version](file))
    except Exception as error:
        # The header is a Python literal; numpy lets every error of its parser through.
        message = "its header cannot be read"
        raise ValueError(message) from error


def _chosen(headers: dict[str, Header], choices: Choices, name: str) -> str:
    names = listed(headers) or "none"
    if choices.array is not None:
        if choices.array not in headers:
            message = (
                f"{name} has no array {choices.array!r}; choose one with --array "
                f"({names})"
            )
            raise UsageError(message)
        return choices.array
    found = {key: header.layout(choices.channels) for key, header in headers.items()}
    stacks = [
        key for key, layout in found.items() if isinstance(layout, Layout | Ambiguous)
    ]
    usual = PREFERRED[0]
    if stacks and usual in found and usual not in stacks:
        message = (
            f"{name}:{usual} {found[usual]}; choose another with --array ({names})"
        )
        raise InputError(message)
    for choice in (*PREFERRED, *stacks[: len(stacks) == 1]):
        if choice in stacks:
            _tell_others(stacks, choice, choices, name)
            return choice
    if stacks:
        message = f"{name} has several stacks; choose one with --array ({names})"
        raise UsageError(message)
    problems = listed((f"{key} {why}" for key, why in found.items()), "; ")
    message = f"{name} holds no stack of images: {problems or 'it is empty'}"
    raise InputError(message)


def _tell_others(stacks: list[str], chosen: str, choices: Choices, name: str) -> None:
    others = [key for key in stacks if key != chosen]
    if others:
        choices.aside.remark(
            f"{name} has other stacks of images, which are not read "
            f"({listed(others)}); choose one with --array"
        )


def _stack(header: Header, name: str, choices: Choices) -> _Stack:
    layout = _layout(header, name, choices.channels)
    if layout.guessed:
        choices.aside.remark(f"{name}: {layout.guessed}")
    return _Stack(name, header, layout)


def _layout(header: Header, name: str, channels: str | None) -> Layout:
    layout = header.layout(channels)
    if header.fortran and isinstance(layout, Layout):
        layout = "is stored in Fortran order; save it after numpy.ascontiguousarray"
    if isinstance(layout, str):
        message = f"{name} {layout}"
        raise InputError(message)
    return layout


def _pictures(
    file: IO[bytes], stack: _Stack, labels: Iterator[NDArray[Any]] | None
) -> Iterator[Item]:
    layout = stack.layout
    # A single image is an entry of a stack of one.
    header = stack.header._replace(shape=(layout.num_pictures, *layout.entry))
    try:
        for number, entry in enumerate(_rows(file, header)):
            label = "" if labels is None else str(int(next(labels).flat[0]))
            yield Item(f"{stack.name}[{number}]", label, layout.picture(entry))
    except DAMAGE as error:
        problem = f"is damaged or cut short: {error}"
        yield refused(stack.name, problem, "damaged archive")


def _rows(file: IO[bytes], header: Header) -> Iterator[NDArray[Any]]:
    """Stream the entries along the first axis, a block of them at a time."""
    count, *shape = header.shape
    length = math.prod(shape) * header.dtype.itemsize
    per_block = max(1, BLOCK_BYTES // length)
    for start in range(0, count, per_block):
        number = min(per_block, count - start)
        content = file.read(number * length)
        if len(content) < number * length:
            message = f"it ends before entry {start + number} of {count}"
            raise EOFError(message)
        block = np.frombuffer(content, header.dtype)
        yield from block.reshape(number, *shape)


READERS = (Reader((".npy",), npy_items), Reader((".npz",), npz_items))
