"""Images with known spectra, and data sets made of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from spectral_sched.images.pixels import Pixels
from spectral_sched.spectra.periodogram import Precision, ring_powers
from spectral_sched.spectra.spectrum import Spectrum, dataset_spectrum
from spectral_sched.spectra.statistics import Observation, SpectrumStatistics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the shared pictures are not beside this checkout"
)


def power_law_field(
    shape: tuple[int, int, int], exponent: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return a Gaussian image, (C, H, W), of power radius ** -exponent, mean 0."""
    _, height, width = shape
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None]
    radius = np.hypot(rows, columns)
    radius[0, 0] = np.inf
    modes = np.fft.fft2(rng.normal(size=shape)) * radius ** (-exponent / 2)
    field: NDArray[np.float64] = np.fft.ifft2(modes).real
    return field


def spectrum_of(
    pictures: Sequence[NDArray[np.floating]] | NDArray[np.floating],
    precision: Precision = "float64",
) -> Spectrum:
    """Return the spectrum of images, (C, H, W) each in pixel units."""
    observations = [
        Observation(
            Pixels(picture, -1.0, 1.0).key(),
            "",
            ring_powers(picture, precision=precision),
        )
        for picture in pictures
    ]
    statistics = SpectrumStatistics(_shape(pictures[0]))
    statistics.observe(observations)
    return dataset_spectrum(statistics)


def _shape(picture: NDArray[np.floating]) -> tuple[int, int, int]:
    channels, height, width = picture.shape
    return channels, height, width


def write_pictures(
    folder: Path, count: int, shape: tuple[int, int] = (16, 16), seed: int = 0
) -> list[Path]:
    """Write smooth random RGB images as PNGs and return their paths."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        field = power_law_field((3, *shape), 2.0, rng)
        levels = 128 + 40 * (field / field.std() + rng.normal(size=(3, 1, 1)) / 2)
        picture = np.clip(levels, 0, 255).astype(np.uint8).transpose(1, 2, 0)
        paths.append(folder / f"{number:04d}.png")
        Image.fromarray(picture).save(paths[-1])
    return paths
