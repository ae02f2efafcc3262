"""Sums that do not depend on the order of their terms."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectral_sched.spectra.exact_sum import LARGEST, LOWEST, ExactSum

# Multiples of 2**-100 below 2**53 of them are kept whole by the grid of 2**-160.
terms = st.lists(
    st.builds(
        math.ldexp,
        st.integers(-(2**53), 2**53).map(float),
        st.integers(-100, 35),
    ),
    min_size=1,
    max_size=40,
)


def summed(*parts: list[float]) -> ExactSum:
    whole = ExactSum.zeros(1)
    for part in parts:
        one = ExactSum.zeros(1)
        one.add(np.array(part, dtype=np.float64)[:, None])
        whole.merge(one)
    return whole


@given(terms)
def test_the_total_is_the_exact_sum_rounded_once(values: list[float]) -> None:
    exact = sum((Fraction(value) for value in values), Fraction(0))
    assert summed(values).totals()[0] == float(exact)
    assert summed(values).totals()[0] == math.fsum(values)


@given(terms, st.randoms(use_true_random=False), st.integers(0, 40))
def test_order_and_splitting_change_no_bit(
    values: list[float], random: object, cut: int
) -> None:
    shuffled = sorted(values, key=lambda _: random.random())  # type: ignore[attr-defined]
    one, other = summed(values), summed(shuffled[:cut], shuffled[cut:])
    np.testing.assert_array_equal(one.limbs, other.limbs)


@given(st.floats(-1e20, 1e20), st.floats(-1e20, 1e20))
def test_terms_are_cut_at_the_grid_and_no_coarser(a: float, b: float) -> None:
    # Each term is rounded to the grid, by at most half of it.
    total = Fraction(summed([a, b]).totals()[0])
    exact = Fraction(a) + Fraction(b)
    slack = Fraction(2) ** LOWEST + abs(exact) * Fraction(2) ** -53
    assert abs(total - exact) <= slack


def test_all_limbs_but_the_last_are_digits() -> None:
    rng = np.random.default_rng(0)
    whole = ExactSum.zeros(5)
    for _ in range(20):
        whole.add(rng.normal(0, 1, (30, 5)) * 10.0 ** rng.integers(-30, 20, (30, 5)))
    assert whole.limbs[:-1].min() >= 0
    assert whole.limbs[:-1].max() < 2**32


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, LARGEST])
def test_what_cannot_be_summed_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="only finite numbers"):
        summed([1.0, value])


def test_sums_of_other_quantities_are_refused() -> None:
    with pytest.raises(ValueError, match="different numbers of quantities"):
        ExactSum.zeros(2).merge(ExactSum.zeros(3))
