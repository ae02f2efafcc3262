"""What files say of their values: scale, window, missing ones, size of pixels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spectral_sched.errors import ImageError, UsageError
from spectral_sched.images.pixel_size import cycles_per, parse_pixel_size
from spectral_sched.images.pixels import Pixels, load_pixels
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.sources import Aside, items
from tests.support.commands import sentence, specsched
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
)

SIGNED = np.random.default_rng(3).integers(-1000, 2000, (5, 8, 9), np.int16)


def pixels(source: Any, bands: str | None = None, **settings: Any) -> list[Pixels]:
    prepared = make_preprocessing(bands=bands, **settings)
    return [
        load_pixels(item.data, item.name, prepared)
        for item in items(source, bands=bands)
    ]


def test_dicom_is_rescaled_and_its_bits_are_black_to_white(tmp_path: Path) -> None:
    told: dict[str, Any] = {
        "RescaleSlope": 2,
        "RescaleIntercept": -1024,
        "BitsStored": 12,
    }
    place = write_dicom(tmp_path / "a.dcm", SIGNED, HighBit=11, **told)
    found = pixels(place)
    expected = SIGNED.astype(float) * 2 - 1024
    np.testing.assert_array_equal([each.values[0] for each in found], expected)
    assert (found[0].low, found[0].high) == (-2048 * 2 - 1024, 2047 * 2 - 1024)


def test_a_window_is_black_to_white_where_it_is_asked_for(tmp_path: Path) -> None:
    told: dict[str, Any] = {
        "WindowCenter": 40,
        "WindowWidth": 401,
        "RescaleIntercept": 0,
    }
    place = write_dicom(tmp_path / "a.dcm", SIGNED, RescaleSlope=1, **told)
    # PS3.3 C.11.2.1.2.1: black at centre - .5 - (width - 1) / 2.
    found = pixels(place, data_range="window")[0]
    assert (found.low, found.high) == (-160.5, 239.5)
    # What viewers cut at its ends is cut.
    np.testing.assert_array_equal(found.values[0], SIGNED[0].clip(-160, 239))
    with pytest.raises(ImageError, match=r"a.fits:/0\[0\] has no display window"):
        pixels(write_fits(tmp_path / "a.fits", GREY), data_range="window")


def test_monochrome1_is_turned_over_with_its_window(tmp_path: Path) -> None:
    stack = GREY.astype(np.uint16)
    told: dict[str, Any] = {"WindowCenter": 1000, "WindowWidth": 401}
    place = write_dicom(
        tmp_path / "a.dcm", stack, PhotometricInterpretation="MONOCHROME1", **told
    )
    found = pixels(place)[0]
    np.testing.assert_array_equal(found.values[0], 65535 - stack[0].astype(int))
    # What was darkest in the window is lightest in it now.
    shown = pixels(place, data_range="window")[0]
    assert (shown.low, shown.high) == (65535 - 1199.5, 65535 - 799.5)


def test_padding_of_dicom_is_missing(tmp_path: Path) -> None:
    stack = SIGNED.copy()
    stack[:, :4] = -2000
    place = write_dicom(tmp_path / "a.dcm", stack, PixelPaddingValue=-2000)
    with pytest.raises(ImageError, match=r"50.00% of its values missing \(-2000\)"):
        pixels(place)
    filled = pixels(place, nodata="mask")[0]
    there = SIGNED[0, 4:]
    np.testing.assert_array_equal(filled.values[0, 4:], there)
    assert (filled.values[0, :4] == np.rint(there.mean())).all()


def test_dicom_that_takes_a_plugin_says_so(tmp_path: Path) -> None:
    uid = pytest.importorskip("pydicom.uid")
    place = write_dicom(
        tmp_path / "a.dcm",
        GREY[0],
        syntax=uid.SMPTEST211020UncompressedProgressiveActiveVideo,
    )
    (item,) = items(place)
    assert "which takes a plug-in of pydicom that is not installed" in str(item.data)
    palette = write_dicom(
        tmp_path / "b.dcm", GREY[0], PhotometricInterpretation="PALETTE COLOR"
    )
    (item,) = items(palette)
    assert "has the colours PALETTE COLOR, which are not read" in str(item.data)


def test_nifti_is_scaled_by_its_header(tmp_path: Path) -> None:
    nibabel = pytest.importorskip("nibabel")
    volume = nibabel.Nifti1Image(SIGNED.transpose(2, 1, 0), np.eye(4))
    volume.header.set_slope_inter(0.5, 10)
    volume.header["cal_min"], volume.header["cal_max"] = -100, 900
    nibabel.save(volume, tmp_path / "a.nii.gz")
    raw = nibabel.load(tmp_path / "a.nii.gz")
    found = pixels(tmp_path / "a.nii.gz", data_range="window")
    expected = np.asarray(raw.dataobj).transpose(2, 1, 0).clip(-100, 900)
    np.testing.assert_array_equal([each.values[0] for each in found], expected)
    assert (found[0].low, found[0].high) == (-100, 900)


def test_conventions_of_climate_data(tmp_path: Path) -> None:
    stack = SIGNED.copy()
    stack[:, 0, 0] = -999
    told = {"scale_factor": 0.1, "add_offset": 5.0, "_FillValue": np.int16(-999)}
    place = write_hdf5(tmp_path / "a.nc", stack, **told)
    with pytest.raises(ImageError, match=r"not finite: 1.39% are NaN"):
        pixels(place, data_range=(-100, 300))
    found = pixels(place, data_range=(-100, 300), nodata="mask")[1].values[0]
    np.testing.assert_allclose(found.flat[1:], SIGNED[1].flat[1:] * 0.1 + 5)


def test_fits_blank_is_missing(tmp_path: Path) -> None:
    place = write_fits(tmp_path / "a.fits", SIGNED, BLANK=int(SIGNED[0, 0, 0]))
    with pytest.raises(ImageError, match="NaN; --nodata mask"):
        pixels(place, data_range=(-1000, 2000))
    found = pixels(place, data_range=(-1000, 2000), nodata="mask")
    assert found[0].values[0, 0, 0] == pytest.approx(SIGNED[0].mean(), abs=20)


@pytest.mark.parametrize("bands", [None, "all"])
def test_geotiff_says_what_is_missing(bands: str | None, tmp_path: Path) -> None:
    plane = SIGNED[:1].astype(np.float32)
    plane[0, 0, :3] = -9999
    place = write_geotiff(tmp_path / "a.tif", plane, nodata=-9999)
    with pytest.raises(ImageError, match=r"4.17% of its values missing \(-9999\)"):
        pixels(place, bands, data_range=(-1000, 2000))
    (found,) = pixels(place, bands, data_range=(-1000, 2000), nodata="mask")
    assert found.values[0, 0, 0] == pytest.approx(plane[0].flat[3:].mean())
    assert found.noted == {"masked": 1, "masked_share": 41667}


def test_a_mask_beside_bands_is_heeded(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    place = write_geotiff(tmp_path / "a.tif", BANDS[0, :2])
    mask = np.full(BANDS.shape[2:], 255, np.uint8)
    mask[:3] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(place, "r+") as file:
        file.write_mask(mask)
    with pytest.raises(ImageError, match=r"25.00% of its values missing \(masked"):
        pixels(place, "all")
    (found,) = pixels(place, "all", nodata="mask")
    np.testing.assert_array_equal(found.values[:, 3:], BANDS[0, :2, 3:])
    assert len(np.unique(found.values[1, :3])) == 1


def test_alpha_of_a_raster_is_composited_with_a_word_or_a_band(tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    four = np.full((4, 8, 8), 200, np.uint8)
    four[3, :4] = 0
    place = write_geotiff(tmp_path / "a.tif", four, photometric="RGB", alpha="yes")
    with rasterio.open(place) as file:
        assert file.colorinterp[3].name == "alpha"
    (found,) = pixels(place)
    assert found.shape == (3, 8, 8)
    assert found.noted == {"opacity": 1}
    assert (found.values[:, :4] == 0).all()
    (banded,) = pixels(place, "all")
    np.testing.assert_array_equal(banded.values, four)
    assert not banded.noted


@pytest.mark.parametrize("count", [2, 4, 12])
def test_bands_that_are_no_colours_are_told_or_taken(
    count: int, tmp_path: Path
) -> None:
    pytest.importorskip("imagecodecs")
    bands = np.random.default_rng(count).integers(0, 256, (count, 8, 9), np.uint8)
    place = write_geotiff(tmp_path / "a.tif", bands, photometric="MINISBLACK")
    (found,) = pixels(place, "all")
    np.testing.assert_array_equal(found.values, bands)
    if count == 2:
        (found,) = pixels(place)
        assert found.noted == {"bands_left": 1}
    else:
        with pytest.raises(ImageError, match="take them as bands with --bands all"):
            pixels(place)


PIXELS = {
    "ome": "0.65x0.5 um, 12x16 pixels",
    "zarr": "0.5x0.5 um, 12x16 pixels",
    "nifti": "1.5x0.7 mm, 12x16 pixels",
    "dicom": "0.7x0.7 mm, 12x16 pixels",
    "fits": "3.6x3.6 arcsec, 12x16 pixels",
    "geotiff": "10x10 m, 12x16 pixels",
}


def sized(kind: str, to: Path) -> Path:
    sky = {"CTYPE1": "RA---TAN", "CDELT1": -0.001, "CDELT2": 0.001}
    microscope = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.65}
    match kind:
        case "ome":
            pytest.importorskip("imagecodecs")
            tifffile = pytest.importorskip("tifffile")
            told = {"axes": "ZYX", **microscope}
            tifffile.imwrite(to / "a.ome.tif", GREY, ome=True, metadata=told)
            return to / "a.ome.tif"
        case "zarr":
            return write_ome_zarr(to / "a.zarr", BANDS)
        case "nifti":
            return write_nifti(to / "a.nii", GREY, (0.7, 1.5, 3.0))
        case "dicom":
            return write_dicom(to / "a.dcm", GREY, PixelSpacing=[0.7, 0.7])
        case "fits":
            return write_fits(to / "a.fits", GREY, **sky)
    return write_geotiff(to / "a.tif", BANDS[0])


@pytest.mark.parametrize("kind", PIXELS)
def test_sizes_of_pixels_are_kept(kind: str, tmp_path: Path) -> None:
    aside = Aside()
    bands = "all" if kind == "geotiff" else None
    list(items(sized(kind, tmp_path), bands=bands, aside=aside))
    assert list(map(str, aside.pixel_sizes)) == [PIXELS[kind]]
    uneven = [remark for remark in aside.remarks if "not square" in remark]
    assert len(uneven) == (kind in ("ome", "nifti"))


def test_frequencies_in_units() -> None:
    size = parse_pixel_size("0.25x0.25 um, 64x128 pixels")
    assert cycles_per("um", size, None) == 4
    assert cycles_per("mm", size, 32) == pytest.approx(2000)
    with pytest.raises(UsageError, match=r"0.25 um, which cannot be told in 'arcsec'"):
        cycles_per("arcsec", size, None)
    with pytest.raises(UsageError, match="not square"):
        cycles_per("um", parse_pixel_size("0.25x0.5 um, 64x128 pixels"), None)


def test_show_tells_frequencies_in_units(tmp_path: Path) -> None:
    write_dicom(tmp_path / "a.dcm", GREY, PixelSpacing=[0.5, 0.5])
    specsched("analyze", "a.dcm", "-o", "a.json", cwd=tmp_path)
    shown = specsched("show", "a.json", "--units", "mm", cwd=tmp_path).stdout
    # Half a cycle per pixel of half a millimetre.
    assert "cycles/mm" in shown
    assert "0.5 - 1 " in shown
    write_npy(tmp_path / "b.npy", GREY)
    specsched("analyze", "b.npy", "-o", "b.json", cwd=tmp_path)
    told = sentence("show", "b.json", "--units", "mm", cwd=tmp_path, code=2)
    assert "state no size of pixels" in told


def test_missing_packages_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = {"a.h5": "h5py", "a.zarr": "zarr", "a.fits": "astropy.io.fits"}
    modules |= {"a.nii": "nibabel", "a.dcm": "pydicom"}
    for name, module in modules.items():
        (tmp_path / name).write_bytes(b"x")
        monkeypatch.setitem(__import__("sys").modules, module, None)
        told = sentence("analyze", name, cwd=tmp_path, code=4)
        assert "take a package that is not installed; install it with" in told


def test_environment_is_left_alone(tmp_path: Path) -> None:
    before = dict(os.environ)
    for kind in PIXELS:
        folder = tmp_path / kind
        folder.mkdir()
        list(items(sized(kind, folder)))
    assert dict(os.environ) == before
