"""Align Your Steps: the table with the least bound on what a network's steps miss.

Sabour, Fidler & Kreis (arXiv 2404.14507). A step from `upper` to `lower` that holds the
denoised image still adds to the divergence of the sampled path from the true one at
most

    integral over t from lower to upper of  E|D(x_t, t) - D(x_upper, upper)|^2 / t^3,

x_t and x_upper being one image on its way to noise. The levels of 10 steps are moved
one by one to the best of 11 candidates, then twice subdivided and moved again; tables
of other sizes are read off log-linearly.

For Gaussian data of standard deviation `spread` the expectation is known, and t is
drawn by it. The law's normaliser depends on the candidate and belongs to the estimate.
All candidates share images, noise and quantiles.

Run to the end, the search is worse than the table that it starts from, on Gaussian
data by several times: it is good for where it stops. It stops on the error of samples
against a fine reference from the same held-out noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import torch

from spectral_sched.schedules.table import SigmaTable, resample

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from .counting import CountingDenoiser

NUM_LEVELS = 10
NUM_STAGES = 3
"""At 10 steps, at 20 and at 40."""

NUM_ASIDE = 5
"""Candidates on either side of a level: 11 with the level itself."""

PATIENCE = 3
"""Sweeps without a lower held-out error after which a stage ends."""

HALVINGS = 60
"""Of the interval that a quantile is searched in; a double has 53 bits."""


def normaliser(
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    spread: float | NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the integral of the importance law over intervals, shapes broadcast.

    The law is ``t**-3 * (1 / (t**2 + spread**2) - 1 / (upper**2 + spread**2))``.
    """
    return _primitive(upper, upper, spread) - _primitive(lower, upper, spread)


def _primitive(
    level: NDArray[np.float64],
    upper: NDArray[np.float64],
    spread: float | NDArray[np.float64],
) -> NDArray[np.float64]:
    square, variance = level**2, spread**2
    own = np.log1p(variance / square) / variance**2 - 1 / (variance * square)
    integral: NDArray[np.float64] = (own + 1 / ((upper**2 + variance) * square)) / 2
    return integral


def important_levels(
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    quantile: NDArray[np.float64],
    spread: float,
) -> NDArray[np.float64]:
    """Return the levels at quantiles of the importance law, shapes broadcast."""
    whole = normaliser(lower, upper, spread)
    start = _primitive(lower, upper, spread)
    low, high = np.broadcast_arrays(np.log(lower), np.log(upper), quantile)[:2]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = _primitive(np.exp(middle), upper, spread) - start > quantile * whole
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    levels: NDArray[np.float64] = np.exp((low + high) / 2)
    return levels


class Draws(NamedTuple):
    """What an estimate is made from: the same for all candidates.

    Attributes
    ----------
    pictures, near, far
        Images, and unit noise up to the lower and on to the higher of two levels,
        (S, C, H, W).
    quantile
        Where between the ends of a step the lower level lies, (S,).
    """

    pictures: Tensor
    near: Tensor
    far: Tensor
    quantile: NDArray[np.float64]


