"""NIfTI and Analyze volumes, by nibabel: axial slices, rows along the second axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.images.pixel_size import pixel_size
from spectral_sched.sources.item import Choices, Item, Reader, refused
from spectral_sched.sources.location import is_url, last_name

from .grid import Told, axes_grid, grid_items, needed

if TYPE_CHECKING:
    from collections.abc import Iterator

UNITS = {"mm": "mm", "micron": "um", "meter": "m"}
COLORS = {("R", "G", "B"), ("R", "G", "B", "A")}


def nifti_items(place: str, choices: Choices) -> Iterator[Item]:
    """Stream the slices of a volume, with their rows along its second axis.

    A fourth axis runs over more slices, or over bands with ``--channels last``.

    Raises
    ------
    UnavailableError
        If nibabel is not installed.
    """
    nibabel = needed("nibabel", "nifti", "NIfTI volumes")
    name = last_name(place)
    if is_url(place):
        yield refused(name, "cannot be read from a URL; fetch it first", "unreadable")
        return
    try:
        volume = nibabel.load(place, keep_file_open=True)
        yield from _items(volume, name, choices)
    except (
        *(OSError, ValueError, EOFError, KeyError, TypeError),
        nibabel.filebasedimages.ImageFileError,
        nibabel.spatialimages.HeaderDataError,
    ) as error:
        because = " ".join(str(error).split())
        yield refused(name, f"is damaged or no volume: {because}", "damaged")


def _items(volume: Any, name: str, choices: Choices) -> Iterator[Item]:
    fourth = "C" if choices.channels == "last" else "T"
    proxy = volume.dataobj
    count = len(proxy.shape)
    if count < 2:
        yield refused(name, f"has the shape {proxy.shape}, no planes", "no images")
        return
    stored = np.dtype(volume.get_data_dtype())
    if stored.names in COLORS:
        yield from grid_items(_colored(volume, name), choices)
        return
    first = tuple(slice(0, 1) for _ in proxy.shape)
    dtype = stored if stored.kind == "c" else np.asarray(proxy[first]).dtype
    axes = ("XYZ" + fourth + "UVW")[:count]
    grid = axes_grid(name, _Slices(proxy, dtype), axes, _told(volume))
    yield from grid_items(grid, choices)


class _Slices:
    """The values of a volume, read slice by slice and scaled as its header says."""

    def __init__(self, proxy: Any, dtype: np.dtype[Any]) -> None:
        self.proxy, self.shape, self.dtype = proxy, proxy.shape, dtype

    def __getitem__(self, index: Any) -> Any:
        return np.asarray(self.proxy[index])


def _colored(volume: Any, name: str) -> Any:
    """Return a volume of colours, whose values are records, as one of bands."""

    class Colors(_Slices):
        def __getitem__(self, index: Any) -> Any:
            records = np.ascontiguousarray(self.proxy[index[:-1]])
            values = records.view(np.uint8).reshape(*records.shape, self.shape[-1])
            return values[..., index[-1]]

    proxy, colors = volume.dataobj, len(np.dtype(volume.get_data_dtype()))
    array = Colors(proxy, np.dtype(np.uint8))
    array.shape = (*proxy.shape, colors)
    axes = "XYZTUVW"[: len(proxy.shape)] + "C"
    return axes_grid(name, array, axes, _told(volume))


def _told(volume: Any) -> Told:
    header = volume.header
    zooms = [float(step) for step in header.get_zooms()]
    unit = ""
    if hasattr(header, "get_xyzt_units"):
        unit = UNITS.get(header.get_xyzt_units()[0], "")
    size = (int(volume.shape[1]), int(volume.shape[0]))
    pixel = pixel_size(zooms[1], zooms[0], unit, size) if len(zooms) > 1 else None
    window = None
    if "cal_max" in header and float(header["cal_max"]) > float(header["cal_min"]):
        window = (float(header["cal_min"]), float(header["cal_max"]))
    return Told(window=window, pixel=pixel, depth=zooms[2] if len(zooms) > 2 else None)


READERS = (
    Reader((".nii", ".nii.gz", ".hdr", ".mgh", ".mgz"), nifti_items, holds_one=True),
)
