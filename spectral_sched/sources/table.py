"""Tables with a column of images: which column, which class, and a row's images.

A column holds encoded images, structs with a field ``bytes`` or ``path`` as on the
Hugging Face hub, lists of either, nested lists of numbers (`nested`), or, if chosen
or named as one that does, names of files beside the table.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spectral_sched.errors import ImageError, InputError, UnavailableError, UsageError
from spectral_sched.images.pixels import check_bytes

from .item import Choices, Item, listed, quote_name, refused
from .location import Remote, is_url, last_name
from .nested import holds_arrays, nested_item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from spectral_sched.images.pixels import Data

PREFERRED = ("image", "images", "img", "jpg", "png", "webp")
"""Names of the column that is taken when several could be."""

PATHS = ("file_name", "image_path", "path", "filename", "image", "img")
"""Names of columns of text that are taken for names of files."""

LABELS = ("label", "labels", "cls", "class", "fine_label")
"""Names of the column of classes, the first that is there."""

BASE64 = ("data:", "iVBORw0KGgo", "/9j/", "UklGR", "R0lGOD")
"""How images in text begin: with what they are, or as PNG, JPEG, WebP and GIF do."""

LONGEST_PATH = 4096

ROWS_AT_ONCE = 16


class Columns(NamedTuple):
    """The columns of a table that are read."""

    pictures: str
    label: str | None


class Table(NamedTuple):
    """An opened table: its schema, and what gives the rows with some of its columns."""

    schema: Any
    rows: Callable[[list[str]], Iterable[dict[str, Any]]]


def pyarrow_module(name: str) -> tuple[Any, type[Exception]]:
    """Return a module of pyarrow, and the base of its errors.

    Raises
    ------
    UnavailableError
        If pyarrow is not installed.
    """
    try:
        import importlib

        from pyarrow import ArrowException

        return importlib.import_module(f"pyarrow.{name}"), ArrowException
    except ImportError as error:
        message = (
            "Parquet and Arrow files take a package that is not installed; "
            "install it with: pip install 'spectral-sched[parquet]'"
        )
        raise UnavailableError(message) from error


def _chosen_columns(schema: Any, choices: Choices, name: str) -> Columns:
    """Return the columns to read of a table with a schema of pyarrow's.

    Raises
    ------
    InputError
        If no column holds images.
    UsageError
        If several do, or none of the wanted name.
    """
    fields = {field.name: field.type for field in schema}
    label = next((key for key in LABELS if _holds_labels(fields.get(key))), None)
    pictures = _pictures(fields, choices.column, name)
    others = [key for key in fields if key != pictures and _holds_pictures(fields[key])]
    if others:
        choices.aside.remark(
            f"{name} has other columns of images, which are not read "
            f"({listed(others)}); choose one with --column"
        )
    if label is None:
        tell_unused_labels({**fields, pictures: None}, choices, name)
    return Columns(pictures, None if label == pictures else label)


def tell_unused_labels(kinds: Mapping[str, Any], choices: Choices, name: str) -> None:
    """Tell of a column that should hold classes, by the type of its values."""
    unused = next((key for key in LABELS if kinds.get(key) is not None), None)
    if unused is not None:
        choices.aside.remark(
            f"the labels in column {unused} of {name} ({kinds[unused]}) are neither "
            "integers nor text and are not used"
        )


def _pictures(fields: dict[str, Any], column: str | None, name: str) -> str:
    found = [
        [key for key, kind in fields.items() if holds(kind)]
        for holds in (_holds_pictures, holds_arrays, _holds_paths)
    ]
    possible = next(filter(None, found), [])
    named = [key for key in PATHS if _kind(fields.get(key)) in TEXT]
    if column is not None:
        texts = [field for field, kind in fields.items() if _kind(kind) in TEXT]
        if column not in (*chain(*found), *texts):
            names = listed(possible) or "none"
            message = (
                f"{name} has no column {column!r} of images; choose one with --column "
                f"({names})"
            )
            raise UsageError(message)
        return column
    for choice in (*PREFERRED, *possible[: len(possible) == 1]):
        if choice in possible:
            return choice
    if possible:
        names = listed(possible)
        message = (
            f"{name} has several columns of bytes; choose one with --column ({names})"
        )
        raise UsageError(message)
    if named:
        return named[0]
    message = f"{name} has no column of images (columns: {listed(fields) or 'none'})"
    raise InputError(message)


BINARY = ("binary", "large_binary", "binary_view")
TEXT = ("string", "large_string", "string_view")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def _kind(kind: Any) -> str:
    """Return the name of a type; of the values, if these are in a dictionary."""
    text = str(kind)
    if text.startswith("dictionary<"):
        return str(kind.value_type)
    return text


def _holds_pictures(kind: Any) -> bool:
    text = str(kind)
    if text.startswith(("list<", "large_list<", "fixed_size_list<", "list_view<")):
        return _holds_pictures(kind.value_type)
    if text.startswith("struct<"):
        index = kind.get_field_index("bytes")
        return index >= 0 and str(kind.field(index).type) in BINARY
    return text in BINARY


def _holds_paths(kind: Any) -> bool:
    """Return whether a type of pyarrow's is a struct with the name of a file alone."""
    if not str(kind).startswith("struct<"):
        return False
    index = kind.get_field_index("path")
    return index >= 0 and _kind(kind.field(index).type) in TEXT