@dataclass(frozen=True)
class Klub:
    """The bound of Align Your Steps, estimated from images under noise.

    Attributes
    ----------
    denoise
        The model.
    pictures
        Gives as many images as asked for, (S, C, H, W).
    spread
        Standard deviation of pixels.
    importance
        Whether levels are drawn by the importance law; if not, evenly in ln t.
    """

    denoise: CountingDenoiser
    pictures: Callable[[int, np.random.Generator], Tensor]
    spread: float = 0.5
    importance: bool = True

    def draws(self, count: int, rng: np.random.Generator) -> Draws:
        """Return what estimates are made from; quantiles are one from each stratum."""
        pictures = self.pictures(count, rng)
        near, far = (
            torch.from_numpy(rng.standard_normal(pictures.shape)).to(pictures)
            for _ in range(2)
        )
        quantile = (rng.permutation(count) + rng.random(count)) / count
        return Draws(pictures, near, far, quantile)

    def __call__(
        self, lower: NDArray[np.float64], upper: NDArray[np.float64], draws: Draws
    ) -> NDArray[np.float64]:
        """Return estimates of the bound for steps from `upper` to `lower`, (K,).

        They are per pixel.
        """
        low, high = lower[:, None], upper[:, None]
        level, weight = self._levels(low, high, draws.quantile)
        near, far = (
            torch.from_numpy(values.ravel())
            for values in (level, np.sqrt(high**2 - level**2))
        )
        repeats = (len(lower), 1, 1, 1)
        x = draws.pictures.repeat(repeats)
        x = x + near.to(x).reshape(-1, 1, 1, 1) * draws.near.repeat(repeats)
        above = x + far.to(x).reshape(-1, 1, 1, 1) * draws.far.repeat(repeats)
        top = torch.from_numpy(upper).repeat_interleave(level.shape[1])
        missed = self.denoise.many(x, near) - self.denoise.many(above, top)
        squared = missed.double().square().flatten(1).mean(dim=1).cpu().numpy()
        estimates: NDArray[np.float64] = np.mean(
            weight * squared.reshape(level.shape), axis=1
        )
        return estimates

    def _levels(
        self,
        low: NDArray[np.float64],
        high: NDArray[np.float64],
        quantile: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return levels in steps, (K, S), and the weights that make means integrals."""
        if not self.importance:
            span = np.log(high / low)
            level = low * np.exp(span * quantile)
            return level, span / level**2
        level = important_levels(low, high, quantile, self.spread)
        variance = self.spread**2
        fall = (high**2 - level**2) / ((level**2 + variance) * (high**2 + variance))
        return level, normaliser(low, high, self.spread) / fall


class HeldOutError(Protocol):
    """How wrong a table is on noise that the search does not see."""

    def __call__(self, table: SigmaTable) -> float:
        """Return the error of a table."""
        ...


@dataclass(frozen=True)
class KlubSearch:
    """A search for the levels of least bound.

    Attributes
    ----------
    klub
        The bound.
    num_steps
        Steps of the table that is wanted.
    error
        Its held-out error decides when to stop; None runs all sweeps and takes what
        they end with.
    num_samples, num_sweeps
        Images per estimate, and most sweeps in each stage.
    num_stages
        How often levels are moved; before each time but the first, steps are halved.
    """

    klub: Klub
    num_steps: int
    error: HeldOutError | None
    num_samples: int
    num_sweeps: int
    num_stages: int = NUM_STAGES

    def __call__(
        self, levels: NDArray[np.float64], rng: np.random.Generator
    ) -> SigmaTable:
        """Return the table found from levels of 10 steps, the last one included."""
        best, least = levels, self._judge(levels)
        for stage in range(self.num_stages):
            if stage:
                levels = subdivide(levels)
            since = 0
            for _ in range(self.num_sweeps):
                levels = self.sweep(levels, rng)
                error, since = self._judge(levels), since + 1
                if error <= least:
                    best, least, since = levels, error, 0
                if since == PATIENCE:
                    break
        return resample_levels(best, self.num_steps)

    def _judge(self, levels: NDArray[np.float64]) -> float:
        if self.error is None:
            return 0.0
        return self.error(resample_levels(levels, self.num_steps))

    def sweep(
        self, levels: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return the levels after each inner one has moved to its best candidate."""
        levels = levels.copy()
        for place in range(1, len(levels) - 1):
            above, own, below = levels[place - 1 : place + 2]
            tried = candidates(above, own, below)
            draws = self.klub.draws(self.num_samples, rng)
            lower = np.concatenate([tried, np.full_like(tried, below)])
            upper = np.concatenate([np.full_like(tried, above), tried])
            both = self.klub(lower, upper, draws).reshape(2, -1)
            levels[place] = tried[both.sum(axis=0).argmin()]
        return levels


def candidates(above: float, own: float, below: float) -> NDArray[np.float64]:
    """Return 11 levels between two neighbours of a level, itself among them."""
    higher = np.geomspace(above, own, NUM_ASIDE + 2)[1:-1]
    lower = np.geomspace(own, below, NUM_ASIDE + 2)[1:-1]
    return np.array([*higher, own, *lower])


def subdivide(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return levels with one more in the middle, in ln sigma, of each step."""
    middles = [np.sqrt(above * below) for above, below in pairwise(levels)]
    return np.insert(levels, range(1, len(levels)), middles)


def resample_levels(levels: NDArray[np.float64], num_steps: int) -> SigmaTable:
    """Return the table of N steps through levels, read log-linearly between them."""
    read = resample(SigmaTable.of(levels), num_steps + 1).levels
    # The logarithm and back again would leave the first a rounding off.
    return SigmaTable.of([levels[0], *read[1:-1]])
