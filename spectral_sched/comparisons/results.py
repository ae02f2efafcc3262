"""What is measured of one table in one cell, with its intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .metrics import (
    NEIGHBOUR_METRICS,
    Estimate,
    FrechetDistance,
    KernelDistance,
    LeftOut,
    LogSpectra,
    Neighbourhoods,
    SlicedWasserstein,
    bootstrap_mean_square,
    left_out,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


class Metric(NamedTuple):
    """What a metric is called, whether less of it is better, and what it can be."""

    label: str
    less_is_better: bool = True
    least: float = 0.0
    most: float = np.inf


METRICS: Mapping[str, Metric] = {
    "error": Metric("error"),
    "frechet": Metric("Frechet"),
    "kernel": Metric("kernel", least=-np.inf),
    "precision": Metric("precision", less_is_better=False, most=1.0),
    "recall": Metric("recall", less_is_better=False, most=1.0),
    "density": Metric("density", less_is_better=False),
    "coverage": Metric("coverage", less_is_better=False, most=1.0),
    "patches": Metric("patches"),
    "log_spectral": Metric("spectrum dB"),
}
"""Metrics by their names in files, in the order of tables.

``error`` is the root-mean-square distance to the fine reference from the same noise;
the others compare with real images.
"""

VERDICTS_ON = ("error", "frechet")
"""Metrics that tables win or lose on."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """What was measured of one set of images.

    Attributes
    ----------
    squares
        Mean squared error of each sample against the reference, (N,); None where there
        is nothing to pair with.
    scores
        All other metrics, by name.
    decibels
        Power over that of real images in each ring, (K,).
    """

    squares: NDArray[np.float64] | None
    scores: Mapping[str, LeftOut]
    decibels: LeftOut

    def __contains__(self, metric: str) -> bool:
        """Return whether a metric was measured."""
        return metric in self.scores or (metric == "error" and self.squares is not None)

    def estimate(self, metric: str) -> Estimate:
        """Return a metric that was measured, with its interval."""
        if metric == "error" and self.squares is not None:
            return bootstrap_mean_square(self.squares)
        value, low, high = self.scores[metric].estimate
        _, _, least, most = METRICS[metric]
        return Estimate(value, max(low, least), min(high, most))


class Samples(NamedTuple):
    """Images and their features, as they are compared.

    Attributes
    ----------
    pictures, features
        (N, C, H, W) and (N, F).
    """

    pictures: NDArray[np.floating]
    features: NDArray[np.float64]


class Metrics:
    """All metrics, with the real images measured once for every set of samples.

    Parameters
    ----------
    real
        What samples are compared with.
    num_samples
        Samples in each set.
    """

    def __init__(self, real: Samples, num_samples: int) -> None:
        self.num_samples = num_samples
        self.frechet = FrechetDistance(real.features)
        self.kernel = KernelDistance(real.features)
        self.neighbours = Neighbourhoods(real.features)
        self.patches = SlicedWasserstein(real.pictures, num_samples)
        self.spectra = LogSpectra(real.pictures)

    def __call__(
        self, samples: Samples, squares: NDArray[np.float64] | None = None
    ) -> Judgement:
        """Measure a set of samples.

        Parameters
        ----------
        squares
            Mean squared error of each sample against the reference, (N,), if there is
            one.
        """
        pictures, features = samples
        count = self.num_samples
        neighbours = left_out(self.neighbours.of(features), count)
        spectra = left_out(self.spectra.of(pictures), count)
        scores = {
            "frechet": left_out(self.frechet.of(features), count),
            "kernel": left_out(self.kernel.of(features), count),
            **{name: neighbours[k] for k, name in enumerate(NEIGHBOUR_METRICS)},
            "patches": left_out(self.patches.of(pictures), count),
            "log_spectral": spectra[0],
        }
        rings = LeftOut(spectra.value[1:], spectra.left[:, 1:])
        return Judgement(squares, scores, rings)


class Cost(NamedTuple):
    """What it took to make a table: calls of the network and seconds of CPU."""

    calls: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Row:
    """One table played in one cell.

    Attributes
    ----------
    name
        Kind and settings, or the file it came from.
    sampler, sigmas, num_calls
        What was played, and its network calls for one sample.
    seeds
        First seed and number of samples.
    judgement
        What was measured of the samples.
    seconds
        Wall time of playing all samples.
    cost
        What the table took to make; None if a file does not say.
    """

    name: str
    sampler: str
    sigmas: tuple[float, ...]
    num_calls: int
    seeds: tuple[int, int]
    judgement: Judgement
    seconds: float
    cost: Cost | None


@dataclass(frozen=True, eq=False)
class Cell:
    """Tables of one sampler that take one number of calls, ours first."""

    sampler: str
    num_calls: int
    rows: Sequence[Row]


def squared_errors(
    samples: NDArray[np.floating], reference: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the mean squared error of each sample, (N,).

    Parameters
    ----------
    reference
        What they should be, (M, C, H, W); it may go on beyond the samples.
    """
    apart = samples.astype(np.float64) - reference[: len(samples)]
    squares: NDArray[np.float64] = np.mean(apart**2, axis=(1, 2, 3))
    return squares
