"""Images in nested lists of numbers, as Array2D and Array3D of Hugging Face."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from spectral_sched.errors import ImageError, InputError

from .item import Item
from .layouts import Ambiguous, find_layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LISTS = ("list<", "large_list<", "fixed_size_list<")
NUMBERS = re.compile(r"u?int\d+|float|double|halffloat|half_float|bool")

MANY = 1 << 20
"""A number of images that no axis of one is taken for."""


def holds_arrays(kind: Any) -> bool:
    """Return whether a type of pyarrow's is two or three lists of numbers deep."""
    kind, depth = _storage(kind), 0
    while str(kind).startswith(LISTS):
        kind, depth = kind.value_type, depth + 1
    return depth in (2, 3) and bool(NUMBERS.fullmatch(str(kind)))


def _storage(kind: Any) -> Any:
    """Return how values of a type are stored, which an extension may give a name."""
    return getattr(kind, "storage_type", kind)


def rows_of(batch: Any) -> Iterator[dict[str, Any]]:
    """Yield the rows of a batch, their nested lists of numbers as arrays."""
    nested = [field.name for field in batch.schema if holds_arrays(field.type)]
    if not nested:
        yield from batch.to_pylist()
        return
    plain = [name for name in batch.schema.names if name not in nested]
    rest = batch.select(plain).to_pylist() if plain else [{}] * batch.num_rows
    for number, row in enumerate(rest):
        yield row | {name: _array(batch.column(name), number) for name in nested}


def _array(column: Any, number: int) -> NDArray[Any] | None:
    """Return one row as an array; None where it is null or its lists are uneven."""
    import pyarrow.compute

    values = getattr(column, "storage", column).slice(number, 1)
    shape: list[int] = []
    while str(values.type).startswith(LISTS):
        lengths = set(pyarrow.compute.list_value_length(values).to_pylist())
        if len(lengths) != 1 or None in lengths:
            return None
        shape += lengths
        values = values.flatten()
    found: NDArray[Any] = values.to_numpy(zero_copy_only=False)
    return found.reshape(shape)


def nested_item(
    name: str, values: NDArray[Any], label: str, channels: str | None
) -> Item:
    """Return an array as an image, read as one of a stack of its like.

    Raises
    ------
    InputError
        If it could be read in two ways.
    """
    layout = find_layout((MANY, *values.shape), values.dtype, channels)
    if isinstance(layout, Ambiguous):
        message = f"{name} {layout}".replace(f"({MANY}, ", "(N, ")
        raise InputError(message)
    if isinstance(layout, str):
        problem = layout.replace(f"({MANY}, ", "(N, ")
        return Item(name, label, ImageError(f"{name} {problem}", "no image"))
    return Item(name, label, layout.picture(values))
