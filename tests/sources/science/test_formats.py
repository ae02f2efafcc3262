"""Scientific formats: each gives the numbers, and so the digest, of the same arrays."""

from __future__ import annotations

import json
import pickle
import re
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spectral_sched
from spectral_sched.analysis.manifest import fingerprint
from spectral_sched.analysis.measurement import measure
from spectral_sched.analysis.tasks import MOST_BYTES, Tasks
from spectral_sched.documents.strict_json import digest
from spectral_sched.errors import ImageError, InputError, UsageError
from spectral_sched.files.spectrum import NOT_IN_PAYLOAD, spectrum_document
from spectral_sched.images.pixels import Pixels, Plane, load_pixels
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.sources import Aside, Item, items
from tests.support.science_files import (
    BANDS,
    GREY,
    write_dicom,
    write_fits,
    write_geotiff,
    write_hdf5,
    write_nifti,
    write_npy,
    write_ome_zarr,
    write_tiff,
    write_zarr,
)


def payload(source: Any, bands: str | None = None, **choices: Any) -> str:
    """Return the digest of what an analysis of a source finds."""
    stream = items(source, bands=bands, **choices)
    document = spectrum_document(measure(stream, make_preprocessing(bands=bands)), {})
    found = {key: document[key] for key in document if key not in NOT_IN_PAYLOAD}
    assert found["num_images"] > 1
    return digest(found)


def many(folder: Path, planes: Any, write: Callable[..., Path], end: str) -> Path:
    folder.mkdir()
    for number, plane in enumerate(planes):
        write(folder / f"{number}{end}", plane)
    return folder


GREY_WRITERS: dict[str, Callable[[Path], Path]] = {
    "hdf5": lambda to: write_hdf5(to / "a.h5", GREY),
    "zarr 2": lambda to: write_zarr(to / "a.zarr", GREY, 2),
    "zarr 3": lambda to: write_zarr(to / "a.zarr", GREY, 3),
    "fits": lambda to: write_fits(to / "a.fits", GREY),
    "nifti": lambda to: write_nifti(to / "a.nii", GREY),
    "nifti packed": lambda to: write_nifti(to / "a.nii.gz", GREY),
    "dicom frames": lambda to: write_dicom(to / "a.dcm", GREY),
    "dicom files": lambda to: many(to / "d", GREY, write_dicom, ".dcm"),
    "ome-tiff": lambda to: write_tiff(to / "a.ome.tif", GREY, "ZYX", ome=True),
    "ome-tiff packed": lambda to: write_tiff(
        to / "a.ome.tif", GREY, "ZYX", ome=True, compression="zlib"
    ),
    "imagej": lambda to: write_tiff(to / "a.tif", GREY, "ZYX", imagej=True),
    "pages": lambda to: write_tiff(to / "a.tif", GREY, compression="zlib"),
    "big-endian": lambda to: write_tiff(to / "a.tif", GREY, byteorder=">"),
}


@pytest.mark.parametrize("name", GREY_WRITERS)
def test_planes_have_the_digest_of_an_array(name: str, tmp_path: Path) -> None:
    place = GREY_WRITERS[name](tmp_path)
    planes = "all" if name in ("imagej", "pages", "big-endian") else None
    expected = payload(write_npy(tmp_path / "a.npy", GREY), channels="none")
    assert payload(place, planes=planes) == expected


FIRST = {"channels": "first"}

BAND_WRITERS: dict[str, tuple[Callable[[Path], Path], dict[str, Any]]] = {
    "hdf5": (lambda to: write_hdf5(to / "a.h5", BANDS), FIRST),
    "zarr": (lambda to: write_zarr(to / "a.zarr", BANDS), FIRST),
    "ome-zarr 4": (lambda to: write_ome_zarr(to / "a.ome.zarr", BANDS, "0.4"), {}),
    "ome-zarr 5": (lambda to: write_ome_zarr(to / "a.ome.zarr", BANDS, "0.5"), {}),
    "fits": (lambda to: write_fits(to / "a.fits", BANDS), FIRST),
    "geotiff": (lambda to: many(to / "d", BANDS, write_geotiff, ".tif"), {}),
    "ome-tiff": (lambda to: write_tiff(to / "a.ome.tif", BANDS, "ZCYX", ome=True), {}),
    "imagej": (lambda to: write_tiff(to / "a.tif", BANDS, "ZCYX", imagej=True), {}),
}


