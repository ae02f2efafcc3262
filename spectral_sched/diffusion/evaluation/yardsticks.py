"""Samples of one table measured: same noise, same reference, same real images.

Each table is judged in two ways: by the paired error, the root-mean-square distance of
its samples from those of a fine reference that started from the same noise; and by
distances between its samples and real images, on features of a fixed network,
on patches and on spectra. The ways need not agree: the error is blind to the model's
own faults, the distances to which sample belongs to which noise.

Real images are parted once. As many as there are samples stand in for samples and
give the floor, the others are what both are compared with: so the floor is what samples
as good as real ones would reach, at the same numbers.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from spectral_sched.comparisons.results import (
    Judgement,
    Metrics,
    Samples,
    squared_errors,
)
from spectral_sched.errors import InputError
from spectral_sched.words import number_of

from .features import RandomFeatures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .features import Features


SEED = 20260319
"""Parts the real images, whatever order they come in."""


class Yardsticks:
    """What samples are measured against.

    Parameters
    ----------
    real
        Real images in [-1, 1], (M, C, H, W), at least twice as many as samples.
    num_samples
        Samples of each table, (N).
    reference
        Samples of the fine reference from the same noise, (N, C, H, W), if any.
    features
        What distances are taken on; random features if not given.

    Raises
    ------
    InputError
        If there are too few real images.
    """

    def __init__(
        self,
        real: NDArray[np.floating],
        num_samples: int,
        reference: NDArray[np.floating] | None = None,
        features: Features | None = None,
    ) -> None:
        if len(real) < 2 * num_samples:
            message = (
                f"{number_of(num_samples, 'sample is', 'samples are')} compared with "
                "twice as many real images, "
                f"not with {len(real)}; lower --samples, or name more with --data"
            )
            raise InputError(message)
        self.features = features or RandomFeatures(real.shape[1])
        order = np.random.default_rng(SEED).permutation(len(real))
        self.stand_ins = real[order[:num_samples]]
        self.measures = Metrics(self._looks(real[order[num_samples:]]), num_samples)
        self.reference = reference

    def _looks(self, pictures: NDArray[np.floating]) -> Samples:
        return Samples(pictures, self.features(pictures))

    @cached_property
    def floor(self) -> Judgement:
        """What was measured of real images in place of samples."""
        return self.measures(self._looks(self.stand_ins))

    def judge(self, samples: NDArray[np.floating], *, paired: bool = True) -> Judgement:
        """Measure samples, (N, C, H, W).

        Parameters
        ----------
        paired
            Whether they began with the noise of the reference and nothing else.
        """
        squares = None
        if paired and self.reference is not None:
            squares = squared_errors(samples, self.reference)
        return self.measures(self._looks(samples), squares)
