"""Sliced Wasserstein distance between patches of Laplacian pyramids.

Karras, Aila, Laine & Lehtinen, "Progressive Growing of GANs" (arXiv 1710.10196): a
pyramid parts pictures into bands of detail (Burt & Adelson, IEEE Trans. Communications
31 (1983)), patches are cut from each, and the distances of two sets of patches along
random directions are averaged (Rabin et al., SSVM 2011). The two sets are not divided
by their own contrast as there, but both by that of the real pictures, so that samples
which lost contrast are further away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SEED = 20260319
PATCH = 7
NUM_PATCHES = 16
NUM_DIRECTIONS = 64
NUM_QUANTILES = 128
KERNEL = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16


def laplacian_pyramid(pictures: NDArray[np.floating]) -> list[NDArray[np.float64]]:
    """Return bands of detail, (N, C, H, W) and half of that on, and what is left.

    They add up to the pictures again, enlarged as by `enlarged`. Bands are made as long
    as what is left is no smaller than a patch.
    """
    rest, bands = np.asarray(pictures, dtype=np.float64), []
    while min(rest.shape[-2:]) >= 2 * PATCH:
        smaller = _blurred(rest)[..., ::2, ::2]
        bands.append(rest - enlarged(smaller, rest.shape))
        rest = smaller
    return [*bands, rest]


def enlarged(
    pictures: NDArray[np.float64], shape: Sequence[int]
) -> NDArray[np.float64]:
    """Return pictures of twice the size, of a given shape, without new detail."""
    spaced = np.zeros(tuple(shape))
    spaced[..., ::2, ::2] = pictures
    return 4 * _blurred(spaced)


def _blurred(pictures: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.ndimage import convolve1d

    rows = convolve1d(pictures, KERNEL, axis=-1, mode="mirror")
    both: NDArray[np.float64] = convolve1d(rows, KERNEL, axis=-2, mode="mirror")
    return both


def patches(
    pictures: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return patches of each picture, (N, P, C * h * w), from random places."""
    count, _, *sides = pictures.shape
    size = [min(PATCH, side) for side in sides]
    windows = np.lib.stride_tricks.sliding_window_view(
        pictures, (size[0], size[1]), axis=(2, 3)
    )
    which = np.arange(count)[:, None]
    rows, columns = (
        rng.integers(side - part + 1, size=(count, NUM_PATCHES))
        for side, part in zip(sides, size, strict=True)
    )
    cut: NDArray[np.float64] = windows[which, :, rows, columns]
    return cut.reshape(count, NUM_PATCHES, -1)


class SlicedWasserstein:
    """The distance of samples, or of some of them, from real pictures.

    Parameters
    ----------
    samples, real
        Pictures of one shape, (N, C, H, W) and (M, C, H, W).
    """

    def __init__(
        self, samples: NDArray[np.floating], real: NDArray[np.floating]
    ) -> None:
        rng = np.random.default_rng(SEED)
        bands = zip(laplacian_pyramid(samples), laplacian_pyramid(real), strict=True)
        self.pairs = [_projected(*pair, rng) for pair in bands]

    def __call__(self, kept: NDArray[np.intp]) -> float:
        """Return the distance of the samples that are kept, averaged over bands."""
        bands = [
            wasserstein(samples[kept].reshape(-1, NUM_DIRECTIONS), real)
            for samples, real in self.pairs
        ]
        return float(np.mean(bands))


def _projected(
    samples: NDArray[np.float64], real: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return patches along directions, (N, P, D), and quantiles of real ones, (Q, D).

    Real patches are in units of their own standard deviation.
    """
    cut, real_cut = patches(samples, rng), patches(real, rng)
    directions = rng.normal(size=(cut.shape[-1], NUM_DIRECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    # A band of pictures without detail has no unit; its patches are 0 and stay 0.
    unit = real_cut.std() or 1.0
    along = real_cut.reshape(-1, cut.shape[-1]) @ directions / unit
    return cut @ directions / unit, quantiles(along)


def quantiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return equally likely quantiles of columns, (NUM_QUANTILES, D)."""
    ordered = np.sort(values, axis=0)
    likely = (np.arange(NUM_QUANTILES) + 0.5) / NUM_QUANTILES
    places = likely * len(values) - 0.5
    below = np.clip(np.floor(places).astype(int), 0, len(values) - 1)
    above = np.minimum(below + 1, len(values) - 1)
    share = np.clip(places - below, 0, 1)[:, None]
    between: NDArray[np.float64] = (1 - share) * ordered[below] + share * ordered[above]
    return between


def wasserstein(values: NDArray[np.float64], real: NDArray[np.float64]) -> float:
    """Return the 1-Wasserstein distance of columns from quantiles, averaged."""
    return float(np.abs(quantiles(values) - real).mean())
