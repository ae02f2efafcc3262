"""Arrow files with a column of encoded images: Feather, and what datasets saves.

Files (with an index at their end) and streams (without) are told by their first bytes.
Local files are mapped and not read whole, however large their batches are. `table` says
which columns are read, and how.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from spectral_sched.errors import InputError

from .item import Choices, Item, Reader
from .location import is_url, last_name, open_place
from .nested import rows_of
from .table import ROWS_AT_ONCE, Table, pyarrow_module, table_items

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"ARROW1"
OLD_FEATHER = b"FEA1"


def arrow_items(place: str, choices: Choices) -> Iterator[Item]:
    """Stream the images of an Arrow file.

    Raises
    ------
    UnavailableError
        If pyarrow is not installed.
    InputError
        If no column holds images, or the file is of Feather's first version.
    UsageError
        If several do, or none of the given name.
    """
    ipc, arrow_error = pyarrow_module("ipc")
    name = last_name(place)
    with _opened(place) as file:

        def opened() -> Table:
            reader, batches = _reader(ipc, file, name)
            return Table(reader.schema, partial(_dicts, batches))

        yield from table_items(place, choices, opened, arrow_error)


@contextmanager
def _opened(place: str) -> Iterator[Any]:
    with open_place(place) as file:
        if is_url(place):
            yield file
            return
    import pyarrow

    try:
        mapped = pyarrow.memory_map(place)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        message = f"cannot read {place}: {' '.join(str(error).split())}"
        raise InputError(message) from error
    with mapped:
        yield mapped


def _reader(ipc: Any, file: Any, name: str) -> tuple[Any, Iterator[Any]]:
    """Return the reader of a file or stream, and its batches."""
    start = file.read(len(MAGIC))
    file.seek(0)
    if start.startswith(OLD_FEATHER):
        message = f"{name} is of the first version of Feather; save it as the second"
        raise InputError(message)
    if start != MAGIC:
        stream = ipc.open_stream(file)
        return stream, iter(stream)
    whole = ipc.open_file(file)
    return whole, map(whole.get_batch, range(whole.num_record_batches))


def _dicts(batches: Iterator[Any], columns: list[str]) -> Iterator[dict[str, Any]]:
    for batch in batches:
        chosen = batch.select(columns)
        for start in range(0, chosen.num_rows, ROWS_AT_ONCE):
            yield from rows_of(chosen.slice(start, ROWS_AT_ONCE))


READERS = (Reader((".arrow", ".feather"), arrow_items),)
