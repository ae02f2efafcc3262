"""Bands of GeoTIFFs by rasterio: their values, and the masks that lie beside them.

Without rasterio they are read by tifffile, which gives the same numbers and no masks.
"""

from __future__ import annotations

import importlib
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.images.pixel_size import pixel_size

from .grid import Grid, ReadPlane, Told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from spectral_sched.images.pixel_size import PixelSize

UNITS = {"metre": "m", "meter": "m", "degree": "degree"}


@contextmanager
def opened_raster(path: Path, name: str) -> Iterator[Grid | None]:
    """Give the bands of a raster as a stack of one plane; None without rasterio."""
    try:
        rasterio = importlib.import_module("rasterio")
    except ImportError:
        yield None
        return
    with warnings.catch_warnings():
        # That there may be no coordinates matters to nobody here.
        warnings.simplefilter("ignore")
        with rasterio.open(path, driver="GTiff") as raster:
            yield _grid(rasterio, raster, name)


def _grid(rasterio: Any, raster: Any, name: str) -> Grid:
    bands = list(raster.indexes)

    def read(_number: int, places: list[int]) -> NDArray[Any]:
        planes: NDArray[Any] = raster.read([bands[place] for place in places])
        return planes.transpose(1, 2, 0)

    depth = raster.tags(1, ns="IMAGE_STRUCTURE").get("NBITS")
    return Grid(
        name,
        1,
        len(bands),
        (raster.height, raster.width),
        np.dtype(raster.dtypes[0]),
        read,
        Told(
            high=float(2 ** int(depth) - 1) if depth else None,
            nodata=None if raster.nodata is None else float(raster.nodata),
            pixel=_size(raster),
        ),
        _valid(rasterio, raster),
    )


def _valid(rasterio: Any, raster: Any) -> ReadPlane | None:
    """Return what tells which values are there, where a mask lies beside them."""
    flags = rasterio.enums.MaskFlags
    masked = [
        flags.per_dataset in each and flags.alpha not in each
        for each in raster.mask_flag_enums
    ]
    if not any(masked):
        return None

    def valid(_number: int, places: list[int]) -> NDArray[Any]:
        masks = raster.read_masks([raster.indexes[place] for place in places])
        there: NDArray[Any] = masks.transpose(1, 2, 0) > 0
        return there

    return valid


def _size(raster: Any) -> PixelSize | None:
    if raster.crs is None:
        return None
    change = raster.transform
    unit = "degree" if raster.crs.is_geographic else str(raster.crs.linear_units)
    size = (raster.height, raster.width)
    height, width = np.hypot(change.b, change.e), np.hypot(change.a, change.d)
    return pixel_size(float(height), float(width), UNITS.get(unit, unit), size)
