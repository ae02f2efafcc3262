"""Bands as channels: chosen, scaled each for itself, measured and written."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spectral_sched
from spectral_sched.analysis.data_range import with_measured_range
from spectral_sched.errors import ImageError, NoAnswerError, UsageError
from spectral_sched.images.bands import checked_bands
from spectral_sched.images.pixels import Pixels, load_pixels
from spectral_sched.images.preprocessing import make_preprocessing
from spectral_sched.sources import items
from spectral_sched.spectra.periodogram import ring_powers
from tests.support.commands import sentence, specsched

RNG = np.random.default_rng(5)
SIX = RNG.integers(0, 256, (16, 12, 6), np.uint8)


def pixels(values: Any, **wanted: Any) -> Pixels:
    return load_pixels(values, "x", make_preprocessing(**wanted))


@pytest.mark.parametrize("resolution", [None, 6])
def test_a_band_comes_out_as_it_does_alone(resolution: int | None) -> None:
    together = pixels(SIX, bands="all", resolution=resolution)
    for band in range(6):
        alone = pixels(SIX[..., band], resolution=resolution)
        np.testing.assert_array_equal(together.values[band], alone.values[0])


def test_bands_are_chosen_in_the_order_given() -> None:
    found = pixels(SIX, bands="6,1")
    np.testing.assert_array_equal(found.values, np.stack([SIX[..., 5], SIX[..., 0]]))
    with pytest.raises(ImageError, match="x has 6 bands, and no band 7"):
        pixels(SIX, bands="7")
    many = np.zeros((4, 4, 17), np.uint8)
    with pytest.raises(ImageError, match="17 bands, more than 16; choose some"):
        pixels(many, bands="all")
    assert pixels(many, bands=range(2, 18)).shape == (16, 4, 4)


def test_opacity_is_a_band_where_bands_are_chosen() -> None:
    four = SIX[..., :4]
    assert pixels(four).shape[0] == 3
    np.testing.assert_array_equal(
        pixels(four, bands="all").values, four.transpose(2, 0, 1)
    )


def test_colours_are_not_made_of_bands() -> None:
    with pytest.raises(ImageError, match="has 6 bands, and --color luma takes 1 or 3"):
        pixels(SIX, bands="all", color="luma")
    assert pixels(SIX, bands="1,2,3", color="luma").shape[0] == 1


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=4),
    st.integers(0, 2**31),
)
def test_a_range_of_each_band_is_a_scale_of_each_band(
    units: list[float], seed: int
) -> None:
    field = np.random.default_rng(seed).normal(0, 0.3, (len(units), 9, 8))
    unit, origin = np.array(units), np.array(units) * 3
    stored = field * unit[:, None, None] + origin[:, None, None]
    plain = ring_powers(field, precision="float64")
    scaled = ring_powers(stored, origin=origin, unit=unit, precision="float64")
    np.testing.assert_allclose(
        scaled.cross_power, plain.cross_power, rtol=1e-6, atol=1e-9
    )
    np.testing.assert_allclose(scaled.channel_mean, plain.channel_mean, atol=1e-9)


def test_standardised_bands_have_mean_0_and_deviation_1(tmp_path: Path) -> None:
    scales = 10.0 ** np.arange(5)
    stack = RNG.normal(7, 2, (32, 5, 8, 8)) * scales[:, None, None]
    np.save(tmp_path / "a.npy", stack)
    place, wanted = str(tmp_path / "a.npy"), {"channels": "first", "bands": "all"}
    plain = spectral_sched.analyze(place, data_range=(0, 1e5), **wanted)  # type: ignore[arg-type]
    assert any("one noise level over all" in text for text in plain.warnings)
    found = spectral_sched.analyze(place, standardize="band", **wanted)  # type: ignore[arg-type]
    field = found.spectrum.field
    assert not any("one noise level over all" in text for text in found.warnings)
    assert field.sigma_data == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(field.mean_color, 0, atol=1e-6)
    stated = np.array(found.preprocessing.data_range)
    np.testing.assert_allclose(stated.mean(1), stack.mean((0, 2, 3)), rtol=1e-9)
    np.testing.assert_allclose(np.ptp(stated, 1) / 2, stack.std((0, 2, 3)), rtol=1e-9)
    spectral_sched.write_spectrum(found, tmp_path / "s.json")
    again = spectral_sched.read_spectrum(tmp_path / "s.json")
    assert again.preprocessing == found.preprocessing


def test_percentiles_are_measured_and_stated(tmp_path: Path) -> None:
    stack = RNG.permutation(np.arange(40 * 64.0)).reshape(40, 8, 8)
    np.save(tmp_path / "a.npy", stack)
    ended = specsched(
        *("analyze", "a.npy", "--channels", "none"),
        *("--data-range", "percentile:10,90", "-o", "a.json"),
        cwd=tmp_path,
    )
    said = json.loads((tmp_path / "a.json").read_text())["preprocessing"]
    assert said["percentiles"] == [10, 90]
    low, high = said["data_range"]
    assert low == pytest.approx(0.1 * stack.max())
    assert high == pytest.approx(0.9 * stack.max())
    assert f"percentiles 10 and 90 of a sample: {low:.6g} to {high:.6g}" in ended.stderr


def test_a_measured_range_does_not_depend_on_the_order(tmp_path: Path) -> None:
    names = [f"{number}.npy" for number in range(4)]
    for name in names:
        np.save(tmp_path / name, RNG.normal(0, 1, (90, 4, 5)))
    wanted = make_preprocessing(data_range="percentile:1,99")
    found = []
    for order in (names, names[::-1]):
        places = [str(tmp_path / name) for name in order]
        found.append(with_measured_range(wanted, partial(items, places)))
    assert found[0] == found[1]
    assert found[0].data_range is not None


def test_what_has_no_range_is_told(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((3, 2, 5, 5)))
    one = ("analyze", "a.npy", "--channels", "first", "--bands", "all")
    told = sentence(*one, "--standardize", "band", cwd=tmp_path, code=1)
    assert "band 1 is the same everywhere; leave it out with --bands" in told
    told = sentence(*one, "--data-range", "percentile:1,99", cwd=tmp_path, code=1)
    assert "so there is no range" in told
    with pytest.raises(NoAnswerError):
        spectral_sched.analyze(np.ones((5, 6, 6)), standardize="band")


@pytest.mark.parametrize(
    "wanted",
    [
        {"data_range": "percentile:90,10"},
        {"data_range": "percentile:1"},
        {"data_range": ((0, 1), (1, 0))},
        {"data_range": "window", "standardize": "band"},
        {"standardize": "all"},
        {"bands": "1;2"},
        {"nodata": "drop"},
        {"nodata": "mask:x"},
    ],
)
def test_settings_that_make_no_sense(wanted: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        make_preprocessing(**wanted)


def test_bands_of_a_file_come_back() -> None:
    assert checked_bands([4, 2]) == (4, 2)
    assert checked_bands(None) is None


def test_missing_values_leave_the_power_of_the_others() -> None:
    noise = RNG.normal(0, 0.5, (64, 64, 1))
    missing = RNG.random((64, 64, 1)) < 0.25
    holed = np.where(missing, np.nan, noise)
    found = pixels(holed, data_range=(-1, 1), nodata="mask").values[0]
    np.testing.assert_array_equal(found[~missing[..., 0]], noise[~missing])
    # White noise keeps the share of its power that is there.
    power = ring_powers(found[None]).power[1:].mean()
    assert power == pytest.approx(0.25 * 0.75, rel=0.1)
    with pytest.raises(ImageError, match="has no value that is not missing"):
        pixels(np.full((4, 4), np.nan), data_range=(0, 1), nodata="mask")
    whole = pixels(noise, data_range=(-1, 1), nodata="mask:9")
    assert not whole.noted


def test_four_bands_go_all_the_way(tmp_path: Path) -> None:
    stack = RNG.normal(0, 0.4, (8, 4, 16, 16)).astype(np.float32)
    np.save(tmp_path / "a.npy", stack)
    asked = ("a.npy", "--channels", "first", "--bands", "all", "--data-range", "-1,1")
    specsched("analyze", *asked, cwd=tmp_path)
    specsched("export", "--steps", "3", cwd=tmp_path)
    specsched("train", *asked, "--steps", "2", "--batch", "4", cwd=tmp_path)
    for model, folder in (("wiener", "w"), ("model.safetensors", "m")):
        ended = specsched(
            *("sample", "--model", model, "--seeds", "0,1", "-o", folder), cwd=tmp_path
        )
        assert "as arrays of all bands, three of them on the sheet" in ended.stdout
        found = [np.load(tmp_path / folder / f"00000{seed}.npy") for seed in (0, 1)]
        assert found[0].shape == (4, 16, 16)
        assert not np.allclose(found[0], found[1])
        assert (tmp_path / folder / "contact_sheet.png").is_file()
    record = json.loads((tmp_path / "w" / "samples.json").read_text())
    assert record["pictures"] == ["000000.npy", "000001.npy"]
    # Another run takes the place of the first.
    specsched("sample", "--model", "wiener", "--seeds", "5,6", "-o", "w", cwd=tmp_path)
    assert not (tmp_path / "w" / "000000.npy").exists()
