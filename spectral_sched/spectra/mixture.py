"""A distribution of the log spectra of images: fitted, and drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spectral_sched.documents.strict_json import round_to_float32
from spectral_sched.errors import (
    NoAnswerError,
    UnavailableError,
    UsageError,
    check_choice,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from .spectrum import Spectrum, SpectrumSample


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
        """Return the log power per ring, (K,), of an image that might be.

        Parameters
        ----------
        label
            Class of the image; None for the whole data set.

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
                "the images that were analysed have no classes; leave out --class, "
                "or analyze a folder with one folder per class"
            )
            raise UsageError(message)
        check_choice(label, self.class_weights, "class", "--class")
        return self.class_weights[label]


EXPLAINED = 0.95
"""Share of the variance of log power that the basis explains, if it may."""

MOST_DIMENSIONS = 8
"""Components of the basis at most."""

NEGLIGIBLE = 0.01
"""Noise level, as a share of sigma_min, whose variance no power need fall below."""

REGULARITY = 1e-6
"""Least variance in a component, as a share of that of all scores."""

NUM_STARTS = 3
GAIN = 1e-4
MANY_ROUNDS = 100_000
"""Starts of the fit, nats per image that end it, and rounds that it never needs."""

WEIGHT_ROUNDS = 200


def check_mixture(num_components: int, *, of_shard: bool) -> None:
    """Raise an error, before the work, where no mixture can be fitted.

    Raises
    ------
    UsageError
        If it is wished of one shard alone, or of fewer Gaussians than one.
    UnavailableError
        If scikit-learn is not installed.
    """
    if of_shard:
        message = (
            "a shard is not the data set that --mixture describes; leave it out here, "
            "and give it to specsched merge"
        )
        raise UsageError(message)
    if num_components < 1:
        message = f"--mixture must be a whole number from 1, not {num_components}"
        raise UsageError(message)
    _sklearn_mixture()


def _sklearn_mixture() -> Any:
    try:
        from sklearn import mixture
    except ImportError as error:
        message = (
            "--mixture needs scikit-learn; install it with: "
            "pip install 'spectral-sched[mixture]'"
        )
        raise UnavailableError(message) from error
    return mixture


def fit_mixture(
    spectrum: Spectrum, sigma_min: float, num_components: int
) -> SpectralMixture:
    """Return the mixture of log spectra that the sampled images suggest.

    Parameters
    ----------
    sigma_min
        Lower end of the noise range; powers far below it are all the same.
    num_components
        How many Gaussians.

    Raises
    ------
    NoAnswerError
        If there are fewer different spectra than Gaussians, or only one.
    UnavailableError
        If scikit-learn is not installed.
    """
    sample = spectrum.sample
    logs = np.log(np.maximum(sample.power, (NEGLIGIBLE * sigma_min) ** 2))
    _check_enough(logs, num_components)
    center = round_to_float32(logs.mean(axis=0))
    scores, basis = _reduce(logs - center, spectrum.field.num_modes)
    fitted = _fit(scores, num_components)
    order = np.argsort(-fitted.weights_, kind="stable")
    likelihood = (fitted.predict_proba(scores) / fitted.weights_)[:, order]
    return SpectralMixture(
        weights=_likeliest_weights(likelihood[: sample.num_uniform]),
        means=fitted.means_[order],
        covariances=fitted.covariances_[order],
        center=center,
        basis=basis,
        residual=round_to_float32((logs - center - scores @ basis).std(axis=0)),
        class_weights=_class_weights(sample, likelihood),
    )


def _check_enough(logs: NDArray[np.float64], num_components: int) -> None:
    different = len(np.unique(logs, axis=0))
    if different == 1:
        message = (
            "all images have the same spectrum, so there is no distribution to fit; "
            "leave out --mixture"
        )
        raise NoAnswerError(message)
    if different < num_components:
        message = (
            f"--mixture {num_components} needs as many images with different spectra,"
            f" and there are {different}; ask for fewer, or analyze more images"
        )
        raise NoAnswerError(message)


def _reduce(
    deviations: NDArray[np.float64], num_modes: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the scores, (M, R), and the basis, (R, K), of weighted deviations."""
    weight = np.sqrt(num_modes / num_modes.sum())
    _, spread, axes = np.linalg.svd(deviations * weight, full_matrices=False)
    explained = np.cumsum(spread**2) / np.sum(spread**2)
    count = min(int(np.searchsorted(explained, EXPLAINED)) + 1, MOST_DIMENSIONS)
    kept = axes[:count]
    return deviations * weight @ kept.T, round_to_float32(kept / weight)


def _fit(scores: NDArray[np.float64], num_components: int) -> Any:
    model = _sklearn_mixture().GaussianMixture(
        int(num_components),
        tol=GAIN,
        reg_covar=REGULARITY * scores.var(axis=0).sum(),
        max_iter=MANY_ROUNDS,
        n_init=NUM_STARTS,
        random_state=0,
    )
    return model.fit(scores)


def _class_weights(
    sample: SpectrumSample, likelihood: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    labels = np.array(sample.labels)
    names = sorted(set(sample.labels))
    if len(names) < 2:
        return {}
    # Images in no class are no class that one could ask for.
    known = [name for name in names if name]
    return {name: _likeliest_weights(likelihood[labels == name]) for name in known}


def _likeliest_weights(likelihood: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probabilities of components, (J,), by expectation maximisation.

    Parameters
    ----------
    likelihood
        Of each image under each component, (M, J), up to a factor per image.
    """
    weights = np.full(likelihood.shape[1], 1 / likelihood.shape[1])
    for _ in range(WEIGHT_ROUNDS):
        joint = likelihood * weights
        weights = np.mean(joint / joint.sum(axis=1, keepdims=True), axis=0)
    total: float = weights.sum()
    return weights / total
