"""Where a denoiser is trusted, on errors that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectral_sched.planning.trust import (
    CARRIED,
    SLACK_ON_IMAGES,
    LevelErrors,
    correctable_share,
)
from spectral_sched.spectra.bounds import QUANTISATION

SIGMAS = np.geomspace(100.0, 0.01, 9)
IMAGES = 32


def errors(
    ratio: np.ndarray,
    spread: float = 1e-3,
    size: float = 0.1,
    correctable: np.ndarray | None = None,
    *,
    on_images: bool = True,
) -> LevelErrors:
    """Return errors of a filter about `size` and of a denoiser that many times it."""
    rng = np.random.default_rng(0)
    wiener = size * np.exp(0.5 * rng.standard_normal((len(SIGMAS), IMAGES)))
    chance = 1 + spread * rng.standard_normal(wiener.shape)
    network = np.asarray(ratio)[:, None] * wiener * chance
    # The filter's error of modes of power 1, 0.5 and 0.25.
    power = np.array([1.0, 0.5, 0.25])
    rings = power * SIGMAS[:, None] ** 2 / (power + SIGMAS[:, None] ** 2)
    none = np.zeros(len(SIGMAS)) if correctable is None else correctable
    return LevelErrors(
        *(SIGMAS, network, wiener, ratio[:, None] * rings, rings, rings),
        *(np.array([1, 8, 12]), none, on_images),
    )


def test_a_denoiser_as_good_as_the_filter_is_trusted_everywhere() -> None:
    for ratio in (0.5, 1.0, 1 + SLACK_ON_IMAGES / 2):
        found = errors(np.full(len(SIGMAS), ratio))
        assert not found.worse.any()
        assert found.trusted_range == pytest.approx((SIGMAS[-1], SIGMAS[0]))


@pytest.mark.parametrize("first_bad", [4, 6, 8])
def test_trust_ends_where_the_excess_crosses(first_bad: int) -> None:
    ratio = np.where(np.arange(len(SIGMAS)) < first_bad, 0.8, 1.5)
    trusted = errors(ratio, spread=0.0).trusted_range
    assert trusted is not None
    low, high = trusted
    assert high == SIGMAS[0]
    good, bad = np.log(SIGMAS[[first_bad - 1, first_bad]])
    share = (0.2 + SLACK_ON_IMAGES) / 0.7
    assert np.log(low) == pytest.approx(good + share * (bad - good))


def test_errors_shrink_on_their_way_to_the_image() -> None:
    """An error a hundred times the filter's is next to nothing in a swamped mode."""
    found = errors(np.full(len(SIGMAS), 100.0))
    power, modes = np.array([1.0, 0.5, 0.25]), np.array([1, 8, 12])
    for sigma, carried in zip(SIGMAS, found.carried, strict=True):
        kept = power / (power + sigma**2)
        excess = (100 - 1 - SLACK_ON_IMAGES) * kept * sigma**2
        expected = (modes * excess * kept).sum() / (modes * power).sum()
        assert carried == pytest.approx(np.sqrt(expected))
    assert found.carried[0] < 0.1 < 1 < found.carried[4]


@pytest.mark.parametrize("ratio", [1.5, 4.0, 1e4])
def test_trust_goes_on_above_while_little_is_carried(ratio: float) -> None:
    worse = np.where(np.arange(len(SIGMAS)) < 4, ratio, 0.8)
    found = errors(worse, spread=0.0)
    trusted = found.trusted_range
    assert trusted is not None
    good, bad = np.log(SIGMAS[[4, 3]])
    crossing = good + (0.2 + SLACK_ON_IMAGES) / (ratio - 0.8) * (bad - good)
    assert np.log(trusted[1]) > crossing
    fine = np.linspace(crossing, np.log(trusted[1]), 1_000_001)
    levels = np.array([crossing, *np.log(SIGMAS[:4])[::-1]])
    values = np.interp(fine, levels, [0.0, *found.carried[:4][::-1]])
    total = float(((values[1:] + values[:-1]) / 2 * np.diff(fine)).sum())
    if trusted[1] < SIGMAS[0]:
        assert total == pytest.approx(CARRIED, rel=1e-3)
    else:
        assert total <= CARRIED


