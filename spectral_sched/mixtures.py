"""Distributions of single-image spectra: Gaussian mixtures over log power.

Esteves & Makadia (arXiv 2603.19222) draw, for each picture to be sampled, a spectrum
from such a mixture of its class and plan with it. The mixture lives in a basis of few
components; what they leave of each ring is drawn for itself. Fitting one needs
scikit-learn (`spectral_sched.mixture_fits`), drawing from it numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .errors import UsageError, known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

STREAM = 1
"""Tells the draw of a spectrum apart from other random numbers of the same seed."""


@dataclass(frozen=True, eq=False)
class SpectralMixture:
    """A Gaussian mixture over the natural log of power per ring.

    Log power is ``center + scores @ basis + residual * noise``, with scores from the
    mixture and unit noise.

    Attributes
    ----------
    weights
        Probability of each component over the whole data set, (J,).
    means, covariances
        Of the scores in each component, (J, R) and (J, R, R).
    center
        Mean log power per ring, (K,).
    basis
        Log power per unit of score, (R, K).
    residual
        Standard deviation of log power that the basis leaves per ring, (K,).
    class_weights
        Probability of each component within each class, (J,) each; one class alone
        has none.
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]
    center: NDArray[np.float64]
    basis: NDArray[np.float64]
    residual: NDArray[np.float64]
    class_weights: Mapping[str, NDArray[np.float64]]

    def draw(
        self, rng: np.random.Generator, label: str | None = None
    ) -> NDArray[np.float64]:
        """Return the log power per ring, (K,), of a picture that might be.

        Parameters
        ----------
        label
            Class of the picture; None for the whole data set.

        Raises
        ------
        UsageError
            If there is no such class.
        """
        weights = self.weights if label is None else self._weights_of(label)
        component = rng.choice(len(weights), p=weights)
        scores = rng.multivariate_normal(
            self.means[component],
            self.covariances[component],
            # Rounding may leave a variance of nothing a little below zero.
            check_valid="ignore",
            method="eigh",
        )
        noise = rng.standard_normal(len(self.center))
        log_power: NDArray[np.float64] = (
            self.center + scores @ self.basis + self.residual * noise
        )
        return log_power

    def draw_for(self, seed: int, label: str | None = None) -> NDArray[np.float64]:
        """Return the log power per ring, (K,), that belongs to a seed."""
        return self.draw(np.random.default_rng([STREAM, seed]), label)

    def _weights_of(self, label: str) -> NDArray[np.float64]:
        if not self.class_weights:
            message = (
                "the pictures that were analysed have no classes; leave out --class, "
                "or analyse a folder with one folder per class"
            )
            raise UsageError(message)
        known(label, self.class_weights, "class", "--class")
        return self.class_weights[label]
