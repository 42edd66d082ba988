"""Power of the test of equivalence: against simulation of that very test, a published value and a normal limit."""

from __future__ import annotations

import numpy as np
import pytest
from pytest import approx
from scipy import stats

from rethinkpool_core.analysis.equivalence_power import (
    equivalence_power,
    independent_standard_error,
    paired_standard_error,
    smallest_margin_with_power,
)
from rethinkpool_core.analysis.two_samples import paired_t_tests, welch_t_tests
from rethinkpool_core.errors import UsageError

REPETITIONS = 20_000


@pytest.mark.parametrize(
    ("std", "seeds", "difference", "alpha"),
    [
        (3.5, 200, 0.0, 0.05),
        (2.0, 20, 0.3, 0.05),
        (2.0, 20, -0.3, 0.05),
        (1.0, 5, 0.0, 0.05),
        (2.0, 60, 0.0, 0.05 / 8),
    ],
)
def test_paired_power_is_the_share_of_simulated_tests(std, seeds, difference, alpha):
    differences = np.random.default_rng(0).normal(difference, std, (seeds, REPETITIONS))
    tests = paired_t_tests(np.zeros_like(differences), differences, 1.0, alpha)
    found = equivalence_power(*paired_standard_error(std, seeds), 1.0, alpha=alpha, difference=difference)
    assert found == approx(np.mean(tests.p_equivalence < alpha), abs=0.012)


def test_independent_power_is_the_share_of_simulated_tests():
    rng = np.random.default_rng(1)
    first, second = rng.normal(0, 1.0, (30, REPETITIONS)), rng.normal(0, 2.0, (20, REPETITIONS))
    tests = welch_t_tests(first, second, 1.5, 0.05)
    found = equivalence_power(*independent_standard_error((1.0, 2.0), (30, 20)), 1.5)
    assert found == approx(np.mean(tests.p_equivalence < 0.05), abs=0.02)


def test_power_by_a_double_integral():
    """The region of the mean and the estimated error that the test accepts, integrated on a grid."""
    error, degrees, margin, difference = 0.4, 7.0, 1.2, 0.2
    critical = stats.t.ppf(0.95, degrees)
    shares = (np.arange(4000) + 0.5) / 4000
    estimated = error * np.sqrt(stats.chi2.ppf(shares, degrees) / degrees)[:, None]
    means = difference + error * stats.norm.ppf(shares)[None, :]
    accepted = np.abs(means) + critical * estimated < margin
    assert equivalence_power(error, degrees, margin, difference=difference) == approx(
        accepted.mean(), abs=5e-4
    )


def test_many_degrees_of_freedom_are_the_normal_test():
    error, margin = 0.3, 1.0
    room = (margin - stats.norm.ppf(0.95) * error) / error
    assert equivalence_power(error, 1e7, margin) == approx(2 * stats.norm.cdf(room) - 1, abs=1e-6)


def test_at_the_margin_the_power_is_the_level():
    assert equivalence_power(0.05, 50, 1.0, difference=1.0) == approx(0.05, abs=1e-6)


def test_holm_tests_the_first_of_eight_at_an_eighth():
    assert equivalence_power(0.25, 60, 1.0, comparisons=8) == equivalence_power(0.25, 60, 1.0, alpha=0.05 / 8)


def test_smallest_margin_has_the_power():
    margin = smallest_margin_with_power(0.25, 60, power=0.9, comparisons=3)
    assert equivalence_power(0.25, 60, margin, comparisons=3) == approx(0.9)


@pytest.mark.parametrize(
    "wrong", [{"margin": 0.0}, {"standard_error": -1.0}, {"alpha": 0.6}, {"comparisons": 0}]
)
def test_arguments_out_of_range(wrong):
    given = {"standard_error": 1.0, "degrees_of_freedom": 5.0, "margin": 1.0} | wrong
    with pytest.raises(UsageError, match="needs a standard error"):
        equivalence_power(**given)
