from __future__ import annotations

import numpy as np
import pytest

from spectral_sched.errors import NoAnswerError
from spectral_sched.images.pixels import Pixels
from spectral_sched.spectra import statistics
from spectral_sched.spectra.bounds import sigma_bounds
from spectral_sched.spectra.periodogram import ring_powers
from spectral_sched.spectra.spectrum import dataset_spectrum
from spectral_sched.spectra.statistics import Observation, SpectrumStatistics
from tests.support.helpers import power_law_field, spectrum_of

SHAPE = (3, 12, 10)


def observations(count: int, labels: str = "ab", seed: int = 0) -> list[Observation]:
    rng = np.random.default_rng(seed)
    seen = []
    for number in range(count):
        picture = power_law_field(SHAPE, 2, rng) + rng.normal(size=(3, 1, 1))
        key = Pixels(picture, -1, 1).key()
        label = labels[number % len(labels)]
        seen.append(Observation(key, label, ring_powers(picture)))
    return seen


def gathered(*parts: list[Observation]) -> SpectrumStatistics:
    whole = SpectrumStatistics(SHAPE)
    for part in parts:
        partial = SpectrumStatistics(SHAPE)
        partial.observe(part)
        whole.merge(partial)
    return whole


def assert_same(one: SpectrumStatistics, other: SpectrumStatistics) -> None:
    np.testing.assert_array_equal(one.sums.limbs, other.sums.limbs)
    assert one.num_images == other.num_images
    assert one.key_sum == other.key_sum
    assert one.class_counts == other.class_counts
    for mine, theirs in (
        (one.sample, other.sample),
        *((one.class_samples[name], other.class_samples[name]) for name in "ab"),
    ):
        assert [image.key for image in mine] == [image.key for image in theirs]
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_array_equal(a.power, b.power)


def test_any_order_and_any_sharding_give_the_same_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statistics, "SAMPLE_SIZE", 10)
    seen = observations(40)
    shuffled = [seen[i] for i in np.random.default_rng(1).permutation(40)]
    whole = gathered(seen)
    assert len(whole.sample) == 10
    assert_same(whole, gathered(shuffled))
    assert_same(whole, gathered(shuffled[:7], shuffled[7:8], shuffled[8:]))


def test_many_classes_share_the_room_without_losing_the_first_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statistics, "CLASS_SAMPLE_TOTAL", 12)
    seen = observations(60, labels="abcdef")
    whole, parts = gathered(seen), gathered(seen[::2], seen[1::2])
    for label in "abcdef":
        keys = sorted(one.key for one in seen if one.label == label)
        assert [image.key for image in whole.class_samples[label]] == keys[:2]
        assert [image.key for image in parts.class_samples[label]] == keys[:2]


def test_the_spectrum_is_the_mean_over_centred_pictures() -> None:
    rng = np.random.default_rng(5)
    pictures = rng.normal(0.2, 1, (30, *SHAPE))
    spectrum = spectrum_of(pictures)
    mean_color = pictures.mean(axis=(0, 2, 3))
    np.testing.assert_allclose(spectrum.field.mean_color, mean_color, rtol=1e-12)
    direct = np.mean(
        [
            ring_powers(picture, precision="float64").cross_power
            for picture in pictures - mean_color[:, None, None]
        ],
        axis=0,
    )
    np.testing.assert_allclose(spectrum.field.cross_power, direct, rtol=1e-9)
    variance = np.mean((pictures - mean_color[:, None, None]) ** 2)
    assert spectrum.field.sigma_data == pytest.approx(np.sqrt(variance), rel=1e-12)


def test_spreads_are_those_of_single_pictures() -> None:
    pictures = np.random.default_rng(6).normal(0, 1, (50, *SHAPE))
    spectrum = spectrum_of(pictures)
    power = np.array([ring_powers(p, precision="float64").power for p in pictures])
    np.testing.assert_allclose(spectrum.power_std[1:], power.std(0)[1:], rtol=1e-9)
    logs = np.log(power)
    np.testing.assert_allclose(spectrum.log_power_mean[1:], logs.mean(0)[1:], rtol=1e-9)
    np.testing.assert_allclose(spectrum.log_power_std[1:], logs.std(0)[1:], rtol=1e-9)
    centred = pictures.mean(axis=(2, 3)) - spectrum.field.mean_color
    lightness = 120 * np.mean(centred**2, axis=1)
    assert spectrum.power_std[0] == pytest.approx(lightness.std(), rel=1e-5)


def test_the_sample_holds_every_picture_of_a_small_set() -> None:
    pictures = np.random.default_rng(7).normal(0, 1, (20, *SHAPE))
    spectrum = spectrum_of(pictures)
    assert spectrum.sample.num_uniform == 20
    np.testing.assert_allclose(
        spectrum.sample.uniform_power.mean(0), spectrum.field.power, rtol=1e-6
    )


def test_a_set_of_one_colour_has_no_answer() -> None:
    with pytest.raises(NoAnswerError, match="same constant colour"):
        spectrum_of(np.full((5, 3, 8, 8), 0.1))


def test_copies_of_one_picture_differ_in_nothing_but_rounding() -> None:
    rng = np.random.default_rng(4)
    picture = 0.1 * power_law_field((3, 16, 16), 2.0, rng)
    picture += rng.normal(size=(3, 1, 1))
    field = spectrum_of([picture] * 3).field
    np.testing.assert_array_equal(field.cross_power[0], 0)
    assert 0 < sigma_bounds(field).sigma_max_centred < sigma_bounds(field).sigma_max


def test_no_images_have_no_spectrum() -> None:
    with pytest.raises(NoAnswerError, match="no images"):
        dataset_spectrum(SpectrumStatistics(SHAPE))


def test_shapes_are_not_mixed() -> None:
    with pytest.raises(ValueError, match="cannot be merged"):
        SpectrumStatistics((3, 8, 8)).merge(SpectrumStatistics((3, 8, 9)))
