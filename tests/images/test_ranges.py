"""Values that a stated range cannot be meant for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spectral_sched.errors import ImageError
from spectral_sched.images.pixels import load_pixels
from spectral_sched.images.preprocessing import make_preprocessing
from tests.support.commands import sentence, specsched

RANGE = (-1.0, 1.0)


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (16, 16))


@pytest.mark.parametrize(
    ("value", "share", "told"),
    [(-9999.0, 12, "as -9999;"), (1e6, 256, r"as 1e\+06;"), (21.5, 1, "as 21.5;")],
)
def test_values_far_outside_are_refused_with_their_share(
    value: float, share: int, told: str
) -> None:
    values = picture()
    values.flat[:share] = value
    match = f"^x has {share / 256:.2%} of its values far outside -1 to 1, {told}"
    with pytest.raises(ImageError, match=match) as caught:
        load_pixels(values, "x", make_preprocessing(data_range=RANGE))
    assert caught.value.reason == "outside the data range"


def test_the_first_band_outside_its_range_is_named_with_its_share() -> None:
    """Not the one with the most such values; rows are counted by the hundred."""
    values = np.zeros((600, 4, 3))
    values[599, 0, 1] = 99.0
    values[::2, :, 2] = -99.0
    pairs = (RANGE,) * 3
    match = f"^x has {1 / 2400:.2%} of the values of band 2 far outside -1 to 1, as 99;"
    with pytest.raises(ImageError, match=match):
        load_pixels(values, "x", make_preprocessing(data_range=pairs, bands="all"))


@pytest.mark.parametrize("resolution", [None, 8])
def test_missing_data_is_seen_before_it_is_resized(resolution: int | None) -> None:
    values = picture()
    values[0, 0] = -21.5
    with pytest.raises(ImageError, match="far outside"):
        load_pixels(values, "x", make_preprocessing(resolution, data_range=RANGE))


def test_overshoot_and_noise_are_kept() -> None:
    values = picture()
    values.flat[:2] = -20.9, 20.9
    found = load_pixels(values, "x", make_preprocessing(data_range=RANGE))
    np.testing.assert_array_equal(found.values[0], values)


def test_halves_are_held_against_a_wide_range() -> None:
    """Ten widths of it are more than 16 bits hold, which numpy warns of."""
    values = np.linspace(0, 60000, 256, dtype=np.float16).reshape(16, 16)
    settings = make_preprocessing(data_range=(0, 65535))
    found = load_pixels(values, "x", settings)
    np.testing.assert_array_equal(found.values[0], values)


def test_bytes_are_not_from_0_to_1() -> None:
    grey = Image.fromarray(np.full((8, 8), 200, np.uint8))
    with pytest.raises(ImageError, match=r"100.00% .* 0 to 1, as 200"):
        load_pixels(np.asarray(grey), "x", make_preprocessing(data_range=(0.0, 1.0)))


def test_images_with_missing_data_are_counted_and_named(tmp_path: Path) -> None:
    stack = np.stack([picture(seed) for seed in range(6)])[..., None]
    stack[2, :4] = -9999
    np.save(tmp_path / "data.npy", stack)
    arguments = ("analyze", "data.npy", "--data-range", "-1,1", "--channels", "last")
    ended = specsched(*arguments, cwd=tmp_path)
    assert "1 skipped: 1 outside the data range" in ended.stdout
    assert "25.00% of its values" in ended.stderr
    told = sentence(*arguments, "--strict", "--force", cwd=tmp_path, code=3)
    assert "outside" in told
