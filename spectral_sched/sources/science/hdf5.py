"""HDF5 files, among them netCDF-4, by h5py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spectral_sched.sources.item import Choices, Item, Reader, refused
from spectral_sched.sources.location import last_name, open_place

from .grid import needed
from .stacks import Stored, chosen_stack, stack_items

if TYPE_CHECKING:
    from collections.abc import Iterator


def hdf5_items(place: str, choices: Choices) -> Iterator[Item]:
    """Stream the images of one array of an HDF5 file.

    Raises
    ------
    UnavailableError
        If h5py is not installed.
    InputError
        If no array holds images.
    UsageError
        If several do, or none of the given name.
    """
    h5py = needed("h5py", "hdf5", "HDF5 files")
    name = last_name(place)
    with open_place(place) as raw:
        try:
            file = h5py.File(raw, "r")
        except (OSError, RuntimeError) as error:
            yield refused(name, f"is damaged or no HDF5 file: {error}", "damaged")
            return
        with file:
            found = list(_arrays(h5py, file))
            stored = chosen_stack(found, choices, name)
            labels = [each for each in found if each is not stored]
            try:
                yield from stack_items(stored, choices, name, labels)
            except (OSError, RuntimeError, EOFError) as error:
                because = " ".join(str(error).split())
                yield refused(name, f"is damaged: {because}", "damaged archive")


def _arrays(h5py: Any, file: Any) -> Iterator[Stored]:
    found: list[Stored] = []

    def visit(name: str, node: Any) -> None:
        # Links are not followed, to files elsewhere neither.
        if isinstance(node, h5py.Dataset) and node.shape is not None:
            found.append(Stored(f"/{name}", node, node.attrs))

    file.visititems(visit)
    yield from found


READERS = (Reader((".h5", ".hdf5", ".he5", ".nc", ".nc4"), hdf5_items, inside=True),)
