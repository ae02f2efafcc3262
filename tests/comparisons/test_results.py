"""Figures of many sets of samples beside real images that are measured once."""

from __future__ import annotations

import numpy as np
import pytest

from spectral_sched.comparisons.results import Judgement, Metrics, Samples

NUM_SAMPLES = 40

FIGURES = {
    "frechet": (0.8735807142523644, 0.3714994180888392),
    "kernel": (0.33003938533395516, 0.3138705815285026),
    "precision": (0.975, 0.024999999999999974),
    "recall": (0.9666666666666667, 0.035836563161933586),
    "density": (0.97, 0.10515652493707697),
    "coverage": (0.8333333333333334, 0.07749153677405643),
    "patches": (0.5089536086948512, 0.015983237896846726),
    "log_spectral": (1.648557710546015, 0.07105624806884897),
}
"""Of `looks(1, NUM_SAMPLES, 0.2)` beside `looks(0, 90)`, with their standard deviation,
as they were when every set of samples was measured beside real images of its own."""


def looks(seed: int, count: int, offset: float = 0.0) -> Samples:
    rng = np.random.default_rng(seed)
    pictures = rng.normal(offset, 0.5, size=(count, 1, 16, 16))
    return Samples(pictures, rng.normal(offset, 1.0, size=(count, 5)))


def figures(judged: Judgement) -> dict[str, tuple[float, float]]:
    return {
        name: (float(score.value), float(score.variance**0.5))
        for name, score in judged.scores.items()
    }


def test_figures_are_those_of_real_pictures_measured_each_time() -> None:
    found = figures(Metrics(looks(0, 90), NUM_SAMPLES)(looks(1, NUM_SAMPLES, 0.2)))
    assert found.keys() == FIGURES.keys()
    for name, figure in FIGURES.items():
        assert found[name] == pytest.approx(figure, rel=1e-10, abs=1e-10), name


def test_figures_do_not_depend_on_what_was_measured_before() -> None:
    measures = Metrics(looks(0, 90), NUM_SAMPLES)
    far = figures(measures(looks(2, NUM_SAMPLES, 1.0)))
    near = figures(measures(looks(1, NUM_SAMPLES)))
    assert figures(measures(looks(2, NUM_SAMPLES, 1.0))) == far
    assert far["frechet"][0] > near["frechet"][0]
    assert far["patches"][0] > near["patches"][0]