@pytest.mark.parametrize("bands", ["all", "5,1,3"])
@pytest.mark.parametrize("name", BAND_WRITERS)
def test_bands_have_the_digest_of_an_array(
    name: str, bands: str, tmp_path: Path
) -> None:
    write, choices = BAND_WRITERS[name]
    expected = payload(write_npy(tmp_path / "a.npy", BANDS), bands, **FIRST)
    assert payload(write(tmp_path), bands, **choices) == expected


def test_planes_of_nifti_with_bands(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    volume = nibabel.Nifti1Image(BANDS.transpose(3, 2, 0, 1), np.eye(4))
    nibabel.save(volume, tmp_path / "a.nii")
    expected = payload(write_npy(tmp_path / "a.npy", BANDS), "all", **FIRST)
    assert payload(tmp_path / "a.nii", "all", channels="last") == expected


def test_geotiff_without_rasterio_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = many(tmp_path / "d", BANDS, write_geotiff, ".tif")
    expected = payload(place, "all")
    monkeypatch.setitem(__import__("sys").modules, "rasterio", None)
    assert payload(place, "all") == expected


def planes(source: Any, **choices: Any) -> list[Plane]:
    found = [item.data for item in items(source, **choices)]
    assert all(isinstance(data, Plane) for data in found)
    return [data for data in found if isinstance(data, Plane)]


def pixels(source: Any, **settings: Any) -> list[Pixels]:
    prepared = make_preprocessing(**settings)
    return [load_pixels(item.data, item.name, prepared) for item in items(source)]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("first", [0]), ("middle", [2]), ("4", [3]), ("all", range(5))],
)
def test_chosen_planes(choice: str, expected: Sequence[int], tmp_path: Path) -> None:
    for place in (
        write_tiff(tmp_path / "a.tif", GREY),
        write_fits(tmp_path / "a.fits", GREY),
    ):
        found = [plane.values[..., 0] for plane in planes(place, planes=choice)]
        np.testing.assert_array_equal(found, GREY[list(expected)])


def test_planes_and_bands_that_are_not_there(tmp_path: Path) -> None:
    place = write_ome_zarr(tmp_path / "a.zarr", BANDS)
    absent: tuple[tuple[dict[str, Any], str], ...] = (
        ({"planes": 9}, "a.zarr has 4 planes, and no plane 9; see --planes"),
        ({"bands": "6"}, "a.zarr has 5 bands, and no band 6; see --bands"),
    )
    for choices, told in absent:
        (item,) = items(place, **choices)
        assert str(item.data) == told
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"planes": "last"}, "--planes needs all, first, middle or a number from 1"),
        ({"bands": "1,1"}, "--bands needs all, or numbers from 1"),
        ({"bands": "0"}, "--bands needs all, or numbers from 1"),
    )
    for choices, told in wrong:
        with pytest.raises(UsageError, match=told):
            list(items(place, **choices))


def test_the_finest_level_is_read_unless_another_is_named(tmp_path: Path) -> None:
    place = write_ome_zarr(tmp_path / "a.zarr", BANDS)
    assert planes(place)[0].values.shape == (12, 16, 5)
    coarse = planes(f"{place}:/s1")
    assert len(coarse) == 4
    np.testing.assert_array_equal(
        coarse[1].values, BANDS[1, :, ::2, ::2].transpose(1, 2, 0)
    )


