"""Arrays without named axes, in files that hold several: which one, and as what.

They are read as the same arrays in a ``.npy`` file are, so that their digests agree. Of
the conventions of climate and forecast data (CF), the scale, the offset and the value
that stands for a missing one are heeded.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spectral_sched.errors import InputError, UsageError
from spectral_sched.sources.item import Choices, Item, listed, quote_name, refused
from spectral_sched.sources.layouts import Ambiguous, Layout, find_layout
from spectral_sched.sources.planes import chosen_planes
from spectral_sched.words import number_of

from .grid import Told, axes_grid, grid_items, not_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

PREFERRED = ("/images", "/data", "/image", "/x")
"""Names of the array that is taken when there are several stacks."""

LABELS = ("labels", "label", "y")
"""Names of the array of classes beside it, the first that fits."""

AXIS = b"DIMENSION_SCALE"
"""The class of arrays of HDF5 that are places along an axis, such as one called y."""

BLOCK_BYTES = 1 << 20
MOST_BLOCK_BYTES = 1 << 26
"""Values that are read at once, and at most where they are stored in larger chunks."""


class Stored(NamedTuple):
    """An array in a file: its name there, itself, and what is said of it."""

    name: str
    array: Any
    facts: Mapping[str, Any]


def chosen_stack(found: list[Stored], choices: Choices, name: str) -> Stored:
    """Return the array that is named, or the only one that may be images.

    Raises
    ------
    UsageError
        If there are several, or none of the given name.
    InputError
        If none may be images.
    """
    by_name = {each.name: each for each in found}
    names = listed(f"{name}:{each}" for each in by_name) or "none"
    if choices.inner is not None:
        wanted = choices.inner.rstrip("/") or "/"
        if wanted not in by_name:
            message = f"{name} has no array {wanted!r}; there are: {names}"
            raise UsageError(message)
        return by_name[wanted]
    stacks = [
        each
        for each in found
        if _last(each) not in LABELS and _may_be_pictures(each.array, choices)
    ]
    preferred = [each for key in PREFERRED for each in stacks if each.name == key]
    if len(stacks) > 1 and not preferred:
        message = f"{name} has several arrays; name one of them: {names}"
        raise UsageError(message)
    if not stacks:
        message = f"{name} holds no stack of images (arrays: {names})"
        raise InputError(message)
    chosen = (preferred or stacks)[0]
    others = [each.name for each in stacks if each is not chosen]
    if others:
        choices.aside.remark(
            f"{name} has other stacks of images, which are not read "
            f"({listed(others)}); name one as in {name}:{others[0]}"
        )
    return chosen


def _may_be_pictures(array: Any, choices: Choices) -> bool:
    if len(array.shape) == 2:
        return min(array.shape) > 1 and array.dtype.kind in "buif"
    found = find_layout(array.shape, array.dtype, choices.channels)
    return isinstance(found, Layout | Ambiguous) and not not_numbers(array.dtype)


def stack_items(
    stored: Stored, choices: Choices, name: str, labels: list[Stored] | None = None
) -> Iterator[Item]:
    """Stream the images of an array.

    Raises
    ------
    InputError
        If it is none of images, or could be read in two ways.
    """
    array = stored.array
    called = quote_name(f"{name}:{stored.name}")
    problem = not_numbers(array.dtype)
    if problem:
        yield refused(called, problem, "no numbers")
        return
    told, scale = _conventions(stored.facts)
    layout = _layout(array, choices, called)
    if layout is None:
        axes = {"first": "CYX", "last": "YXC"}.get(choices.channels or "", "YX")
        yield from grid_items(axes_grid(called, array, axes[-array.ndim :]), choices)
        return
    classes = _classes(_beside(labels or [], stored), layout.num_pictures, choices)
    plain = told == Told() and scale is None and choices.bands is None
    if plain and layout.place != "none" and layout.entry[_channel(layout)] > 4:
        plain = False
    if plain:
        yield from _plain(array, layout, choices, called, classes)
        return
    axes = {"first": "NCYX", "last": "NYXC", "none": "NYX"}[layout.place]
    whole = axes[-array.ndim :]
    grid = axes_grid(called, array, whole, told, scale, scale and np.float64)
    for number, item in enumerate(grid_items(grid, choices)):
        yield item.labelled(classes(number))


def _channel(layout: Layout) -> int:
    return 0 if layout.place == "first" else -1


def _layout(array: Any, choices: Choices, called: str) -> Layout | None:
    """Return how an array is a stack; None for one image of rows and columns."""
    if len(array.shape) == 2 and choices.channels is None:
        return None
    layout = find_layout(array.shape, array.dtype, choices.channels)
    if isinstance(layout, str):
        message = f"{called} {layout}"
        raise InputError(message)
    return layout


def _plain(
    array: Any, layout: Layout, choices: Choices, called: str, classes: Any
) -> Iterator[Item]:
    planes = chosen_planes(choices.planes, layout.num_pictures, called)
    bands = 1 if layout.place == "none" else layout.entry[_channel(layout)]
    choices.aside.used(len(planes), layout.num_pictures, bands, bands)
    if layout.num_pictures == 1 and len(array.shape) == 3 and layout.place != "none":
        yield Item(f"{called}[0]", classes(0), layout.picture(np.asarray(array[...])))
        return
    for first in range(planes.start, planes.stop, step := _at_once(array)):
        block = np.asarray(array[first : min(first + step, planes.stop)])
        for number, entry in enumerate(block, first):
            yield Item(f"{called}[{number}]", classes(number), layout.picture(entry))


def _at_once(array: Any) -> int:
    """Return how many entries are read at once: whole chunks, if they are not large."""
    each: int = math.prod(array.shape[1:]) * int(array.dtype.itemsize)
    few = max(1, BLOCK_BYTES // each)
    chunks = getattr(array, "chunks", None)
    chunk = int(chunks[0]) if chunks else 1
    if chunk * each > MOST_BLOCK_BYTES:
        return few
    return max(chunk, few // chunk * chunk)


def _beside(others: list[Stored], stored: Stored) -> dict[str, Stored]:
    """Return the arrays in the group of one and those above it, the nearest by name."""
    return {
        _last(each): each
        for each in sorted(others, key=lambda each: each.name.count("/"))
        if stored.name.startswith(f"{each.name.rpartition('/')[0]}/")
    }


def _last(stored: Stored) -> str:
    return stored.name.rpartition("/")[2]


def _classes(
    beside: dict[str, Stored], count: int, choices: Choices
) -> Callable[[int], str]:
    """Return what tells the class of an image by its number."""
    for name in LABELS:
        if name not in beside or beside[name].facts.get("CLASS") == AXIS:
            continue
        array = beside[name].array
        shape = tuple(array.shape)
        if shape in ((count,), (count, 1)) and array.dtype.kind in "iu":
            values = np.asarray(array[...]).reshape(-1)
            return lambda number: str(int(values[number]))
        choices.aside.remark(
            f"the labels in {quote_name(beside[name].name)} ({array.dtype}, {shape}) "
            f"are not {number_of(count, 'integer')} and are not used"
        )
    return lambda _number: ""


def _conventions(facts: Mapping[str, Any]) -> tuple[Told, Any]:
    """Return what the attributes of an array tell, and how its values are scaled."""
    scale, offset = (_number(facts, key) for key in ("scale_factor", "add_offset"))
    fill = _number(facts, "_FillValue")
    fill = _number(facts, "missing_value") if fill is None else fill
    if scale is None and offset is None:
        return Told(nodata=fill), None
    factor, shift = 1.0 if scale is None else scale, 0.0 if offset is None else offset

    def scaled(values: NDArray[Any]) -> NDArray[np.float64]:
        wide = values.astype(np.float64) * factor + shift
        if fill is not None:
            wide[values == fill] = np.nan
        return wide

    return Told(), scaled


def _number(facts: Mapping[str, Any], key: str) -> float | None:
    value = facts.get(key)
    try:
        return None if value is None else float(np.asarray(value).reshape(-1)[0])
    except (TypeError, ValueError, IndexError):
        return None
