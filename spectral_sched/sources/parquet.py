"""Parquet files with a column of encoded pictures, as on the Hugging Face hub.

Rows are read a few at a time. `table` says which columns are read, and how.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .item import Choices, Item, Reader, refused
from .location import last_name, open_place
from .nested import rows_of
from .table import ROWS_AT_ONCE, chosen_columns, pyarrow_module, row_items

if TYPE_CHECKING:
    from collections.abc import Iterator

BUFFER_BYTES = 1 << 20


def parquet_items(place: str, choices: Choices) -> Iterator[Item]:
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
    parquet, arrow_error = pyarrow_module("parquet")
    name = last_name(place)
    with open_place(place) as file:
        try:
            # Reading through a buffer, not a whole column of a row group at once.
            table = parquet.ParquetFile(
                file, buffer_size=BUFFER_BYTES, pre_buffer=False
            )
            columns = chosen_columns(table.schema_arrow, choices, name)
            wanted = [column for column in columns if column]
            yield from row_items(
                place, _dicts(table, wanted), columns, choices.channels
            )
        except (arrow_error, OSError, ValueError) as error:
            because = " ".join(str(error).split())
            yield refused(name, f"is damaged: {because}", "damaged archive")


def _dicts(table: Any, columns: list[str]) -> Iterator[dict[str, Any]]:
    # An iteration over all row groups at once holds on to those it is done with.
    for group in range(table.num_row_groups):
        for batch in table.iter_batches(
            ROWS_AT_ONCE, [group], columns=columns, use_threads=False
        ):
            yield from rows_of(batch)


READERS = (Reader((".parquet", ".pq"), parquet_items),)
