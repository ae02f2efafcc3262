"""What networks see of a noisy image, and what they predict, as one form.

With images ``y`` in the pixels of a network and noise ``n`` of unit variance, our
``x = y + sigma n`` becomes its input ``into * x``, and its answer the image

    denoised = skip * x + out * answer.

The ratio is sigma over the standard deviation that the network's own noise has where
it is mixed in whole, its noise scale: 1 but for some flows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    Level = float | Tensor


class Place(NamedTuple):
    """A noise level as a network meets it.

    Attributes
    ----------
    sigma
        Standard deviation of the noise in the network's pixels.
    ratio
        The same over its noise scale.
    into
        Factor of x on the way in.
    sigma_data
        Standard deviation of the images that EDM's preconditioning assumes.
    sign
        1 where its time rises with the noise, -1 where it falls.
    """

    sigma: Level
    ratio: Level
    into: Level
    sigma_data: float
    sign: int


class Weights(NamedTuple):
    """Weights of x and of the network's answer."""

    skip: Level
    out: Level


class Prediction(NamedTuple):
    """What a network predicts.

    Attributes
    ----------
    weights
        How the image follows from it.
    input_type
        What such a network usually sees, one of `INPUT_FACTORS`; None for what its time
        says.
    what
        It in a few words.
    """

    weights: Callable[[Place], Weights]
    input_type: str | None
    what: str


INPUT_FACTORS: Mapping[str, Callable[[Level, Level, float], Level]] = {
    "ve": lambda _sigma, _ratio, _data: 1.0,
    "vp": lambda _sigma, ratio, _data: (1 + ratio**2) ** -0.5,
    "flow": lambda _sigma, ratio, _data: 1 / (1 + ratio),
    "edm": lambda sigma, _ratio, data: (data**2 + sigma**2) ** -0.5,
}
"""Factor of x on the way in, by sigma, ratio and the standard deviation of images."""


class EdmScales(NamedTuple):
    """EDM's weights at a noise level.

    Attributes
    ----------
    skip, out
        Weights of x and of the network's answer.
    total
        Standard deviation of x, which it is divided by on the way in.
    """

    skip: Level
    out: Level
    total: Level


def edm_scales(sigma: Level, sigma_data: float) -> EdmScales:
    """Return EDM's weights for images of a standard deviation (Table 1)."""
    total = (sigma**2 + sigma_data**2) ** 0.5
    return EdmScales((sigma_data / total) ** 2, sigma * sigma_data / total, total)


def _epsilon(place: Place) -> Weights:
    return Weights(1.0, -place.ratio)


def _v(place: Place) -> Weights:
    kept = 1 / (1 + place.ratio**2)
    return Weights(kept, -place.ratio * kept**0.5)


def _score(place: Place) -> Weights:
    # That of the density of what the network sees, whose noise is into * sigma.
    return Weights(1.0, place.into * place.sigma**2)


def _inner(place: Place) -> Weights:
    skip, out, _ = edm_scales(place.sigma, place.sigma_data)
    return Weights(skip, out)


def _velocity(place: Place) -> Weights:
    clean = 1 / (1 + place.ratio)
    return Weights(clean, -place.sign * place.ratio * clean)


PREDICTIONS: Mapping[str, Prediction] = {
    "epsilon": Prediction(_epsilon, None, "the noise"),
    "v": Prediction(_v, "vp", "sqrt(abar) noise - sqrt(1 - abar) image"),
    "x0": Prediction(lambda _: Weights(0.0, 1.0), None, "the image"),
    "score": Prediction(_score, None, "gradient of the log density of what it sees"),
    "F": Prediction(_inner, "edm", "EDM's inner target"),
    "velocity": Prediction(_velocity, "flow", "derivative of a flow by its own time"),
    "mean-velocity": Prediction(
        _velocity, "flow", "mean velocity between two times, asked where they meet"
    ),
}
"""Predictions by name. Noise is what was mixed in: unit noise times the noise scale."""

THEIRS: Mapping[str, str] = {
    "v_prediction": "v",
    "sample": "x0",
    "flow_prediction": "velocity",
    "edm": "F",
}
"""Names of diffusers, and of `SpectralScheduler`, that are not those above."""
