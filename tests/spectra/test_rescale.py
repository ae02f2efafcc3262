from __future__ import annotations

import numpy as np
import pytest

from spectral_sched.errors import NoAnswerError, UsageError
from spectral_sched.planning.data_set import resize_data_set
from spectral_sched.spectra.bounds import sigma_bounds
from spectral_sched.spectra.gaussian_field import GaussianField
from spectral_sched.spectra.power_distribution import (
    PowerDistribution,
    power_distribution,
)
from spectral_sched.spectra.rescale import rescale
from tests.support.helpers import power_law_field, spectrum_of
from tests.support.pink import pink_source


def pictures(side: int, seed: int, count: int = 40) -> PowerDistribution:
    """Return the planning of power-law images with coloured means."""
    rng = np.random.default_rng(seed)
    mixing = np.array([[1.0, 0, 0], [0.8, 0.5, 0], [0.5, 0.2, 0.9]])
    fields = [
        np.tensordot(mixing, power_law_field((3, side, side), 2.0, rng), axes=1)
        + rng.normal(size=(3, 1, 1))
        for _ in range(count)
    ]
    return power_distribution(spectrum_of(fields))


def test_doubling_and_halving_is_the_identity() -> None:
    distribution = pictures(32, 0)
    there_and_back = rescale(rescale(distribution, 64), 32)
    field, back = distribution.field, there_and_back.field
    np.testing.assert_allclose(back.cross_power, field.cross_power, rtol=1e-12)
    np.testing.assert_allclose(
        there_and_back.log_power, distribution.log_power, rtol=0, atol=2e-6
    )
    assert back.shape == field.shape


def test_the_same_size_is_the_same() -> None:
    distribution = pictures(32, 0)
    same = rescale(distribution, 32)
    np.testing.assert_array_equal(
        same.field.cross_power, distribution.field.cross_power
    )
    np.testing.assert_array_equal(same.log_power, distribution.log_power)


def test_a_larger_size_is_foreseen() -> None:
    # The same content at twice the side: power 1/f^2 in cycles per image is four
    # times that of the smaller transform, and the new rings go on as before.
    foreseen, real = rescale(pictures(32, 0), 64), pictures(64, 1)
    ratio = foreseen.field.power[1:] / real.field.power[1:]
    # Both are means over 40 images of rings of known numbers of modes; the fitted law
    # adds a few per cent.
    scatter = np.sqrt(4 / (40 * real.field.num_modes[1:]))
    assert np.all(np.abs(np.log(ratio)) < 3 * scatter + 0.08)
    assert np.abs(np.log(ratio).mean()) < 0.06
    colors, expected = (
        field.cross_power[-8:].sum(axis=0) / field.power[-8:].sum()
        for field in (foreseen.field, real.field)
    )
    np.testing.assert_allclose(colors, expected, atol=0.05)
    medians = [np.median(each.log_power[1:], axis=1) for each in (foreseen, real)]
    assert np.abs(medians[0] - medians[1]).mean() < 0.1


def test_a_smaller_size_is_cut() -> None:
    distribution = pictures(32, 0)
    small = rescale(distribution, 16)
    rings = len(small.field.num_modes)
    np.testing.assert_allclose(
        small.field.cross_power, distribution.field.cross_power[:rings] / 4
    )
    assert small.field.shape == (3, 16, 16)


def test_sigma_max_doubles_with_the_side() -> None:
    data_set = pink_source()
    twice = resize_data_set(data_set, 64)
    assert twice.bounds.sigma_max == pytest.approx(2 * data_set.bounds.sigma_max)
    assert twice.preprocessing.resolution == 64
    assert twice.bounds == sigma_bounds(twice.power.field)


def test_oblong_pictures_keep_their_proportion() -> None:
    rng = np.random.default_rng(0)
    fields = [power_law_field((1, 16, 32), 2.0, rng) for _ in range(4)]
    distribution = rescale(power_distribution(spectrum_of(fields)), 64)
    assert distribution.field.shape == (1, 32, 64)
    assert len(distribution.log_power) == len(distribution.field.num_modes)


@pytest.mark.parametrize("side", [0, -4, 20000])
def test_sides_out_of_range(side: int) -> None:
    with pytest.raises(UsageError, match=f"from 1 to 16384, not {side}"):
        rescale(pictures(32, 0, 2), side)


def test_pictures_too_small_to_go_on_from() -> None:
    field = GaussianField((1, 4, 4), np.zeros(1), np.ones((4, 1, 1)))
    distribution = PowerDistribution(field, np.zeros((4, 3)))
    with pytest.raises(NoAnswerError, match="4x4 are too small to foresee"):
        rescale(distribution, 8)
