"""The tests on numbers: against SciPy, formulas written out, and what they promise, by simulation."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx
from scipy import stats

from rethinkpool_core.analysis.two_samples import (
    POWER,
    minimum_detectable_effect,
    paired_t_tests,
    welch_t_tests,
)

BOTH = pytest.mark.parametrize("tests", [paired_t_tests, welch_t_tests])
REPETITIONS = 20_000


def two_samples(tests, seed=0, repetitions=None, apart=0.0):
    """Paired, a split moves both by far more than they differ; else two sizes and two spreads."""
    rng = np.random.default_rng(seed)
    shape = () if repetitions is None else (repetitions,)
    if tests is welch_t_tests:
        return rng.normal(70, 2, (20, *shape)), rng.normal(70 + apart, 3, (14, *shape))
    split = rng.normal(70, 6, (20, *shape))
    return split + rng.normal(0, 1, split.shape), split + rng.normal(apart, 1, split.shape)


def by_hand(tests, first, second, margin):
    """Difference, standard error, degrees of freedom and both p-values from the formulas, for one experiment."""
    difference = second.mean() - first.mean()
    if tests is paired_t_tests:
        apart = second - first
        error, degrees = (
            sqrt(((apart - apart.mean()) ** 2).sum() / (len(apart) - 1) / len(apart)),
            len(apart) - 1,
        )
    else:
        shares = [((x - x.mean()) ** 2).sum() / (len(x) - 1) / len(x) for x in (first, second)]
        error = sqrt(sum(shares))
        degrees = sum(shares) ** 2 / sum(
            share**2 / (len(x) - 1) for share, x in zip(shares, (first, second), strict=True)
        )
    t = stats.t(degrees)
    lower, upper = t.sf((difference + margin) / error), t.cdf((difference - margin) / error)
    return difference, error, degrees, 2 * t.sf(abs(difference) / error), max(lower, upper)


@BOTH
@pytest.mark.parametrize("margin", [0.2, 1.0, 1.7, 3.0])
@pytest.mark.parametrize("seed", range(3))
def test_numbers_of_the_formulas(tests, margin, seed):
    first, second = two_samples(tests, seed, apart=0.8)
    found = tests(first, second, margin, 0.05)
    difference, error, degrees, p_difference, p_equivalence = by_hand(tests, first, second, margin)
    assert (found.difference, found.standard_error, found.degrees_of_freedom) == approx(
        (difference, error, degrees)
    )
    assert found.p_difference == approx(p_difference, rel=1e-9)
    assert found.p_equivalence == approx(p_equivalence, rel=1e-9)
    for interval, level in ((found.interval, 0.975), (found.tost_interval, 0.95)):
        reach = stats.t.ppf(level, degrees) * error
        assert interval == approx((difference - reach, difference + reach))


@BOTH
def test_numbers_of_scipy(tests):
    first, second = two_samples(tests, repetitions=50, apart=0.8)
    found = tests(first, second, 1.0, 0.05)
    if tests is paired_t_tests:
        expected = stats.ttest_rel(second, first)
    else:
        expected = stats.ttest_ind(second, first, equal_var=False)
    assert found.p_difference == approx(expected.pvalue, rel=1e-9)
    assert found.degrees_of_freedom == approx(expected.df)
    for interval, level in ((found.interval, 0.95), (found.tost_interval, 0.9)):
        assert np.array(interval) == approx(np.array(expected.confidence_interval(level)))


@BOTH
def test_experiments_at_once_are_each_alone(tests):
    first, second = two_samples(tests, repetitions=4)
    together = tests(first, second, 1.0, 0.1)
    for row in range(4):
        alone = tests(first[:, row], second[:, row], 1.0, 0.1).to_floats()
        assert alone.p_equivalence == approx(together.p_equivalence[row])
        assert alone.interval == approx(tuple(end[row] for end in together.interval))
        assert type(alone.difference) is float and type(alone.tost_interval[0]) is float


def near(rate, expected, repetitions=REPETITIONS):
    """Within five standard errors of a simulated rate."""
    return abs(rate - expected) < 5 * sqrt(expected * (1 - expected) / repetitions)


@BOTH
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_a_difference_is_invented_as_seldom_as_stated(tests, alpha):
    found = tests(*two_samples(tests, 1, REPETITIONS), 1.0, alpha)
    assert near(np.mean(found.p_difference < alpha), alpha)


@BOTH
@pytest.mark.parametrize("apart", [-1.7, 0.0, 1.0])
def test_intervals_hold_the_true_difference_as_often_as_stated(tests, apart):
    found = tests(*two_samples(tests, 2, REPETITIONS, apart), 1.0, 0.05)
    for (low, high), level in ((found.interval, 0.95), (found.tost_interval, 0.9)):
        assert near(np.mean((low <= apart) & (apart <= high)), level)


@BOTH
@pytest.mark.parametrize("edge", [-4.0, 4.0])
def test_equivalence_at_the_edge_of_the_margin_is_claimed_as_seldom_as_stated(tests, edge):
    """The worst case of the hypothesis that is refuted: a true difference of just the margin, which is far beyond the spread."""
    found = tests(*two_samples(tests, 3, REPETITIONS, edge), 4.0, 0.05)
    assert near(np.mean(found.p_equivalence < 0.05), 0.05)


@BOTH
def test_equivalence_beyond_the_edge_is_claimed_more_seldom_and_within_more_often(tests):
    rates = [
        np.mean(tests(*two_samples(tests, 4, REPETITIONS, apart), 4.0, 0.05).p_equivalence < 0.05)
        for apart in (4.5, 4.0, 3.5, 0.0)
    ]
    assert rates[0] < 0.04 and rates == sorted(rates) and rates[-1] > 0.95


@BOTH
def test_detectable_is_seen_in_four_of_five(tests):
    """With that true difference, and a true spread that makes it, the test of difference comes out with probability 0.8."""
    if tests is paired_t_tests:
        effect = minimum_detectable_effect(sqrt(2 / 20), 19, 0.05)
    else:
        shares = 4 / 20, 9 / 14
        effect = minimum_detectable_effect(
            sqrt(sum(shares)), sum(shares) ** 2 / (shares[0] ** 2 / 19 + shares[1] ** 2 / 13), 0.05
        )
    found = tests(*two_samples(tests, 5, REPETITIONS, effect), 1.0, 0.05)
    allowed = 0.014 if tests is paired_t_tests else 0.02  # Welch's degrees of freedom are an approximation
    assert np.mean(found.p_difference < 0.05) == approx(POWER, abs=allowed)


@pytest.mark.parametrize("degrees", [1, 1.3, 2, 5, 19, 500])
@pytest.mark.parametrize("alpha", [0.0001, 0.05, 0.4])
def test_detectable_by_integration(degrees, alpha):
    """The power is the normal probability beyond the critical value, averaged over the chi that scales it."""
    from scipy.integrate import quad

    shift, critical = minimum_detectable_effect(1.0, degrees, alpha), stats.t.isf(alpha / 2, degrees)

    def beyond(share: float) -> float:
        scale = critical * sqrt(stats.chi2.ppf(share, degrees) / degrees)
        return stats.norm.sf(scale - shift) + stats.norm.cdf(-scale - shift)

    assert quad(beyond, 0, 1, limit=200)[0] == approx(POWER, abs=1e-5)
    assert minimum_detectable_effect(3.0, degrees, alpha) == approx(3 * shift)


VALUES = st.lists(st.integers(0, 1000).map(lambda value: value / 10), min_size=3, max_size=20)


@settings(deadline=None, max_examples=60)
@given(first=VALUES, data=st.data(), paired=st.booleans(), shift=st.integers(-50, 50))
def test_exchange_shift_scale_and_order(first, data, paired, shift):
    second = data.draw(st.lists(st.integers(0, 1000).map(float), min_size=len(first), max_size=len(first)))
    first, second = np.array(first), np.array(second)
    if np.ptp(second - first) == 0 or max(np.ptp(first), np.ptp(second)) == 0:
        return
    tests = paired_t_tests if paired else welch_t_tests
    one = tests(first, second, 1.0, 0.05)

    other = tests(second, first, 1.0, 0.05)
    assert one.difference == approx(-other.difference, abs=1e-9)
    assert one.interval == approx((-other.interval[1], -other.interval[0]), abs=1e-7)
    assert (one.p_difference, one.p_equivalence) == approx(
        (other.p_difference, other.p_equivalence), abs=1e-9
    )

    moved = tests(first + shift, second + shift, 1.0, 0.05)
    assert moved.interval == approx(one.interval, abs=1e-7)

    larger = tests(7 * first, 7 * second, 7.0, 0.05)
    assert (larger.p_difference, larger.p_equivalence) == approx(
        (one.p_difference, one.p_equivalence), abs=1e-9
    )

    order = np.random.default_rng(0).permutation(len(first))
    shuffled = tests(first[order], second[order], 1.0, 0.05)
    assert shuffled.p_equivalence == approx(one.p_equivalence, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(first=VALUES, data=st.data(), paired=st.booleans(), margin=st.sampled_from([0.5, 1.0, 20.0, 60.0]))
def test_intervals_and_tests_agree(first, data, paired, margin):
    second = data.draw(st.lists(st.integers(0, 1000).map(float), min_size=len(first), max_size=len(first)))
    first, second = np.array(first), np.array(second)
    if np.ptp(second - first) == 0 or max(np.ptp(first), np.ptp(second)) == 0:
        return
    found = (paired_t_tests if paired else welch_t_tests)(first, second, margin, 0.05)
    if abs(found.p_difference - 0.05) > 1e-6:
        assert (found.p_difference < 0.05) == (not found.interval[0] <= 0 <= found.interval[1])
    if abs(found.p_equivalence - 0.05) > 1e-6:
        assert (found.p_equivalence < 0.05) == (
            -margin < found.tost_interval[0] and found.tost_interval[1] < margin
        )
