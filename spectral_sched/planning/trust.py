"""Where a denoiser can be trusted: its errors beside those of Wiener's filter (ours).

No denoiser need be worse than the linear filter of the same spectrum, whatever the
images: the filter is there for all to use. A level at which one is worse, by more than
chance and by more than anybody can see, is a level that it did not learn, or that it is
called wrongly at.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.spectra.bounds import QUANTISATION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

STANDARD_ERRORS = 2.0
"""How many an excess has to be above what is let pass: one in forty by chance."""

SLACK_ON_IMAGES = 0.02
"""Excess over the filter's squared error that is let pass. Three intact networks have
at most 0.019 on images that they did not see, at their highest levels
(docs/how-to/audit.md).
"""

SLACK_ON_FIELDS = 0.5
"""The same on samples of the Gaussian field, for which the filter is optimal and which
no network was trained on: three intact ones have at most 0.3 there."""

CARRIED = 0.1
"""Share of the contrast of the images that errors above may carry into a finished one.

Samples of two epsilon networks, one hardly trained and one trained eight times as long,
keep the contrast of their images to 5 % for shares from 0.06 to 0.12: with less, the
start is a Gaussian field where the images are none any more (docs/how-to/audit.md).
"""

FAULTY = 0.1
"""Share of the squared error that a linear correction may take away. It takes at most
0.04 from three intact networks, and 0.2 where all weights are multiplied by 0.9."""


@dataclass(frozen=True, eq=False)
class LevelErrors:
    """Squared errors of a denoiser and of the filter, on the same noisy images.

    Attributes
    ----------
    sigmas
        Levels, falling, (L,).
    network, wiener
        Mean squared error of each image, per pixel, (L, N).
    network_rings, wiener_rings
        Mean squared error of the modes of each ring, (L, K).
    closed_rings
        What the filter is expected at, in closed form, (L, K).
    num_modes
        Modes of each ring, (K,).
    correctable
        Share of the denoiser's error that a linear combination of its answer, of the
        filter's and of the noisy image takes away, (L,).
    on_images
        Whether they are real images; else samples of the Gaussian field.
    """

    sigmas: NDArray[np.float64]
    network: NDArray[np.float64]
    wiener: NDArray[np.float64]
    network_rings: NDArray[np.float64]
    wiener_rings: NDArray[np.float64]
    closed_rings: NDArray[np.float64]
    num_modes: NDArray[np.int64]
    correctable: NDArray[np.float64]
    on_images: bool

    @property
    def slack(self) -> float:
        """Excess over the filter's error, as a share of it, that is let pass."""
        return SLACK_ON_IMAGES if self.on_images else SLACK_ON_FIELDS

    @cached_property
    def ratio(self) -> NDArray[np.float64]:
        """Error of the denoiser over that of the filter, (L,)."""
        ratio: NDArray[np.float64] = self.network.mean(axis=1) / self.wiener.mean(
            axis=1
        )
        return ratio

    @cached_property
    def worse(self) -> NDArray[np.bool_]:
        """Where it is worse than the filter by more than chance and than counts, (L,).

        An excess below the rounding of 8-bit pixels counts for nothing.
        """
        excess = self.network - self.wiener
        spread = excess.std(axis=1, ddof=1) / np.sqrt(excess.shape[1])
        least = excess.mean(axis=1) - STANDARD_ERRORS * spread
        counts = excess.mean(axis=1) > QUANTISATION**2
        above = least > self.slack * self.wiener.mean(axis=1)
        return np.asarray((above & counts) | ~np.isfinite(self.ratio))

    @cached_property
    def faulty(self) -> NDArray[np.bool_]:
        """Where a linear correction would lower its error by a part that counts, (L,).

        The mean of images given what is seen of them cannot be corrected by anything.
        On samples of a field every network can be. What is taken away has to be more
        than the rounding of 8-bit pixels.
        """
        taken = self.correctable * self.network.mean(axis=1)
        faulty = (self.correctable > FAULTY) & (taken > QUANTISATION**2)
        return np.asarray(faulty & ~self.worse & self.on_images)

    @cached_property
    def trusted_range(self) -> tuple[float, float] | None:
        """Lowest and highest sigma of the widest range in which it is never worse.

        Above, it is trusted as far as its errors hardly reach the finished image, see
        `carried`. The lower end is where the excess crosses what is let pass, read
        log-linearly; None if no two neighbours can be trusted. Samples of a field judge
        the upper end alone: below, a network may know images that are no field.
        """
        if not self.on_images:
            return self._below_the_top()
        runs = [run for run in _runs(~self.worse) if run[0] < run[1]]
        if not runs:
            return None
        logs = np.log(self.sigmas)
        first, last = max(runs, key=lambda run: logs[run[0]] - logs[run[1]])
        return self._crossing(last, last + 1), self._reach(first)

    def _below_the_top(self) -> tuple[float, float] | None:
        """Return what is below the levels at the top at which it is worse."""
        good = np.flatnonzero(~self.worse)
        if not good.size or good[0] == len(self.sigmas) - 1:
            return None
        return float(self.sigmas[-1]), self._reach(int(good[0]))

    @cached_property
    def carried(self) -> NDArray[np.float64]:
        """Excess that reaches the finished image, per unit of ln sigma, (L,).

        In shares of the contrast of the images. What a sampler follows in a mode of
        power P at sigma shrinks on its way to the image, by P / (P + sigma^2) in its
        square: errors in modes that are swamped leave little behind (ours).
        """
        squared = self.sigmas[:, None] ** 2
        shrink = self.closed_rings / squared
        let_pass = (1 + self.slack) * self.wiener_rings
        excess = np.maximum(self.network_rings - let_pass, 0) * shrink
        power = self.closed_rings / (1 - shrink)
        share = (excess @ self.num_modes) / (power @ self.num_modes)
        return np.asarray(np.sqrt(np.nan_to_num(share, nan=np.inf)))

    def _reach(self, good: int) -> float:
        """Return the level up to which errors carry no more than is let pass.

        Between two levels `carried` is linear in ln sigma.
        """
        first = self._crossing(good, good - 1)
        logs = np.log([first, *self.sigmas[:good][::-1]])
        values = np.concatenate([[0.0], self.carried[:good][::-1]])
        steps = np.diff(logs) * (values[1:] + values[:-1]) / 2
        total = np.concatenate([[0.0], np.cumsum(steps)])
        below = int(np.flatnonzero(total <= CARRIED)[-1])
        if below == len(total) - 1:
            return float(self.sigmas[0])
        left, begun = CARRIED - total[below], values[below]
        slope = np.diff(values)[below] / np.diff(logs)[below]
        step = 2 * left / (begun + np.sqrt(begun**2 + 2 * slope * left))
        return float(np.exp(logs[below] + step))

    def _crossing(self, good: int, bad: int) -> float:
        """Return the level between two neighbours at which trust ends."""
        if not 0 <= bad < len(self.sigmas):
            return float(self.sigmas[good])
        excess = self.ratio[[good, bad]] - 1 - self.slack
        if not np.isfinite(excess[1]):
            return float(self.sigmas[good])
        share = np.clip(-excess[0] / (excess[1] - excess[0]), 0, 1)
        low, high = np.log(self.sigmas[[good, bad]])
        return float(np.exp(low + share * (high - low)))

    def runs_worse(self) -> list[tuple[int, int]]:
        """Return first and last level of each run at which it is worse."""
        return list(_runs(self.worse))

    def runs_faulty(self) -> list[tuple[int, int]]:
        """Return first and last level of each run that could be corrected."""
        return list(_runs(self.faulty))

    def worst_ring(self, first: int, last: int) -> int:
        """Return the ring with the largest excess of error over a run of levels."""
        part = slice(first, last + 1)
        excess = self.network_rings[part] - self.wiener_rings[part]
        return int(np.nan_to_num(excess, nan=np.inf).sum(axis=0).argmax())


def _runs(where: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield the first and last index of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]])))
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        yield int(first), int(end) - 1


def correctable_share(products: NDArray[np.float64]) -> float:
    """Return the share of a squared error that a linear correction takes away.

    Parameters
    ----------
    products
        Sums of products of the residual and of what may correct it, (1 + P, 1 + P).
    """
    square, beside, inner = products[0, 0], products[0, 1:], products[1:, 1:]
    if not np.isfinite(products).all() or square <= 0:
        return 0.0
    # Scaled, since what corrects may be as small as the noise or as large.
    scale = np.sqrt(np.maximum(np.diag(inner), np.finfo(float).tiny))
    inverse = np.linalg.pinv(
        inner / np.outer(scale, scale), rcond=1e-10, hermitian=True
    )
    taken = (beside / scale) @ inverse @ (beside / scale)
    return float(np.clip(taken / square, 0, 1))