def test_an_array_is_named_after_a_colon(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"], file["inner/b"] = GREY, GREY + 1
        file["inner/label"] = np.arange(5)
    with pytest.raises(UsageError, match=r"several arrays; name one .* a.h5:/inner/b"):
        list(items(tmp_path / "a.h5"))
    found = list(items(f"{tmp_path}/a.h5:/inner/b"))
    np.testing.assert_array_equal([item.data for item in found], GREY + 1)
    assert [item.label for item in found] == list("01234")
    with pytest.raises(UsageError, match="has no array '/c'"):
        list(items(f"{tmp_path}/a.h5:/c"))


def test_classes_are_those_of_the_same_group(tmp_path: Path) -> None:
    """A train and a test set of one size lie in one file."""
    h5py, zarr = pytest.importorskip("h5py"), pytest.importorskip("zarr")
    store = zarr.open_group(tmp_path / "a.zarr", mode="w")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for group, first in (("test", 5), ("train", 0)):
            labels = np.arange(first, first + 5)
            file[f"{group}/images"], file[f"{group}/labels"] = GREY, labels
            part = store.create_group(group)
            part.create_array("images", data=GREY)
            part.create_array("labels", data=labels)
    for ending in ("h5", "zarr"):
        found = items(f"{tmp_path}/a.{ending}:/test/images")
        assert [item.label for item in found] == list("56789")


def test_classes_of_all_groups_are_above_them(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["left/images"], file["label"] = GREY, np.arange(5)
    assert [item.label for item in items(tmp_path / "a.h5")] == list("01234")


@pytest.mark.parametrize(
    ("labels", "shape"),
    [(np.eye(5), r"\(5, 5\)"), (np.arange(5.0), r"\(5,\)"), (np.arange(4), r"\(4,\)")],
)
def test_classes_that_cannot_be_used_are_told(
    labels: Any, shape: str, tmp_path: Path
) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"], file["labels"] = GREY, labels
    aside = Aside()
    found = list(items(tmp_path / "a.h5", aside=aside))
    assert {item.label for item in found} == {""}
    (told,) = aside.remarks
    assert re.fullmatch(
        rf"the labels in /labels \({labels.dtype}, {shape}\) are not 5 integers and "
        "are not used",
        told,
    )


def test_places_along_an_axis_are_no_classes(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file["data"], file["y"] = GREY, np.arange(5)
        file["y"].make_scale("y")
    aside = Aside()
    assert {item.label for item in items(tmp_path / "a.nc", aside=aside)} == {""}
    assert aside.remarks == []


def test_many_arrays_make_no_long_sentence(tmp_path: Path) -> None:
    """Some files have an array for each image."""
    h5py = pytest.importorskip("h5py")
    arrays = {f"image{number:03d}": GREY[0] for number in range(300)}
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, plane in arrays.items():
            file[name] = plane
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for name in arrays:
            with archive.open(f"{name}.npy", "w") as member:
                np.save(member, np.stack([GREY]))
    for name in ("a.h5", "a.npz"):
        with pytest.raises((InputError, UsageError), match=r"image009\b.* 290 more"):
            list(items(tmp_path / name))


def test_folders_of_files_are_classes(tmp_path: Path) -> None:
    for name in ("ct", "mr"):
        many(tmp_path / name, GREY[:2], write_dicom, ".dcm")
    assert sorted(item.label for item in items(tmp_path)) == ["ct", "ct", "mr", "mr"]


def test_what_is_read_is_said_in_one_line(tmp_path: Path) -> None:
    aside = Aside()
    list(items(write_ome_zarr(tmp_path / "a.zarr", BANDS), bands="1,2", aside=aside))
    assert aside.left_out() == ["read 4 planes of 1 file, 2 of 5 bands"]
    aside = Aside()
    list(items(write_dicom(tmp_path / "a.dcm", GREY), planes="first", aside=aside))
    assert aside.left_out() == ["read 1 of 5 planes of 1 file, all bands (1)"]


COMPLEX = np.ones((3, 8, 8), np.complex64)


@pytest.mark.parametrize("kind", ["hdf5", "zarr", "nifti", "npy"])
def test_complex_numbers_are_refused_in_a_sentence(kind: str, tmp_path: Path) -> None:
    writers: dict[str, Callable[[], Path]] = {
        "hdf5": lambda: write_hdf5(tmp_path / "a.h5", COMPLEX),
        "zarr": lambda: write_zarr(tmp_path / "a.zarr", COMPLEX),
        "nifti": lambda: write_nifti(tmp_path / "a.nii", COMPLEX),
        "npy": lambda: write_npy(tmp_path / "a.npy", COMPLEX),
    }
    place = writers[kind]()
    if kind == "nifti":
        (item,) = items(place)
        assert isinstance(item.data, ImageError)
        assert "holds complex numbers (complex64); save their modulus" in str(item.data)
        return
    named = f"{place}:/data/x" if kind == "hdf5" else place
    try:
        told = [str(item.data) for item in items(named)]
    except InputError as error:
        told = [str(error)]
    assert len(told) == 1
    assert "complex64" in told[0]


def test_text_is_refused_in_a_sentence(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["names"] = ["a", "b"]
    with pytest.raises(InputError, match=r"a.h5 holds no stack of images \(arrays: "):
        list(items(tmp_path / "a.h5"))
    (item,) = items(f"{tmp_path}/a.h5:/names")
    assert "holds values of type object, not numbers" in str(item.data)


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = str(place)

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.place, "w")


@pytest.mark.parametrize("where", ["filters", "compressor"])
@pytest.mark.parametrize("kind", ["<u2", "|O"])
def test_a_store_that_would_unpickle_is_refused(
    kind: str, where: str, tmp_path: Path
) -> None:
    place = write_zarr(tmp_path / "a.zarr", GREY, 2)
    codec = {"id": "pickle", "protocol": 5}
    said = json.loads((place / ".zarray").read_text())
    said |= {"dtype": kind, "compressor": None, "filters": None, "fill_value": 0}
    said[where] = [codec] if where == "filters" else codec
    (place / ".zarray").write_text(json.dumps(said))
    (place / "0.0.0").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    (item,) = items(place)
    assert isinstance(item.data, ImageError)
    assert str(item.data).startswith("a.zarr ")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "name", ["a.h5", "a.fits", "a.nii", "a.nii.gz", "a.dcm", "a.ome.tif"]
)
@pytest.mark.parametrize("content", [b"", b"hello" * 100])
def test_what_is_no_such_file_is_skipped(
    name: str, content: bytes, tmp_path: Path
) -> None:
    for module in ("h5py", "astropy", "nibabel", "pydicom"):
        pytest.importorskip(module)
    (tmp_path / name).write_bytes(content)
    found = list(items(tmp_path / name))
    if name != "a.ome.tif":
        (item,) = found
        assert isinstance(item.data, ImageError)
        assert str(item.data).startswith(name)


def test_files_that_end_early_are_skipped(tmp_path: Path) -> None:
    for place in (
        write_tiff(tmp_path / "a.ome.tif", GREY, "ZYX", ome=True, compression="zlib"),
        write_hdf5(tmp_path / "a.h5", GREY),
        write_nifti(tmp_path / "a.nii", GREY),
        write_fits(tmp_path / "a.fits", np.repeat(GREY, 9, 0)),
    ):
        content = place.read_bytes()
        place.write_bytes(content[: len(content) * 2 // 3])
        with pytest.raises(ImageError, match=place.name):
            assert pixels(place)


def test_memory_is_that_of_planes_not_of_files(tmp_path: Path) -> None:
    stack = np.repeat(GREY, 400, 0).repeat(4, 1).repeat(4, 2)
    for place in (
        write_hdf5(tmp_path / "a.h5", stack),
        write_zarr(tmp_path / "a.zarr", stack),
        write_fits(tmp_path / "a.fits", stack),
        write_nifti(tmp_path / "a.nii", stack),
        write_dicom(tmp_path / "a.dcm", stack),
        write_tiff(tmp_path / "a.ome.tif", stack, "ZYX", ome=True),
    ):
        list(items(place, planes="first"))  # what libraries load once
        tracemalloc.start()
        count = sum(1 for _ in items(place))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == len(stack)
        assert peak < stack.nbytes / 2, place


def test_planes_that_changed_are_not_taken_for_those_of_before() -> None:
    changed = GREY[0].copy()
    changed[3, 4] += 1
    one, same, other = (
        fingerprint(Plane(values[..., None]))
        for values in (GREY[0], GREY[0].copy(), changed)
    )
    assert one == same != other


def test_tasks_hold_so_many_bytes_of_planes() -> None:
    plane = Plane(np.zeros((1024, 1024, 1), np.uint16))
    tasks = Tasks((Item("x", "", plane) for _ in range(64)), 64, seconds=1)
    sizes = [len(task.items) for task in tasks]
    assert sum(sizes) == 64
    assert max(sizes) * plane.nbytes <= MOST_BYTES


def test_workers_find_what_one_process_finds(tmp_path: Path) -> None:
    place = write_ome_zarr(tmp_path / "a.zarr", BANDS)
    keys = {
        spectral_sched.analyze(place, bands="all", workers=workers).spectrum.data_key
        for workers in (1, 2)
    }
    assert len(keys) == 1