def test_the_widest_range_is_taken() -> None:
    ratio = np.full(len(SIGMAS), 0.9)
    ratio[[2, 8]] = 2.0
    found = errors(ratio)
    assert found.runs_worse() == [(2, 2), (8, 8)]
    trusted = found.trusted_range
    assert trusted is not None
    assert SIGMAS[8] < trusted[0] < SIGMAS[7] < SIGMAS[3] < trusted[1]


def test_what_is_worse_everywhere_is_trusted_nowhere() -> None:
    assert errors(np.full(len(SIGMAS), 3.0)).trusted_range is None
    alone = np.full(len(SIGMAS), 3.0)
    alone[4] = 0.5
    assert errors(alone).trusted_range is None


def test_chance_is_not_held_against_a_denoiser() -> None:
    ratio = np.full(len(SIGMAS), 1.1)
    assert errors(ratio, spread=1e-3).worse.all()
    # One in forty is let through by chance.
    assert errors(ratio, spread=1.0).worse.sum() <= 1


def test_what_nobody_can_see_is_not_held_against_a_denoiser() -> None:
    ratio = np.full(len(SIGMAS), 1.5)
    assert not errors(ratio, size=QUANTISATION**2).worse.any()
    assert errors(ratio, size=10 * QUANTISATION**2).worse.all()


def test_fields_are_nobodys_images() -> None:
    ratio = np.full(len(SIGMAS), 1.3)
    assert errors(ratio).worse.all()
    assert not errors(ratio, on_images=False).worse.any()
    assert errors(2 * ratio, on_images=False).worse.all()


def test_fields_judge_the_upper_end_alone() -> None:
    """Networks of images that are no field are worse than the filter on samples of one,
    but where the noise leaves nothing but the mean to be known."""
    ratio = np.array([9.0, 3.0, 1.0, 1.2, 2.0, 2.5, 2.0, 1.2, 1.0])
    trusted = errors(ratio, on_images=False).trusted_range
    assert trusted is not None
    assert trusted[0] == SIGMAS[-1]
    assert SIGMAS[2] < trusted[1] <= SIGMAS[0]
    assert errors(np.full(len(SIGMAS), 3.0), on_images=False).trusted_range is None


def test_answers_that_are_no_numbers_are_worse() -> None:
    ratio = np.full(len(SIGMAS), 0.9)
    ratio[0] = np.nan
    found = errors(ratio)
    assert found.worse.tolist() == [True] + [False] * 8
    assert found.trusted_range == pytest.approx((SIGMAS[-1], SIGMAS[1]))


def test_what_a_line_corrects_is_faulty() -> None:
    ratio, share = np.full(len(SIGMAS), 0.9), np.zeros(len(SIGMAS))
    share[3:6] = 0.3
    assert errors(ratio, correctable=share).runs_faulty() == [(3, 5)]
    assert errors(ratio, correctable=share / 4).runs_faulty() == []
    assert errors(ratio, correctable=share, on_images=False).runs_faulty() == []
    small = errors(ratio, size=QUANTISATION**2, correctable=share)
    assert small.runs_faulty() == []


@given(
    st.floats(-3, 3), st.floats(-3, 3), st.floats(1e-6, 1e6), st.integers(0, 2**32 - 1)
)
def test_the_share_that_a_line_takes_away(
    first: float, second: float, scale: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.standard_normal((50, 3)))
    left, *inner = basis.T
    residual = left + first * inner[0] + second * inner[1]
    seen = np.stack([residual, scale * inner[0], inner[1], inner[0] + inner[1]])
    expected = (first**2 + second**2) / (1 + first**2 + second**2)
    assert correctable_share(seen @ seen.T) == pytest.approx(expected, abs=1e-9)


def test_no_error_and_no_number_have_nothing_to_correct() -> None:
    assert correctable_share(np.zeros((4, 4))) == 0
    assert correctable_share(np.full((4, 4), np.nan)) == 0
