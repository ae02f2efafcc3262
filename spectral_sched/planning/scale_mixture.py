"""Images as blocks of modes that share an unknown scale: what solvers are judged on.

A Gaussian field of the measured spectrum is too simple a model of images: some parts
of an image are busy and others flat, and a denoiser has to find out which from what it
sees. Here the modes of a band of rings come in blocks of `BLOCK`, and all modes of a
block are Gaussian with one variance, its *scale*, which is drawn from what is measured
over images (a Gaussian scale mixture: Portilla, Strela, Wainwright & Simoncelli, IEEE
TIP 12, 2003; that noise schedules can be judged on it is ours).

Of a block only its size matters, the root of its mean square: the best denoiser shrinks
a block by a factor that depends on its size, and so keeps its direction. The
probability flow therefore moves sizes along a line, in order, and from any level to any
other it maps each quantile of the size to the same quantile. So the exact end of every
trajectory is known without integrating anything, and a solver is played on a few
hundred numbers.

Arrays are over nodes, (M,): some sizes of each band and colour, equally likely.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import gammainc, gammaincinv

from .mode_powers import mode_powers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from spectral_sched.spectra.power_distribution import PowerDistribution

    Floats = NDArray[np.float64]

Numbers = Any
"""Real or complex arrays."""

BLOCK = 36
"""Modes that share a scale: how well a denoiser can know it.

