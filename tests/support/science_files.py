"""Files of scientific formats, each written by the library of its field."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Array = np.ndarray[Any, np.dtype[Any]]

RNG = np.random.default_rng(26)
GREY: Array = RNG.integers(0, 65536, (5, 12, 16), np.uint16)
BANDS: Array = RNG.integers(0, 65536, (4, 5, 12, 16), np.uint16)
"""Stacks of planes, (N, H, W), and of planes with bands, (N, C, H, W)."""


def write_hdf5(path: Path, stack: Array, **facts: Any) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        data = file.create_dataset("data/x", data=stack, chunks=True)
        data.attrs.update(facts)
    return path


def write_zarr(path: Path, stack: Array, version: int = 3) -> Path:
    zarr = pytest.importorskip("zarr")
    chunks = (min(16, len(stack)), *stack.shape[1:])
    zarr.create_array(path, data=stack, chunks=chunks, zarr_format=version)
    return path


def write_ome_zarr(path: Path, stack: Array, version: str = "0.5") -> Path:
    """Write planes with bands, (N, C, H, W), as a pyramid with the axes c, z, y, x."""
    zarr = pytest.importorskip("zarr")
    axes = [{"name": "c", "type": "channel"}]
    axes += [
        {"name": name, "type": "space", "unit": "micrometer"}
        for name in ("z", "y", "x")
    ]
    finest = np.swapaxes(stack, 0, 1)
    group = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    sets = []
    for level, shrunk in enumerate((finest, finest[..., ::2, ::2])):
        group.create_array(f"s{level}", data=np.ascontiguousarray(shrunk))
        scale = {"type": "scale", "scale": [1, 2.0, 0.5 * 2**level, 0.5 * 2**level]}
        sets.append({"path": f"s{level}", "coordinateTransformations": [scale]})
    said = {"multiscales": [{"axes": axes, "datasets": sets, "version": version}]}
    group.attrs.update(said if version == "0.4" else {"ome": said})
    return path


def write_fits(path: Path, stack: Array, **cards: Any) -> Path:
    fits = pytest.importorskip("astropy.io.fits")
    unit = fits.PrimaryHDU(stack)
    unit.header.update(cards)
    unit.writeto(path)
    return path


def write_nifti(path: Path, stack: Array, zooms: tuple[float, ...] = ()) -> Path:
    """Write planes, (N, H, W), as slices across the third axis of a volume."""
    nibabel = pytest.importorskip("nibabel")
    volume = nibabel.Nifti1Image(np.moveaxis(stack, 0, -1).swapaxes(0, 1), np.eye(4))
    if zooms:
        volume.header.set_zooms(zooms)
        volume.header.set_xyzt_units("mm")
    nibabel.save(volume, path)
    return path


def write_dicom(path: Path, frames: Array, syntax: str = "", **elements: Any) -> Path:
    """Write frames, (N, H, W), or one, (H, W)."""
    pydicom = pytest.importorskip("pydicom")
    uids = pydicom.uid
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = syntax or uids.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = uids.SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = uids.generate_uid()
    file = pydicom.dataset.FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    if frames.ndim == 3:
        file.NumberOfFrames = len(frames)
    bits = frames.dtype.itemsize * 8
    told = {
        "SOPClassUID": meta.MediaStorageSOPClassUID,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "Rows": frames.shape[-2],
        "Columns": frames.shape[-1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(frames.dtype.kind == "i"),
    }
    for name, value in {**told, **elements}.items():
        setattr(file, name, value)
    content = frames.tobytes()
    encapsulated = uids.UID(meta.TransferSyntaxUID).is_encapsulated
    file.PixelData = pydicom.encaps.encapsulate([content]) if encapsulated else content
    if encapsulated:
        file["PixelData"].VR = "OB"
    file.save_as(path)
    return path


def write_geotiff(path: Path, bands: Array, **profile: Any) -> Path:
    """Write the bands of one image, (C, H, W)."""
    rasterio = pytest.importorskip("rasterio")
    from rasterio.transform import from_origin

    count, height, width = bands.shape
    made = {"driver": "GTiff", "count": count, "height": height, "width": width}
    made |= {"dtype": bands.dtype.name, "crs": "EPSG:32632"}
    with warnings.catch_warnings():
        # Its library of transforms warns of how rasterio calls it.
        warnings.simplefilter("ignore")
        made["transform"] = from_origin(0, 0, 10, 10)
        with rasterio.open(path, "w", **{**made, **profile}) as raster:
            raster.write(bands)
    return path


def write_tiff(path: Path, stack: Array, axes: str = "", **options: Any) -> Path:
    tifffile = pytest.importorskip("tifffile")
    pytest.importorskip("imagecodecs")
    metadata = {"axes": axes} if axes else None
    tifffile.imwrite(path, stack, metadata=metadata, **options)
    return path


def write_npy(path: Path, stack: Array) -> Path:
    np.save(path, stack)
    return path
