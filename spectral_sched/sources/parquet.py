"""Parquet files with a column of encoded pictures, as on the Hugging Face hub.

The column holds the bytes themselves, or a struct with a field ``bytes``; pictures that
are only named by a path are not looked for. Rows are read a few at a time. A column
``label`` of integers or text gives the classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spectral_sched.errors import ImageError, InputError, UnavailableError, UsageError
from spectral_sched.images.pixels import check_bytes

from .item import Item, Reader, refused
from .location import last_name, open_place

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFERRED = ("image", "img", "jpg", "png", "webp")
"""Names of the column that is taken when several could be."""

LABEL_NAME = "label"
ROWS_AT_ONCE = 16
BUFFER_BYTES = 1 << 20


def parquet_items(place: str, column: str | None = None) -> Iterator[Item]:
    """Stream the pictures of a Parquet file.

    Raises
    ------
    UnavailableError
        If pyarrow is not installed.
    InputError
        If no column holds pictures.
    UsageError
        If several do, or none of the given name.
    """
    parquet, arrow_error = _pyarrow()
    name = last_name(place)
    with open_place(place) as file:
        try:
            # Reading through a buffer, not a whole column of a row group at once.
            table = parquet.ParquetFile(
                file, buffer_size=BUFFER_BYTES, pre_buffer=False
            )
            yield from _rows(table, name, column)
        except (arrow_error, OSError, ValueError) as error:
            because = " ".join(str(error).split())
            yield refused(name, f"is damaged: {because}", "damaged archive")


def _pyarrow() -> tuple[Any, type[Exception]]:
    """Return the module that reads Parquet files, and the base of its errors."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        message = (
            "Parquet files take a package that is not installed; "
            "install it with: pip install 'spectral-sched[parquet]'"
        )
        raise UnavailableError(message) from error
    return parquet, ArrowException


def _rows(table: Any, name: str, column: str | None) -> Iterator[Item]:
    fields = {field.name: field.type for field in table.schema_arrow}
    chosen = _chosen(fields, column, name)
    path = f"{chosen}.bytes" if _is_struct(fields[chosen]) else chosen
    labels = [LABEL_NAME] if _holds_labels(fields.get(LABEL_NAME)) else []
    for number, row in enumerate(_dicts(table, [path, *labels])):
        content = row[chosen]
        content = content["bytes"] if isinstance(content, dict) else content
        yield _item(f"{name} row {number}", content, row.get(LABEL_NAME))


def _dicts(table: Any, columns: list[str]) -> Iterator[dict[str, Any]]:
    # An iteration over all row groups at once holds on to those it is done with.
    for group in range(table.num_row_groups):
        for batch in table.iter_batches(
            ROWS_AT_ONCE, [group], columns=columns, use_threads=False
        ):
            yield from batch.to_pylist()


def _item(name: str, content: bytes | None, label: object) -> Item:
    if content is None:
        return refused(name, "holds no image", "missing")
    try:
        check_bytes(len(content), name)
    except ImageError as error:
        return Item(name, "", error)
    return Item(name, "" if label is None else str(label), content)


def _chosen(fields: dict[str, Any], column: str | None, name: str) -> str:
    possible = [field for field, kind in fields.items() if _holds_pictures(kind)]
    names = ", ".join(possible) or "none"
    if column is not None:
        if column not in possible:
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
        message = (
            f"{name} has several columns of bytes; choose one with --column ({names})"
        )
        raise UsageError(message)
    message = f"{name} has no column of images (columns: {', '.join(fields) or 'none'})"
    raise InputError(message)


def _holds_pictures(kind: Any) -> bool:
    if _is_struct(kind):
        index = kind.get_field_index("bytes")
        return index >= 0 and _is_binary(kind.field(index).type)
    return _is_binary(kind)


def _is_struct(kind: Any) -> bool:
    return str(kind).startswith("struct<")


def _is_binary(kind: Any) -> bool:
    return str(kind) in ("binary", "large_binary", "binary_view")


def _holds_labels(kind: Any) -> bool:
    names = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "string")
    return str(kind) in names


ENDINGS = (".parquet", ".pq")

READERS = (
    Reader(ENDINGS, lambda place, choices: parquet_items(place, choices.column)),
)
