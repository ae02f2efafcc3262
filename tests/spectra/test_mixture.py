"""Mixtures of log spectra: fitted, drawn from, resized and refused."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
import pytest

from spectral_sched.errors import NoAnswerError, UnavailableError, UsageError
from spectral_sched.spectra.gaussian_field import GaussianField
from spectral_sched.spectra.mixture import SpectralMixture, check_mixture, fit_mixture
from spectral_sched.spectra.rescale import rescale_mixture
from spectral_sched.spectra.rings import rings
from spectral_sched.spectra.spectrum import Spectrum, SpectrumSample
from tests.support.helpers import power_law_field, spectrum_of

SHAPE = (1, 16, 16)
MODES = rings(*SHAPE[1:]).num_modes
NUM_RINGS = len(MODES)
MANY = MODES > 4
"""Rings of many modes; the basis leaves much of the others to themselves."""
STEEP = -4 * np.log(np.arange(1, NUM_RINGS + 1))
FLAT = -1 - np.log(np.arange(1, NUM_RINGS + 1))
STEEPS, FLATS = slice(0, 280), slice(280, 400)
SCATTER = 0.3
SIGMA_MIN = 1e-6


def spectrum_with(
    logs: np.ndarray, labels: Sequence[str] = (), num_uniform: int | None = None
) -> Spectrum:
    """Return a spectrum whose sampled images have given log powers, (M, K)."""
    power = np.exp(logs)
    sample = SpectrumSample(
        power,
        np.zeros((len(logs), 1)),
        tuple(labels) or ("",) * len(logs),
        len(logs) if num_uniform is None else num_uniform,
    )
    field = GaussianField(SHAPE, np.zeros(1), power.mean(axis=0)[:, None, None])
    none = np.zeros(NUM_RINGS)
    return Spectrum(field, len(logs), none, none, none, {}, sample, "")


def scattered(means: Sequence[np.ndarray], seed: int = 0) -> np.ndarray:
    """Return log spectra about means, louder or softer as a whole, and ring by ring."""
    rng = np.random.default_rng(seed)
    loudness, own = rng.normal(size=(len(means), 1)), rng.normal(size=NUM_RINGS)
    rings_apart = rng.normal(size=(len(means), NUM_RINGS)) * (0.1 + 0.05 * own**2)
    logs: np.ndarray = np.array(means) + SCATTER * loudness + rings_apart
    return logs


@pytest.fixture(scope="module", autouse=True)
def _sklearn() -> None:
    pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def clusters() -> np.ndarray:
    return scattered([STEEP] * 280 + [FLAT] * 120)


def component_means(mixture: SpectralMixture) -> np.ndarray:
    means: np.ndarray = mixture.center + mixture.means @ mixture.basis
    return means


def test_a_known_mixture_is_recovered(clusters: np.ndarray) -> None:
    mixture = fit_mixture(spectrum_with(clusters), SIGMA_MIN, 2)
    # The clusters are far apart, so that each image is told which it is of.
    np.testing.assert_allclose(mixture.weights, [0.7, 0.3], atol=1e-6)
    steep, flat = component_means(mixture)
    share = MODES / MODES.sum()
    for found, known, count in ((steep, STEEP, 280), (flat, FLAT, 120)):
        scatter = 4 * np.hypot(SCATTER, 0.3) / np.sqrt(count)
        np.testing.assert_allclose(found[MANY], known[MANY], atol=scatter)
    loudness = [share @ mixture.basis.T @ each for each in mixture.covariances]
    found_spread = np.sqrt([row @ mixture.basis @ share for row in loudness])
    known_spread = [np.std(clusters[part] @ share) for part in (STEEPS, FLATS)]
    # The basis explains 95 % of the variance at least.
    np.testing.assert_allclose(found_spread, known_spread, rtol=0.1)


def test_draws_have_the_moments_of_the_pictures(clusters: np.ndarray) -> None:
    mixture = fit_mixture(spectrum_with(clusters), SIGMA_MIN, 2)
    rng = np.random.default_rng(0)
    draws = np.array([mixture.draw(rng) for _ in range(6000)])
    spread = clusters.std(axis=0)
    # Four standard errors of the mean of the draws; and of their variance, which for
    # two clusters is at most that of a normal law.
    np.testing.assert_array_less(
        np.abs(draws.mean(axis=0) - clusters.mean(axis=0)), 4 * spread / np.sqrt(6000)
    )
    np.testing.assert_allclose(draws.std(axis=0), spread, rtol=0.04)
    expected, found = (np.corrcoef(logs.T[MANY]) for logs in (clusters, draws))
    np.testing.assert_allclose(found, expected, atol=0.08)


def test_one_gaussian_has_the_mean_and_covariance_of_the_scores() -> None:
    logs = scattered([FLAT] * 300, seed=1)
    mixture = fit_mixture(spectrum_with(logs), SIGMA_MIN, 1)
    np.testing.assert_allclose(component_means(mixture)[0], logs.mean(axis=0))
    explained = mixture.basis.T @ mixture.covariances[0] @ mixture.basis
    rest = mixture.residual**2
    np.testing.assert_allclose(np.diag(explained) + rest, logs.var(axis=0), rtol=1e-3)
    share = MODES / MODES.sum()
    assert 0.95 <= share @ np.diag(explained) / (share @ logs.var(axis=0)) <= 1


def test_classes_draw_from_their_own_components(clusters: np.ndarray) -> None:
    labels = ["steep"] * 280 + ["flat"] * 120
    mixture = fit_mixture(spectrum_with(clusters, labels), SIGMA_MIN, 2)
    assert list(mixture.class_weights) == ["flat", "steep"]
    np.testing.assert_allclose(mixture.class_weights["steep"], [1, 0], atol=1e-6)
    np.testing.assert_allclose(mixture.class_weights["flat"], [0, 1], atol=1e-6)
    for label, mean in (("steep", STEEP), ("flat", FLAT)):
        draws = [mixture.draw_for(seed, label) for seed in range(500)]
        np.testing.assert_allclose(np.mean(draws, axis=0), mean, atol=0.15)
    with pytest.raises(UsageError, match="no class 'steap'; did you mean --class ste"):
        mixture.draw_for(0, "steap")


def test_half_a_class_in_each_component() -> None:
    # Clusters that overlap, and a class that is a quarter of the one: probabilities of
    # the class are those of its own images, not drawn towards those of all.
    rng = np.random.default_rng(3)
    first = rng.random(800) < np.repeat([0.25, 0.75], 400)
    logs = scattered([FLAT + 0.8 * one for one in first], seed=4)
    labels = ["seldom"] * 400 + ["often"] * 400
    mixture = fit_mixture(spectrum_with(logs, labels), SIGMA_MIN, 2)
    louder = int(
        component_means(mixture)[1].mean() > component_means(mixture)[0].mean()
    )
    for label, share in (("seldom", 0.25), ("often", 0.75)):
        assert mixture.class_weights[label][louder] == pytest.approx(share, abs=0.1)


def test_pictures_that_complete_their_class_have_no_weight_in_the_whole(
    clusters: np.ndarray,
) -> None:
    labels = ["steep"] * 280 + ["flat"] * 120
    partly = spectrum_with(clusters, labels, num_uniform=290)
    mixture = fit_mixture(partly, SIGMA_MIN, 2)
    share = np.sort(mixture.weights)
    np.testing.assert_allclose(share, [10 / 290, 280 / 290], atol=1e-6)
    assert mixture.class_weights["flat"].max() == pytest.approx(1)


def test_a_set_without_classes_says_so(clusters: np.ndarray) -> None:
    mixture = fit_mixture(spectrum_with(clusters), SIGMA_MIN, 2)
    with pytest.raises(UsageError, match="have no classes; leave out --class"):
        mixture.draw_for(0, "steep")


def test_a_draw_belongs_to_its_seed(clusters: np.ndarray) -> None:
    mixture = fit_mixture(spectrum_with(clusters), SIGMA_MIN, 2)
    again = fit_mixture(spectrum_with(clusters), SIGMA_MIN, 2)
    np.testing.assert_array_equal(mixture.draw_for(5), again.draw_for(5))
    draws = np.array([mixture.draw_for(seed) for seed in range(50)])
    assert len(np.unique(draws, axis=0)) == 50
    noise = np.random.default_rng(5).standard_normal(NUM_RINGS)
    assert abs(np.corrcoef(noise, draws[5])[0, 1]) < 0.9


def test_rings_that_never_change_stay_as_they_are() -> None:
    logs = scattered([FLAT] * 40)
    logs[:, 3], logs[:, 5] = -2.0, -np.inf
    mixture = fit_mixture(spectrum_with(logs), 1e-3, 3)
    draws = np.array([mixture.draw_for(seed) for seed in range(20)])
    assert np.all(np.isfinite(draws))
    np.testing.assert_allclose(draws[:, 3], -2.0, atol=1e-6)
    np.testing.assert_allclose(draws[:, 5], 2 * np.log(1e-5), atol=1e-5)


def test_as_many_gaussians_as_pictures() -> None:
    logs = scattered([FLAT] * 4)
    mixture = fit_mixture(spectrum_with(logs), SIGMA_MIN, 4)
    np.testing.assert_allclose(mixture.weights, 0.25)
    for mean in component_means(mixture):
        assert np.abs(logs - mean)[:, MODES > 8].max(axis=1).min() < 0.5


def test_too_few_pictures_and_pictures_all_alike() -> None:
    logs = scattered([FLAT] * 3)
    with pytest.raises(NoAnswerError, match=r"--mixture 5 needs as many .* 3; ask"):
        fit_mixture(spectrum_with(logs), SIGMA_MIN, 5)
    twice = np.vstack([logs[:2], logs[:2]])
    with pytest.raises(NoAnswerError, match="there are 2; ask for fewer"):
        fit_mixture(spectrum_with(twice), SIGMA_MIN, 3)
    alike = np.tile(FLAT, (6, 1))
    with pytest.raises(NoAnswerError, match="all images have the same spectrum"):
        fit_mixture(spectrum_with(alike), SIGMA_MIN, 1)


def test_images_in_no_class_are_no_class() -> None:
    logs = np.random.default_rng(0).normal(size=(9, len(FLAT)))
    fitted = fit_mixture(spectrum_with(logs, ["", "a", "b"] * 3), SIGMA_MIN, 1)
    assert list(fitted.class_weights) == ["a", "b"]


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(UnavailableError, match=r"pip install 'spectral-sched\[mixture"):
        check_mixture(2, of_shard=False)


def pink(side: int, seed: int, count: int = 60) -> Spectrum:
    rng = np.random.default_rng(seed)
    loudness = np.exp(0.5 * rng.normal(size=count))
    return spectrum_of(
        [own * power_law_field((1, side, side), 2.0, rng) for own in loudness]
    )


def test_another_size_keeps_the_spread_and_moves_the_mean() -> None:
    small, large = pink(16, 0), pink(32, 1)
    mixture = fit_mixture(small, SIGMA_MIN, 1)
    same = rescale_mixture(mixture, small.field, 16)
    np.testing.assert_array_equal(same.center, mixture.center)
    np.testing.assert_array_equal(same.basis, mixture.basis)
    there = rescale_mixture(mixture, small.field, 32)
    measured = fit_mixture(large, SIGMA_MIN, 1)
    assert there.center.shape == measured.center.shape
    # Means over 60 images whose loudness alone has a standard deviation of 1; the
    # last rings are of a few modes in the corners, whose logs lie lower.
    np.testing.assert_allclose(there.center[2:-2], measured.center[2:-2], atol=0.4)
    spreads = [
        np.sqrt(np.diag(one.basis.T @ one.covariances[0] @ one.basis))
        for one in (there, measured)
    ]
    np.testing.assert_allclose(spreads[0][2:-2], spreads[1][2:-2], rtol=0.3)
    field = GaussianField((1, 32, 32), small.field.mean_color, large.field.cross_power)
    back = rescale_mixture(there, field, 16)
    np.testing.assert_allclose(back.center, mixture.center, atol=2e-6)
    np.testing.assert_array_equal(back.basis, mixture.basis)
