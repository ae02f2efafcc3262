"""Intervals hold the truth as often as they say: by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from spectral_sched.comparisons.metrics import (
    NUM_BLOCKS,
    Estimate,
    LeftOut,
    bootstrap_difference,
    bootstrap_mean_square,
    difference,
    frechet_distance,
    left_out,
)

NUM_RUNS = 300
NUM_RESAMPLED = 300
COVERED = (0.90, 0.99)
"""What 95 % may look like: three standard errors of 300 runs are 0.04, and bootstrap
intervals are known to be a little short for few samples."""

Rows = NDArray[np.float64]


def share(truth: float, runs: list[Estimate]) -> float:
    """Return the share of intervals that hold the truth."""
    return float(np.mean([run.low <= truth <= run.high for run in runs]))


def standard(width: int) -> Rows:
    """Return few points whose mean is 0 and whose covariance is 1, exactly."""
    both = np.concatenate([np.eye(width), -np.eye(width)])
    points: Rows = both * ((2 * width - 1) / 2) ** 0.5
    return points


def left_out_of(samples: Rows, real: Rows) -> LeftOut:
    return left_out(lambda kept: frechet_distance(samples[kept], real), len(samples))


def mean_width(runs: list[Estimate]) -> float:
    return float(np.mean([run.high - run.low for run in runs]))


def test_bootstrap_of_errors_covers() -> None:
    """Squares of variance 2 and mean 1, as heavy in the tail as errors are."""
    rng = np.random.default_rng(3)
    runs = [
        bootstrap_mean_square(
            np.mean(rng.normal(size=(200, 8)) ** 2, axis=1), seed, NUM_RESAMPLED
        )
        for seed in range(NUM_RUNS)
    ]
    assert COVERED[0] < share(1.0, runs) < COVERED[1]


def test_bootstrap_of_paired_differences_covers_and_is_shorter() -> None:
    """One error is 1.1 times the other plus noise of its own: the truth is 0.1."""
    rng = np.random.default_rng(4)
    paired, independent = [], []
    for seed in range(NUM_RUNS):
        scale = rng.lognormal(size=200)
        squares = scale / np.exp(0.5)
        other = 1.1**2 * squares * rng.uniform(0.9, 1.1, 200)
        paired.append(
            bootstrap_difference(
                other, squares, paired=True, seed=seed, num_resamples=NUM_RESAMPLED
            )
        )
        independent.append(
            bootstrap_difference(
                other, squares, paired=False, seed=seed, num_resamples=NUM_RESAMPLED
            )
        )
    assert COVERED[0] < share(0.1, paired) < COVERED[1]
    widths = mean_width(paired), mean_width(independent)
    assert widths[0] < 0.2 * widths[1]


def shifted(rng: np.random.Generator, count: int = 400, width: int = 2) -> Rows:
    """Return samples whose true distance from standard normal ones is 4."""
    samples: Rows = rng.normal(size=(count, width))
    samples[:, 0] += 2.0
    return samples


def test_jackknife_of_the_distance_covers() -> None:
    rng = np.random.default_rng(5)
    real = standard(2)
    runs = [left_out_of(shifted(rng), real).estimate for _ in range(NUM_RUNS)]
    assert COVERED[0] < share(4.0, runs) < COVERED[1]
    spread = np.std([run.value for run in runs])
    assert mean_width(runs) == pytest.approx(2 * 2.093 * spread, rel=0.15)


def test_jackknife_is_about_as_many_samples_and_not_about_endless_ones() -> None:
    """In many dimensions the distance is biased: it covers its mean, not its limit.

    64 samples in 16 dimensions: the truth is 0, and no interval holds it; nine in ten
    at least hold what 64 samples give on average. So distances are compared at equal
    numbers, and beside their floor.
    """
    rng = np.random.default_rng(6)
    real = standard(16)
    runs = [
        left_out_of(rng.normal(size=(64, 16)), real).estimate for _ in range(NUM_RUNS)
    ]
    usual = float(np.mean([run.value for run in runs]))
    assert usual > 1.0
    assert share(0.0, runs) < 0.2
    assert COVERED[0] < share(usual, runs)


def test_jackknife_of_paired_differences_covers_despite_the_bias() -> None:
    """Two samplers of one noise, 0.3 and 0 off: the truth of the difference is 0.09."""
    rng = np.random.default_rng(7)
    real = standard(8)
    paired, independent = [], []
    for _ in range(NUM_RUNS):
        good = rng.normal(size=(100, 8))
        bad = good.copy()
        bad[:, 0] += 0.3
        one, other = (left_out_of(rows, real) for rows in (bad, good))
        paired.append(difference(one, other, paired=True))
        independent.append(difference(one, other, paired=False))
    assert COVERED[0] < share(0.09, paired) < COVERED[1]
    spread = np.std([run.value for run in paired])
    widths = mean_width(paired), mean_width(independent)
    assert widths[0] == pytest.approx(2 * 2.093 * spread, rel=0.2)
    assert widths[0] < 0.7 * widths[1]


def test_a_difference_is_nothing_for_equal_samples() -> None:
    rows = np.random.default_rng(8).normal(size=(60, 3))
    one = left_out(lambda kept: rows[kept].mean(), 60)
    assert difference(one, one, paired=True) == (0.0, 0.0, 0.0)
    apart = difference(one, one, paired=False)
    assert apart.value == 0
    assert apart.high == pytest.approx(2**0.5 * (one.estimate.high - one.value))


def test_the_mean_has_the_variance_of_blocks() -> None:
    """For a mean it is the variance of the means of blocks over their number."""
    values = np.random.default_rng(9).normal(size=200)
    found = left_out(lambda kept: values[kept].mean(), 200)
    blocks = values.reshape(NUM_BLOCKS, -1).mean(axis=1)
    assert float(found.variance) == pytest.approx(blocks.var(ddof=1) / NUM_BLOCKS)


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 40 samples, not 39"):
        left_out(lambda kept: kept.mean(), 39)
