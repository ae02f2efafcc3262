"""Noise levels of training batches: laws by name, and each picture's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from spectral_sched.errors import UsageError
from spectral_sched.images import Preprocessing
from spectral_sched.planning import spectrum_planning
from spectral_sched.plans import PlanSource
from spectral_sched.sigma_bounds import sigma_bounds
from spectral_sched.spectra import ring_powers
from spectral_sched.training_noise import (
    CommonNoise,
    TrainingNoise,
    chosen_law,
    law_settings,
    own_noise,
    training_noise,
)
from tests.helpers import power_law_field, spectrum_of

SHAPE = (3, 16, 16)
MANY = np.zeros(4000, dtype=np.int64)
POSITIONS = (np.arange(4000) + 0.5) / 4000


def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    smooth = [power_law_field(SHAPE, 2.0, rng) / 30 for _ in range(6)]
    return [
        scale * field for scale, field in zip([1, 1, 1, 4, 4, 4], smooth, strict=True)
    ]


def source() -> PlanSource:
    spectrum = spectrum_of(pictures())
    return PlanSource(
        spectrum_planning(spectrum), sigma_bounds(spectrum.field), Preprocessing(), "k"
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
    noise = noise_of("spectral")
    ends = noise.ends(np.arange(6))
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
    low, high = noise.ends(numbers[:1])[0]
    assert low * (1 - 1e-6) <= levels[0] < levels[1] <= high * (1 + 1e-6)


NOISE = own_noise(
    [ring_powers(picture) for picture in pictures()],
    SHAPE,
    (source().bounds.sigma_min, source().bounds.sigma_max),
)


def test_picture_of_one_colour_gets_the_whole_range() -> None:
    noise = own_noise([ring_powers(np.full(SHAPE, 0.3))], SHAPE, (0.01, 10.0))
    np.testing.assert_allclose(noise.ends(np.array([0])), [[0.01, 10.0]], rtol=1e-6)
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
    assert chosen_law(None, ()) == ("lognormal", {"mean": -0.6, "std": 1.7})
    assert chosen_law(None, ("std=1",)) == ("lognormal", {"mean": -0.6, "std": 1.0})
    assert chosen_law("lognormal", ()) == ("lognormal", {})


@pytest.mark.parametrize("kind", ["gits", "klub", "grid", "ld3"])
def test_kinds_that_run_a_model_are_no_laws(kind: str) -> None:
    with pytest.raises(UsageError, match=f"no such law {kind}|law.*{kind}"):
        chosen_law(kind, ())
