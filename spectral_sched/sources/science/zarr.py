"""Zarr stores of formats 2 and 3, among them OME-Zarr, by zarr.

Of a pyramid the finest level is read unless another is named: coarser ones are
averages, and white noise loses half its deviation from one to the next, or less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spectral_sched.errors import InputError
from spectral_sched.images.pixel_size import pixel_size
from spectral_sched.sources.item import Choices, Item, Reader, quote_name, refused
from spectral_sched.sources.location import last_name

from .grid import Grid, Told, axes_grid, grid_items, needed
from .stacks import Stored, chosen_stack, stack_items

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KINDS = {"time": "T", "channel": "C"}
"""Letters of axes by their type, where their name is not theirs already."""


def zarr_items(place: str, choices: Choices) -> Iterator[Item]:
    """Stream the images of one array of a Zarr store.

    Raises
    ------
    UnavailableError
        If zarr is not installed.
    InputError
        If no array holds images.
    UsageError
        If several do, or none of the given name.
    """
    zarr = needed("zarr", "zarr", "Zarr stores")
    name = last_name(place.rstrip("/"))
    try:
        root = zarr.open(place, mode="r")
    except Exception as error:  # noqa: BLE001 - its readers raise what they run into
        because = " ".join(str(error).split())
        yield refused(name, f"is damaged or no Zarr store: {because}", "damaged")
        return
    try:
        yield from _items(zarr, root, choices, name)
    except InputError:
        raise
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        because = " ".join(str(error).split())
        yield refused(name, f"is damaged: {because}", "damaged archive")


def _items(zarr: Any, root: Any, choices: Choices, name: str) -> Iterator[Item]:
    if _unpickles(zarr, root):
        problem = "has a filter that unpickles, which is not run; store it without"
        yield refused(name, problem, "unreadable")
        return
    if isinstance(root, zarr.Array):
        yield from stack_items(Stored("/", root, dict(root.attrs)), choices, name)
        return
    path = (choices.inner or "/").strip("/")
    image = _image(zarr, root, path)
    if image is not None:
        yield from grid_items(image.grid(f"{name}:/{path}" if path else name), choices)
        return
    found = list(_arrays(zarr, root))
    stored = chosen_stack(found, choices, name)
    labels = [each for each in found if each is not stored]
    yield from stack_items(stored, choices, name, labels)


class _Image(NamedTuple):
    """A level of a pyramid of OME's: its group, what it says, and which level."""

    group: Any
    scales: dict[str, Any]
    level: dict[str, Any]

    def grid(self, name: str) -> Grid:
        """Return the level as a stack of planes, with its channels as bands."""
        array = self.group[self.level["path"]]
        axes = _axes(self.scales, array.ndim)
        if "Y" not in axes or "X" not in axes:
            message = f"{quote_name(name)} has the axes {axes}, without rows (y, x)"
            raise InputError(message)
        return axes_grid(name, array, axes, self._told(axes, array))

    def _told(self, axes: str, array: Any) -> Told:
        sizes = dict(zip(axes, _steps(self.level, len(axes)), strict=True))
        shape = dict(zip(axes, array.shape, strict=True))
        size, unit = (shape["Y"], shape["X"]), _unit(self.scales, axes)
        pixel = pixel_size(sizes["Y"], sizes["X"], unit, size)
        return Told(window=_window(self.group), pixel=pixel, depth=sizes.get("Z"))


def _image(zarr: Any, root: Any, path: str) -> _Image | None:
    """Return the level that is named, or the finest of a pyramid; None without one."""
    node = _at(root, path)
    if isinstance(node, zarr.Group):
        scales = _multiscales(node)
        return _Image(node, scales, scales["datasets"][0]) if scales else None
    parent, _, last = path.rpartition("/")
    above = _at(root, parent)
    scales = _multiscales(above) if isinstance(above, zarr.Group) else None
    for level in (scales or {}).get("datasets", ()):
        if scales and level["path"].strip("/") == last:
            return _Image(above, scales, level)
    return None


def _at(root: Any, path: str) -> Any:
    """Return what is at a path in a store, None if nothing is."""
    return root.get(path) if path else root


def _arrays(zarr: Any, group: Any, prefix: str = "") -> Iterator[Stored]:
    for key, node in group.members():
        if isinstance(node, zarr.Array):
            yield Stored(f"{prefix}/{key}", node, dict(node.attrs))
        else:
            yield from _arrays(zarr, node, f"{prefix}/{key}")


def _unpickles(zarr: Any, node: Any) -> bool:
    """Return whether a codec of an array in a store would run what is in it."""
    if isinstance(node, zarr.Array):
        return "pickle" in str(node.metadata.to_dict()).lower()
    return any(_unpickles(zarr, inner) for _, inner in node.members())


def _attributes(group: Any) -> Mapping[str, Any]:
    """Return what OME says of a group: from version 0.5 on under a name of its own."""
    facts = dict(group.attrs)
    inner = facts.get("ome")
    return inner if isinstance(inner, dict) else facts


def _multiscales(group: Any) -> dict[str, Any] | None:
    scales = _attributes(group).get("multiscales")
    if not scales or not scales[0].get("datasets"):
        return None
    found: dict[str, Any] = scales[0]
    return found


def _axes(scales: dict[str, Any], count: int) -> str:
    """Return the letter of each axis; those of the first versions are fixed."""
    named = scales.get("axes") or list("tczyx")[-count:]
    letters = ""
    for axis in named:
        text = axis if isinstance(axis, str) else str(axis.get("name", "?"))
        kind = "" if isinstance(axis, str) else str(axis.get("type", ""))
        letters += KINDS.get(kind, text[:1].upper())
    return letters


def _steps(level: dict[str, Any], count: int) -> list[float]:
    for change in level.get("coordinateTransformations", ()):
        if change.get("type") == "scale" and len(change.get("scale", ())) == count:
            return [float(step) for step in change["scale"]]
    return [0.0] * count


def _unit(scales: dict[str, Any], axes: str) -> str:
    named = scales.get("axes") or []
    place = axes.index("Y")
    axis = named[place] if place < len(named) else {}
    return str(axis.get("unit", "")) if isinstance(axis, dict) else ""


def _window(group: Any) -> tuple[Any, Any] | None:
    """Return the display window of each channel, if it has one."""
    channels = _attributes(group).get("omero", {}).get("channels", [])
    windows = [channel.get("window", {}) for channel in channels]
    if not windows or not all("start" in each and "end" in each for each in windows):
        return None
    low, high = (
        np.array([float(each[key]) for each in windows]) for key in ("start", "end")
    )
    return (low, high) if np.all(low < high) else None


READERS = (Reader((".zarr",), zarr_items, folders=True, inside=True),)
