"""Random fields with power-law spectra that keep their look at every size."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .canvas import Plane

Indices = NDArray[np.integer[Any]]


def _period(size: int) -> int:
    """Return the period of a field: twice the image, so that no edges wrap."""
    return 2 * size


@lru_cache(maxsize=16)
def _frequencies(period: int) -> tuple[Plane, Plane]:
    """Return the vertical and horizontal cycles per period of ``irfft2``."""
    vertical = (np.fft.fftfreq(period) * period).astype(np.float32)[:, None]
    horizontal = np.arange(period // 2 + 1, dtype=np.float32)[None, :]
    return vertical, horizontal


@lru_cache(maxsize=16)
def _shell_order(period: int) -> Indices:
    """Return the flat half-spectrum places, lowest frequencies first.

    A larger period has the smaller one's places first and in the same order, so
    one stream of normals draws the same coarse forms at every size.
    """
    vertical, horizontal = np.broadcast_arrays(*_frequencies(period))
    shell = np.maximum(np.abs(vertical), horizontal).ravel()
    order: Indices = np.lexsort((horizontal.ravel(), vertical.ravel(), shell))
    order = order[shell[order] < period // 2]
    order.setflags(write=False)
    return order


@lru_cache(maxsize=64)
def _log_radius(period: int, stretch: float) -> Plane:
    vertical, horizontal = _frequencies(period)
    radius: Plane = np.hypot(vertical, horizontal * stretch)
    radius[0, 0] = 1.0
    logarithm: Plane = np.log(radius)
    logarithm.setflags(write=False)
    return logarithm


def _white_spectrum(rng: np.random.Generator, period: int) -> NDArray[np.complex64]:
    order = _shell_order(period)
    normals = rng.standard_normal(2 * order.size, dtype=np.float32)
    spectrum = np.zeros((period, period // 2 + 1), dtype=np.complex64)
    spectrum.reshape(-1)[order] = normals.view(np.complex64)
    spectrum[0, 0] = 0.0
    # irfft2 keeps only the real half of what the first column holds.
    spectrum[:, 0] *= np.float32(np.sqrt(2.0))
    return spectrum


def standardise(values: Plane) -> Plane:
    """Return the values with mean 0 and standard deviation 1."""
    deviation = max(float(values.std()), 1e-9)
    return (values - float(values.mean())) / deviation


def power_law_field(
    rng: np.random.Generator, size: int, exponent: float, stretch: float = 1.0
) -> Plane:
    """Draw a standardised (size, size) Gaussian field with power 1 / f**exponent.

    A ``stretch`` above 1 draws the forms out horizontally by that factor. The
    draws come from a spawned generator: the caller's stream never depends on size.
    """
    period = _period(size)
    spectrum = _white_spectrum(rng.spawn(1)[0], period)
    spectrum *= np.exp(_log_radius(period, stretch) * np.float32(-exponent / 2))
    field = np.fft.irfft2(spectrum, s=(period, period))
    return standardise(field[:size, :size].astype(np.float32))


def power_law_profile(rng: np.random.Generator, size: int, exponent: float) -> Plane:
    """Draw a standardised (size,) Gaussian line with power 1 / f**exponent."""
    period = _period(size)
    normals = rng.spawn(1)[0].standard_normal(2 * size, dtype=np.float32)
    spectrum = np.zeros(size + 1, dtype=np.complex64)
    spectrum[1:] = normals.view(np.complex64)
    spectrum[1:] *= np.arange(1, size + 1, dtype=np.float32) ** (-exponent / 2)
    line = np.fft.irfft(spectrum, n=period)
    return standardise(line[:size].astype(np.float32))