The only constant that was chosen on networks; docs/explanation/method.md profiles it.
"""

NUM_SIZES = 12
"""Sizes of a block that stand for all, each of an equal share."""

NUM_SCALES = 16
"""Scales of a band that stand for all, likewise."""

BANDS_PER_OCTAVE = 2

BISECTIONS = 60
"""Halvings that find a quantile: all that double precision can tell apart."""


@dataclass(frozen=True, eq=False)
class ScaleMixture:
    """Nodes of all bands and colours.

    Attributes
    ----------
    scale
        Scales of the band of a node, equally likely, (M, J).
    dimension
        Modes of a block, (M,).
    unit
        Size of the block in unit noise; of single modes the value, (M,).
    mean
        What the node is about, (M,).
    weight
        Modes that a node stands for, (M,).
    band
        Number of its band, (M,).
    """

    scale: Floats
    dimension: Floats
    unit: Floats
    mean: Floats
    weight: Floats
    band: NDArray[np.int64]
    _exact: dict[float, Floats] = field(default_factory=dict, init=False)

    @property
    def power(self) -> Floats:
        """Mean scale of each node, (M,)."""
        power: Floats = self.scale.mean(axis=1)
        return power

    @property
    def is_gaussian(self) -> NDArray[np.bool_]:
        """Whether the band of a node has one scale, (M,)."""
        one: NDArray[np.bool_] = np.ptp(self.scale, axis=1) == 0
        return one

    def denoise(self, point: Numbers, sigma: Numbers) -> Numbers:
        """Return the posterior mean of nodes at a noise level.

        Imaginary parts are carried to first order, as derivatives are.

        Parameters
        ----------
        point
            (M, B), the real parts equal along B.
        sigma
            (B,), likewise.
        """
        size = point[:, 0].real - self.mean
        shrunk, by_size, by_sigma = self._shrunk(size, float(sigma[0].real))
        slope = by_size[:, None] * point.imag + by_sigma[:, None] * sigma.imag
        return (self.mean + shrunk)[:, None] + 1j * slope

    def _shrunk(self, size: Floats, sigma: float) -> tuple[Floats, Floats, Floats]:
        """Return denoised sizes with their derivatives by size and level, (M,) each."""
        variance = self.scale + sigma**2
        square = (size**2)[:, None] / variance
        half = self.dimension[:, None] / 2
        logs = -half * (np.log(variance) + square)
        likely = np.exp(logs - logs.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        kept = self.scale / variance
        factor = (likely * kept).sum(axis=1)
        # Of the likelihood's logarithm, per unit of size and of sigma.
        by_size = -2 * half * square / np.where(size == 0, 1.0, size)[:, None]
        by_sigma = 2 * half * (square - 1) * sigma / variance
        apart = likely * (kept - factor[:, None])
        of_factor = (apart * by_size).sum(axis=1)
        of_sigma = (apart * by_sigma - likely * 2 * kept * sigma / variance).sum(axis=1)
        return size * factor, factor + size * of_factor, size * of_sigma

    def probability(self, size: Floats, sigma: float) -> Floats:
        """Return the probability of sizes up to some, (M,), at a noise level."""
        half = self.dimension[:, None] / 2
        parts = gammainc(half, half * (size**2)[:, None] / (self.scale + sigma**2))
        probability: Floats = parts.mean(axis=1)
        return probability

    def quantile(self, probability: Floats, sigma: float) -> Floats:
        """Return the size, (M,), that is not exceeded with a probability."""
        half = self.dimension / 2
        unit = np.sqrt(gammaincinv(half, probability) / half)
        low: Floats = unit * np.sqrt(self.scale.min(axis=1) + sigma**2)
        high: Floats = unit * np.sqrt(self.scale.max(axis=1) + sigma**2)
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            below = self.probability(middle, sigma) < probability
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return high

    def end_from(self, point: Floats, sigma: float) -> Floats:
        """Return where the exact flow takes nodes, (M,), from a level to 0."""
        size, first = point - self.mean, self.scale[:, 0]
        # Of one scale the flow is linear; probabilities would lose what is far out.
        linear = np.abs(size) * np.sqrt(first / (first + sigma**2))
        known = self.probability(np.abs(size), sigma)
        known = np.where(self.is_gaussian, 0.5, known)
        end = np.where(self.is_gaussian, linear, self.quantile(known, 0.0))
        values: Floats = self.mean + np.sign(size) * end
        return values

    def exact(self, sigma: float) -> Floats:
        """Return the nodes at a level, (M,), for trajectories that never had an error.

        At 0 they are the images themselves.
        """
        if sigma not in self._exact:  # searches ask for the same level all the time
            half = self.dimension / 2
            known = gammainc(half, half * self.unit**2)
            size = self.quantile(known, sigma)
            self._exact[sigma] = self.mean + np.sign(self.unit) * size
        return self._exact[sigma]


class Band(NamedTuple):
    """Modes of one colour in neighbouring rings.

    Attributes
    ----------
    number
        Of the band, from 0, the mean of the images.
    scale
        Scales of its blocks, ascending and equally likely, (J,).
    num_modes
        How many modes there are.
    mean
        What they are about.
    """

    number: int
    scale: Floats
    num_modes: float
    mean: float = 0.0


def image_bands(
    distribution: PowerDistribution, *, about_mean: bool = False
) -> list[Band]:
    """Return the bands of a data set.

    Scales are the powers of rings in single images, by the axes that decorrelate the
    colours of a ring. The mean of an image is one mode for each colour and no mixture.

    Parameters
    ----------
    about_mean
        Whether sampling starts about the mean colour, which then plays no part.
    """
    num_modes = distribution.field.num_modes
    power, offset = mode_powers(distribution)
    means = np.zeros(len(offset[0])) if about_mean else np.sqrt(offset[0])
    found = [
        Band(0, np.full(NUM_SCALES, scale), 1.0, float(mean))
        for scale, mean in zip(power[0].mean(axis=1), means, strict=True)
    ]
    for number, rings in enumerate(bands(len(num_modes)), 1):
        modes = num_modes[rings]
        found += [
            Band(number, pooled(power[rings, color], modes), float(modes.sum()))
            for color in range(power.shape[1])
        ]
    return found


def scale_mixture(found: Sequence[Band], block_size: int = BLOCK) -> ScaleMixture:
    """Return the scale mixture of bands whose blocks have so many modes."""
    block = block_size, block_sizes(block_size, NUM_SIZES)
    halves = block_sizes(1, NUM_SIZES // 2)
    single = 1, np.concatenate([-halves[::-1], halves])
    dimension, unit = zip(
        *(block if band.number else single for band in found), strict=True
    )

    def spread(values: Sequence[Any]) -> NDArray[Any]:
        """Return a value of each band for each of its nodes."""
        return np.repeat(np.array(values), NUM_SIZES, axis=0)

    return ScaleMixture(
        scale=spread([band.scale for band in found]),
        dimension=spread(dimension),
        unit=np.concatenate(unit),
        mean=spread([band.mean for band in found]),
        weight=spread([band.num_modes / NUM_SIZES for band in found]),
        band=spread([band.number for band in found]),
    )


def bands(num_rings: int) -> list[NDArray[np.int64]]:
    """Return the rings of each band, but for ring 0, which is one of its own.

    Examples
    --------
    >>> [rings.tolist() for rings in bands(9)]
    [[1], [2], [3], [4], [5, 6], [7, 8]]
    """
    rings = np.arange(1, num_rings)
    numbers = np.round(BANDS_PER_OCTAVE * np.log2(rings))
    return [rings[numbers == number] for number in np.unique(numbers)]


def pooled(power: Floats, num_modes: NDArray[np.int64]) -> Floats:
    """Return the scales of a band, (`NUM_SCALES`,), from powers of its rings, (R, Q).

    Each is the geometric mean of an equal share of the modes, in ascending order; all
    are raised to the mean power.
    """
    share = np.repeat(num_modes / num_modes.sum() / power.shape[1], power.shape[1])
    order = np.argsort(power, axis=None)
    known = np.append(0.0, np.cumsum(share[order]))
    partial = np.append(0.0, np.cumsum((share * np.log(power.ravel()))[order]))
    edges = np.linspace(0.0, known[-1], NUM_SCALES + 1)
    scales = np.exp(np.diff(np.interp(edges, known, partial)) * NUM_SCALES)
    found: Floats = scales * (share @ power.ravel() / scales.mean())
    return found


def block_sizes(dimension: int, count: int) -> Floats:
    """Return sizes, (count,), of a block of unit noise, equally likely.

    Each is the root mean square of a bin of equal probability: the mean square of chi
    square variables up to a bound is a probability with two more degrees of freedom.
    """
    half = dimension / 2
    bounds = gammaincinv(half, np.arange(count) / count)
    below = np.append(gammainc(half + 1, bounds), 1.0)
    sizes: Floats = np.sqrt(np.diff(below) * count)
    return sizes
