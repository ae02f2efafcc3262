"""Sliced Wasserstein distance between patches of Laplacian pyramids.

Karras, Aila, Laine & Lehtinen, "Progressive Growing of GANs" (arXiv 1710.10196): a
pyramid parts images into bands of detail (Burt & Adelson, IEEE Trans. Communications
31 (1983)), patches are cut from each, and the distances of two sets of patches along
random directions are averaged (Rabin et al., SSVM 2011). The two sets are not divided
by their own contrast as there, but both by that of the real images, so that samples
which lost contrast are further away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

SEED = 20260319
PATCH = 7
NUM_PATCHES = 16
NUM_DIRECTIONS = 64
NUM_QUANTILES = 128
KERNEL = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16


def laplacian_pyramid(pictures: NDArray[np.floating]) -> list[NDArray[np.float64]]:
    """Return bands of detail, (N, C, H, W) and half of that on, and what is left.

    They add up to the images again, enlarged as by `enlarge`. Bands are made as long
    as what is left is no smaller than a patch.
    """
    rest, bands = np.asarray(pictures, dtype=np.float64), []
    while min(rest.shape[-2:]) >= 2 * PATCH:
        smaller = _blur(rest)[..., ::2, ::2]
        bands.append(rest - enlarge(smaller, rest.shape))
        rest = smaller
    return [*bands, rest]


def enlarge(pictures: NDArray[np.float64], shape: Sequence[int]) -> NDArray[np.float64]:
    """Return images of twice the size, of a given shape, without new detail."""
    spaced = np.zeros(tuple(shape))
    spaced[..., ::2, ::2] = pictures
    return 4 * _blur(spaced)


def _blur(pictures: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.ndimage import convolve1d

    rows = convolve1d(pictures, KERNEL, axis=-1, mode="mirror")
    both: NDArray[np.float64] = convolve1d(rows, KERNEL, axis=-2, mode="mirror")
    return both


class Places(NamedTuple):
    """Where patches of images begin: rows and columns, (N, P) each."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]


def random_places(count: int, sides: Sequence[int], rng: np.random.Generator) -> Places:
    """Return random places of patches in so many images with sides (H, W)."""
    spans = [side - min(PATCH, side) + 1 for side in sides]
    return Places(*(rng.integers(span, size=(count, NUM_PATCHES)) for span in spans))


def patches(pictures: NDArray[np.float64], places: Places) -> NDArray[np.float64]:
    """Return patches of images, (N, C, H, W), as rows of (N, P, C * h * w)."""
    count, _, *sides = pictures.shape
    height, width = (min(PATCH, side) for side in sides)
    windows = np.lib.stride_tricks.sliding_window_view(
        pictures, (height, width), axis=(2, 3)
    )
    which = np.arange(count)[:, None]
    cut: NDArray[np.float64] = windows[which, :, places.rows, places.columns]
    return cut.reshape(count, NUM_PATCHES, -1)


class SlicedWasserstein:
    """The distance of sets of samples from real images that are measured once.

    Parameters
    ----------
    real
        Images, (M, C, H, W).
    num_samples
        Samples in each set, (N); all sets are cut at the same places.
    """

    def __init__(self, real: NDArray[np.floating], num_samples: int) -> None:
        rng = np.random.default_rng(SEED)
        self.bands = [
            RealBand(band, num_samples, rng) for band in laplacian_pyramid(real)
        ]

    def of(self, samples: NDArray[np.floating]) -> Callable[[NDArray[np.intp]], float]:
        """Return the distance of samples, (N, C, H, W), by which of them are kept."""
        pyramid = laplacian_pyramid(samples)
        bands = [
            (Ordered(real.along(band)), real.quantiles)
            for real, band in zip(self.bands, pyramid, strict=True)
        ]

        def distance(kept: NDArray[np.intp]) -> float:
            apart = [
                np.abs(quantiles(ordered.of(kept)) - real).mean()
                for ordered, real in bands
            ]
            return float(np.mean(apart))

        return distance


class RealBand:
    """One band of real images along random directions, in units of its contrast.

    Parameters
    ----------
    band
        The band of each image, (M, C, H, W).
    num_samples
        Samples in each set that is compared with them.

    Attributes
    ----------
    quantiles
        Of patches along each direction, (Q, D).
    """

    def __init__(
        self, band: NDArray[np.float64], num_samples: int, rng: np.random.Generator
    ) -> None:
        count, _, *sides = band.shape
        self.places = random_places(num_samples, sides, rng)
        cut = patches(band, random_places(count, sides, rng))
        directions = rng.normal(size=(cut.shape[-1], NUM_DIRECTIONS))
        self.directions = directions / np.linalg.norm(directions, axis=0)
        # A band of images without detail has no unit; its patches are 0 and stay 0.
        self.unit = cut.std() or 1.0
        along = cut.reshape(-1, cut.shape[-1]) @ self.directions / self.unit
        self.quantiles = quantiles(np.sort(along, axis=0))

    def along(self, band: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return patches of samples along the directions, (N, P, D)."""
        along: NDArray[np.float64] = patches(band, self.places) @ self.directions
        return along / self.unit


class Ordered:
    """Values of samples in order, sorted once whichever samples are left out.

    Parameters
    ----------
    values
        Some of each sample along each direction, (N, P, D).
    """

    def __init__(self, values: NDArray[np.float64]) -> None:
        count, each, width = values.shape
        self.count = count
        rows = values.reshape(-1, width).T
        order = np.argsort(rows, axis=1)
        self.rows, self.owner = np.take_along_axis(rows, order, axis=1), order // each

    def of(self, kept: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the values of the samples that are kept, columns in order."""
        stay = np.zeros(self.count, dtype=bool)
        stay[kept] = True
        columns: NDArray[np.float64] = self.rows[stay[self.owner]]
        return columns.reshape(len(self.rows), -1).T


def quantiles(ordered: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return equally likely quantiles of columns in order, (NUM_QUANTILES, D)."""
    likely = (np.arange(NUM_QUANTILES) + 0.5) / NUM_QUANTILES
    places = likely * len(ordered) - 0.5
    below = np.clip(np.floor(places).astype(int), 0, len(ordered) - 1)
    above = np.minimum(below + 1, len(ordered) - 1)
    share = np.clip(places - below, 0, 1)[:, None]
    between: NDArray[np.float64] = (1 - share) * ordered[below] + share * ordered[above]
    return between
