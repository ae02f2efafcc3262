"""Parquet files with a column of encoded images, as on the Hugging Face hub.

Rows are read a few at a time. `table` says which columns are read, and how.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from .item import Choices, Item, Reader
from .location import open_place
from .nested import rows_of
from .table import ROWS_AT_ONCE, Table, pyarrow_module, table_items

if TYPE_CHECKING:
    from collections.abc import Iterator

BUFFER_BYTES = 1 << 20


def parquet_items(place: str, choices: Choices) -> Iterator[Item]:
    """Stream the images of a Parquet file.

    Raises
    ------
    UnavailableError
        If pyarrow is not installed.
    InputError
        If no column holds images.
    UsageError
        If several do, or none of the given name.
    """
    parquet, arrow_error = pyarrow_module("parquet")
    with open_place(place) as file:

        def opened() -> Table:
            # Reading through a buffer, not a whole column of a row group at once.
            table = parquet.ParquetFile(
                file, buffer_size=BUFFER_BYTES, pre_buffer=False
            )
            return Table(table.schema_arrow, partial(_dicts, table))

        yield from table_items(place, choices, opened, arrow_error)


def _dicts(table: Any, columns: list[str]) -> Iterator[dict[str, Any]]:
    # An iteration over all row groups at once holds on to those it is done with.
    for group in range(table.num_row_groups):
        for batch in table.iter_batches(
            ROWS_AT_ONCE, [group], columns=columns, use_threads=False
        ):
            yield from rows_of(batch)


READERS = (Reader((".parquet", ".pq"), parquet_items),)
