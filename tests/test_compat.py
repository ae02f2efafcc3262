from __future__ import annotations

import numpy as np
import pytest

from spectral_sched.compat import pysteps_rapsd
from spectral_sched.spectra.periodogram import ring_powers

RNG = np.random.default_rng(0)


def formula(image: np.ndarray) -> list[float]:
    """Return the mean power per radius, one mask after the other."""
    rows, columns = image.shape
    centre_row, centre_column = rows // 2, columns // 2
    row, column = np.indices(image.shape)
    radius = np.sqrt((row - centre_row) ** 2 + (column - centre_column) ** 2).round()
    power = np.abs(np.fft.fftshift(np.fft.fft2(image))) ** 2 / (rows * columns)
    longest = max(image.shape)
    last = longest // 2 if longest % 2 == 0 else longest // 2 + 1
    return [float(power[radius == ring].mean()) for ring in range(last)]


@pytest.mark.parametrize("side", [1, 2, 3, 16, 31, 64, 129])
def test_square_images(side: int) -> None:
    image = RNG.normal(3, 1, (side, side))
    if side > 1:
        np.testing.assert_allclose(pysteps_rapsd(image), formula(image), rtol=1e-12)
    else:
        assert pysteps_rapsd(image) == pytest.approx(image[0, 0] ** 2)


@pytest.mark.parametrize("shape", [(16, 40), (41, 12), (9, 10)])
def test_other_images(shape: tuple[int, int]) -> None:
    image = RNG.normal(size=shape)
    np.testing.assert_allclose(pysteps_rapsd(image), formula(image), rtol=1e-12)


@pytest.mark.parametrize("side", [32, 33])
def test_rings_below_nyquist_are_those_of_this_package(side: int) -> None:
    image = RNG.normal(1, 1, (side, side))
    ours = ring_powers(image[None], precision="float64").power
    theirs = pysteps_rapsd(image)
    assert len(theirs) == (side + 1) // 2
    np.testing.assert_allclose(ours[: len(theirs)], theirs, rtol=1e-12)


def test_rings_of_other_images_mix_frequencies() -> None:
    # A wave along the short side, of 1/4 cycle per pixel, is put at ring 4 of 32.
    wave = np.cos(np.pi / 2 * np.arange(16))[:, None] * np.ones((1, 64))
    assert np.argmax(pysteps_rapsd(wave)) == 4
    ours = ring_powers(wave[None], precision="float64").power
    assert np.argmax(ours) == 64 // 4


@pytest.mark.parametrize("image", [np.zeros((3, 4, 5)), np.full((2, 2), np.nan)])
def test_what_has_no_spectrum(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="finite pixels"):
        pysteps_rapsd(image)
