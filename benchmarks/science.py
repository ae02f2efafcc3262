"""Scientific formats beside the library of each field: speed, and memory.

    python benchmarks/science.py [--planes 400] [--side 256] [--rounds 3]

Writes the same planes of 16 bits in each format by the library of its field. Prints the
speed of the stream of images over that of the library's own loop over planes, in one
process, round by round, the best of each; and the highest resident memory of an
analysis of all planes, over that of a folder of PNGs with the same libraries loaded.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from spectral_sched.analysis.measurement import measure
from spectral_sched.images.pixels import Plane
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.sources import items

Loop = Callable[[Path], Iterator[Any]]


def write_all(folder: Path, stack: np.ndarray[Any, Any]) -> None:
    """Write the planes in every format, and as a folder of PNGs."""
    import h5py
    import nibabel
    import rasterio
    import tifffile
    import zarr
    from astropy.io import fits

    from tests.support.science_files import write_dicom

    side = stack.shape[1]
    for name in ("png", "dicom files", "geotiff"):
        (folder / name).mkdir()
    for number, plane in enumerate(stack):
        Image.fromarray(plane).save(folder / "png" / f"{number}.png")
        write_dicom(folder / "dicom files" / f"{number}.dcm", plane)
        shape = {"count": 1, "height": side, "width": side, "dtype": "uint16"}
        path = folder / "geotiff" / f"{number}.tif"
        with rasterio.open(path, "w", driver="GTiff", **shape) as file:
            file.write(plane[None])
    with h5py.File(folder / "hdf5.h5", "w") as file:
        file.create_dataset("x", data=stack, chunks=(1, side, side))
    zarr.create_array(folder / "zarr.zarr", data=stack, chunks=(1, side, side))
    fits.PrimaryHDU(stack).writeto(folder / "fits.fits")
    image: Any = nibabel.Nifti1Image
    nibabel.save(image(stack.T, np.eye(4)), folder / "nifti.nii")
    write_dicom(folder / "dicom.dcm", stack)
    tifffile.imwrite(folder / "ome.ome.tif", stack, ome=True, metadata={"axes": "ZYX"})
    packed = folder / "packed.ome.tif"
    axes = {"axes": "ZYX"}
    tifffile.imwrite(packed, stack, ome=True, compression="zlib", metadata=axes)


def by_h5py(path: Path) -> Iterator[Any]:
    """Yield the planes as h5py reads them."""
    import h5py

    with h5py.File(path) as file:
        yield from (file["x"][number] for number in range(len(file["x"])))


def by_zarr(path: Path) -> Iterator[Any]:
    """Yield the planes as zarr reads them."""
    import zarr

    array = zarr.open_array(path, mode="r")
    yield from (array[number] for number in range(array.shape[0]))


def by_astropy(path: Path) -> Iterator[Any]:
    """Yield the planes as astropy reads them."""
    from astropy.io import fits

    with fits.open(path, memmap=False) as file:
        yield from (file[0].section[number] for number in range(file[0].shape[0]))


def by_nibabel(path: Path) -> Iterator[Any]:
    """Yield the planes as nibabel reads them."""
    import nibabel

    image: Any = nibabel.load(path, keep_file_open=True)
    data = image.dataobj
    yield from (np.array(data[..., number]) for number in range(data.shape[2]))


def by_pydicom(path: Path) -> Iterator[Any]:
    """Yield the planes as pydicom reads them."""
    from pydicom.pixels.utils import iter_pixels

    paths = sorted(path.iterdir()) if path.is_dir() else [path]
    for each in paths:
        yield from iter_pixels(each)


def by_tifffile(path: Path) -> Iterator[Any]:
    """Yield the planes as tifffile reads them."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        pages: Any = file.series[0].pages
        yield from (page.asarray(maxworkers=1) for page in pages)


def by_rasterio(path: Path) -> Iterator[Any]:
    """Yield the planes as rasterio reads them."""
    import rasterio

    for each in sorted(path.iterdir()):
        with rasterio.open(each) as file:
            yield file.read()


LOOPS: dict[str, tuple[Loop, dict[str, str]]] = {
    "hdf5.h5": (by_h5py, {}),
    "zarr.zarr": (by_zarr, {}),
    "fits.fits": (by_astropy, {}),
    "nifti.nii": (by_nibabel, {}),
    "dicom.dcm": (by_pydicom, {}),
    "dicom files": (by_pydicom, {}),
    "ome.ome.tif": (by_tifffile, {}),
    "packed.ome.tif": (by_tifffile, {}),
    "geotiff": (by_rasterio, {"bands": "all"}),
}


def seconds(planes: Iterator[Any]) -> float:
    """Return the processor's time that all planes take, each looked at once."""
    begun = time.process_time()
    for plane in planes:
        int(np.asarray(plane)[::16, ::16].sum())
    return time.process_time() - begun


def ours(path: Path, choices: dict[str, Any]) -> Iterator[Any]:
    """Yield the planes of the stream of images."""
    for item in items(path, **choices):
        data: Any = item.data
        yield data.values if isinstance(data, Plane) else data


def peak_of(path: Path, choices: dict[str, str]) -> float:
    """Return the highest resident memory, in MB, of an analysis in its own process."""
    command = [sys.executable, __file__, "--analyse", str(path), *choices.values()]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(ended.stdout.split()[-1])


def analyse(path: str, bands: str | None = None) -> None:
    """Analyse a source with all libraries loaded, and print the peak in MB."""
    for module in ("h5py", "zarr", "astropy.io.fits", "nibabel", "pydicom.pixels"):
        __import__(module)
    __import__("tifffile"), __import__("rasterio")
    measure(items(path, bands=bands), make_preprocessing(bands=bands))
    # Not ru_maxrss, which begins with the memory of the process that started this one.
    status = Path("/proc/self/status").read_text()
    print(int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024)


def compare(planes: int, side: int, rounds: int) -> None:
    """Write, time and print."""
    stack = np.random.default_rng(0).integers(0, 4096, (planes, side, side), np.uint16)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_all(folder, stack)
        usual = peak_of(folder / "png", {})
        print(
            f"{planes} planes of {side}x{side}, 16 bits; a folder takes {usual:.0f} MB"
        )
        print(
            f"{'format':16} {'library s':>9} {'ours s':>7} {'speed':>6} {'memory':>7}"
        )
        for format_, (loop, choices) in LOOPS.items():
            path = folder / format_
            pairs = [
                (seconds(loop(path)), seconds(ours(path, choices)))
                for _ in range(rounds)
            ]
            bare, mine = map(min, zip(*pairs, strict=True))
            peak = peak_of(path, choices)
            print(
                f"{format_:16} {bare:9.3f} {mine:7.3f} {bare / mine:6.2f} "
                f"{peak / usual:7.2f}"
            )


def main() -> None:
    """Read the flags and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--planes", type=int, default=400)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--analyse", nargs="+")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    if given.analyse:
        analyse(*given.analyse)
    else:
        compare(given.planes, given.side, given.rounds)


if __name__ == "__main__":
    main()