def _holds_labels(kind: Any) -> bool:
    return _kind(kind) in (*INTEGERS, *TEXT)


def table_items(
    place: str,
    choices: Choices,
    opened: Callable[[], Table],
    arrow_error: type[Exception],
) -> Iterator[Item]:
    """Stream the images of a table at a path or URL, up to where it is damaged.

    Raises
    ------
    InputError
        If no column holds images.
    UsageError
        If several do, or none of the wanted name.
    """
    name = last_name(place)
    try:
        table = opened()
        columns = _chosen_columns(table.schema, choices, name)
        rows = table.rows([column for column in columns if column])
        yield from _row_items(place, rows, columns, choices.channels)
    except (arrow_error, OSError, ValueError) as error:
        because = " ".join(str(error).split())
        yield refused(name, f"is damaged: {because}", "damaged archive")


def _row_items(
    place: str,
    rows: Iterable[dict[str, Any]],
    columns: Columns,
    channels: str | None,
) -> Iterator[Item]:
    name = last_name(place)
    for number, row in enumerate(rows):
        label = row.get(columns.label) if columns.label else None
        text = "" if label is None else quote_name(str(label))
        content = row[columns.pictures]
        if isinstance(content, np.ndarray):
            yield nested_item(f"{name} row {number}", content, text, channels)
            continue
        if not isinstance(content, list):
            yield _item(f"{name} row {number}", content, text, place)
            continue
        if not content:
            yield refused(f"{name} row {number}", "holds no image", "missing")
        for part, each in enumerate(content):
            yield _item(f"{name} row {number}[{part}]", each, text, place)


def _item(name: str, content: Any, label: str, place: str) -> Item:
    if isinstance(content, dict):
        content = content.get("bytes") or content.get("path")
    if not content:
        return refused(name, "holds no image", "missing")
    if isinstance(content, str):
        return _named_item(name, content, label, place)
    try:
        check_bytes(len(content), name)
    except ImageError as error:
        return Item(name, "", error)
    return Item(name, label, content)


def _named_item(name: str, path: str, label: str, place: str) -> Item:
    if path.startswith(BASE64):
        return refused(name, "holds base64 text; store its bytes instead", "text")
    if "\0" in path or len(path) > LONGEST_PATH:
        return refused(name, "holds text that is no name of a file", "text")
    return Item(f"{name} ({quote_name(path)})", label, _beside(place, path))


def _beside(place: str, path: str) -> Data:
    """Return a file that a table names, relative to the folder of the table."""
    if is_url(path):
        return Remote(path)
    if not is_url(place):
        return Path(place).parent / path
    if path.startswith("/"):
        message = f"{quote_name(path)} is on the machine that wrote {last_name(place)}"
        return ImageError(message, "missing")
    return Remote(f"{place.rpartition('/')[0]}/{path}")
