"""Arrays of pictures in ``.npy`` and ``.npz`` files.

A stack has the shape (N, H, W) or (N, H, W, C), C being 1, 3, or one more for opacity.
It is read a few pictures at a time. Nothing is unpickled. Integers of 8 and 16 bits and
truth values have their full range; other numbers need a stated one.
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

from .item import Item, Reader, refused
from .location import last_name, open_place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from numpy.typing import NDArray

PREFERRED = ("images", "arr_0")
"""Names of the array that is taken when there are several stacks."""

LABELS_NAME = "labels"
BLOCK_BYTES = 1 << 20

DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)


class Header(NamedTuple):
    """What an array file says of its content."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    def problem(self) -> str:
        """Return why this is no stack of pictures, or the empty string."""
        if self.dtype.kind not in "buif":
            return f"holds {self.dtype} values, not numbers"
        channels = self.shape[3] if len(self.shape) == 4 else 1
        if len(self.shape) not in (3, 4) or channels not in range(1, 5):
            return (
                f"has the shape {self.shape}; "
                "a stack of images has (N, H, W) or (N, H, W, C) with C from 1 to 4"
            )
        if self.fortran:
            return "is stored in Fortran order; save it after numpy.ascontiguousarray"
        pixels = math.prod(self.shape[1:3])
        if pixels > MAX_PIXELS or not 0 < self.num_bytes <= MAX_ENCODED_BYTES:
            return f"has images of {self.shape[2]}x{self.shape[1]} pixels"
        return ""

    @property
    def num_bytes(self) -> int:
        """Bytes of one picture."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize


def npy_items(place: str) -> Iterator[Item]:
    """Stream the pictures of a ``.npy`` file.

    Raises
    ------
    InputError
        If it does not hold a stack of pictures.
    """
    name = last_name(place)
    with open_place(place) as file:
        try:
            header = read_header(file)
        except DAMAGE as error:
            yield refused(name, f"is damaged or no array file: {error}", "damaged")
            return
        _check(header, name)
        yield from _pictures(file, header, name, None)


def array_items(stack: NDArray[Any]) -> Iterator[Item]:
    """Stream the pictures of a stack in memory.

    Raises
    ------
    InputError
        If it is no stack of pictures.
    """
    _check(Header(stack.shape, fortran=False, dtype=stack.dtype), "the array")
    for number, picture in enumerate(stack):
        yield Item(f"array[{number}]", "", picture)


def npz_items(place: str, array: str | None = None) -> Iterator[Item]:
    """Stream the pictures of one array of a ``.npz`` file.

    Parameters
    ----------
    array
        The name of the array; if None, ``images``, ``arr_0``, or the only stack.

    Raises
    ------
    InputError
        If there is no such stack of pictures.
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
            chosen = _chosen(headers, array, name)
            header, labels = headers[chosen], None
            if _are_labels(headers.get(LABELS_NAME), header.shape[0]):
                labels = _rows(*_opened(archive, LABELS_NAME))
            content = _opened(archive, chosen)[0]
            yield from _pictures(content, header, f"{name}:{chosen}", labels)


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


def _chosen(headers: dict[str, Header], array: str | None, name: str) -> str:
    names = ", ".join(headers) or "none"
    if array is not None:
        if array not in headers:
            message = (
                f"{name} has no array {array!r}; choose one with --array ({names})"
            )
            raise UsageError(message)
        _check(headers[array], f"{name}:{array}")
        return array
    stacks = [name for name, header in headers.items() if not header.problem()]
    for choice in (*PREFERRED, *stacks[: len(stacks) == 1]):
        if choice in stacks:
            return choice
    if stacks:
        message = f"{name} has several stacks; choose one with --array ({names})"
        raise UsageError(message)
    problems = "; ".join(f"{key} {header.problem()}" for key, header in headers.items())
    message = f"{name} holds no stack of images: {problems or 'it is empty'}"
    raise InputError(message)


def _check(header: Header, name: str) -> None:
    problem = header.problem()
    if problem:
        message = f"{name} {problem}"
        raise InputError(message)


def _are_labels(header: Header | None, count: int) -> bool:
    return header is not None and header.shape == (count,) and header.dtype.kind in "iu"


def _pictures(
    file: IO[bytes], header: Header, name: str, labels: Iterator[NDArray[Any]] | None
) -> Iterator[Item]:
    try:
        for number, picture in enumerate(_rows(file, header)):
            label = "" if labels is None else str(next(labels))
            yield Item(f"{name}[{number}]", label, picture)
    except DAMAGE as error:
        yield refused(name, f"is damaged or cut short: {error}", "damaged archive")


def _rows(file: IO[bytes], header: Header) -> Iterator[NDArray[Any]]:
    """Stream the entries along the first axis, a block of them at a time."""
    count, *shape = header.shape
    length = header.num_bytes
    per_block = max(1, BLOCK_BYTES // length)
    for start in range(0, count, per_block):
        number = min(per_block, count - start)
        content = file.read(number * length)
        if len(content) < number * length:
            message = f"it ends before entry {start + number} of {count}"
            raise EOFError(message)
        block = np.frombuffer(content, header.dtype)
        yield from block.reshape(number, *shape)


READERS = (
    Reader((".npy",), lambda place, _: npy_items(place)),
    Reader((".npz",), lambda place, choices: npz_items(place, choices.array)),
)
