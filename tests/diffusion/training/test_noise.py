"""Noise levels of training batches: laws by name, and each image's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from spectral_sched.diffusion.training.noise import (
    CommonNoise,
    OwnNoise,
    TrainingNoise,
    law_settings,
    own_noise,
    parse_law,
    training_noise,
)
from spectral_sched.diffusion.training.per_image_law import NOISY, focus
from spectral_sched.errors import UsageError
from spectral_sched.images.preprocessing import Preprocessing
from spectral_sched.planning.data_set import DataSet
from spectral_sched.spectra.bounds import sigma_bounds
from spectral_sched.spectra.periodogram import ring_powers
from spectral_sched.spectra.power_distribution import power_distribution
from tests.support.helpers import power_law_field, spectrum_of

SHAPE = (3, 16, 16)
MANY = np.zeros(4000, dtype=np.int64)
POSITIONS = (np.arange(4000) + 0.5) / 4000


def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    smooth = [power_law_field(SHAPE, 2.0, rng) / 30 for _ in range(6)]
    return [
        scale * field for scale, field in zip([1, 1, 1, 4, 4, 4], smooth, strict=True)
    ]


def source() -> DataSet:
    spectrum = spectrum_of(pictures())
    return DataSet(
        power_distribution(spectrum), sigma_bounds(spectrum.field), Preprocessing(), "k"
    )


def noise_of(name: str, *texts: str) -> TrainingNoise:
    powers = [ring_powers(picture) for picture in pictures()]
    return training_noise(name, law_settings(name, texts), source(), lambda: powers)


def test_lognormal_levels_follow_the_normal_law_inside_the_range() -> None:
    noise = noise_of("lognormal", "mean=-0.6", "std=1.7")
    low, high = np.log(noise.reach)
    expected = stats.truncnorm((low + 0.6) / 1.7, (high + 0.6) / 1.7, -0.6, 1.7)
    levels = noise.levels(POSITIONS, MANY, 0.5)
    np.testing.assert_allclose(np.log(levels), expected.ppf(POSITIONS), atol=1e-6)


def test_polynomial_noise_has_more_levels_as_training_goes_on() -> None:
    noise = noise_of("polynomial")
    early, late = (len(np.unique(noise.levels(POSITIONS, MANY, p))) for p in (0.0, 1.0))
    assert early <= 10
    assert late > 500


def test_own_schedules_follow_the_contrast_of_the_picture() -> None:
    noise = own_law()
    ends = noise.own_ends
    data_range = source().bounds.sigma_min, source().bounds.sigma_max
    assert np.all((ends >= data_range[0] * 0.999) & (ends <= data_range[1] * 1.001))
    assert ends[3:, 1].min() > 1.5 * ends[:3, 1].max()
    assert np.all(ends[:, 0] < ends[:, 1])


@given(position=st.floats(1e-6, 1 - 1e-6), picture=st.integers(0, 5))
def test_own_levels_are_inside_own_ends_and_rise(position: float, picture: int) -> None:
    noise = NOISE
    pair = np.array([position, (1 + position) / 2])
    numbers = np.full(2, picture)
    levels = noise.levels(pair, numbers, 0.0)
    low, high = noise.own_ends[picture]
    assert low * (1 - 1e-6) <= levels[0] < levels[1] <= high * (1 + 1e-6)


NOISE = own_noise(
    [ring_powers(picture) for picture in pictures()],
    SHAPE,
    (source().bounds.sigma_min, source().bounds.sigma_max),
)


def test_picture_of_one_colour_gets_the_whole_range() -> None:
    noise = own_noise([ring_powers(np.full(SHAPE, 0.3))], SHAPE, (0.01, 10.0))
    np.testing.assert_allclose(noise.own_ends, [[0.01, 10.0]], rtol=1e-6)
    middle = noise.levels(np.array([0.5]), np.array([0]), 0.0)
    np.testing.assert_allclose(middle, np.sqrt(0.1), rtol=1e-6)


def test_given_laws_weigh_all_losses_alike() -> None:
    noise = noise_of("karras")
    assert isinstance(noise, CommonNoise)
    assert not noise.learns
    np.testing.assert_array_equal(noise.weights(np.array([0.1, 1.0])), [1.0, 1.0])


@pytest.mark.parametrize(
    ("name", "texts", "message"),
    [
        ("lognorml", (), "there is no law 'lognorml'; did you mean --law lognormal"),
        ("spectral", ("rho=7",), "rho"),
        ("lognormal", ("std=wide",), "std"),
    ],
)
def test_unknown_laws_and_settings_are_named(
    name: str, texts: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        law_settings(name, texts)


def test_the_default_law_is_the_wide_one_and_can_be_set() -> None:
    assert parse_law(None, ()) == ("lognormal", {"mean": -0.6, "std": 1.7})
    assert parse_law(None, ("std=1",)) == ("lognormal", {"mean": -0.6, "std": 1.0})
    assert parse_law("lognormal", ()) == ("lognormal", {})


@pytest.mark.parametrize("kind", ["fitted", "gits", "klub", "grid", "ld3"])
def test_kinds_that_run_a_model_are_no_laws(kind: str) -> None:
    with pytest.raises(UsageError, match=f"no such law {kind}|law.*{kind}"):
        parse_law(kind, ())


def own_law(*texts: str) -> OwnNoise:
    law = noise_of("spectral", *texts)
    assert isinstance(law, OwnNoise)
    return law


def test_the_spectral_law_draws_t_as_often_as_its_noise_counts() -> None:
    """Focused draws of the uniform law, weighed by the focus, have the same mean."""
    field = source().power.field
    uniform, focused = own_law("draws=uniform"), own_law()
    positions = (np.arange(20_000) + 0.5) / 20_000
    for picture in range(3):
        numbers = np.full(len(positions), picture)
        flat = uniform.levels(positions, numbers, 0.0)
        drawn = focused.levels(positions, numbers, 0.0)
        weights = focus(flat, SHAPE, field.sigma_data)
        mean = weights @ np.log(flat) / weights.sum()
        assert np.log(drawn).mean() == pytest.approx(mean, abs=0.02)
        share = weights @ (flat > 1.0) / weights.sum()
        assert np.mean(drawn > 1.0) == pytest.approx(share, abs=0.02)
    np.testing.assert_array_equal(uniform.own_ends, focused.own_ends)


def test_the_focus_falls_on_both_sides() -> None:
    shape, sigma_data = (3, 64, 64), 0.5
    fine = np.exp(-1.0)
    counts = focus(np.array([fine, 1e-6, 1e6]), shape, sigma_data)
    assert counts[0] == pytest.approx(0.5 * (0.25 / (0.25 + fine**2)) ** NOISY)
    assert counts[1:] == pytest.approx([1e-12 / fine**2, 0.5e-6], rel=1e-3)
    # Half the side holds half the noise of the same detail.
    half = focus(np.array([fine / 2]), (3, 32, 32), 1e9)
    assert half == pytest.approx(0.5)


def test_draws_of_the_spectral_law_are_one_of_two_words() -> None:
    assert law_settings("spectral", ("draws=uniform",)) == {"draws": "uniform"}
    with pytest.raises(UsageError, match="draws"):
        noise_of("spectral", "draws=often")
    with pytest.raises(UsageError, match="law spectral has no parameter 'rho'"):
        law_settings("spectral", ("rho=7",))
