"""Shards of MosaicML Streaming (MDS) of format version 2, read sample by sample.

A shard is a number of samples, the places where each begins and the last ends, a JSON
object that names its columns, and the samples. Its library is not used, because that
loads torch. Pickles in a column are not read.
"""

from __future__ import annotations

import json
import math
import struct
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from spectral_sched.errors import ImageError, InputError, UsageError
from spectral_sched.images.pixels import check_bytes

from .item import Choices, Item, Reader, listed, refused
from .location import last_name, open_place
from .nested import nested_item
from .table import LABELS, tell_unused_labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

ENCODED = ("bytes", "jpeg", "png")
ARRAY = "ndarray"
LABEL_TYPES = {
    "int": "<i8",
    "int8": "<i1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
    "uint8": "<u1",
    "uint16": "<u2",
    "uint32": "<u4",
    "uint64": "<u8",
}
LABEL_TEXTS = ("str", "str_int")

VALUE_TYPES = {
    8: "u1",
    9: "i1",
    16: "<u2",
    17: "<i2",
    18: "<f2",
    32: "<u4",
    33: "<i4",
    34: "<f4",
    64: "<u8",
    65: "<i8",
    66: "<f8",
}
"""Types of numbers of arrays, by the byte that stands for them."""

VERSION = 2
LONGEST_HEAD = 1 << 20
NUMBER = struct.Struct("<I")
DAMAGE = (OSError, ValueError, KeyError, TypeError, IndexError, struct.error)


class _Shard(NamedTuple):
    """What the head of a shard says.

    Attributes
    ----------
    names, encodings, sizes
        Of its columns; the size of one that varies is 0.
    num_samples
        How many samples there are.
    """

    names: list[str]
    encodings: list[str]
    sizes: list[int]
    num_samples: int

    def values(self, sample: bytes) -> dict[str, bytes]:
        """Return what a sample has in each column."""
        varying = self.sizes.count(0)
        at = NUMBER.size * varying
        given = iter(struct.unpack_from(f"<{varying}I", sample))
        found = {}
        for name, size in zip(self.names, self.sizes, strict=True):
            length = size or next(given)
            found[name] = sample[at : at + length]
            at += length
        return found


def mds_items(place: str, choices: Choices) -> Iterator[Item]:
    """Stream the images of one column of a shard.

    Raises
    ------
    InputError
        If no column holds images.
    UsageError
        If several do, or none of the given name.
    """
    name = last_name(place)
    with open_place(place) as file:
        try:
            shard = _head(file)
            column, label = _columns(shard, choices, name)
            encoding = shard.encodings[shard.names.index(column)]
            for number in range(shard.num_samples):
                row = shard.values(_sample(file, number))
                told = _label(row.get(label, b""), shard, label)
                called = f"{name} sample {number}"
                yield _item(called, row[column], encoding, told, choices)
        except InputError:
            raise
        except DAMAGE as error:
            yield refused(name, f"is damaged or no MDS shard: {error}", "damaged")


def _head(file: BinaryIO) -> _Shard:
    (count,) = NUMBER.unpack(file.read(NUMBER.size))
    (begin,) = NUMBER.unpack(file.read(NUMBER.size))
    start = NUMBER.size * (count + 2)
    if not start < begin <= start + LONGEST_HEAD:
        message = "its head is not where it should be"
        raise ValueError(message)
    file.seek(start)
    head = json.loads(file.read(begin - start))
    if head["format"] != "mds" or head["version"] != VERSION:
        message = f"it is of format {head['format']} {head['version']}"
        raise ValueError(message)
    sizes = [size or 0 for size in head["column_sizes"]]
    return _Shard(head["column_names"], head["column_encodings"], sizes, count)


def _sample(file: BinaryIO, number: int) -> bytes:
    file.seek(NUMBER.size * (number + 1))
    begin, end = struct.unpack("<2I", file.read(2 * NUMBER.size))
    file.seek(begin)
    check_bytes(end - begin, f"sample {number}")
    content = file.read(end - begin)
    if len(content) < end - begin or end <= begin:
        message = f"it ends before sample {number}"
        raise ValueError(message)
    return content


def _columns(shard: _Shard, choices: Choices, name: str) -> tuple[str, str]:
    """Return the column of images and that of classes, empty if there is none."""
    possible = [
        column
        for column, encoding in zip(shard.names, shard.encodings, strict=True)
        if encoding in ENCODED or encoding.partition(":")[0] == ARRAY
    ]
    names = listed(possible) or "none"
    if choices.column is not None and choices.column not in possible:
        message = f"{name} has no column {choices.column!r} of images ({names})"
        raise UsageError(message)
    kinds = dict(zip(shard.names, shard.encodings, strict=True))
    if not possible:
        columns = listed(f"{key} as {kind}" for key, kind in kinds.items())
        message = f"{name} has no column of images (columns: {columns})"
        raise InputError(message)
    if choices.column is None and len(possible) > 1:
        message = f"{name} has several columns; choose one with --column ({names})"
        raise UsageError(message)
    column = choices.column or possible[0]
    usable = (key for key in LABELS if kinds.get(key) in (*LABEL_TYPES, *LABEL_TEXTS))
    label = next(usable, "")
    if not label:
        tell_unused_labels({**kinds, column: None}, choices, name)
    return column, label


def _label(content: bytes, shard: _Shard, label: str) -> str:
    if not label:
        return ""
    encoding = shard.encodings[shard.names.index(label)]
    if encoding in LABEL_TEXTS:
        return content.decode("utf-8", "backslashreplace")
    return str(int(np.frombuffer(content, LABEL_TYPES[encoding])[0]))


def _item(
    name: str, content: bytes, encoding: str, label: str, choices: Choices
) -> Item:
    if encoding in ENCODED:
        return Item(name, label, content)
    try:
        return nested_item(name, _array(content, encoding), label, choices.channels)
    except (ValueError, IndexError, KeyError) as error:
        damaged = ImageError(f"{name} is damaged: {error}", "damaged")
        return Item(name, label, damaged)


def _array(content: bytes, encoding: str) -> NDArray[Any]:
    """Return an array; its type and shape are in its encoding or before its values."""
    _, _, rest = encoding.partition(":")
    kind, _, sides = rest.partition(":")
    at = 0
    if kind:
        dtype = np.dtype(kind).newbyteorder("<")
    else:
        dtype, at = np.dtype(VALUE_TYPES[content[0]]), 1
    if sides:
        shape = tuple(map(int, sides.split(",")))
    else:
        # Six bits are the number of axes, two the type of their lengths.
        ndim, width = content[at] >> 2, 1 << (content[at] & 3)
        lengths = np.frombuffer(content, f"<u{width}", ndim, at + 1)
        shape, at = tuple(map(int, lengths)), at + 1 + ndim * width
    return np.frombuffer(content, dtype, math.prod(shape), at).reshape(shape)


READERS = (Reader((".mds",), mds_items),)
